// Package file keeps backups as files.
// It is loud: files.
//
// A file under its own name is always a whole backup: it is written beside it, as NAME.partial, made durable, read back and
// checked, and only then given its name, durably. What breaks off leaves nothing.
package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"onevoice/backup"
	"onevoice/internal/durable"
)

const bufferBytes = 256 << 10

// Save makes the file at path of what fill writes. A file that is there is never overwritten.
func Save(path string, fill func(io.Writer) error) (backup.Whole, error) {
	whole, err := save(path, fill)
	if err != nil {
		return whole, fmt.Errorf("backup %s: %w", path, err)
	}
	return whole, nil
}

// Vacant says whether a backup may be saved at path.
func Vacant(path string) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("backup %s: there is a file of that name, and a backup never overwrites one", path)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func save(path string, fill func(io.Writer) error) (backup.Whole, error) {
	if err := Vacant(path); err != nil {
		return backup.Whole{}, err
	}
	partial := path + durable.Partial
	if err := write(partial, fill); err != nil {
		return backup.Whole{}, errors.Join(err, remove(partial))
	}
	whole, err := Read(partial, backup.Visit{})
	if err != nil {
		return whole, errors.Join(err, remove(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return whole, err
	}
	return whole, durable.SyncDir(filepath.Dir(path))
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func write(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, bufferBytes)
	if err = fill(out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Read reads a whole file: see backup.Read.
func Read(path string, visit backup.Visit) (backup.Whole, error) {
	f, err := os.Open(path)
	if err != nil {
		return backup.Whole{}, fmt.Errorf("backup: %w", err)
	}
	defer f.Close()
	return backup.Read(bufio.NewReaderSize(f, bufferBytes), visit)
}
