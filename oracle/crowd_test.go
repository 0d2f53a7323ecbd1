package oracle

import (
	"bytes"
	"testing"

	"onevoice/crowd"
	"onevoice/members"
)

// TestTheCrowdIsPartOfTheMachine: its commands, questions, time and snapshots go through it, beside membership and views.
func TestTheCrowdIsPartOfTheMachine(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	views := w.state().View().Number
	before := w.state()
	r, err := crowd.DecodeResult(w.apply(0, crowd.Encode(crowd.Join{Name: "gateway", Address: "g:1", Boot: 1})))
	if err != nil || r.Problem != nil || r.ID>>16 != w.at.Index {
		t.Fatalf("%+v, %v", r, err)
	}
	due := w.m.DueNs()
	if due == 0 || len(w.state().Crowd().Members()) != 0 {
		t.Fatalf("due at %d, %d members at once", due, len(w.state().Crowd().Members()))
	}
	w.pass(due - w.at.LogTimeNs)
	if s := w.state(); len(s.Crowd().Members()) != 1 || len(before.Crowd().Members()) != 0 || s.View().Number != views {
		t.Errorf("%d members, %d before, view %d after %d", len(s.Crowd().Members()), len(before.Crowd().Members()), s.View().Number, views)
	}
	if status, err := crowd.DecodeStatus(w.state().Query(crowd.AskStatus())); err != nil || status.Members != 1 || status.Roll != 1 {
		t.Errorf("%+v, %v", status, err)
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
	if a, b := chunks(w.state()), chunks(again.Root().(*State)); a != b {
		t.Errorf("%x came back as %x", a, b)
	}
	without := New(members.Genesis{})
	for c := range w.state().Chunks() {
		if !crowd.Ours(c) && without.Load(bytes.Clone(c)) != nil {
			t.Fatal("refused")
		}
	}
	if without.Loaded() == nil {
		t.Error("a snapshot without the crowd is taken")
	}
}
