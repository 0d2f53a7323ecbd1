package consensus

import "testing"

// unfit tells every server that the clocks of some are not good enough.
func (w *world) unfit(bad ...uint64) {
	var good []uint64
	is := map[uint64]bool{}
	for _, b := range bad {
		is[b] = true
	}
	for _, s := range w.servers[1:] {
		if !is[s.id] {
			good = append(good, s.id)
		}
	}
	for _, s := range w.servers[1:] {
		if s.up {
			s.group.Clocks(!is[s.id], without(good, s.id))
		}
	}
}

func TestALeaderWhoseClockIsWrongHandsOver(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	w.write(id, 1, 5)
	bad := w.awaitLeader().id
	w.unfit(bad)
	w.until("another leads", func() bool { l := w.leader(); return l != nil && l.id != bad && l.group.lead.applied })
	w.write(id, 6, 5)
	w.crash(w.awaitLeader().id)
	w.until("the one that is left and good leads", func() bool { l := w.leader(); return l != nil && l.id != bad && l.group.lead.applied })
	w.write(id, 11, 5)
}

func TestAWrongClockDoesNotStamp(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	id := w.openSession()
	w.write(id, 1, 1)
	l := w.awaitLeader()
	l.group.Clocks(false, nil)
	w.write(id, 2, 1) // from here on by its monotonic clock
	l.skewNs += 3_600_000_000_000
	before, from := l.group.state.logNs, w.nowMs
	w.run(500)
	w.write(id, 3, 4)
	passed, took := l.group.state.logNs-before, (w.nowMs-from)*1_000_000
	if passed <= 0 || passed > took+20_000_000 {
		t.Errorf("log time moved by %d ns in %d ns under a clock that is not good enough", passed, took)
	}
}

// TestLogTimeGoesOnBehindAWallClock: log time that is ahead of the time of day neither stands still nor runs on ahead.
func TestLogTimeGoesOnBehindAWallClock(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	l.skewNs += 10_000_000_000
	w.write(id, 1, 1)
	l.skewNs -= 10_000_000_000
	before, from := l.group.state.logNs, w.nowMs
	w.run(4_000)
	w.write(id, 2, 1)
	passed, took := l.group.state.logNs-before, (w.nowMs-from)*1_000_000
	if passed < took/3 || passed > took*2/3 {
		t.Errorf("log time moved by %d ns in %d ns while it was ahead, want half of it", passed, took)
	}
}

// TestTheLastResortLeads: where only servers with wrong clocks are left, the group is not silent for ever.
func TestTheLastResortLeads(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	w.write(id, 1, 5)
	good := w.awaitLeader().id
	for _, s := range w.servers[1:] {
		s.group.Clocks(s.id == good, nil)
	}
	w.crash(good)
	w.run(900)
	if l := w.leader(); l != nil {
		t.Fatalf("server %d leads at once, with a wrong clock", l.id)
	}
	w.write(id, 6, 5)
}
