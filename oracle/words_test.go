package oracle

import (
	"testing"

	"onevoice/members"
	"onevoice/problem"
	"onevoice/view"
)

// word changes what a server says of itself, in one observation.
func (w *world) word(server uint64, change func(*Row)) {
	o := w.observation()
	for i := range o.Rows {
		if o.Rows[i].Server == server {
			change(&o.Rows[i])
		}
	}
	w.apply(ms, o.Encode())
}

// Who is about to end is leaving, and who says that it has ended is down by that word alone; its next start is up at once.
func TestTheirOwnWord(t *testing.T) {
	for _, last := range []view.Evidence{view.Exited, view.Disk} {
		w := newWorld(t, 3)
		w.observe(0)
		w.word(2, func(r *Row) { r.Leaving = true })
		w.is(2, view.Leaving, view.NoEvidence)
		w.word(2, func(r *Row) { r.Leaving, r.Last = true, last })
		w.is(2, view.Down, last)
		w.word(2, func(r *Row) { r.Leaving, r.Last = true, last }) // its last beat is still remembered
		w.boots[2]++
		w.observe(ms)
		w.is(2, view.Up, view.NoEvidence)
	}
}

// The word of an earlier start says nothing of the one that runs.
func TestTheWordOfAnEarlierStart(t *testing.T) {
	w := newWorld(t, 3)
	w.boots[2] = 2
	w.observe(0)
	w.word(2, func(r *Row) { r.Boot, r.Leaving, r.Last = 1, true, view.Exited })
	w.is(2, view.Up, view.NoEvidence)
}

// A start whose predecessor was taken down waits before it is up; one that died by itself does not.
func TestWhoSaysThatItFellWaits(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	w.report(view.Silent, 2, 1, 3)
	w.silent[2] = true
	w.observe(ms)
	w.is(2, view.Down, view.Silent)
	w.silent[2], w.boots[2] = false, 2
	w.report(view.NoEvidence, 2, 1, 3)
	w.word(2, func(r *Row) { r.Fell = true })
	w.is(2, view.Joining, view.NoEvidence)
	w.pass(holdNs - 1)
	w.is(2, view.Joining, view.NoEvidence)
	w.pass(1)
	w.is(2, view.Up, view.NoEvidence)
}

func TestFence(t *testing.T) {
	w := newWorld(t, 3)
	fence := func(server, incarnation uint64) *problem.Error {
		t.Helper()
		r, err := members.DecodeResult(w.apply(ms, Fence{server, incarnation}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		return r.Problem
	}
	if p := fence(2, 1); p == nil || p.Kind != problem.NotFound {
		t.Errorf("before anybody is in the view: %v", p)
	}
	w.observe(0)
	of := func(server uint64) uint64 {
		p, _ := w.state().view.Process(server)
		return p.Incarnation
	}
	if p := fence(2, of(2)+1); p == nil || p.Kind != problem.Conflict || p.Field != "incarnation" {
		t.Errorf("another incarnation: %v", p)
	}
	for range 2 {
		if p := fence(2, of(2)); p != nil {
			t.Errorf("%v", p)
		}
		w.is(2, view.Down, view.Killed)
	}
	if p := fence(3, of(3)); p == nil || p.Kind != problem.Refused {
		t.Errorf("the majority is fenced: %v", p)
	}
	w.is(3, view.Up, view.NoEvidence)
	w.observe(ms) // who was fenced speaks on until it hears of it, which is no fault of it
	w.boots[2]++
	w.word(2, func(r *Row) { r.Fell = true })
	w.is(2, view.Up, view.NoEvidence)
	result, err := members.DecodeResult(w.apply(ms, []byte{formatVersion, kindFence, 1}))
	if err != nil || result.Problem == nil {
		t.Errorf("what does not parse: %+v, %v", result, err)
	}
}
