package consensus

import (
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// wish hands a wish to every server that is up.
func (w *world) wish(change uint64, voters, learners []uint64) {
	for _, s := range w.servers[1:] {
		if s.up {
			s.group.Wish(view.Wish{Change: change, Voters: voters, Learners: learners})
		}
	}
}

// join adds a server that knows nothing.
func (w *world) join() *server {
	id := uint64(len(w.servers))
	ops, err := Vacant(w.config(id, int(id)))
	if err != nil {
		w.t.Fatal(err)
	}
	s := &server{id: id, disk: newSimDisk(ops)}
	w.servers = append(w.servers, s)
	w.start(id)
	return s
}

// reaches waits until the leader's members are the wish's, and everybody of them has applied it.
func (w *world) reaches(change uint64, voters, learners []uint64) {
	w.t.Helper()
	w.until("the wish is reached", func() bool {
		for _, s := range w.servers[1:] {
			if !slices.Contains(voters, s.id) && !slices.Contains(learners, s.id) {
				continue
			}
			m := s.group.state.members
			if !s.up || m.change != change || !slices.Equal(m.voters, voters) || !slices.Equal(m.learners, learners) {
				return false
			}
		}
		return true
	})
}

func TestAServerJoinsVotesAndAnotherGoes(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{SnapshotEntries: 30, KeepEntries: 2})
	id := w.openSession()
	w.write(id, 1, 50)
	w.wish(1, []uint64{1, 2, 3}, nil)
	w.reaches(1, []uint64{1, 2, 3}, nil)
	fresh := w.join()
	w.run(200)
	if fresh.group.state.index != 0 {
		t.Fatal("a server that nobody wished was spoken to")
	}
	w.wish(2, []uint64{1, 2, 3}, []uint64{4})
	w.reaches(2, []uint64{1, 2, 3}, []uint64{4})
	if fresh.group.counters.Installed != 1 {
		t.Errorf("%d snapshots installed", fresh.group.counters.Installed)
	}
	w.wish(3, []uint64{1, 2, 3, 4}, nil)
	w.reaches(3, []uint64{1, 2, 3, 4}, nil)
	leader := w.awaitLeader().id
	rest := without([]uint64{1, 2, 3, 4}, leader)
	w.wish(4, rest, nil)
	w.reaches(4, rest, nil)
	if l := w.awaitLeader().id; l == leader {
		t.Error("who was removed leads")
	}
	if w.facts["hand-over"] == 0 {
		t.Error("the leader went without handing over")
	}
	w.write(id, 51, 10)
}

// TestEveryStepSurvivesACrash replaces a voter while servers crash at every moment of it.
func TestEveryStepSurvivesACrash(t *testing.T) {
	for at := range int64(12) {
		w := newWorld(t, 3, uint64(at)+1, Limits{SnapshotEntries: 20, KeepEntries: 1})
		id := w.openSession()
		w.write(id, 1, 30)
		w.join()
		wish := func() { w.wish(2, []uint64{1, 2, 4}, nil) }
		wish()
		w.run(at * 12)
		victim := uint64(at%4) + 1
		w.crash(victim)
		wish()
		w.run(60)
		w.restart(victim)
		wish()
		w.reaches(2, []uint64{1, 2, 4}, nil)
		w.write(id, 31, 5)
	}
}

func TestNoStepWithoutALiveMajority(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	others := without([]uint64{1, 2, 3}, l.id)
	w.crash(others[0])
	w.run(300)
	w.wish(1, without([]uint64{1, 2, 3}, others[1]), nil) // of these two one is down
	w.run(2000)
	if m := l.group.state.members; len(m.voters) != 3 {
		t.Fatalf("members %v: the last live follower was removed", m)
	}
	w.write(id, 1, 5)
	w.wish(2, without([]uint64{1, 2, 3}, others[0]), nil)
	w.until("who is down is removed", func() bool { return len(l.group.state.members.voters) == 2 })
	w.write(id, 6, 5)
}

func TestALearnerDoesNotCount(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	w.openSession()
	w.join()
	w.wish(1, []uint64{1, 2, 3}, []uint64{4})
	w.reaches(1, []uint64{1, 2, 3}, []uint64{4})
	l := w.awaitLeader()
	for _, s := range w.servers[1:] {
		s.cut = s.id != 4 && s != l
	}
	w.run(1500)
	if l.group.leads() || w.servers[4].group.leads() {
		t.Error("a leader with a learner for a majority")
	}
}

// TestAnOlderWishHasNoEffect: a leader that has not heard of the newest change does not undo it.
func TestAnOlderWishHasNoEffect(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	w.openSession()
	w.wish(2, []uint64{1, 2, 3}, nil)
	w.reaches(2, []uint64{1, 2, 3}, nil)
	for _, s := range w.servers[1:] {
		s.group.wish = view.Wish{Change: 1, Voters: []uint64{1, 2}}
	}
	w.run(500)
	if n := w.facts["member-proposed"]; n != 1 {
		t.Errorf("%d steps proposed, want the mark of change 2 alone", n)
	}
	g := w.awaitLeader().group
	old := move{kind: raftpb.ConfChangeRemoveNode, server: 3, change: 1, epoch: g.state.epoch}
	if err := g.rn.ProposeConfChange(old.raft()); err != nil {
		t.Fatal(err)
	}
	w.until("the step is refused", func() bool { return w.facts["member-refused"] == 3 })
	w.reaches(2, []uint64{1, 2, 3}, nil)
}

// TestNobodyGoesForWhoDoesNotCome: a server that is not there becomes no voter, and whom it replaces stays until it is one.
func TestNobodyGoesForWhoDoesNotCome(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	w.write(id, 1, 5)
	fresh := w.join()
	w.crash(fresh.id)
	wish := func() { w.wish(1, []uint64{1, 2, 4}, nil) }
	wish()
	w.run(3_000)
	if m := w.awaitLeader().group.state.members; !slices.Equal(m.voters, []uint64{1, 2, 3}) || !slices.Equal(m.learners, []uint64{4}) {
		t.Fatalf("members %v", m)
	}
	w.restart(fresh.id)
	wish()
	w.reaches(1, []uint64{1, 2, 4}, nil)
	w.write(id, 6, 5)
}

// TestNobodyGoesWhileTheWishKeeps: the same change once more, without Keep, is what lets go; with Keep again it changes nothing.
func TestNobodyGoesWhileTheWishKeeps(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	w.write(id, 1, 5)
	w.join()
	keep := func(keep bool) {
		for _, s := range w.servers[1:] {
			s.group.Wish(view.Wish{Change: 1, Voters: []uint64{1, 2, 4}, Keep: keep})
		}
	}
	keep(true)
	w.reaches(1, []uint64{1, 2, 3, 4}, nil)
	w.run(1_000)
	w.reaches(1, []uint64{1, 2, 3, 4}, nil)
	keep(false)
	keep(true)
	w.reaches(1, []uint64{1, 2, 4}, nil)
	w.write(id, 6, 5)
}

func TestTransfer(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	w.openSession()
	l := w.awaitLeader()
	to := without([]uint64{1, 2, 3}, l.id)[1]
	if l.group.Transfer(9) || l.group.Transfer(l.id) || w.servers[to].group.Transfer(0) {
		t.Error("a transfer to nobody, to itself or from a follower is tried")
	}
	if !l.group.Transfer(to) {
		t.Fatal("not tried")
	}
	start := w.nowMs
	w.until("the other leads", func() bool { return w.servers[to].group.leads() })
	if took := w.nowMs - start; took > 60 {
		t.Errorf("it took %d ms", took)
	}
	w.run(50) // until it has heard from somebody
	if !w.servers[to].group.Transfer(0) {
		t.Error("not tried")
	}
}

// TestAddedWhileTheSnapshotIsOlder: the snapshot that a new server gets is from after it was added, whatever the limits are.
func TestAddedWhileTheSnapshotIsOlder(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	w.write(id, 1, 20)
	w.join()
	w.wish(1, []uint64{1, 2, 3}, []uint64{4})
	w.reaches(1, []uint64{1, 2, 3}, []uint64{4})
	l := w.awaitLeader()
	if l.group.counters.Snapshots != 1 {
		t.Errorf("%d snapshots saved for one new server", l.group.counters.Snapshots)
	}
	w.run(500)
	if w.facts["snapshot-abandoned"] != 0 {
		t.Error("a snapshot was offered that the new server could not take")
	}
}

func TestMovesRefusedWhenApplied(t *testing.T) {
	m := members{voters: []uint64{1, 2}, learners: []uint64{4}, change: 5}
	for _, c := range []struct {
		kind   raftpb.ConfChangeType
		server uint64
		change uint64
		after  string // "" where refused
	}{
		{raftpb.ConfChangeAddLearnerNode, 3, 6, "[1 2]+[3 4] of change 6"},
		{raftpb.ConfChangeAddLearnerNode, 2, 6, ""},
		{raftpb.ConfChangeAddLearnerNode, 0, 6, ""},
		{raftpb.ConfChangeAddLearnerNode, uint64(step.MaxServer) + 1, 6, ""},
		{raftpb.ConfChangeAddNode, 4, 5, "[1 2 4]+[] of change 5"},
		{raftpb.ConfChangeAddNode, 3, 6, ""},
		{raftpb.ConfChangeAddNode, 1, 6, ""},
		{raftpb.ConfChangeRemoveNode, 1, 6, "[2]+[4] of change 6"},
		{raftpb.ConfChangeRemoveNode, 4, 6, "[1 2]+[] of change 6"},
		{raftpb.ConfChangeRemoveNode, 9, 6, ""},
		{raftpb.ConfChangeRemoveNode, 1, 4, ""},
		{markKind, 0, 6, "[1 2]+[4] of change 6"},
		{markKind, 1, 6, ""},
		{99, 1, 6, ""},
	} {
		next, err := m.after(move{kind: c.kind, server: c.server, change: c.change})
		if got := next.String(); err == nil && got != c.after || (err != nil) != (c.after == "") {
			t.Errorf("%v %d: %v, %v", c.kind, c.server, next, err)
		}
	}
	if _, err := (members{voters: []uint64{1}}).after(move{kind: raftpb.ConfChangeRemoveNode, server: 1, change: 1}); err == nil {
		t.Error("the only voter was removed")
	}
}

// FuzzMove: any bytes as a change of members are applied or refused, alike on every replica, and raft has what the state has.
func FuzzMove(f *testing.F) {
	epoch := view.Epoch{}
	for _, m := range []move{
		{raftpb.ConfChangeAddLearnerNode, 2, 1, epoch}, {raftpb.ConfChangeAddNode, 2, 1, epoch}, {raftpb.ConfChangeRemoveNode, 1, 1, epoch},
		{markKind, 0, 9, epoch}, {raftpb.ConfChangeAddLearnerNode, 2, 1, view.Epoch{View: 1}},
	} {
		f.Add(moveBytes(f, m), uint8(raftpb.EntryConfChange))
	}
	f.Add([]byte(nil), uint8(raftpb.EntryConfChangeV2))
	f.Add([]byte("\xff"), uint8(raftpb.EntryConfChange))
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		a, b := bare(t), bare(t)
		for i := range uint64(2) {
			e := entryAt(i+2, 2, data)
			e.Type = raftpb.EntryType(1 + kind%2).Enum()
			if !a.applyEntry(e) || !b.applyEntry(e) || a.halted != nil || b.halted != nil {
				t.Fatal(a.halted, b.halted)
			}
		}
		if a.state.hash != b.state.hash || !a.state.members.equal(b.state.members) || a.state.members.check() != nil {
			t.Fatalf("%v and %v", a.state.members, b.state.members)
		}
	})
}

func TestGoldenMove(t *testing.T) {
	m := move{raftpb.ConfChangeAddNode, 4, 7, view.Epoch{View: 2, Term: 3}}
	same(t, "step of members", moveBytes(t, m), "10 00 18 04 22 19 01 0000000000000007 0000000000000002 0000000000000003")
	if !strings.Contains(m.String(), "server 4 becomes a voter") {
		t.Error(m)
	}
	var w codec.Writer
	members{voters: []uint64{1}, learners: []uint64{2}, change: 3}.append(&w)
	same(t, "members", w.B, "01 0000000000000001 01 0000000000000002 0000000000000003")
}

func moveBytes(t testing.TB, m move) []byte {
	b, err := proto.Marshal(m.raft())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestALaggardIsNotHandedTo: who lacks much of the log does not get the lead, since nothing would be proposed until raft gives up.
func TestALaggardIsNotHandedTo(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	laggard, other := w.servers[l.id%3+1], w.servers[(l.id+1)%3+1]
	w.onFrame = func(_, to uint64, frame []byte) bool {
		h, r, err := wire.Open(frame)
		m := &raftpb.Message{}
		return to != laggard.id || err != nil || h.Kind != wire.KindRaft || proto.Unmarshal(r.Rest(), m) != nil || m.GetType() != raftpb.MsgApp
	}
	for range nearLag + 1 {
		w.do(wire.Command{Op: toyOp("a", 1)})
	}
	if l.group.Transfer(laggard.id) || !l.group.leads() {
		t.Errorf("server %d hands over to server %d, which lacks %d entries", l.id, laggard.id, nearLag+1)
	}
	l.group.Clocks(false, []uint64{laggard.id})
	w.run(1000)
	if w.leader() != l {
		t.Errorf("server %d does not lead any more", l.id)
	}
	if !l.group.Transfer(0) {
		t.Error("nobody can take over")
	}
	w.until("the other leads", func() bool { return w.leader() == other })
}

// TestAnOlderSnapshotIsOfferedToOldMembers: while a snapshot for a server that joined is saved, a voter that lags gets the one there is.
func TestAnOlderSnapshotIsOfferedToOldMembers(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{SnapshotEntries: 40, KeepEntries: 5})
	l := w.awaitLeader()
	behind := w.servers[l.id%3+1]
	behind.cut = true
	for range 100 {
		w.do(wire.Command{Op: toyOp("a", 1)})
	}
	w.until("a snapshot is saved", func() bool {
		return l.group.snap.meta.index > behind.group.state.index && l.group.snap.saving.token == 0
	})
	l.group.state.members.learners = []uint64{4}
	defer func() { l.group.state.members.learners = nil }()
	named := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}}}}
	to := func(id uint64) bool {
		return l.group.mayOffer(&raftpb.Message{Type: raftpb.MsgSnap.Enum(), To: new(id), From: new(l.id), Snapshot: named})
	}
	if !to(behind.id) || l.group.snap.wanted {
		t.Error("a voter of then is not offered the snapshot of then")
	}
	if to(4) || !l.group.snap.wanted {
		t.Error("a learner is offered a snapshot from before it came, or none is saved for it")
	}
	l.group.snap.wanted = false
	l.group.snap.meta.members.learners = []uint64{4} // a newer one is there, which raft's message does not name yet
	if to(4) || l.group.snap.wanted {
		t.Error("a learner is offered the snapshot before the one that has it, or yet another one is saved for it")
	}
}
