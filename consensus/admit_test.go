package consensus

import (
	"testing"

	"onevoice/step"
)

const msNs = int64(1_000_000)

// run applies commands of client 1 at a pace until ms have passed, with more waiting.
func (a *admission) run(fromNs int64, ms, each int) int64 {
	for range ms {
		fromNs += msNs
		waiters := make([]waiter, each)
		for i := range waiters {
			waiters[i].to = 1
			a.add(1)
		}
		a.done(fromNs, waiters, 1)
	}
	return fromNs
}

func TestAdmissionFollowsThePace(t *testing.T) {
	var a admission
	if got := a.within(admitNs, leastAdmitted, 8192); got != 8192 {
		t.Fatalf("before anything is known %d may wait, want the limit", got)
	}
	now := a.run(msNs, 2_000, 4) // 4,000 a second
	if got := a.within(admitNs, leastAdmitted, 8192); got < 760 || got > 840 {
		t.Errorf("at 4,000 a second %d may wait, want about 800, what goes in 200 ms", got)
	}
	now = a.run(now, 5_000, 12)
	if got := a.within(admitNs, leastAdmitted, 8192); got < 2_280 || got > 2_520 {
		t.Errorf("at 12,000 a second %d may wait, want about 2,400", got)
	}
	now = a.run(now, 10_000, 1)
	if got := a.within(admitNs, leastAdmitted, 8192); got != 512 {
		t.Errorf("at 1,000 a second %d may wait, want the least, 512", got)
	}
	// While the queue runs empty the pace is that of the clients, and says nothing of what could be.
	was := a.perSecond
	for range 1_000 {
		now += msNs
		a.done(now, nil, 0)
	}
	if a.perSecond != was {
		t.Errorf("idle time changed the pace from %d to %d", was, a.perSecond)
	}
}

func TestAdmissionSharesWhatWaits(t *testing.T) {
	const limit = 1_000
	var a admission
	ask := func(from step.Address) bool {
		if !a.admits(from, limit) {
			return false
		}
		a.add(from)
		return true
	}
	for ask(1) {
	}
	if a.total != limit {
		t.Fatalf("one client alone holds %d, want %d", a.total, limit)
	}
	a = admission{}
	if !ask(2) {
		t.Fatal("a first command was refused")
	}
	for ask(1) {
	}
	if a.held[1] > limit/2+1 {
		t.Errorf("the flood holds %d of %d", a.held[1], limit)
	}
	for range 100 {
		if !ask(2) {
			t.Fatalf("a modest client was refused at %d", a.held[2])
		}
	}
	// What is applied frees the share.
	all := make([]waiter, a.held[1])
	for i := range all {
		all[i].to = 1
	}
	a.done(2, all, 1)
	if len(a.held) != 1 {
		t.Errorf("%d clients are remembered, want 1", len(a.held))
	}
}
