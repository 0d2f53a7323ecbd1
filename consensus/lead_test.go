package consensus

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/wire"
)

// successor has a command replicated and its leader crash before anybody hears that it is committed, and campaigns at another server. It gives
// that one when it leads.
func successor(t *testing.T, w *world, c wire.Command) *server {
	t.Helper()
	first := w.awaitLeader()
	next := w.servers[1+first.id%3]
	w.run(50)
	w.onFrame = func(_, to uint64, frame []byte) bool { // nothing comes back to the leader
		m := body(t, frame)
		return to != first.id || m == nil || m.GetType() != raftpb.MsgAppResp
	}
	last := next.group.disk.last
	w.command(first, c)
	w.until("the entry is replicated", func() bool { return next.group.disk.last > last })
	w.run(20)
	w.onFrame = nil
	w.crash(first.id)
	next.group.Campaign()
	w.flush(next)
	w.until("it leads", func() bool { return next.group.leads() })
	return next
}

// TestALeadersFirstEntriesTravelTogether: raft sends its empty entry and waits for the answer; the lead entry is in the same message.
func TestALeadersFirstEntriesTravelTogether(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	together := false
	defer func() {
		if !together {
			t.Error("the lead entry was sent later")
		}
	}()
	first := w.awaitLeader()
	next := w.servers[1+first.id%3]
	w.run(50)
	w.crash(first.id)
	next.group.Campaign()
	term := next.group.term + 1
	w.onFrame = func(from, _ uint64, frame []byte) bool {
		if m := body(t, frame); from == next.id && m != nil && m.GetType() == raftpb.MsgApp && !together {
			e := m.GetEntries()
			together = len(e) == 2 && e[0].GetTerm() == term && len(e[0].GetData()) == 0 && len(e[1].GetData()) > 0
			if !together {
				t.Fatalf("first came %d entries", len(e))
			}
		}
		return true
	}
	w.flush(next)
	w.until("it leads", func() bool { return next.group.leads() })
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}); value(r.Result) != 1 {
		t.Errorf("the first command gave %d", value(r.Result))
	}
	w.restart(first.id)
	w.settle()
}

// TestACommandThatIsInTheLogIsNotWrittenAgain: it was put there by the leader before, and its retry comes before the new one has applied it.
func TestACommandThatIsInTheLogIsNotWrittenAgain(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	c := wire.Command{Session: w.openSession(), Seq: 1, Op: toyOp("a", 1)}
	next := successor(t, w, c)
	if next.group.lead.applied {
		t.Fatal("its lead entry is applied already")
	}
	again := w.command(next, c)
	if got := next.group.Status().Waiting; got != 1 {
		t.Errorf("%d commands wait", got)
	}
	if r := w.await(again); r.Status != wire.OK || value(r.Result) != 1 {
		t.Errorf("%+v", r)
	}
	if got := next.group.counters; got.Duplicates != 1 || got.Proposed != 0 {
		t.Errorf("%d answered from what was applied, %d entries proposed", got.Duplicates, got.Proposed)
	}
}

// TestCommandsThatComeEarlyEndWithTheLeadership, and are bounded.
func TestCommandsThatComeEarlyEndWithTheLeadership(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{QueueCommands: 2})
	c := wire.Command{Session: w.openSession(), Seq: 1, Op: toyOp("a", 1)}
	next := successor(t, w, c)
	next.cut = true
	var requests []uint64
	for range 3 {
		requests = append(requests, w.command(next, c))
	}
	w.flush(next)
	if r, ok := w.reply(requests[2]); !ok || r.Status != wire.Overloaded {
		t.Errorf("the third is told %+v", r)
	}
	for _, q := range requests[:2] {
		if r := w.await(q); r.Status != wire.NotLeader {
			t.Errorf("%+v", r)
		}
	}
	if next.group.queue.bytes != 0 || next.group.Status().Waiting != 0 {
		t.Errorf("%d bytes, %d waiting", next.group.queue.bytes, next.group.Status().Waiting)
	}
}
