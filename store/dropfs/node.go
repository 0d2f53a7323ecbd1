package dropfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// node is a file or a directory, whatever its names.
type node struct {
	directory bool
	refs      int // names in directories, now and durably, and open files

	// Of a file.
	backing string // a real file that holds what is durable of it
	data    []byte // what is written; valid where loaded
	loaded  bool
	writes  []write // not synced, in order

	// Of a directory.
	path     string // in the real file system, where it is durable
	real     bool   // it is there
	children map[string]*node
	durable  map[string]*node
	changes  []change // not synced, in order
}

// write is an unsynced write to a file.
type write struct {
	id    uint64
	at    int64
	bytes []byte
}

// change is an unsynced change of a directory: name becomes node, or goes where node is nil; was goes with it, where a file is
// renamed.
type change struct {
	id   uint64
	name string
	node *node
	was  string
}

// load takes the tree at path, as it is in the real file system.
func (f *FS) load(path string) (*node, error) {
	d := &node{directory: true, path: path, real: true, children: map[string]*node{}, durable: map[string]*node{}}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if path == f.root && e.Name() == hidden {
			continue
		}
		var n *node
		if e.IsDir() {
			n, err = f.load(filepath.Join(path, e.Name()))
		} else {
			n, err = f.loadFile(filepath.Join(path, e.Name()))
		}
		if err != nil {
			return nil, err
		}
		d.children[e.Name()], d.durable[e.Name()] = n, n
		n.refs += 2
	}
	return d, nil
}

// loadFile finds one node for all names of a file.
func (f *FS) loadFile(path string) (*node, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	inode := uint64(0)
	if sys, ok := info.Sys().(*syscall.Stat_t); ok && sys.Nlink > 1 {
		inode = sys.Ino
	}
	if n := f.linked[inode]; n != nil {
		return n, nil
	}
	n := f.newFile()
	if inode != 0 {
		f.linked[inode] = n
	}
	return n, os.Link(path, n.backing)
}

func (f *FS) newFile() *node {
	f.files++
	return &node{backing: filepath.Join(f.root, hidden, fmt.Sprint(f.files))}
}

// release gives up one reference, and the durable content with the last.
func (f *FS) release(n *node) {
	if n.refs--; n.refs > 0 || n.directory {
		return
	}
	f.forget(n)
	n.data = nil
	_ = os.Remove(n.backing) // it may never have been made
}

// forget drops the unsynced writes of a file.
func (f *FS) forget(n *node) {
	for _, w := range n.writes {
		f.lost.Bytes -= uint64(len(w.bytes))
	}
	n.writes = nil
}

func (n *node) content() ([]byte, error) {
	if !n.loaded {
		data, err := os.ReadFile(n.backing)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		n.data, n.loaded = data, true
	}
	return n.data, nil
}

// put makes name mean n in directory d, or nothing where n is nil, until d is synced in memory only.
func (f *FS) put(d *node, name string, n *node, was string) {
	f.point(d.children, name, n)
	if was != "" {
		f.point(d.children, was, nil)
	}
	f.ids++
	d.changes = append(d.changes, change{f.ids, name, n, was})
	if n != nil {
		n.refs++ // of the change
	}
	f.lost.Changes++
	f.earlyChange(d)
	f.note()
}

// point sets or removes a name in one of a directory's maps.
func (f *FS) point(names map[string]*node, name string, n *node) {
	old := names[name]
	if n != nil {
		n.refs++
		names[name] = n
	} else {
		delete(names, name)
	}
	if old != nil {
		f.release(old)
	}
}

// syncDirectory makes the first n changes of a directory durable.
func (f *FS) syncDirectory(d *node, n int) error {
	for _, c := range d.changes[:n] {
		if err := f.harden(d, c, true); err != nil {
			return err
		}
		f.dropChange(c)
	}
	d.changes = slices.Delete(d.changes, 0, n)
	return nil
}

func (f *FS) dropChange(c change) {
	f.lost.Changes--
	if c.node != nil {
		f.release(c.node)
	}
}

// harden makes a change durable; without also a renamed file keeps its old name beside the new one.
func (f *FS) harden(d *node, c change, also bool) error {
	if err := f.hardenName(d, c.name, c.node); err != nil || c.was == "" || !also {
		return err
	}
	return f.hardenName(d, c.was, nil)
}

func (f *FS) hardenName(d *node, name string, n *node) error {
	old := d.durable[name]
	if old == n {
		return nil
	}
	f.point(d.durable, name, n)
	if !d.real {
		return nil
	}
	if n == nil {
		return os.RemoveAll(filepath.Join(d.path, name))
	}
	return f.materialize(n, filepath.Join(d.path, name))
}

// materialize gives a node its name in the real file system.
func (f *FS) materialize(n *node, path string) error {
	if !n.directory {
		return f.linkFile(n, path)
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	n.path, n.real = path, true
	for name, child := range n.durable {
		if err := f.materialize(child, filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// linkFile replaces what has the name at once, as a rename does.
func (f *FS) linkFile(n *node, path string) error {
	backing, err := os.OpenFile(n.backing, os.O_CREATE|os.O_WRONLY, 0o644) // nothing of it may have been synced yet
	if err != nil {
		return err
	}
	if err := backing.Close(); err != nil {
		return err
	}
	next := filepath.Join(f.root, hidden, "next")
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Link(n.backing, next); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// syncFile makes the first n unsynced writes of a file durable.
func (f *FS) syncFile(n *node, count int) error {
	if count == 0 {
		return nil
	}
	backing, err := os.OpenFile(n.backing, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, w := range n.writes[:count] {
		if _, err = backing.WriteAt(w.bytes, w.at); err != nil {
			break
		}
		f.lost.Bytes -= uint64(len(w.bytes))
	}
	n.writes = slices.Delete(n.writes, 0, count)
	return errors.Join(err, backing.Close())
}
