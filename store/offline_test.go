package store

import (
	"bytes"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/step"
	"onevoice/wire"
)

func all(scan func(func(k, v []byte) bool)) map[string]string {
	found := map[string]string{}
	for k, v := range scan {
		found[string(k)] = string(v)
	}
	return found
}

// TestOfflineReadsAndWritesNothing reads what a killed server left: all that was durable is there, and the directory is as before.
func TestOfflineReadsAndWritesNothing(t *testing.T) {
	fs := vfs.NewCrashableMem()
	id := Identity{Cluster: wire.ID{1}, Store: wire.ID{2}, Server: 3}
	if err := CreateFS(fs, "dir", id, []step.Op{{Kind: step.Set, Key: []byte("\x00\x00\x00\x01a"), Value: []byte("first")}}); err != nil {
		t.Fatal(err)
	}
	s, err := OpenFS(fs, "dir")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	s.Write(step.Write{Ops: []step.Op{{Kind: step.Set, Key: []byte("\x00\x00\x00\x01b"), Value: []byte("later")}}, Sync: true}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	killed := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, killed)
	for range 2 {
		o, err := OpenOfflineFS(killed, "dir")
		if err != nil {
			t.Fatal(err)
		}
		got := all(o.Scan([]byte("\x00\x00\x00\x01")))
		if want := map[string]string{"\x00\x00\x00\x01a": "first", "\x00\x00\x00\x01b": "later"}; !maps.Equal(got, want) {
			t.Errorf("holds %v", got)
		}
		if i := o.Identity(); i.Server != 3 || i.Boot != 1 || i.Cluster != id.Cluster {
			t.Errorf("identity %+v", i)
		}
		if o.Err() != nil || o.Close() != nil {
			t.Error("it failed")
		}
	}
	if after := contents(t, killed); !maps.Equal(before, after) {
		t.Error("something was written")
	}
	if _, err := OpenOfflineFS(vfs.NewMem(), "dir"); err == nil {
		t.Error("an empty directory was opened")
	}
}

// contents are the files of the directory, but for the lock.
func contents(t *testing.T, fs vfs.FS) map[string]string {
	t.Helper()
	names, err := fs.List("dir")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range names {
		if name == "LOCK" {
			continue
		}
		b, err := readFile(fs, fs.PathJoin("dir", name))
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(bytes.Clone(b))
	}
	return found
}
