package dropfs

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a vfs.FS over a real directory. One process uses a directory at a time. All methods are safe for concurrent use.
type FS struct {
	root string
	// Before, where set, is called before each change that this file system is asked for, with the lock held: for tests.
	Before func(op, path string)

	mu         sync.Mutex
	options    Options
	controlled time.Time
	rand       *rand.Rand
	tree       *node
	linked     map[uint64]*node // files found with several names, by inode; while loading
	files      uint64           // backing files made
	ids        uint64           // writes and changes made
	written    uint64
	lost       Lost
	noted      [32]byte
	counters   *os.File
}

var _ vfs.FS = (*FS)(nil)

// New takes root, which it makes where it is missing, as the power left it.
func New(root string, o Options) (*FS, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("dropfs: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(root, hidden)); err != nil {
		return nil, fmt.Errorf("dropfs: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(root, hidden), 0o755); err != nil {
		return nil, fmt.Errorf("dropfs: %w", err)
	}
	if o.Control == ControlInRoot {
		o.Control = filepath.Join(root, ControlFile)
	}
	name := fnv.New64a()
	_, _ = io.WriteString(name, filepath.Base(root)) // a hash takes everything
	f := &FS{root: root, options: o, rand: rand.New(rand.NewPCG(o.Seed, name.Sum64()))}
	if f.counters, err = os.Create(filepath.Join(root, hidden, counters)); err != nil {
		return nil, fmt.Errorf("dropfs: %w", err)
	}
	f.linked = map[uint64]*node{}
	if f.tree, err = f.load(root); err != nil {
		return nil, fmt.Errorf("dropfs: %w", err)
	}
	f.linked = nil
	f.note()
	return f, nil
}

// Lost is what would be lost if the power went now.
func (f *FS) Lost() Lost {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

func (f *FS) changing(op, path string) {
	if f.Before != nil {
		f.Before(op, path)
	}
}

func fail(op, path string, err error) error { return &os.PathError{Op: op, Path: path, Err: err} }

// split gives the names on the way from the root to path.
func (f *FS) split(path string) ([]string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	rest, below := strings.CutPrefix(full, f.root)
	if !below || rest != "" && rest[0] != filepath.Separator {
		return nil, fail("open", path, fmt.Errorf("not below %s", f.root))
	}
	return strings.FieldsFunc(rest, func(r rune) bool { return r == filepath.Separator }), nil
}

func (f *FS) find(op, path string) (*node, error) {
	names, err := f.split(path)
	if err != nil {
		return nil, err
	}
	n := f.tree
	for _, name := range names {
		if !n.directory {
			return nil, fail(op, path, syscall.ENOTDIR)
		}
		if n = n.children[name]; n == nil {
			return nil, fail(op, path, os.ErrNotExist)
		}
	}
	return n, nil
}

// parent finds the directory of path and the last name.
func (f *FS) parent(op, path string) (*node, string, error) {
	d, err := f.find(op, filepath.Dir(path))
	if err != nil {
		return nil, "", err
	}
	if !d.directory {
		return nil, "", fail(op, path, syscall.ENOTDIR)
	}
	return d, filepath.Base(path), nil
}

func (f *FS) handle(n *node, path string, writes bool) *file {
	n.refs++
	return &file{fs: f, node: n, name: path, writes: writes}
}

// Create implements vfs.FS: always a new file.
func (f *FS) Create(path string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changing("create", path)
	d, name, err := f.parent("create", path)
	if err != nil {
		return nil, err
	}
	if old := d.children[name]; old != nil && old.directory {
		return nil, fail("create", path, syscall.EISDIR)
	}
	n := f.newFile()
	n.loaded = true
	f.put(d, name, n, "")
	return f.handle(n, path, true), nil
}

// Link implements vfs.FS.
func (f *FS) Link(oldpath, newpath string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changing("link", newpath)
	n, err := f.find("link", oldpath)
	if err != nil {
		return err
	}
	d, name, err := f.parent("link", newpath)
	switch {
	case err != nil:
		return err
	case d.children[name] != nil:
		return fail("link", newpath, os.ErrExist)
	case n.directory:
		return fail("link", oldpath, syscall.EPERM)
	}
	f.put(d, name, n, "")
	return nil
}

// Open implements vfs.FS.
func (f *FS) Open(path string, options ...vfs.OpenOption) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find("open", path)
	if err != nil {
		return nil, err
	}
	x := f.handle(n, path, false)
	for _, o := range options {
		o.Apply(x)
	}
	return x, nil
}

// OpenReadWrite implements vfs.FS.
func (f *FS) OpenReadWrite(path string, _ vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, name, err := f.parent("open", path)
	if err != nil {
		return nil, err
	}
	n := d.children[name]
	if n == nil {
		f.changing("create", path)
		n = f.newFile()
		n.loaded = true
		f.put(d, name, n, "")
	}
	x := f.handle(n, path, true)
	for _, o := range options {
		o.Apply(x)
	}
	return x, nil
}

// OpenDir implements vfs.FS.
func (f *FS) OpenDir(path string) (vfs.File, error) { return f.Open(path) }

// Remove implements vfs.FS.
func (f *FS) Remove(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changing("remove", path)
	d, name, err := f.parent("remove", path)
	if err != nil {
		return err
	}
	switch n := d.children[name]; {
	case n == nil:
		return fail("remove", path, os.ErrNotExist)
	case len(n.children) > 0:
		return fail("remove", path, syscall.ENOTEMPTY)
	}
	f.put(d, name, nil, "")
	return nil
}

// RemoveAll implements vfs.FS.
func (f *FS) RemoveAll(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changing("remove", path)
	d, name, err := f.parent("remove", path)
	if err != nil || d.children[name] == nil {
		return nil //nolint:nilerr // nothing is there, as os.RemoveAll has it
	}
	f.put(d, name, nil, "")
	return nil
}

// Rename implements vfs.FS, for files and within one directory or between two.
func (f *FS) Rename(oldpath, newpath string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rename(oldpath, newpath)
}

func (f *FS) rename(oldpath, newpath string) error {
	f.changing("rename", newpath)
	from, was, err := f.parent("rename", oldpath)
	if err != nil {
		return err
	}
	to, name, err := f.parent("rename", newpath)
	if err != nil {
		return err
	}
	n := from.children[was]
	switch {
	case n == nil:
		return fail("rename", oldpath, os.ErrNotExist)
	case n.directory:
		return fail("rename", oldpath, syscall.EISDIR)
	case from == to && was == name:
	case from == to:
		f.put(to, name, n, was)
	default:
		f.put(to, name, n, "")
		f.put(from, was, nil, "")
	}
	return nil
}

// ReuseForWrite implements vfs.FS: the old content stays until it is written over.
func (f *FS) ReuseForWrite(oldpath, newpath string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.rename(oldpath, newpath); err != nil {
		return nil, err
	}
	n, err := f.find("open", newpath)
	if err != nil {
		return nil, err
	}
	return f.handle(n, newpath, true), nil
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(path string, _ os.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	names, err := f.split(path)
	if err != nil {
		return err
	}
	d := f.tree
	for _, name := range names {
		n := d.children[name]
		switch {
		case n == nil:
			f.changing("mkdir", path)
			n = &node{directory: true, children: map[string]*node{}, durable: map[string]*node{}}
			f.put(d, name, n, "")
		case !n.directory:
			return fail("mkdir", path, syscall.ENOTDIR)
		}
		d = n
	}
	return nil
}

// Lock implements vfs.FS, against other processes too: the file that carries the lock is durable at once where its directory is.
func (f *FS) Lock(path string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, name, err := f.parent("lock", path)
	if err != nil {
		return nil, err
	}
	place := filepath.Join(f.root, hidden, "lock-"+name)
	if d.real {
		place = filepath.Join(d.path, name)
	}
	lock, err := vfs.Default.Lock(place)
	if err == nil && d.children[name] == nil {
		n := f.newFile()
		n.loaded = true
		if d.real {
			err = os.Link(place, n.backing)
			f.point(d.durable, name, n)
		}
		f.put(d, name, n, "")
	}
	return lock, err
}

// List implements vfs.FS.
func (f *FS) List(path string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := f.find("list", path)
	if err != nil {
		return nil, err
	}
	if !d.directory {
		return nil, fail("list", path, syscall.ENOTDIR)
	}
	return slices.Sorted(maps.Keys(d.children)), nil
}

// Stat implements vfs.FS.
func (f *FS) Stat(path string) (vfs.FileInfo, error) {
	x, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	return x.Stat()
}

// PathBase implements vfs.FS.
func (f *FS) PathBase(path string) string { return filepath.Base(path) }

// PathJoin implements vfs.FS.
func (f *FS) PathJoin(elem ...string) string { return filepath.Join(elem...) }

// PathDir implements vfs.FS.
func (f *FS) PathDir(path string) string { return filepath.Dir(path) }

// GetDiskUsage is that of the real disk.
func (f *FS) GetDiskUsage(string) (vfs.DiskUsage, error) { return vfs.Default.GetDiskUsage(f.root) }

// Unwrap gives none: what is below is not what is seen.
func (f *FS) Unwrap() vfs.FS { return nil }
