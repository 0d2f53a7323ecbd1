package oracle

import (
	"bytes"
	"testing"

	"onevoice/fence"
	"onevoice/lease"
	"onevoice/members"
	"onevoice/problem"
)

// TestLeasesArePartOfTheMachine: commands, questions, time and snapshots of the locks go through it, beside membership and views.
func TestLeasesArePartOfTheMachine(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	one, two := fence.Holder{1}, fence.Holder{2}
	do := func(c lease.Command) lease.Result {
		t.Helper()
		r, err := lease.DecodeResult(w.apply(0, lease.Encode(c)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := w.state()
	granted := do(lease.Grant{Name: "a", Holder: one, TTLMs: 2_000})
	if granted.Problem != nil || granted.Lease.Token.Epoch != w.at.Epoch {
		t.Fatalf("%+v", granted)
	}
	if r := do(lease.Grant{Name: "a", Holder: two, TTLMs: 2_000}); r.Problem == nil || r.Problem.Kind != problem.Refused {
		t.Errorf("%+v", r)
	}
	if before.Leases().Len() != 0 || w.state().Leases().Len() != 1 {
		t.Error("the state of before has changed, or the one of now has not")
	}
	if _, list, err := lease.DecodeLeases(w.state().Query(lease.AskHolder("a"))); err != nil || len(list) != 1 || list[0] != granted.Lease {
		t.Errorf("%+v, %v", list, err)
	}
	if due := w.m.DueNs(); due != granted.Lease.EndsNs {
		t.Errorf("due at %d, want %d", due, granted.Lease.EndsNs)
	}
	again := New(members.Genesis{})
	for c := range w.state().Chunks() {
		if err := again.Load(bytes.Clone(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.Loaded(); err != nil {
		t.Fatal(err)
	}
	if l, ok := again.Root().(*State).Leases().Find("a"); !ok || l != granted.Lease || again.DueNs() != w.m.DueNs() {
		t.Errorf("it came back as %+v", l)
	}
	w.pass(2 * sec)
	if w.state().Leases().Len() != 0 {
		t.Error("it has not lapsed")
	}
}

// TestChunksInAnotherOrderAreRefused: what is loaded is saved in the same bytes again.
func TestChunksInAnotherOrderAreRefused(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	var all [][]byte
	for c := range w.state().Chunks() {
		all = append(all, bytes.Clone(c))
	}
	last := len(all) - 1
	all[last-1], all[last] = all[last], all[last-1]
	again := New(members.Genesis{})
	failed := false
	for _, c := range all {
		failed = failed || again.Load(c) != nil
	}
	if !failed && again.Loaded() == nil {
		t.Error("it is taken")
	}
	without := New(members.Genesis{})
	for c := range w.state().Chunks() {
		if !lease.Ours(c) && without.Load(c) != nil {
			t.Fatal("refused")
		}
	}
	if without.Loaded() == nil {
		t.Error("a snapshot without locks is taken")
	}
}
