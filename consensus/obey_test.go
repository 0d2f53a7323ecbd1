package consensus

import (
	"bytes"
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

// aView is one in which some servers are down.
func (w *world) aView(number view.Number, down ...uint64) *view.View {
	v := &view.View{Number: number}
	for _, s := range w.servers[1:] {
		p := view.Process{PID: view.PID{Server: s.id}, Boot: uint64(s.boot) + 1, Standing: view.Up}
		for _, d := range down {
			if d == s.id {
				p.Standing = view.Down
			}
		}
		v.Processes = append(v.Processes, p)
	}
	return v
}

// A leader brings a newer view into its log and goes on in it; an older one changes nothing.
func TestTheEpochFollowsTheView(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	id := w.openSession()
	before := l.group.Epoch()
	l.group.Obey(w.aView(7))
	for seq := range uint64(50) { // some stand behind the view in the log before it is applied
		if r := w.do(wire.Command{Session: id, Seq: seq + 1, Op: toyOp("a", 1)}); r.Status != wire.OK {
			t.Fatalf("command %d: status %d", seq, r.Status)
		}
	}
	l.group.Obey(w.aView(6))
	w.run(200)
	if e := l.group.Epoch(); e != (view.Epoch{View: 7, Term: before.Term}) {
		t.Fatalf("epoch %v after %v", e, before)
	}
	if w.facts["view"] != 3 || w.facts["fenced"] != 0 {
		t.Errorf("%d of 3 servers applied a view, %d entries were fenced", w.facts["view"], w.facts["fenced"])
	}
	w.crash(l.id)
	w.run(500)
	if e := w.awaitLeader().group.Epoch(); e.View != 7 || e.Term <= before.Term {
		t.Errorf("the next leader's epoch is %v", e)
	}
	w.restart(l.id)
	w.settle()
}

func TestWhoIsDownHasNoEffect(t *testing.T) {
	for seed := range uint64(10) {
		whoIsDownHasNoEffect(t, seed)
	}
}

// Once a view is applied in which the leader is down, nothing that it proposes takes effect, and neither when it wins again; with its next
// start it leads as any other.
func whoIsDownHasNoEffect(t testing.TB, seed uint64) {
	w := newWorld(t, 3, seed, Limits{})
	var effects []Applied
	over, down := ^uint64(0), view.Start{Boot: 1}
	w.onFlush = func(s *server, out *Output) {
		for _, a := range out.Applied {
			if a.By == down && a.Index > over {
				effects = append(effects, a)
			}
		}
	}
	l := w.awaitLeader()
	down.Server = l.id
	id := w.openSession()
	l.group.Obey(w.aView(3, l.id))
	w.until("the view is applied", func() bool { return l.group.state.known.view == 3 })
	over = l.group.state.index
	x := w.command(l, wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)})
	if r := w.await(x); r.Status != wire.Fenced {
		t.Fatalf("the answer is of status %d", r.Status)
	}
	w.run(100)
	if len(effects) != 0 {
		t.Fatalf("who is down had effect: %+v", effects)
	}
	w.servers[l.id%3+1].group.Campaign()
	w.until("another leads", func() bool { return w.leader() != l && !l.group.leads() })
	refused := w.facts["lead-refused"]
	w.until("it wins again, and everybody refuses it", func() bool {
		if w.nowMs%100 == 0 {
			l.group.Campaign()
		}
		return l.group.leads() && w.facts["lead-refused"] >= refused+3
	})
	w.run(100)
	if l.group.Leads() || len(effects) != 0 {
		t.Fatalf("who is down leads, or had effect: %+v", effects)
	}
	w.crash(l.id)
	w.restart(l.id)
	w.run(20)
	l.group.Campaign()
	w.until("a new start leads", func() bool { return l.group.Leads() })
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}); r.Status != wire.OK {
		t.Fatalf("under the new start the answer is of status %d", r.Status)
	}
	w.settle()
}

// A command of the driver's own takes effect on every replica, and clients cannot pass for the driver.
func TestOwnCommands(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	if !l.group.Propose(toyOp("own", 5)) || l.group.Propose(bytes.Repeat([]byte{1}, wire.MaxCommandBytes+1)) {
		t.Fatal("proposed is not what should be")
	}
	for _, s := range w.servers[1:] {
		if s != l && s.group.Propose(toyOp("own", 5)) {
			t.Errorf("server %d does not lead and proposes", s.id)
		}
	}
	if r := w.do(wire.Command{Session: ownSession, Seq: 1, Op: toyOp("own", 1)}); r.Status != wire.Malformed {
		t.Errorf("a client's own command: status %d", r.Status)
	}
	id := w.openSession()
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("own", 1)}); value(r.Result) != 6 {
		t.Errorf("%d, want 6", value(r.Result))
	}
	w.settle()
}
