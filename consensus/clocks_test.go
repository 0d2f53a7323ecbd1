package consensus

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/wire"
)

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
	if passed < took-50_000_000 || passed > took+20_000_000 {
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
		if s.id != good {
			s.skewNs = 3_600_000_000_000
		}
	}
	w.run(2_000)
	before := w.servers[good].group.state.logNs
	w.crash(good)
	w.run(900)
	if l := w.leader(); l != nil {
		t.Fatalf("server %d leads at once, with a wrong clock", l.id)
	}
	from := w.nowMs
	w.write(id, 6, 5)
	if w.nowMs-from > 2_000 {
		t.Errorf("%d ms more without a leader", w.nowMs-from)
	}
	if passed := w.leader().group.state.logNs - before; passed > 5_000_000_000 {
		t.Errorf("log time leapt by %d ns to a clock that is not good enough", passed)
	}
}

// TestTheLastResortStays: a leader with a wrong clock does not hand over to another one, and works.
func TestTheLastResortStays(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	w.unfit(1, 2, 3)
	w.run(3_000)
	w.write(id, 1, 20)
	if now := w.awaitLeader(); now != l || w.facts["hand-over"] != 0 {
		t.Errorf("server %d leads after %d, handed over %d times", now.id, l.id, w.facts["hand-over"])
	}
}

// TestALeaderThatCannotHandOverGoesOn: it tries now and then, and does the work in between.
func TestALeaderThatCannotHandOverGoesOn(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	bad := w.awaitLeader()
	w.onFrame = func(_, _ uint64, frame []byte) bool {
		_, r, err := wire.Open(frame)
		var m raftpb.Message
		return err != nil || proto.Unmarshal(r.Rest(), &m) != nil || m.GetType() != raftpb.MsgTimeoutNow
	}
	w.unfit(bad.id)
	from := w.nowMs
	w.write(id, 1, 200)
	took := (w.nowMs - from) * 1_000_000
	if got, most := w.facts["hand-over"], int(took/(handOverElections*leastElectionNs))+1; got < 1 || got > most {
		t.Errorf("handed over %d times in %d ns, want 1 to %d", got, took, most)
	}
	if w.awaitLeader() != bad {
		t.Error("another leads, who was never told")
	}
}

// TestAWrongClockVotesAndFollows: it speaks against leading and nothing else.
func TestAWrongClockVotesAndFollows(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	others := without([]uint64{1, 2, 3}, l.id)
	w.unfit(others[0])
	w.run(100)
	w.crash(l.id)
	from := w.nowMs
	w.write(id, 1, 20) // every entry needs the one with the wrong clock
	if took := w.nowMs - from; took > 2_000 || w.awaitLeader().id != others[1] {
		t.Errorf("server %d leads, after %d ms", w.awaitLeader().id, took)
	}
}

// TestWrongClocksBeginLogTime: where there is no log time to go on from, the clock that there is begins it.
func TestWrongClocksBeginLogTime(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	w.unfit(1)
	w.openSession()
	if now, wall := w.servers[1].group.state.logNs, w.now(w.servers[1]).WallNs; now > wall || now < wall-5_000_000_000 {
		t.Errorf("log time is %d, the time of day %d", now, wall)
	}
}

// TestANewLeaderBehindLogTime goes on from log time as the old one would have done.
func TestANewLeaderBehindLogTime(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	l.skewNs += 60_000_000_000
	w.write(id, 1, 1)
	w.settle()
	w.crash(l.id)
	w.write(id, 2, 1)
	l = w.awaitLeader()
	before, from := l.group.state.logNs, w.nowMs
	w.run(4_000)
	w.write(id, 3, 1)
	passed, took := l.group.state.logNs-before, (w.nowMs-from)*1_000_000
	if passed < took/3 || passed > took*2/3 {
		t.Errorf("log time moved by %d ns in %d ns while it was ahead, want half of it", passed, took)
	}
}
