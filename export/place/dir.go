package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"onevoice/export"
	"onevoice/internal/durable"
)

// dir keeps a history in a directory. A file that is being written is there under another name, which no history has, and which no engine
// reads by its ending.
type dir struct {
	root string
	lock *os.File // held while it is open
}

func openDir(root string, write bool) (export.Place, error) {
	if !write {
		info, err := os.Stat(root)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no directory", root)
		}
		return &dir{root: root}, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(root, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: another exporter writes there: %w", root, err)
	}
	return &dir{root: root, lock: lock}, nil
}

func (d *dir) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// Put implements export.Place.
func (d *dir) Put(name string, b []byte) error {
	path := d.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return durable.Write(path, b, 0o644)
}

// Swap implements export.Place. The lock keeps others of this machine away; what another machine has written is found by its sum.
func (d *dir) Swap(name string, b []byte, tag string) (string, error) {
	_, now, err := d.Get(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if now != tag {
		return "", export.ErrTaken
	}
	return tagOf(b), d.Put(name, b)
}

// Get implements export.Place.
func (d *dir) Get(name string) ([]byte, string, error) {
	b, err := os.ReadFile(d.path(name))
	if err != nil {
		return nil, "", err
	}
	return b, tagOf(b), nil
}

// List implements export.Place.
func (d *dir) List(folder string) ([]string, error) {
	list, err := os.ReadDir(d.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), durable.Partial) {
			names = append(names, folder+"/"+e.Name())
		}
	}
	return names, err
}

// Remove implements export.Place.
func (d *dir) Remove(name string) error { return os.Remove(d.path(name)) }
