package store

import (
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Offline is the store of a stopped server, open for reading only. Nothing is written to it: no start is counted, so that the
// server, if it is started again, knows nothing of it.
type Offline struct{ s *Store }

// OpenOffline opens a stopped server's store with all the checks of Open. It refuses one that a process serves from.
func OpenOffline(dir string) (*Offline, error) { return OpenOfflineFS(vfs.Default, dir) }

// OpenOfflineFS is OpenOffline on another file system, for tests.
func OpenOfflineFS(fs vfs.FS, dir string) (*Offline, error) {
	s, claim, err := examine(fs, dir)
	if err != nil {
		return nil, err
	}
	o := options(fs, s)
	o.ReadOnly = true
	if s.db, err = pebble.Open(dir, o); err != nil {
		return nil, fmt.Errorf("store: open %s to read: %w: stop the server that serves from it; if there is none, the disk is damaged", dir, err)
	}
	if s.id, err = s.readIdentity(); err == nil {
		err = s.checkProof(claim)
	}
	if err != nil {
		s.db.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return &Offline{s}, nil
}

// Identity is who the store is; Boot is the number of its last start.
func (o *Offline) Identity() Identity { return o.s.Identity() }

// Scan is Store.Scan; ask Err afterwards.
func (o *Offline) Scan(prefix []byte) iter.Seq2[[]byte, []byte] { return o.s.Scan(prefix) }

// Err is the first failure of the disk, or nil.
func (o *Offline) Err() error { return o.s.Err() }

// Close closes the files.
func (o *Offline) Close() error { return o.s.db.Close() }
