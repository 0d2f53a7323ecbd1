package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sizes given to Pebble.
const (
	// memTableBytes is how much is written between two changes of the memtable. Each change lets a log file of that size be laid out on
	// the disk, which commits wait for, and a flush of that size, which takes a core.
	memTableBytes = 16 << 20
	// memTables is how many may wait for a flush before writes do, and tableLayers how many layers of flushed ones for a compaction: a slow
	// disk is seen late rather than as a stall.
	memTables   = 16
	tableLayers = 48
	// cacheBytes serves snapshot chunks to lagging peers; nothing else is read while serving.
	cacheBytes = 16 << 20
	// walBytesPerSync spreads the writing of large unsynced batches, so that the next sync finds little to do.
	walBytesPerSync = 512 << 10
)

// formatVersion has checksums in table footers and WAL sync chunks; proof covers what those miss. It is named, and not whatever is the
// newest of the library: a build with a newer library must leave a directory that the build before it can open.
const formatVersion = pebble.FormatValueSeparation

// options are Pebble's settings for a store in fs that must exist.
func options(fs vfs.FS, s *Store) *pebble.Options {
	o := &pebble.Options{
		FS:                          orderedFS{fs},
		FormatMajorVersion:          formatVersion,
		ErrorIfNotExists:            true,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: memTables,
		L0StopWritesThreshold:       tableLayers,
		CacheSize:                   cacheBytes,
		WALBytesPerSync:             walBytesPerSync,
		Logger:                      quietLogger{s},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { s.fail("background work", err) },
			DataCorruption:  func(i pebble.DataCorruptionInfo) { s.fail("read "+i.Path, corrupt{i.Details}) },
		},
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	return o
}

// quietLogger drops what Pebble says in the normal course of things. Fatalf means that the disk failed: Pebble expects the
// process to end there, and it will, by the owner of the store, who is told by Failed.
type quietLogger struct{ s *Store }

func (quietLogger) Infof(string, ...any)  {}
func (quietLogger) Errorf(string, ...any) {}

func (l quietLogger) Fatalf(format string, args ...any) {
	e := &fatal{text: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		if cause, ok := arg.(error); ok {
			e.cause, e.text = cause, withCure(cause).Error()
		}
	}
	l.s.fail("the disk", e)
}

// fatal is what Pebble said last, with its cause where it named one.
type fatal struct {
	text  string
	cause error
}

func (f *fatal) Error() string { return f.text }
func (f *fatal) Unwrap() error { return f.cause }
