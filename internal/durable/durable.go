// Package durable writes files that a loss of power leaves whole, as they were or as they are to be.
// It is loud: files.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Partial is added to the name of a file while it is written. What a kill leaves under such a name is written over the next time.
const Partial = ".partial"

// Write gives a file its content at once, over another of its name: it is written beside it, made durable, and only then given its
// name, durably. One process at a time may write a file.
func Write(path string, content []byte, mode os.FileMode) error {
	half := path + Partial
	f, err := os.OpenFile(half, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
