package dropfs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Unsynced is one write to a file, or one change of a directory, that is not durable.
type Unsynced struct {
	ID   uint64 // in the order in which they were made
	Size int    // bytes of a write; 1 for a change of a name, 2 for a rename: the new name, then the end of the old one
	What string // for people
}

// Unsynced lists what is not durable, oldest first. It takes no lock: call it from Before, or while nobody else uses f.
func (f *FS) Unsynced() []Unsynced {
	var all []Unsynced
	seen := map[*node]bool{}
	var visit func(path string, n *node)
	visit = func(path string, n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, w := range n.writes {
			all = append(all, Unsynced{w.id, len(w.bytes), fmt.Sprintf("%d bytes at %d of %s", len(w.bytes), w.at, path)})
		}
		for _, c := range n.changes {
			all = append(all, Unsynced{c.id, c.size(), fmt.Sprintf("%s (was %q) in %s", c.name, c.was, path)})
			if c.node != nil {
				visit(path+"/"+c.name, c.node)
			}
		}
		for _, names := range []map[string]*node{n.children, n.durable} {
			for name, child := range names {
				visit(path+"/"+name, child)
			}
		}
	}
	visit("", f.tree)
	slices.SortFunc(all, func(a, b Unsynced) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (c change) size() int {
	if c.was != "" {
		return 2
	}
	return 1
}

// CutNow is Cut at any time, from any goroutine.
func (f *FS) CutNow(to vfs.FS, dir string, keep func(Unsynced) int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Cut(to, dir, keep)
}

// Cut writes to dir of another file system what would be found if the power went now and keep of each Unsynced had reached the
// disk: so much of its Size, from the front. It takes no lock: call it from Before, or while nobody else uses f.
func (f *FS) Cut(to vfs.FS, dir string, keep func(Unsynced) int) error {
	return f.cutDirectory(f.tree, to, dir, keep)
}

func (f *FS) cutDirectory(d *node, to vfs.FS, path string, keep func(Unsynced) int) error {
	if err := to.MkdirAll(path, 0o755); err != nil {
		return err
	}
	names := maps.Clone(d.durable)
	for _, c := range d.changes {
		kept := keep(Unsynced{ID: c.id, Size: c.size()})
		if kept > 0 && c.node != nil {
			names[c.name] = c.node
		}
		if kept > 0 && c.node == nil {
			delete(names, c.name)
		}
		if kept > 1 {
			delete(names, c.was)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n, at := names[name], to.PathJoin(path, name)
		var err error
		if n.directory {
			err = f.cutDirectory(n, to, at, keep)
		} else {
			err = f.cutFile(n, to, at, keep)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *FS) cutFile(n *node, to vfs.FS, path string, keep func(Unsynced) int) error {
	content, err := os.ReadFile(n.backing)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, w := range n.writes {
		kept := w.bytes[:min(len(w.bytes), keep(Unsynced{ID: w.id, Size: len(w.bytes)}))]
		if grow := int(w.at) + len(kept) - len(content); grow > 0 && len(kept) > 0 {
			content = append(content, make([]byte, grow)...)
		}
		if len(kept) > 0 {
			copy(content[w.at:], kept)
		}
	}
	out, err := to.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	return errors.Join(err, out.Close())
}
