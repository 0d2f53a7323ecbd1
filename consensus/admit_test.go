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

// TestThePaceIsNotJudgedInHaste: neither by the first entry after a long time, nor by one bad tenth of a second.
func TestThePaceIsNotJudgedInHaste(t *testing.T) {
	var a admission
	now := a.run(3_600_000*msNs, 1, 4_000)
	if got := a.within(admitNs, leastAdmitted, 8192); got != 8192 {
		t.Errorf("after one entry since the start an hour ago %d may wait, want the limit", got)
	}
	now = a.run(now, 2_000, 12)
	was := a.perSecond
	a.run(now, 100, 0)
	if a.perSecond < was*2/3 || a.perSecond >= was {
		t.Errorf("a tenth of a second without a command changed the pace from %d to %d", was, a.perSecond)
	}
}

// TestAnIdleMomentExcusesItsOwnTimeOnly: the queue running empty once says that the pace could have been higher then.
func TestAnIdleMomentExcusesItsOwnTimeOnly(t *testing.T) {
	var a admission
	now := a.run(msNs, 2_000, 12)
	was := a.perSecond
	a.done(now+msNs, nil, 0)
	now = a.run(now+msNs, int(paceNs/msNs)-1, 1)
	if a.perSecond != was {
		t.Errorf("the pace went from %d to %d for a time in which the queue ran empty", was, a.perSecond)
	}
	a.run(now, 5_000, 1)
	if a.perSecond > was/4 {
		t.Errorf("the pace is still %d of %d while a twelfth goes through", a.perSecond, was)
	}
}

func TestHowMuchIsAdmitted(t *testing.T) {
	for _, c := range []struct {
		perSecond    int64
		admit, entry int
	}{
		{0, 8192, batchCommands}, // not known yet
		{1_000, 512, 64},
		{10_000, 2_000, 200},
		{100_000, 8192, 2_000},
		{1_000_000, 8192, batchCommands},
	} {
		a := admission{perSecond: c.perSecond}
		if got := a.within(admitNs, leastAdmitted, 8192); got != c.admit {
			t.Errorf("at %d a second %d may wait, want %d", c.perSecond, got, c.admit)
		}
		if got := a.entry(); got != c.entry {
			t.Errorf("at %d a second an entry takes %d, want %d", c.perSecond, got, c.entry)
		}
	}
}

func TestOfManyClientsEachHasAFew(t *testing.T) {
	const limit, clients = 1_000, 200
	var a admission
	for from := range step.Address(clients) { // each has its share, 5
		for range 3 {
			a.add(from)
		}
	}
	for a.admits(0, limit) {
		a.add(0)
	}
	if a.held[0] != leastShare {
		t.Errorf("one of %d clients holds %d, want %d", clients, a.held[0], leastShare)
	}
	for range limit - a.total {
		a.add(1)
	}
	if a.admits(clients, limit) {
		t.Error("admitted over the limit")
	}
}
