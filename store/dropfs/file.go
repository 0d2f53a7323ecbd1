package dropfs

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is an open file or directory.
type file struct {
	fs     *FS
	node   *node
	name   string
	at     int64
	writes bool
}

var _ vfs.File = (*file)(nil)

func (x *file) fail(op string, err error) error { return &os.PathError{Op: op, Path: x.name, Err: err} }

// Close keeps what is unsynced in memory: only a sync makes it durable.
func (x *file) Close() error {
	x.fs.mu.Lock()
	defer x.fs.mu.Unlock()
	if x.node == nil {
		return x.fail("close", os.ErrClosed)
	}
	x.fs.release(x.node)
	x.node = nil
	return nil
}

// Read implements io.Reader.
func (x *file) Read(p []byte) (int, error) {
	n, err := x.ReadAt(p, x.at)
	x.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt reads what was written, synced or not.
func (x *file) ReadAt(p []byte, at int64) (int, error) {
	x.fs.mu.Lock()
	defer x.fs.mu.Unlock()
	x.fs.control()
	if part := x.fs.options.FailRead; part != "" && strings.Contains(x.name, part) {
		return 0, x.fail("read", syscall.EIO)
	}
	if x.node.directory {
		return 0, x.fail("read", syscall.EISDIR)
	}
	data, err := x.node.content()
	if err != nil {
		return 0, err
	}
	if at >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(p, data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write implements io.Writer.
func (x *file) Write(p []byte) (int, error) {
	n, err := x.WriteAt(p, x.at)
	x.at += int64(n)
	return n, err
}

// WriteAt implements io.WriterAt.
func (x *file) WriteAt(p []byte, at int64) (int, error) {
	f := x.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	if !x.writes {
		return 0, x.fail("write", syscall.EBADF)
	}
	f.control()
	f.changing("write", x.name)
	if !f.room(len(p)) {
		return 0, x.fail("write", syscall.ENOSPC)
	}
	n := x.node
	if _, err := n.content(); err != nil || len(p) == 0 {
		return 0, err
	}
	if grow := int(at) + len(p) - len(n.data); grow > 0 {
		n.data = slices.Grow(n.data, grow)[:len(n.data)+grow]
	}
	copy(n.data[at:], p)
	f.ids++
	n.writes = append(n.writes, write{f.ids, at, slices.Clone(p)})
	f.lost.Bytes += uint64(len(p))
	err := f.earlyWrite(n)
	f.note()
	return len(p), err
}

// Sync makes durable what was written or changed before it, at its end.
func (x *file) Sync() error {
	f := x.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	f.control()
	f.changing("sync", x.name)
	n := x.node
	count := len(n.writes)
	if n.directory {
		count = len(n.changes)
	}
	fails, latency := f.syncFails(), f.options.Latency
	if latency > 0 {
		f.mu.Unlock()
		time.Sleep(latency)
		f.mu.Lock()
	}
	defer f.note()
	switch {
	case fails:
		f.abandon(n)
		return x.fail("sync", syscall.EIO)
	case n.directory:
		return f.syncDirectory(n, min(count, len(n.changes)))
	}
	return f.syncFile(n, min(count, len(n.writes)))
}

// abandon is what a failed sync leaves: what was to be made durable never will be.
func (f *FS) abandon(n *node) {
	if n.directory {
		for _, c := range n.changes {
			f.dropChange(c)
		}
		n.changes = nil
		return
	}
	f.forget(n)
}

// SyncData is Sync.
func (x *file) SyncData() error { return x.Sync() }

// SyncTo promises nothing, and does little.
func (x *file) SyncTo(int64) (fullSync bool, err error) {
	x.fs.mu.Lock()
	defer x.fs.mu.Unlock()
	return false, x.fs.earlyWrite(x.node)
}

// Preallocate does nothing.
func (x *file) Preallocate(int64, int64) error { return nil }

// Prefetch does nothing.
func (x *file) Prefetch(int64, int64) error { return nil }

// Fd gives none.
func (x *file) Fd() uintptr { return vfs.InvalidFd }

// Stat implements vfs.File.
func (x *file) Stat() (vfs.FileInfo, error) {
	x.fs.mu.Lock()
	defer x.fs.mu.Unlock()
	i := info{name: x.fs.PathBase(x.name), directory: x.node.directory}
	if !i.directory {
		data, err := x.node.content()
		if err != nil {
			return nil, err
		}
		i.size = int64(len(data))
	}
	return i, nil
}

// info is the little that is known of a file.
type info struct {
	name      string
	size      int64
	directory bool
}

// Name implements os.FileInfo.
func (i info) Name() string { return i.name }

// Size implements os.FileInfo.
func (i info) Size() int64 { return i.size }

// Mode implements os.FileInfo.
func (i info) Mode() os.FileMode {
	if i.directory {
		return os.ModeDir | 0o755
	}
	return 0o644
}

// ModTime is not kept.
func (i info) ModTime() time.Time { return time.Time{} }

// IsDir implements os.FileInfo.
func (i info) IsDir() bool { return i.directory }

// Sys gives nothing.
func (i info) Sys() any { return nil }

// DeviceID implements vfs.FileInfo.
func (i info) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
