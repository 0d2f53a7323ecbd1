package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"onevoice/step"
	"onevoice/store"
	"onevoice/store/storetest"
	"onevoice/wire"
)

const dir = "data"

var identity = store.Identity{Cluster: wire.ID{1}, Store: wire.ID{2}, Server: 3}

func create(t testing.TB, fs vfs.FS, dir string, first ...step.Op) {
	t.Helper()
	if err := store.CreateFS(fs, dir, identity, first); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, fs vfs.FS, dir string) *store.Store {
	t.Helper()
	s, err := store.OpenFS(fs, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && s.Err() == nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// disk gives the suite a store in a memory file system that can lose its power.
type disk struct {
	t  *testing.T
	fs *vfs.MemFS
	*store.Store
	r       *rand.Rand
	pending sync.WaitGroup
	mu      sync.Mutex
	reports []func()
}

func newDisk(t *testing.T, fs *vfs.MemFS, r *rand.Rand) *disk {
	return &disk{t: t, fs: fs, Store: open(t, fs, dir), r: r}
}

func (d *disk) report(f func()) {
	d.mu.Lock()
	d.reports = append(d.reports, f)
	d.mu.Unlock()
	d.pending.Done()
}

func (d *disk) Write(w step.Write, done func(error)) {
	d.pending.Add(1)
	d.Store.Write(w, func(err error) { d.report(func() { done(err) }) })
}

func (d *disk) Read(r step.Read, done func([]byte, error)) {
	d.pending.Add(1)
	d.Store.Read(r, func(value []byte, err error) { d.report(func() { done(value, err) }) })
}

func (d *disk) Save(s step.Save, done func(error)) {
	d.pending.Add(1)
	d.Store.Save(s, func(err error) { d.report(func() { done(err) }) })
}

// Scan leaves out the store's own records.
func (d *disk) Scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for key, value := range d.Store.Scan(prefix) {
			if !bytes.HasPrefix(key, []byte(store.LocalPrefix)) && !yield(key, value) {
				return
			}
		}
	}
}

func (d *disk) Settle() {
	d.pending.Wait()
	d.mu.Lock()
	reports := d.reports
	d.reports = nil
	d.mu.Unlock()
	for _, f := range reports {
		f()
	}
}

func (d *disk) Crash() storetest.Disk {
	survive := []int{0, 30, 100}[d.r.IntN(3)]
	fs := d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: survive, RNG: d.r})
	d.Settle()
	return newDisk(d.t, fs, d.r)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Disk {
		fs := vfs.NewCrashableMem()
		create(t, fs, dir)
		return newDisk(t, fs, rand.New(rand.NewPCG(7, uint64(len(t.Name())))))
	})
}

func TestBootIsCountedDurably(t *testing.T) {
	fs := vfs.NewCrashableMem()
	create(t, fs, dir, step.Op{Kind: step.Set, Key: []byte("k"), Value: []byte("v")})
	var starts []uint64
	for boot := uint64(1); boot <= wire.MaxStarts+3; boot++ {
		fs = fs.CrashClone(vfs.CrashCloneCfg{})
		s := open(t, fs, dir)
		got := s.Identity()
		if len(got.Starts) == 0 || !slices.Equal(got.Starts[1:], starts[:min(len(starts), wire.MaxStarts-1)]) || slices.Contains(starts, got.Starts[0]) {
			t.Fatalf("start %d says %d, the one before said %d", boot, got.Starts, starts)
		}
		starts = got.Starts
		want := identity
		want.Format, want.Boot, want.Starts = store.Format, boot, starts
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("identity is %+v, want %+v", got, want)
		}
		for _, v := range s.Scan([]byte("k")) {
			if string(v) != "v" {
				t.Fatalf("first content is %q", v)
			}
		}
	}
}

// TestACrashWhileCreatingLeavesNothingThatOpens cuts the power after each of the file operations of Create.
func TestACrashWhileCreatingLeavesNothingThatOpens(t *testing.T) {
	first := step.Op{Kind: step.Set, Key: []byte("k"), Value: []byte("v")}
	opened, refused := 0, 0
	for n := int32(0); ; n++ {
		mem := vfs.NewCrashableMem()
		var clone *vfs.MemFS
		var count atomic.Int32
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && count.Add(1) == n+1 {
				clone = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, uint64(n)))})
			}
			return nil
		}))
		create(t, fs, dir, first)
		if clone == nil {
			break
		}
		s, err := store.OpenFS(clone, dir)
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--init-from") {
				t.Fatalf("crash at operation %d: %v: does not say where and what to do", n, err)
			}
			continue
		}
		opened++
		if s.Identity().Store != identity.Store || s.Identity().Boot != 1 {
			t.Fatalf("crash at operation %d: opens as %+v", n, s.Identity())
		}
		found := false
		for range s.Scan([]byte("k")) {
			found = true
		}
		if !found {
			t.Fatalf("crash at operation %d: opens without its first content", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if refused < 5 || opened < 1 {
		t.Fatalf("%d crashes were refused, %d opened: the test cut at the wrong moments", refused, opened)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	for _, name := range []string{"empty", "foreign"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(at("foreign/notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, vfs.Default, at("good"))
	create(t, vfs.Default, at("condemned"))
	s, err := store.Open(at("condemned"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Condemn("server 2 saw a later start of it"), s.Close()); err != nil {
		t.Fatal(err)
	}
	held := open(t, vfs.Default, at("good"))
	for _, c := range []struct {
		what string
		err  error
		says string
	}{
		{"open missing", second(store.Open(at("missing"))), "an empty directory is never a new server: run onevoice serve --init-from FILE"},
		{"open empty", second(store.Open(at("empty"))), "run onevoice serve --init-from FILE"},
		{"open foreign", second(store.Open(at("foreign"))), "name another directory"},
		{"open condemned", second(store.Open(at("condemned"))), "server 2 saw a later start of it"},
		{"open held", second(store.Open(held.Dir())), "another process"},
		{"create foreign", store.Create(at("foreign"), identity, nil), "not empty"},
		{"create again", store.Create(at("good"), identity, nil), "already there"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.says) || !strings.Contains(c.err.Error(), base) {
			t.Errorf("%s: %v: want the directory and %q", c.what, c.err, c.says)
		}
	}
	if names, _ := os.ReadDir(at("foreign")); len(names) != 1 {
		t.Errorf("a refusal left files: %v", names)
	}
}

func second(_ *store.Store, err error) error { return err }

// TestAFailureIsFinalAndToldToAll makes the log's next sync or write fail and then heals the disk: nothing may succeed
// after a failure, because nobody knows what the disk holds.
func TestAFailureIsFinalAndToldToAll(t *testing.T) {
	for _, c := range []struct {
		name string
		hit  func(errorfs.Op) bool
		err  error
	}{
		{"sync", func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
		}, syscall.EIO},
		{"disk full", func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileWrite }, syscall.ENOSPC},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			create(t, mem, dir)
			var broken atomic.Bool
			s := open(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if broken.Load() && strings.HasSuffix(op.Path, ".log") && c.hit(op) {
					return c.err
				}
				return nil
			})), dir)
			if err := put(s, "a"); err != nil {
				t.Fatal(err)
			}
			broken.Store(true)
			results := make(chan error, 20)
			for i := range cap(results) {
				s.Write(step.Write{Ops: []step.Op{setOp(fmt.Sprint("b", i))}, Sync: true}, func(err error) { results <- err })
			}
			for range cap(results) {
				if err := <-results; !errors.Is(err, c.err) {
					t.Fatalf("a waiter got %v, want %v", err, c.err)
				}
			}
			<-s.Failed()
			broken.Store(false)
			if err := put(s, "c"); !errors.Is(err, c.err) {
				t.Fatalf("a write after the failure got %v", err)
			}
			s.Save(step.Save{Prefix: []byte("s"), Chunks: func(func([]byte) bool) {}}, func(err error) { results <- err })
			s.Read(step.Read{Key: []byte("a")}, func(_ []byte, err error) { results <- err })
			for range 2 {
				if err := <-results; !errors.Is(err, c.err) {
					t.Fatalf("a save or read after the failure got %v", err)
				}
			}
			if err := s.Close(); !errors.Is(err, c.err) {
				t.Fatalf("close after the failure: %v", err)
			}
			again := open(t, mem.CrashClone(vfs.CrashCloneCfg{}), dir)
			if keys := keysOf(again); keys != "a" {
				t.Fatalf("after the failure and a restart there are %q", keys)
			}
		})
	}
}

func setOp(key string) step.Op {
	return step.Op{Kind: step.Set, Key: []byte("k/" + key), Value: []byte("v")}
}

func put(s *store.Store, key string) error { return write(s, setOp(key)) }

func write(s *store.Store, ops ...step.Op) error {
	done := make(chan error, 1)
	s.Write(step.Write{Ops: ops, Sync: true}, func(err error) { done <- err })
	return <-done
}

func keysOf(s *store.Store) string {
	var keys []string
	for key := range s.Scan([]byte("k/")) {
		keys = append(keys, strings.TrimPrefix(string(key), "k/"))
	}
	return strings.Join(keys, " ")
}

// TestAFlippedBitIsNotACleanEnd flips one bit in what was synced to the log: the store must not open as if what came
// after had never been written. Sizes reach over the blocks of the log file, where Pebble by itself sees some of it only.
func TestAFlippedBitIsNotACleanEnd(t *testing.T) {
	for _, c := range []struct{ size, entries, back int }{
		{100, 50, 3000}, {100, 50, 1500}, {100, 50, 500}, {100, 1500, 40 << 10}, {9000, 40, 20 << 10}, {40000, 12, 130 << 10},
	} {
		mem := vfs.NewCrashableMem()
		create(t, mem, dir)
		s := open(t, mem, dir)
		for i := range c.entries {
			op := setOp(fmt.Sprint(i))
			op.Value = bytes.Repeat([]byte{byte(i)}, c.size)
			if err := write(s, op); err != nil {
				t.Fatal(err)
			}
		}
		fs := mem.CrashClone(vfs.CrashCloneCfg{})
		flipNewestLog(t, fs, c.back)
		if s, err := store.OpenFS(fs, dir); err == nil {
			t.Errorf("%+v: opens with %d entries", c, len(strings.Fields(keysOf(s))))
		} else if !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "replace") {
			t.Errorf("%+v: %v: does not say what to do", c, err)
		}
	}
}

func flipNewestLog(t *testing.T, fs vfs.FS, back int) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	newest := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".log") && name > newest {
			newest = name
		}
	}
	path := fs.PathJoin(dir, newest)
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, info.Size())
	if _, err := f.ReadAt(content, 0); err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(content, "\x00"))
	at := end - back
	if at < 0 {
		t.Fatalf("the log holds %d bytes only", end)
	}
	if _, err := f.WriteAt([]byte{content[at] ^ 0x10}, int64(at)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestCloseFinishesWhatIsQueued(t *testing.T) {
	fs := vfs.NewCrashableMem()
	create(t, fs, dir)
	s := open(t, fs, dir)
	var reported atomic.Int32
	for i := range 300 {
		s.Write(step.Write{Ops: []step.Op{setOp(fmt.Sprint(i))}, Sync: true}, func(err error) {
			if err == nil {
				reported.Add(1)
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := reported.Load(); n != 300 {
		t.Fatalf("%d of 300 writes were reported", n)
	}
	if err := put(s, "x"); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("a write after close got %v", err)
	}
	if n := len(strings.Fields(keysOf(open(t, fs.CrashClone(vfs.CrashCloneCfg{}), dir)))); n != 300 {
		t.Fatalf("%d of 300 writes are there", n)
	}
}

func TestQueuedWritesShareASync(t *testing.T) {
	mem := vfs.NewCrashableMem()
	create(t, mem, dir)
	var gate sync.Mutex
	s := open(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && op.Kind == errorfs.OpFileSyncData {
			gate.Lock()
			defer gate.Unlock()
		}
		return nil
	})), dir)
	gate.Lock()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Add(1)
		s.Write(step.Write{Ops: []step.Op{setOp(fmt.Sprint(i))}, Sync: i%10 == 0}, func(error) { wg.Done() })
	}
	for s.Stats().CommittingNs == 0 {
		runtime.Gosched()
	}
	gate.Unlock()
	wg.Wait()
	st := s.Stats()
	if st.CommittingNs != 0 {
		t.Fatalf("a finished round is under way for %d ns", st.CommittingNs)
	}
	if st.Writes != 100 || st.Rounds > 3 {
		t.Fatalf("%d writes took %d rounds", st.Writes, st.Rounds)
	}
	if st.Syncs == 0 || st.Syncs > st.Rounds || st.SyncMaxNs == 0 || st.SyncNs < st.SyncMaxNs || st.SyncP99Ns == 0 || st.SyncP99Ns > st.SyncMaxNs {
		t.Fatalf("%+v", st)
	}
}

// BenchmarkCommit is the latency of one synced batch of 64 entries of 300 bytes with a hard state, old entries dropped.
func BenchmarkCommit(b *testing.B) {
	for _, entries := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			root := b.TempDir() + "/s"
			create(b, vfs.Default, root)
			s := open(b, vfs.Default, root)
			value := bytes.Repeat([]byte("v"), 300)
			var h []time.Duration
			index := 0
			done := make(chan error, 1)
			for b.Loop() {
				ops := []step.Op{{Kind: step.Set, Key: []byte("h"), Value: value[:40]}}
				for range entries {
					index++
					ops = append(ops, step.Op{Kind: step.Set, Key: fmt.Appendf(nil, "e%012d", index), Value: value})
				}
				if index%(entries*100) == 0 {
					ops = append(ops, step.Op{Kind: step.DeleteRange, Key: []byte("e"), Value: fmt.Appendf(nil, "e%012d", index-5000)})
				}
				began := time.Now()
				s.Write(step.Write{Ops: ops, Sync: true}, func(err error) { done <- err })
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				h = append(h, time.Since(began))
			}
			report(b, h, entries)
		})
	}
}

func report(b *testing.B, h []time.Duration, entries int) {
	quantile := func(q float64) float64 { return float64(h[int(q*float64(len(h)-1))].Nanoseconds()) / 1000 }
	slices.Sort(h)
	b.ReportMetric(quantile(0.5), "p50-us")
	b.ReportMetric(quantile(0.99), "p99-us")
	b.ReportMetric(float64(entries*len(h))/b.Elapsed().Seconds(), "entries/s")
}
