package sim

import (
	"iter"
	"maps"
	"math/rand/v2"
	"testing"

	"onevoice/step"
	"onevoice/store/storetest"
)

// clerk is a machine that only takes note of what is done.
type clerk struct {
	waiting map[step.Token]func([]byte, error)
}

func (c *clerk) Step(_ step.Now, in []step.Input, _ *step.Out) {
	for _, i := range in {
		if i.Kind == step.Done {
			done := c.waiting[i.Token]
			delete(c.waiting, i.Token)
			done(i.Bytes, i.Err)
		}
	}
}

// conforming is the disk of one server of a world, for the suite that every disk must pass.
type conforming struct {
	t     *testing.T
	w     *World
	p     *Party
	r     *rand.Rand
	clerk *clerk
	token step.Token
}

func (d *conforming) next(done func([]byte, error)) step.Token {
	d.token++
	d.clerk.waiting[d.token] = done
	return d.token
}

func (d *conforming) Write(s step.Write, done func(error)) {
	s.Token = d.next(func(_ []byte, err error) { done(err) })
	d.w.obey(d.p, &step.Out{Writes: []step.Write{s}})
}

func (d *conforming) Read(s step.Read, done func([]byte, error)) {
	s.Token = d.next(done)
	d.w.obey(d.p, &step.Out{Reads: []step.Read{s}})
}

func (d *conforming) Save(s step.Save, done func(error)) {
	s.Token = d.next(func(_ []byte, err error) { done(err) })
	d.w.obey(d.p, &step.Out{Saves: []step.Save{s}})
}

func (d *conforming) Scan(prefix []byte) iter.Seq2[[]byte, []byte] { return d.p.disk.scan(prefix) }

func (d *conforming) Settle() {
	if !d.w.Run(d.w.NowNs()+3_600*secNs, func() bool { return len(d.clerk.waiting) == 0 }) {
		d.t.Fatalf("%d requests are never done", len(d.clerk.waiting))
	}
}

// Crash lets some of what is under way go on first.
func (d *conforming) Crash() storetest.Disk {
	d.w.Run(d.w.NowNs()+d.r.Int64N(20*milliNs), func() bool { return len(d.clerk.waiting) == 0 })
	d.w.crash(d.p, true)
	after := &conforming{t: d.t, w: d.w, p: d.p, r: d.r, clerk: &clerk{waiting: map[step.Token]func([]byte, error){}}, token: d.token}
	d.p.factory = func(Birth) (step.Machine, error) { return after.clerk, nil }
	d.p.begin()
	return after
}

// TestConformance holds the simulated disk to what the real store does, in worlds with slow and stalling disks.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Disk {
		seed := Stream(0, t.Name()).Uint64()
		w, err := New(Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		d := &conforming{t: t, w: w, r: Stream(seed, "conformance"), clerk: &clerk{waiting: map[step.Token]func([]byte, error){}}}
		d.p = w.AddServer(1, nil, func(Birth) (step.Machine, error) { return d.clerk, nil })
		return d
	})
}

// TestSavesGoOneAfterAnother asks for two saves under one prefix at once: what is found after a crash at any moment is a
// beginning of one of them.
func TestSavesGoOneAfterAnother(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		w, err := New(Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		c := &clerk{waiting: map[step.Token]func([]byte, error){1: func([]byte, error) {}, 2: func([]byte, error) {}}}
		p := w.AddServer(1, nil, func(Birth) (step.Machine, error) { return c, nil })
		for i, values := range []string{"aaa", "bb"} {
			chunks := func(yield func([]byte) bool) {
				for _, v := range []byte(values) {
					if !yield([]byte{v}) {
						return
					}
				}
			}
			w.obey(p, &step.Out{Saves: []step.Save{{Token: step.Token(i + 1), Prefix: []byte("s/"), Chunks: chunks}}})
		}
		w.Run(p.rand.Int64N(4*(2*w.params.SaveSpreadNs+w.params.DiskMinNs+w.params.DiskSpreadNs)), nil)
		w.crash(p, true)
		found := ""
		for _, v := range p.disk.scan([]byte("s/")) {
			found += string(v)
		}
		seen[found] = true
		w.Close()
	}
	for found := range seen {
		switch found {
		case "", "a", "aa", "aaa", "b", "bb":
		default:
			t.Errorf("after a crash there is %q: parts of two saves", found)
		}
	}
	if len(seen) < 5 {
		t.Errorf("only %v were found", maps.Collect(maps.All(seen)))
	}
}
