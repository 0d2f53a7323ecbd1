package core

import (
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

// upAs connects place k with a start of its server.
func (s *script) upAs(k int, boot uint64) {
	s.c.Up(s.now, k, view.Start{Server: uint64(k + 1), Boot: boot}, &s.out)
	s.take()
}

// hears brings a view by place k in which some servers are down in their first start.
func (s *script) hears(k int, number view.Number, down ...uint64) {
	v := view.View{Number: number}
	for _, d := range down {
		v.Processes = append(v.Processes, view.Process{PID: view.PID{Server: d}, Boot: 1, Standing: view.Down})
	}
	v.Hash = v.Chain([32]byte{})
	s.c.Frame(s.now, k, wire.EncodeView(&v), &s.out)
	s.take()
}

// Whoever is down is left at once: what it owes is asked elsewhere under the same number, and its late answer is dropped.
func TestWhoIsDownIsLeft(t *testing.T) {
	s := beginNearest(t, 3, -1)
	for k := range 3 {
		s.upAs(k, 1)
	}
	s.session(0, 5)
	id := s.command("x")
	m := s.nextCommand(0)
	s.hears(1, 4, 1)
	if len(s.dial) != 1 || s.dial[0] != 0 {
		t.Fatalf("to be dialled anew: %v", s.dial)
	}
	again := s.nextCommand(1)
	if again.Session != m.Session || again.Seq != m.Seq {
		t.Errorf("first %+v, then %+v", m, again)
	}
	s.ok(0, m.Request, "late")
	if st := s.c.Status(); st.Stats.Late != 1 || st.Stats.Fenced != 1 || st.View != 4 || st.Connected != 2 {
		t.Errorf("%+v", st)
	}
	s.ok(1, again.Request, "r")
	s.end(id, 0)
}

// A connection to a start that is over is not used, however often it is made; its next start is.
func TestWhoIsDownIsDialledForEver(t *testing.T) {
	s := beginNearest(t, 2, -1)
	s.upAs(1, 1)
	s.hears(1, 4, 1)
	for range 3 {
		s.dial = nil
		if s.upAs(0, 1); len(s.dial) != 1 || s.c.Status().Connected != 1 {
			t.Fatalf("to be dialled anew: %v, %d connected", s.dial, s.c.Status().Connected)
		}
		s.down(0)
	}
	s.dial = nil
	if s.upAs(0, 2); len(s.dial) != 0 || s.c.Status().Connected != 2 {
		t.Errorf("to be dialled anew: %v, %d connected", s.dial, s.c.Status().Connected)
	}
}

// An older view changes nothing, and two views of one number are a contradiction.
func TestOldAndTwofoldViews(t *testing.T) {
	s := beginNearest(t, 2, -1)
	s.upAs(0, 1)
	s.upAs(1, 1)
	s.hears(0, 4)
	s.hears(1, 3, 1)
	s.hears(1, 4)
	if st := s.c.Status(); st.Connected != 2 || st.Stats.Contradicted != 0 {
		t.Errorf("%+v", st)
	}
	s.hears(1, 4, 1)
	if st := s.c.Status(); st.Connected != 2 || st.Stats.Contradicted != 1 {
		t.Errorf("%+v", st)
	}
	s.c.Frame(s.now, 0, wire.EncodeView(&view.View{})[:40], &s.out)
	if st := s.c.Status(); st.Stats.Malformed != 1 {
		t.Errorf("%+v", st)
	}
}
