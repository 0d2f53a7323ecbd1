package dropfs_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/store/dropfs"
)

func newFS(t *testing.T, root string, o dropfs.Options) *dropfs.FS {
	t.Helper()
	f, err := dropfs.New(root, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tree lists every file below dir with its content.
func tree(t *testing.T, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			for below, content := range tree(t, fs, path) {
				all[name+"/"+below] = content
			}
			all[name+"/"] = ""
			continue
		}
		all[name] = read(t, fs, path)
	}
	return all
}

func read(t *testing.T, fs vfs.FS, path string) string {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// pair does the same to two file systems: the one under test, and Pebble's crashable one as its model.
type pair struct {
	t     *testing.T
	r     *rand.Rand
	fs    [2]vfs.FS
	roots [2]string
	open  []opened
	links bool
}

type opened struct {
	name string
	file [2]vfs.File
}

func (p *pair) both(op string, do func(fs vfs.FS, path func(string) string) error) bool {
	p.t.Helper()
	var errs [2]error
	for i, fs := range p.fs {
		errs[i] = do(fs, func(name string) string { return fs.PathJoin(p.roots[i], name) })
	}
	if (errs[0] == nil) != (errs[1] == nil) {
		p.t.Fatalf("%s: %v, the model says %v", op, errs[0], errs[1])
	}
	return errs[0] == nil
}

func (p *pair) name() string {
	return []string{"a", "b", "c", "d/a", "d/b", "d/c"}[p.r.IntN(6)]
}

func (p *pair) step() {
	name, other := p.name(), p.name()
	switch p.r.IntN(12) {
	case 0, 1:
		p.opened("create "+name, name, func(fs vfs.FS, path string) (vfs.File, error) {
			return fs.Create(path, vfs.WriteCategoryUnspecified)
		})
	case 2:
		if other != name {
			p.opened("reuse "+name, other, func(fs vfs.FS, path string) (vfs.File, error) {
				return fs.ReuseForWrite(fs.PathJoin(strings.TrimSuffix(path, other), name), path, vfs.WriteCategoryUnspecified)
			})
		}
	case 3:
		p.both("remove "+name, func(fs vfs.FS, path func(string) string) error { return fs.Remove(path(name)) })
	case 4:
		if other != name {
			p.both("rename "+name+" "+other, func(fs vfs.FS, path func(string) string) error { return fs.Rename(path(name), path(other)) })
		}
	case 5:
		if !p.links {
			return // the model makes two files of one that has two names when it is cut
		}
		p.both("link "+name+" "+other, func(fs vfs.FS, path func(string) string) error { return fs.Link(path(name), path(other)) })
	case 6:
		dir := []string{"", "d"}[p.r.IntN(2)]
		p.both("sync directory "+dir, func(fs vfs.FS, path func(string) string) error {
			d, err := fs.OpenDir(path(dir))
			if err != nil {
				return err
			}
			return errors.Join(d.Sync(), d.Close())
		})
	default:
		p.use()
	}
}

func (p *pair) opened(op, name string, open func(fs vfs.FS, path string) (vfs.File, error)) {
	var o opened
	if !p.both(op, func(fs vfs.FS, path func(string) string) error {
		f, err := open(fs, path(name))
		if err == nil {
			i := slices.Index(p.fs[:], fs)
			o.file[i] = f
		}
		return err
	}) {
		return
	}
	o.name = name
	p.open = append(p.open, o)
}

// use writes to, syncs or closes an open file.
func (p *pair) use() {
	if len(p.open) == 0 {
		return
	}
	i := p.r.IntN(len(p.open))
	o, n, at := p.open[i], 1+p.r.IntN(1500), p.r.IntN(10)
	for _, f := range o.file {
		var err error
		switch {
		case at < 6:
			_, err = f.Write([]byte(strings.Repeat(string(rune('a'+at)), n)))
		case at < 9:
			err = f.Sync()
		default:
			err = f.Close()
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	if at == 9 {
		p.open = slices.Delete(p.open, i, i+1)
	}
}

func equal(a, b map[string]string) string {
	for name, content := range a {
		if other, there := b[name]; !there || other != content {
			return fmt.Sprintf("%s holds %d bytes, the model has it %v with %d", name, len(content), there, len(other))
		}
	}
	for name := range b {
		if _, there := a[name]; !there {
			return name + " is missing"
		}
	}
	return ""
}

// TestLikeTheModel does random things to a directory and to Pebble's crashable memory: the same is seen, and the same is left
// after the power is cut, over many cuts.
func TestLikeTheModel(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		root := t.TempDir()
		mem := vfs.NewCrashableMem()
		p := &pair{t: t, r: r, fs: [2]vfs.FS{newFS(t, root, dropfs.Options{Seed: seed}), mem}, roots: [2]string{root, "/"}}
		p.both("mkdir", func(fs vfs.FS, path func(string) string) error {
			if err := fs.MkdirAll(path("d"), 0o755); err != nil {
				return err
			}
			d, err := fs.OpenDir(path(""))
			if err != nil {
				return err
			}
			return errors.Join(d.Sync(), d.Close())
		})
		for cut := range 5 {
			p.links = cut == 4
			for range r.IntN(80) {
				p.step()
			}
			if why := equal(tree(t, p.fs[0], root), tree(t, mem, "/")); why != "" {
				t.Fatalf("seed %d before cut %d: %s", seed, cut, why)
			}
			mem = mem.CrashClone(vfs.CrashCloneCfg{})
			p.fs, p.open = [2]vfs.FS{newFS(t, root, dropfs.Options{Seed: seed}), mem}, nil
			if why := equal(tree(t, p.fs[0], root), tree(t, mem, "/")); why != "" {
				t.Fatalf("seed %d after cut %d: %s", seed, cut, why)
			}
		}
	}
}

// TestEarlyIsBetweenSyncedAndWritten lets parts of what is unsynced reach the disk: what is left is made of old and new
// sectors, and both a loss and an early arrival happen.
func TestEarlyIsBetweenSyncedAndWritten(t *testing.T) {
	const sectors = 8
	all, none, some, tornNames := 0, 0, 0, 0
	for seed := range uint64(80) {
		root := t.TempDir()
		f := newFS(t, root, dropfs.Options{Seed: seed, EarlyPercent: 60})
		path := filepath.Join(root, "x")
		x, err := f.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		write(t, x, strings.Repeat("o", sectors*512))
		syncAll(t, f, x, root)
		again, err := f.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		write(t, again, strings.Repeat("n", sectors*512))
		if _, err := f.Create(filepath.Join(root, "y"), vfs.WriteCategoryUnspecified); err != nil {
			t.Fatal(err)
		}
		after := newFS(t, root, dropfs.Options{})
		content := read(t, after, path)
		fresh := 0
		for s := range sectors {
			switch sector := content[s*512 : s*512+512]; sector {
			case strings.Repeat("n", 512):
				fresh++
			case strings.Repeat("o", 512):
			default:
				t.Fatalf("seed %d: sector %d is %q", seed, s, sector)
			}
		}
		switch fresh {
		case 0:
			none++
		case sectors:
			all++
		default:
			some++
		}
		if _, err := after.Stat(filepath.Join(root, "y")); err == nil {
			tornNames++
		}
	}
	if none == 0 || some == 0 || tornNames == 0 || tornNames == 80 {
		t.Fatalf("%d lost all, %d kept some, %d all; %d names came early", none, some, all, tornNames)
	}
}

func write(t *testing.T, f vfs.File, text string) {
	t.Helper()
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func syncAll(t *testing.T, fs vfs.FS, f vfs.File, dir string) {
	t.Helper()
	d, err := fs.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), d.Sync(), d.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestFaults orders each fault by the control file of a running file system.
func TestFaults(t *testing.T) {
	root, control := t.TempDir(), filepath.Join(t.TempDir(), "control")
	f := newFS(t, root, dropfs.Options{Control: control})
	x, err := f.Create(filepath.Join(root, "x"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	write(t, x, "kept")
	syncAll(t, f, x, root)
	moment := time.Unix(1, 0)
	order := func(text string) {
		t.Helper()
		moment = moment.Add(time.Second)
		if err := errors.Join(os.WriteFile(control, []byte(text), 0o600), os.Chtimes(control, moment, moment)); err != nil {
			t.Fatal(err)
		}
	}
	order("full=1")
	if _, err := x.Write([]byte("more")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a full disk says %v", err)
	}
	order("full=0,fail-read=x")
	if _, err := x.ReadAt(make([]byte, 1), 0); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a read says %v", err)
	}
	order("fail-read=,fail-sync=1")
	write(t, x, "lost")
	if err := x.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a sync says %v", err)
	}
	order("fail-sync=0,latency=30ms")
	began := time.Now()
	if err := x.Sync(); err != nil || time.Since(began) < 30*time.Millisecond {
		t.Fatalf("a slow sync says %v after %v", err, time.Since(began))
	}
	if got := read(t, newFS(t, root, dropfs.Options{}), filepath.Join(root, "x")); got != "kept" {
		t.Fatalf("after the failed sync and a good one there is %q", got)
	}
}

func TestOptionsComeBack(t *testing.T) {
	want := dropfs.Options{Seed: 7, EarlyPercent: 30, Latency: 2 * time.Millisecond, FailSync: 9, FullBytes: 10, FailRead: ".sst", Control: "/c"}
	if got, err := dropfs.Parse(want.String()); err != nil || got != want {
		t.Fatalf("%v %v", got, err)
	}
	for _, bad := range []string{"early=101", "seed=x", "latency=1", "speed=1", "full=-1"} {
		if _, err := dropfs.Parse(bad); err == nil || !strings.Contains(err.Error(), "dropfs: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestCutKeepsWhatIsAsked takes every subset of three unsynced things.
func TestCutKeepsWhatIsAsked(t *testing.T) {
	root := t.TempDir()
	f := newFS(t, root, dropfs.Options{})
	x, err := f.Create(filepath.Join(root, "x"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	write(t, x, "aaaa")
	syncAll(t, f, x, root)
	write(t, x, "bbbb")
	write(t, x, "cccc")
	if err := f.Rename(filepath.Join(root, "x"), filepath.Join(root, "y")); err != nil {
		t.Fatal(err)
	}
	list := f.Unsynced()
	if len(list) != 3 || list[0].Size != 4 || list[2].Size != 2 {
		t.Fatalf("unsynced: %+v", list)
	}
	for _, c := range []struct {
		keep [3]int
		want map[string]string
	}{
		{[3]int{0, 0, 0}, map[string]string{"x": "aaaa"}},
		{[3]int{4, 0, 0}, map[string]string{"x": "aaaabbbb"}},
		{[3]int{0, 4, 2}, map[string]string{"y": "aaaa\x00\x00\x00\x00cccc"}},
		{[3]int{2, 0, 1}, map[string]string{"x": "aaaabb", "y": "aaaabb"}},
		{[3]int{4, 4, 2}, map[string]string{"y": "aaaabbbbcccc"}},
	} {
		mem := vfs.NewMem()
		err := f.Cut(mem, "/", func(u dropfs.Unsynced) int {
			return c.keep[slices.IndexFunc(list, func(l dropfs.Unsynced) bool { return l.ID == u.ID })]
		})
		if err != nil {
			t.Fatal(err)
		}
		if why := equal(tree(t, mem, "/"), c.want); why != "" {
			t.Errorf("keeping %v: %s", c.keep, why)
		}
	}
}

const childRoot = "DROPFS_CHILD"

// TestKillIsAPowerCut kills a process that has synced one file, and written and not synced another and a name.
func TestKillIsAPowerCut(t *testing.T) {
	if root := os.Getenv(childRoot); root != "" {
		child(t, root)
		return
	}
	root := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillIsAPowerCut$")
	cmd.Env = append(os.Environ(), childRoot+"="+root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, 5)
	if _, err := io.ReadFull(out, ready); err != nil || string(ready) != "ready" {
		t.Fatalf("the child says %q %v", ready, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	lost, err := dropfs.ReadLost(root)
	if err != nil || lost.Bytes != 8 || lost.Changes != 1 || lost.Syncs != 2 {
		t.Fatalf("lost %+v, %v", lost, err)
	}
	if why := equal(tree(t, newFS(t, root, dropfs.Options{}), root), map[string]string{"x": "synced"}); why != "" {
		t.Fatal(why)
	}
}

func child(t *testing.T, root string) {
	f := newFS(t, root, dropfs.Options{})
	x, err := f.Create(filepath.Join(root, "x"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	write(t, x, "synced")
	syncAll(t, f, x, root)
	write(t, x, "lost")
	y, err := f.Create(filepath.Join(root, "y"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	write(t, y, "lost")
	fmt.Print("ready")
	<-t.Context().Done() // the parent kills us
}
