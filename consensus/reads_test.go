package consensus

import (
	"fmt"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/wire"
)

// A query on any server sees every command acknowledged before it was asked.
func TestQueriesSeeWhatWasAcknowledged(t *testing.T) {
	for seed := range uint64(5) {
		w := newWorld(t, 3, seed, Limits{})
		id := w.openSession()
		for seq := uint64(1); seq <= 20; seq++ {
			w.do(wire.Command{Session: id, Seq: seq, Acked: seq - 1, Op: toyOp("a", 1)})
			var asked []uint64
			for _, s := range w.servers[1:] {
				asked = append(asked, w.query(s, "a"))
			}
			for _, q := range asked {
				w.until("an answer", func() bool { return w.answers[q] != nil })
				if got := value(w.answers[q]); got != int64(seq) {
					t.Fatalf("%d were acknowledged, the answer is %d", seq, got)
				}
			}
		}
	}
}

// A follower that knows the barrier but has not applied so far waits.
func TestQueryWaitsForApplied(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	f := w.servers[1+l.id%3]
	w.run(50)
	// The follower gets neither entries nor the commit index, but answers to its barriers.
	w.onFrame = func(_, to uint64, frame []byte) bool {
		m := body(t, frame)
		return to != f.id || m == nil || m.GetType() != raftpb.MsgApp && m.GetType() != raftpb.MsgHeartbeat
	}
	r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)})
	q := w.query(f, "a")
	w.until("the barrier", func() bool { return len(f.group.reads.batches) == 1 && f.group.reads.batches[0].confirmed })
	w.run(20)
	if w.answers[q] != nil || f.group.state.index >= r.Index {
		t.Fatal("answered before the barrier was applied")
	}
	w.onFrame = nil
	w.until("an answer", func() bool { return w.answers[q] != nil })
	if value(w.answers[q]) != 1 || w.asOf[q] < r.Index {
		t.Fatalf("answer %d as of %d", value(w.answers[q]), w.asOf[q])
	}
}

func TestBurstOfQueriesSharesOneBarrier(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	w.run(50)
	before := l.group.counters.Barriers
	var asked []uint64
	for range 500 {
		asked = append(asked, w.query(l, "a"))
	}
	for _, q := range asked {
		w.until("an answer", func() bool { return w.answers[q] != nil })
	}
	if n := l.group.counters.Barriers - before; n != 1 {
		t.Fatalf("%d barriers for one burst", n)
	}
	if l.group.reads.count != 0 || l.group.reads.bytes != 0 {
		t.Fatal("queries are still counted as waiting")
	}
}

func TestBarrierReply(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	at := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}).Index
	for _, s := range w.servers[1:] {
		q := w.query(s, "")
		r := w.await(q)
		if r.Status != wire.OK || r.Index < at || r.Hash != w.chain[r.Index].Hash || r.LogTimeNs != w.chain[r.Index].LogTimeNs {
			t.Fatalf("server %d: %+v", s.id, r)
		}
	}
}

// A cut server answers that it has no voice after two seconds, also the leader who still believes it leads.
func TestNoVoiceWithoutQuorum(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	w.awaitLeader()
	w.run(50)
	for _, s := range w.servers[1:] {
		s.cut = true
	}
	start := w.nowMs
	var asked []uint64
	for _, s := range w.servers[1:] {
		for range 3 {
			asked = append(asked, w.query(s, "a"))
			w.run(7)
		}
	}
	for _, q := range asked {
		if r := w.await(q); r.Status != wire.NoVoice {
			t.Fatalf("status %d", r.Status)
		}
	}
	if took := w.nowMs - start; took < 2000 || took > 2200 {
		t.Fatalf("it took %d ms", took)
	}
	for _, s := range w.servers[1:] {
		if r := &s.group.reads; r.count != 0 || r.bytes != 0 || len(r.batches)+len(r.forming) != 0 {
			t.Fatalf("server %d still holds queries", s.id)
		}
	}
}

// A leader that is cut off and still believes it leads answers no query after another has taken over.
func TestDeposedLeaderAnswersNoQuery(t *testing.T) {
	both := 0
	for seed := range uint64(40) {
		both += deposedLeader(t, seed)
	}
	if both == 0 {
		t.Fatal("in no run were there two who believed")
	}
}

// deposedLeader says whether two believed they led at once.
func deposedLeader(t testing.TB, seed uint64) int {
	w := newWorld(t, 3, seed, Limits{})
	id := w.openSession()
	w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)})
	old := w.awaitLeader()
	w.run(50 + int64(seed))
	old.cut = true
	w.until("another leader", func() bool { l := w.leader(); return l != nil && l != old })
	r := w.await(w.command(w.leader(), wire.Command{Session: id, Seq: 2, Acked: 1, Op: toyOp("a", 1)}))
	if r.Status != wire.OK || !old.group.leads() {
		return 0
	}
	q := w.query(old, "a")
	w.run(300)
	if a := w.answers[q]; a != nil && value(a) < 2 {
		t.Fatal("the deposed leader answered from the past")
	}
	return 1
}

func TestQueryLimits(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{Queries: 10})
	l := w.awaitLeader()
	for _, s := range w.servers[1:] {
		s.cut = true
	}
	refused := 0
	for range 15 {
		q := w.query(l, "a")
		w.run(1)
		if r, ok := w.reply(q); ok && r.Status == wire.Overloaded {
			refused++
		}
	}
	if refused != 5 {
		t.Fatalf("%d of 15 queries were refused with room for 10", refused)
	}
	w.run(2500)
	if n := l.group.Status().WaitingReads; n != 0 {
		t.Fatalf("%d still wait", n)
	}
}

// A lost barrier is asked again under another context.
func TestBarrierIsRepeatedUnderFreshContext(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	f := w.servers[1+l.id%3]
	w.run(50)
	seen := map[string]int{}
	w.onFrame = func(from, _ uint64, frame []byte) bool {
		m := body(t, frame)
		if from == f.id && m.GetType() == raftpb.MsgReadIndex {
			seen[fmt.Sprintf("%x", m.GetEntries()[0].GetData())]++
			return len(seen) > 3
		}
		return true
	}
	q := w.query(f, "a")
	w.until("an answer", func() bool { return w.answers[q] != nil })
	if len(seen) < 4 {
		t.Fatalf("contexts %v", seen)
	}
	for ctx, n := range seen {
		if n != 1 {
			t.Fatalf("context %s was used %d times", ctx, n)
		}
	}
}

// An answer to a barrier of an earlier life is not taken for one of this life.
func TestForeignBarrierIsIgnored(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	f := w.servers[1+l.id%3]
	w.run(50)
	w.onFrame = func(from, _ uint64, frame []byte) bool {
		m := body(t, frame)
		return from != f.id || m == nil || m.GetType() != raftpb.MsgReadIndex
	}
	q := w.query(f, "a")
	w.run(10)
	ctx := make([]byte, 20) // all as it was asked, but for the boot number
	ctx[15] = byte(f.group.reads.batches[0].number)
	ctx[19] = 1
	f.group.Raft(l.id, mustMarshal(t, &raftpb.Message{
		Type: raftpb.MsgReadIndexResp.Enum(), From: new(l.id), To: new(f.id), Term: new(l.group.term), Index: new(uint64(1)),
		Entries: []*raftpb.Entry{{Data: ctx}},
	}))
	w.run(10)
	if w.answers[q] != nil {
		t.Fatal("the answer to a foreign barrier was taken")
	}
}

// When a leader appears, queries that wait are asked at once, not at their next repetition.
func TestNewLeaderIsAskedAtOnce(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, 3, seed, Limits{})
		l := w.awaitLeader()
		w.run(50)
		w.crash(l.id)
		f := w.servers[1+l.id%3]
		w.run(int64(seed) * 9)
		q := w.query(f, "a")
		w.until("another leader", func() bool { n := w.leader(); return n != nil && f.group.leader == n.id })
		start := w.nowMs
		w.until("an answer", func() bool { return w.answers[q] != nil })
		if took := w.nowMs - start; took > 30 {
			t.Fatalf("seed %d: answered %d ms after there was a leader", seed, took)
		}
	}
}

// A single voter that has lost the commit index with its memory still answers no query from before what it acknowledged.
func TestSingleVoterReadsAfterCrash(t *testing.T) {
	for seed := range uint64(30) {
		w := newWorld(t, 1, seed, Limits{})
		id := w.openSession()
		for seq := uint64(1); seq <= 10; seq++ {
			w.do(wire.Command{Session: id, Seq: seq, Acked: seq - 1, Op: toyOp("a", 1)})
		}
		s := w.servers[1]
		w.crash(1)
		w.restart(1)
		asked := w.query(s, "a")
		for !s.group.leads() {
			w.run(1)
		}
		again := w.query(s, "a")
		for _, q := range []uint64{asked, again} {
			w.until("an answer", func() bool { return w.answers[q] != nil })
			if got := value(w.answers[q]); got != 10 {
				t.Fatalf("seed %d: 10 were acknowledged before the crash, the answer is %d", seed, got)
			}
		}
	}
}
