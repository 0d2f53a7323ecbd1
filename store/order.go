package store

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/internal/mutant"
)

// orderedFS makes the names in a directory durable in the order that Pebble needs. Pebble makes a manifest, then a marker that
// names it, then removes the marker before, and syncs the directory once, at the end: on a disk that keeps names in another
// order a cut of the power leaves a marker of a manifest that is not there, or no marker at all.
type orderedFS struct{ vfs.FS }

const markerPrefix = "marker."

// Create makes durable what a marker names before the marker is there.
func (f orderedFS) Create(path string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.settle(path); err != nil {
		return nil, err
	}
	return f.FS.Create(path, category)
}

// Remove makes the next marker durable before the last one goes.
func (f orderedFS) Remove(path string) error {
	if err := f.settle(path); err != nil {
		return err
	}
	return f.FS.Remove(path)
}

func (f orderedFS) settle(path string) error {
	if !strings.HasPrefix(f.PathBase(path), markerPrefix) {
		return nil
	}
	return syncDir(f, f.PathDir(path))
}

// OpenDir opens a directory, to sync it.
func (f orderedFS) OpenDir(path string) (vfs.File, error) {
	d, err := f.FS.OpenDir(path)
	if err == nil && mutant.On(mutant.DirectoryNotSynced) {
		d = deaf{d}
	}
	return d, err
}

// deaf is a planted bug: a directory that is never synced.
type deaf struct{ vfs.File }

// Sync does nothing.
func (deaf) Sync() error { return nil }

// Unwrap gives the file system below.
func (f orderedFS) Unwrap() vfs.FS { return f.FS }

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
