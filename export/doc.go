// Package export turns entries of the airspace's log into files that analysis engines read, and proves that such files are complete,
// in order and bound to the chain hash.
// It is quiet: what keeps the files is given to it as a Place, time as an argument.
//
// A history is a directory, or a prefix of a store, that holds
//
//	position.json                      where the history ends: written last, at once, so that what goes on goes on there
//	manifests/FIRST-LAST.json          one for each segment: entries FIRST to LAST, the chain hash before and after, and its files
//	manifests/INDEX-base.json          one for each base: the whole state as of INDEX
//	entries/FIRST-LAST.parquet         one row an entry (and .jsonl.gz)
//	events/FIRST-LAST.parquet          one row an event (and .jsonl.gz)
//	state/INDEX-PART.parquet           one row a sector or flight of a base (and .jsonl.gz)
//
// with indices in twenty digits, so that names sort as the log does. A segment's files are whole before its manifest is there, and that
// before the position names it. What is not named, a stop has left behind: it is removed before the history goes on, so that
// every entry is in exactly one segment. Where a base is not the beginning, entries between the segment before it and its index are
// missing, and its manifest says so.
package export

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Format is the version of manifests, positions and of what the tables hold.
const Format = 1

// Place keeps files. Names have slashes. A file is whole or not there, and is durable when Put returns.
type Place interface {
	// Put writes a file, over another of its name.
	Put(name string, b []byte) error
	// Swap writes a file if what is there has the tag that was given for it, none for "no file"; the new tag is that of b. The error is
	// ErrTaken where something else is there.
	Swap(name string, b []byte, tag string) (newTag string, err error)
	// Get reads a file. The error is fs.ErrNotExist where there is none.
	Get(name string) (b []byte, tag string, err error)
	// List gives the names in a folder, as Put takes them, sorted.
	List(folder string) ([]string, error)
	// Remove removes a file.
	Remove(name string) error
}

// ErrTaken says that somebody else writes the same history.
var ErrTaken = errors.New("another exporter has written here meanwhile")

// The folders of a history.
const (
	manifests = "manifests"
	entries   = "entries"
	events    = "events"
	states    = "state"
)

func folders() []string { return []string{manifests, entries, events, states} }

// positionName is the file that says where a history ends.
const positionName = "position.json"

func rangeName(folder string, first, last uint64, ending string) string {
	return fmt.Sprintf("%s/%020d-%020d.%s", folder, first, last, ending)
}

func baseName(index uint64) string { return fmt.Sprintf("%s/%020d-base.json", manifests, index) }

func stateName(index uint64, part int, ending string) string {
	return fmt.Sprintf("%s/%020d-%06d.%s", states, index, part, ending)
}

// firstOf is the index that a name begins with; false for a file that is none of ours.
func firstOf(name string) (uint64, bool) {
	_, name, _ = strings.Cut(name, "/")
	digits, _, found := strings.Cut(name, "-")
	if !found || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// read is a file that may not be there.
func read(p Place, name string) (b []byte, tag string, err error) {
	b, tag, err = p.Get(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	return b, tag, err
}
