package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"onevoice/step"
	"onevoice/store"
	"onevoice/store/dropfs"
)

// found is a disk as it lies after a cut of the power, with what was known just before.
type found struct {
	what    string
	fs      vfs.FS
	synced  int
	started []content
	others  [2]content
	boot    uint64
}

// moment notes what must be there, before the disk is copied.
func (c *cycle) moment(what string) found {
	c.mu.Lock()
	defer c.mu.Unlock()
	return found{what: what, synced: c.synced, others: [2]content{maps.Clone(c.others[0]), maps.Clone(c.others[1])}, boot: c.boot}
}

// copied notes what may be there, after the disk was copied.
func (c *cycle) copied(f found, fs vfs.FS) found {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.fs, f.started = fs, c.started[:len(c.started):len(c.started)]
	return f
}

// judge opens what was found: everything acknowledged is there, what is there is the state after some write, and the server
// joins the others again and agrees with them.
func (f found) judge(t *testing.T, agree bool) (torn bool, err error) {
	s, err := store.OpenFS(f.fs, dir)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.Identity().Boot <= f.boot {
		return false, fmt.Errorf("starts as number %d, and %d was known", s.Identity().Boot, f.boot)
	}
	have := content{}
	for key, value := range s.Scan(nil) {
		if !bytes.HasPrefix(key, []byte(store.LocalPrefix)) {
			have[string(key)] = value
		}
	}
	if s.Err() != nil {
		return false, s.Err()
	}
	after := slices.IndexFunc(f.started[f.synced:], func(want content) bool { return maps.EqualFunc(withoutChunks(have), withoutChunks(want), bytes.Equal) })
	if after < 0 {
		return false, fmt.Errorf("write %d was acknowledged, %d were started: the content is that after none of them", f.synced, len(f.started)-1)
	}
	return s.Torn(), f.agrees(t, have, agree)
}

// withoutChunks leaves out chunks of snapshots: saves have no place in the order of writes. Opening the group checks them.
func withoutChunks(c content) content {
	rest := maps.Clone(c)
	maps.DeleteFunc(rest, func(key string, _ []byte) bool { return len(key) > 4 && key[4] == 'C' })
	return rest
}

// agrees opens a server from what was found, lets it join the others as they were at that moment, and compares.
func (f found) agrees(t *testing.T, have content, run bool) error {
	w := &cycle{t: t, now: step.Now{MonoNs: 1, WallNs: 2e18}, started: []content{{}}}
	for i, disk := range []content{f.others[0], f.others[1], have} {
		p := &party{number: uint64(i + 1), disk: disk}
		w.open(p, disk.scan)
		w.parties = append(w.parties, p)
	}
	if !run {
		return nil
	}
	w.asked = 1_000_000
	w.until("somebody leads", func() bool { return w.leader() != nil })
	w.load(10)
	for range 300 {
		w.run(1)
		one, same := w.parties[0].node.Status().Groups[0], true
		for _, p := range w.parties[1:] {
			s := p.node.Status().Groups[0]
			same = same && s.Applied == one.Applied && s.Hash == one.Hash
		}
		if w.leader() != nil && one.Applied > 0 && same && one.Counters.Entries > 0 {
			return nil
		}
	}
	return fmt.Errorf("it does not come to agree with the others: %+v", w.parties[tested-1].node.Status().Groups[0])
}

// tally counts what crash points gave.
type tally struct {
	points, states, torn int
}

func (y *tally) judge(t *testing.T, f found) {
	y.states++
	torn, err := f.judge(t, y.states%16 == 0)
	if err != nil {
		t.Errorf("power cut %s: %v", f.what, err)
	}
	if torn {
		y.torn++
	}
}

// TestEveryCrashPointHoldsWhatWasAcknowledged cuts the power before each change of a file or directory in a server's whole
// cycle, on Pebble's crashable memory: with nothing unsynced kept (after a sync that is the moment after it), with all
// of it, and with a random part.
func TestEveryCrashPointHoldsWhatWasAcknowledged(t *testing.T) {
	var y tally
	mem := vfs.NewCrashableMem()
	r := rand.New(rand.NewPCG(5, 5))
	create(t, mem, dir, first(t, tested)...)
	c := newCycle(t)
	var checking sync.Mutex // changes of other goroutines wait for the check of one
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose {
			return nil
		}
		checking.Lock()
		defer checking.Unlock()
		y.points++
		f := c.moment(fmt.Sprintf("before change %d, kind %d of %s", y.points, op.Kind, op.Path))
		for _, percent := range []int{0, 50, 100}[:1+r.IntN(3)] {
			y.judge(t, c.copied(f, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})))
		}
		return nil
	}))
	c.runAll(fs, dir)
	c.stop()
	t.Logf("%d crash points, %d states, %d torn tails", y.points, y.states, y.torn)
	if y.states < 400 {
		t.Errorf("%d states are too few", y.states)
	}
}

// TestEverySubsetOfTheLastUnsyncedWrites goes through the cycle again, on the file system that knows each unsynced write: of the
// last three every subset reaches the disk, and the last one in half.
func TestEverySubsetOfTheLastUnsyncedWrites(t *testing.T) {
	var y tally
	root := t.TempDir()
	fs, err := dropfs.New(root, dropfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := fs.PathJoin(root, dir)
	create(t, fs, place, first(t, tested)...)
	c := newCycle(t)
	var last []uint64
	r := rand.New(rand.NewPCG(6, 6))
	fs.Before = func(op, path string) {
		list := fs.Unsynced()
		var ids []uint64
		for _, u := range list {
			ids = append(ids, u.ID)
		}
		if slices.Equal(ids, last) {
			return
		}
		last = ids
		y.points++
		f := c.moment("")
		every := y.points%3 == 0 || !strings.HasSuffix(path, ".log") // most points are the same batch in another place
		for lose := range subsets(list) {
			if !every && r.IntN(4) > 0 {
				continue
			}
			f.what = fmt.Sprintf("before %s of %s, without %v", op, strings.TrimPrefix(path, root), lose)
			mem := vfs.NewMem()
			if err := fs.Cut(mem, "/", func(u dropfs.Unsynced) int { return lose.kept(u) }); err != nil {
				t.Errorf("cut: %v", err)
				return
			}
			y.judge(t, c.copied(f, mem))
		}
	}
	c.runAll(fs, place)
	fs.Before = nil
	c.stop()
	t.Logf("%d crash points, %d states, %d torn tails", y.points, y.states, y.torn)
	if y.states < 400 || y.torn == 0 {
		t.Errorf("%d states with %d torn tails are too few", y.states, y.torn)
	}
}

// loss says how much of each of the last unsynced things does not reach the disk: 0 all of it does, 1 half of it, 2 nothing.
type loss map[uint64]int

func (l loss) kept(u dropfs.Unsynced) int { return u.Size - u.Size*l[u.ID]/2 }

// subsets yields every way to lose some of the last three, and to tear the last.
func subsets(list []dropfs.Unsynced) func(func(loss) bool) {
	const depth = 3
	tail := list[max(0, len(list)-depth):]
	return func(yield func(loss) bool) {
		for set := range 1 << len(tail) {
			l := loss{}
			for i, u := range tail {
				l[u.ID] = set >> i & 1 * 2
			}
			if !yield(l) {
				return
			}
		}
		if len(tail) > 0 {
			yield(loss{tail[len(tail)-1].ID: 1})
		}
	}
}
