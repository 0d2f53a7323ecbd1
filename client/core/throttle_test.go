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
	if n := s.c.Status().Stats.Throttled; n < uint64(shed) {
		t.Errorf("%d commands are counted as held back, want at least %d", n, shed)
	}
	for range 100 { // a question is no command
		s.query("q")
		s.ok(0, s.nextQuery(0).Request, "")
	}
	s.done = nil
	// Once nothing is refused any more the servers are asked again.
	s.pass(2 * throttleNs)
	id := s.command("x")
	s.ok(0, s.nextCommand(0).Request, "")
	s.end(id, 0)
}

func TestHowLongRefusalsCount(t *testing.T) {
	const first = 1_000 * ms
	for _, c := range []struct {
		name          string
		refused, done int     // at first
		late          int     // refused 1.9 halves later
		asks          []int64 // when it is asked how many to spare, after first
		out, of       int     // the last time
	}{
		{"at once", 300, 100, 0, []int64{0}, 300 - 100 - throttleFree, 400},
		{"in the next half", 300, 100, 0, []int64{throttleNs, throttleNs + 1}, 300 - 100 - throttleFree, 400},
		{"no more after both", 300, 100, 0, []int64{throttleNs, 2 * throttleNs}, 0, 0},
		{"no more after a long rest", 300, 100, 0, []int64{10 * throttleNs}, 0, 0},
		{"what came last", 300, 100, 200, []int64{2 * throttleNs}, 500 - 100 - throttleFree, 600},
		{"as many done", 1_000, 1_000, 0, []int64{0}, 0, 0},
		{"as many done, in the next half", 1_000, 1_000, 0, []int64{throttleNs}, 0, 0},
	} {
		var h throttle
		h.count(first, c.refused, c.done)
		if c.late > 0 {
			h.count(first+throttleNs*19/10, c.late, 0)
		}
		out, of := 0, 0
		for _, at := range c.asks {
			out, of = h.spare(first + at)
		}
		if out != c.out || of != c.of {
			t.Errorf("%s: %d of %d, want %d of %d", c.name, out, of, c.out, c.of)
		}
	}
}
