package core

import (
	"testing"

	"onevoice/problem"
	"onevoice/wire"
)

func TestAFewRefusalsAreNoOverload(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	for range throttleFree {
		id := s.command("x")
		s.status(0, s.nextCommand(0).Request, wire.Overloaded, 1)
		s.pass(backoffMostNs)
		s.ok(0, s.nextCommand(0).Request, "")
		s.end(id, 0)
	}
	if n := s.c.Status().Stats.Throttled; n != 0 {
		t.Errorf("%d commands were held back", n)
	}
}

func TestWhatServersRefuseIsAskedLess(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	sent, shed := 0, 0
	for range 2_000 {
		id := s.command("x")
		frames := len(s.sent)
		if frames == 0 {
			s.end(id, problem.Overloaded)
			shed++
			continue
		}
		sent++
		s.status(0, s.nextCommand(0).Request, wire.Overloaded, 1)
		s.c.Cancel(s.now, id, &s.out)
		s.take()
		s.done, s.sent = nil, nil
	}
	if sent > 700 || shed < 1_300 {
		t.Errorf("%d commands were sent and %d held back, while all were refused", sent, shed)
	}
	// Once nothing is refused any more the servers are asked again.
	s.pass(2 * throttleNs)
	id := s.command("x")
	s.ok(0, s.nextCommand(0).Request, "")
	s.end(id, 0)
}
