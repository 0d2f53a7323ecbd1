package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/step"
	"onevoice/store"
)

// lived is a store with two tables, a manifest of several changes, and a log whose last batch nothing follows.
func lived(t *testing.T) (vfs.FS, content) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	create(t, mem, dir, first(t, tested)...)
	for life := range 3 {
		s := open(t, mem, dir)
		for i := range 12 {
			op := setOp(fmt.Sprint(life, "-", i))
			op.Value = bytes.Repeat([]byte{byte(i)}, 100+i*300)
			if err := write(s, op); err != nil {
				t.Fatal(err)
			}
		}
		if life < 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	fs := mem.CrashClone(vfs.CrashCloneCfg{})
	s := open(t, fs.CrashClone(vfs.CrashCloneCfg{}), dir)
	return fs, contentOf(t, s)
}

func contentOf(t *testing.T, s *store.Store) content {
	t.Helper()
	have := content{}
	for key, value := range s.Scan(nil) {
		if !bytes.HasPrefix(key, []byte(store.LocalPrefix)) {
			have[string(key)] = value
		}
	}
	return have
}

// TestOneBitAnywhereIsNoticed turns one bit of every file of a store, at every place of the log, the manifest and the rest that is
// small, and at many of the tables: it does not open, saying which file and what to do, or says so when that is read, or
// holds all that it held.
func TestOneBitAnywhereIsNoticed(t *testing.T) {
	fs, want := lived(t)
	r := rand.New(rand.NewPCG(1, 1))
	names, newest := files(t, fs)
	for _, name := range names {
		bytesOf := contentOfFile(t, fs, fs.PathJoin(dir, name))
		used := len(bytes.TrimRight(bytesOf, "\x00"))
		stride := max(1, used/map[bool]int{true: 40, false: 120}[strings.HasSuffix(name, ".sst") || strings.HasPrefix(name, "OPTIONS")])
		refused, late, whole := 0, 0, 0
		for at := r.IntN(stride); at < used; at += stride {
			clone := fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
			flip(t, clone, clone.PathJoin(dir, name), at, r.IntN(8))
			s, err := store.OpenFS(clone, dir)
			if err == nil {
				have := contentOf(t, s)
				if err = errors.Join(s.Err(), s.Close()); err == nil {
					whole++
					if !maps.EqualFunc(have, want, bytes.Equal) {
						t.Errorf("%s, byte %d of %d: opens with %d of %d keys", name, at, used, len(have), len(want))
					}
					continue
				}
				late++
			} else {
				refused++
			}
			if !strings.Contains(err.Error(), "members replace") || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s, byte %d: %v: does not say what to do", name, at, err)
			}
		}
		t.Logf("%-40s %5d bytes: %3d refused, %3d noticed when read, %3d whole", name, used, refused, late, whole)
		if name == newest && whole > 0 { // the older ones are not read any more
			t.Errorf("%s: opens %d times with a wrong bit", name, whole)
		}
	}
}

// files lists a store's files, and its newest log.
func files(t *testing.T, fs vfs.FS) (names []string, newest string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			newest = max(newest, name)
		}
	}
	return names, newest
}

func contentOfFile(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

func flip(t *testing.T, fs vfs.FS, path string, at, bit int) {
	t.Helper()
	all := contentOfFile(t, fs, path)
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{all[at] ^ 1<<bit}, int64(at))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestALostSectorBeforeTheEndIsNoticed zeroes whole sectors of what was synced: in the log before its last batch, and in the manifest
// before its last change.
func TestALostSectorBeforeTheEndIsNoticed(t *testing.T) {
	fs, want := lived(t)
	_, newest := files(t, fs)
	all := contentOfFile(t, fs, fs.PathJoin(dir, newest))
	const lastBatch = 4 << 10
	for at := 0; at+512 < len(bytes.TrimRight(all, "\x00"))-lastBatch; at += 512 {
		clone := fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
		f, err := clone.OpenReadWrite(clone.PathJoin(dir, newest), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(make([]byte, 512), int64(at))
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if s, err := store.OpenFS(clone, dir); err == nil {
			t.Errorf("sector at %d: opens with %d of %d keys", at, len(contentOf(t, s)), len(want))
		} else if !strings.Contains(err.Error(), "members replace") {
			t.Errorf("sector at %d: %v", at, err)
		}
	}
}

// TestAStoreClosedInPeaceSealsItsLastBatch wipes the last batch of a store that was closed: the seal after it tells.
func TestAStoreClosedInPeaceSealsItsLastBatch(t *testing.T) {
	mem := vfs.NewCrashableMem()
	create(t, mem, dir)
	s := open(t, mem, dir)
	op := setOp("last")
	op.Value = bytes.Repeat([]byte("last"), 1000)
	if err := errors.Join(put(s, "a"), write(s, op), s.Close()); err != nil {
		t.Fatal(err)
	}
	names, err := mem.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := mem.PathJoin(dir, name)
		if at := bytes.Index(contentOfFile(t, mem, path), []byte("lastlast")); at >= 0 {
			for i := range 64 {
				flip(t, mem, path, at+i, i%8)
			}
		}
	}
	if _, err := store.OpenFS(mem, dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("opens with %v", err)
	}
}

// TestAnUnreadableTableFailsTheStore reads what cannot be read any more: the store fails, and says where and what to do.
func TestAnUnreadableTableFailsTheStore(t *testing.T) {
	fs, _ := lived(t)
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		clone := fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
		flip(t, clone, clone.PathJoin(dir, name), 40, 3)
		s, err := store.OpenFS(clone, dir)
		if err != nil {
			continue
		}
		got := make(chan error, 1)
		for key := range map[string]bool{"k/0-0": true, "k/0-1": true, "k/1-0": true} {
			s.Read(step.Read{Key: []byte(key)}, func(_ []byte, err error) { got <- err })
			if err := <-got; err != nil {
				<-s.Failed()
				if !strings.Contains(err.Error(), "members replace") || !strings.Contains(err.Error(), "sst") {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
		}
		_ = s.Close() // failed or not
	}
}
