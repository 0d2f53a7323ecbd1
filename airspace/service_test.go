package airspace

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"onevoice/machine"
	"onevoice/problem"
)

func TestServiceTimeBeginsWithTheFirstEntry(t *testing.T) {
	w := newWorld()
	if s := w.m.State(); s.ServiceNs() != startNs || serviceAt(s, startNs+5*second) != startNs+5*second {
		t.Errorf("service time %d, five seconds on %d, want log time", s.ServiceNs(), serviceAt(s, startNs+5*second))
	}
	past := NewAt(1000, 2000)
	past.Advance(machine.At{Index: 1, LogTimeNs: startNs}, func([]byte) {})
	past.Advance(machine.At{Index: 2, LogTimeNs: startNs + 50}, func([]byte) {})
	if s := past.State(); s.ServiceNs() != 1100 || s.Settings().RateMilli != 2000 || s.Settings().ServiceAnchorLogNs != startNs {
		t.Errorf("service time %d, settings %+v, want 1100 at double speed", s.ServiceNs(), s.Settings())
	}
	// A cluster begins with a snapshot of a machine that has seen no entry.
	late := reload(t, chunksOf(NewAt(1000, 2000).State()))
	late.Advance(machine.At{Index: 1, LogTimeNs: startNs}, func([]byte) {})
	if s := late.State(); s.ServiceNs() != 1000 || serviceAt(s, startNs+50) != 1100 {
		t.Errorf("loaded before the first entry: service time %d, want 1000", s.ServiceNs())
	}
	if s := NewAt(7, 1000).State(); serviceAt(s, startNs) != 7 {
		t.Errorf("before the first entry service time is %d, want 7", serviceAt(s, startNs))
	}
}

func TestServiceTimeNeverGoesBack(t *testing.T) {
	w := newWorld()
	now := func() int64 { return w.m.State().ServiceNs() }
	w.must(t, SetService{RateMilli: 5000})
	at := now()
	w.entry(second)
	if now() != at+5*second {
		t.Errorf("after a second at five times the speed: %d, want %d", now()-at, 5*second)
	}
	w.refuse(t, SetService{AnchorNs: at, RateMilli: 1000}, problem.Refused)
	jump := now() + 3600*second
	if res := w.must(t, SetService{AnchorNs: jump, RateMilli: 1}); res.ServiceNs != jump {
		t.Errorf("service time %d in the result, want %d", res.ServiceNs, jump)
	}
	w.entry(100 * second)
	before := now()
	w.logNs -= 50 * second // a leader with a clock that is behind
	w.entry(0)
	if now() != before {
		t.Errorf("service time went from %d to %d with log time", before, now())
	}
	w.must(t, SetService{AnchorNs: MaxServiceNs, RateMilli: 1000})
	w.entry(1000 * second)
	if now() != MaxServiceNs {
		t.Errorf("service time %d after its end", now())
	}
}

// TestClockArithmetic compares with big integers: at is the definition, and reaches is the first log time at which at comes
// to a time.
func TestClockArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock{
			begun:       true,
			anchorLogNs: rapid.Int64().Draw(t, "anchor log"),
			anchorNs:    rapid.Int64Range(0, MaxServiceNs).Draw(t, "anchor"),
			rateMilli:   rapid.Int64Range(MinRateMilli, MaxRateMilli).Draw(t, "rate"),
		}
		logNs := rapid.Int64().Draw(t, "log")
		if rapid.Bool().Draw(t, "near") {
			logNs = c.anchorLogNs + rapid.Int64Range(0, 1000*second).Draw(t, "after")
		}
		want := new(big.Int).Sub(big.NewInt(logNs), big.NewInt(c.anchorLogNs))
		if want.Sign() < 0 {
			want.SetInt64(0)
		}
		want.Div(want.Mul(want, big.NewInt(c.rateMilli)), big.NewInt(1000))
		want.Add(want, big.NewInt(c.anchorNs))
		if want.Cmp(big.NewInt(MaxServiceNs)) > 0 {
			want.SetInt64(MaxServiceNs)
		}
		if got := c.at(logNs); got != want.Int64() {
			t.Fatalf("at %d: %d, want %d", logNs, got, want)
		}
		target := rapid.Int64Range(0, MaxServiceNs).Draw(t, "target")
		due := c.reaches(target)
		switch {
		case due == 0:
			if c.at(math.MaxInt64-1) >= target {
				t.Fatalf("never reaches %d, but is at %d in the end", target, c.at(math.MaxInt64-1))
			}
		case c.at(due) < target:
			t.Fatalf("due at %d for %d, but then it is %d", due, target, c.at(due))
		case due > 1 && due-1 > c.anchorLogNs && c.at(due-1) >= target:
			t.Fatalf("due at %d for %d, which is later than needed", due, target)
		}
	})
}

func TestExpiry(t *testing.T) {
	w := newWorld()
	w.must(t, SetRules{CrossRefCm: DefaultCrossRefCm, RetainNs: 600 * second})
	f := eastward("b", 47, 5, 6, startNs) // ends 600 s after the start
	f.Uncertainty.TimeNs = 60 * second
	w.must(t, PutFlight{Flight: f})
	f.ID = "a"
	w.must(t, PutFlight{Flight: f})
	over := startNs + (600+60+600)*second
	if due := w.m.DueNs(); due != over+1 {
		t.Fatalf("due at %d, want %d", due, over+1)
	}
	w.takeEvents(t)
	w.entry(over - w.logNs)
	if e := w.takeEvents(t); len(e) != 0 {
		t.Errorf("at the last instant: %v", e)
	}
	w.entry(1)
	events := w.takeEvents(t)
	if len(events) != 2 || events[0].Kind != FlightExpired || events[0].ID != "a" || events[1].ID != "b" || events[0].Callsign != f.Callsign {
		t.Errorf("expired %v, want a and b", events)
	}
	if w.m.expiryNs() != 0 || w.m.State().FlightCount() != 0 || w.m.state.places.index.Len() != 0 {
		t.Errorf("due at %d, %d flights", w.m.expiryNs(), w.m.State().FlightCount())
	}
	res := w.refuse(t, PutFlight{Flight: f}, problem.Refused)
	t.Log(res.Problem)
}

func TestExpiryIsBounded(t *testing.T) {
	w := newWorld()
	var cmds []Command
	for i := range MaxExpired + 7 {
		cmds = append(cmds, PutFlight{Flight: eastward(fmt.Sprintf("f%04d", i), 47, 5, 6, startNs)})
	}
	w.entry(second, cmds...)
	w.must(t, SetService{AnchorNs: startNs + 10_000*second, RateMilli: 1000})
	w.entry(second)
	if n := w.m.State().FlightCount(); n != 7 {
		t.Fatalf("%d flights left after one entry, want 7", n)
	}
	if due := w.m.DueNs(); due == 0 || due > w.logNs {
		t.Errorf("due at %d with flights left, log time %d", due, w.logNs)
	}
	w.entry(0)
	if n := w.m.State().FlightCount(); n != 0 {
		t.Errorf("%d flights left", n)
	}
}
