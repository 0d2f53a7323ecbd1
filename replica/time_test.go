package replica

import (
	"testing"
	"time"
)

// set starts a server anew with a wall clock that is ahead.
func (w *world) set(k int, ahead time.Duration) {
	w.stop(k)
	w.servers[k].aheadNs = int64(ahead)
	w.start(k)
}

// believes waits until every server says of each whether its clock is good enough to lead.
func (w *world) believes(fit ...bool) {
	w.t.Helper()
	w.until("all know whose clocks are good enough", func() bool {
		for k, s := range w.servers {
			c := s.node.Status().Clock
			if !c.Known || c.Fit != fit[k] || len(c.Peers) != len(fit)-1 {
				return false
			}
			for _, p := range c.Peers {
				if p.Fit != fit[p.Server-1] {
					return false
				}
			}
		}
		return true
	})
}

// TestEveryGroupIsHandedToAGoodClock: each server has another time, so that only the middle one may lead, and does, in every group.
func TestEveryGroupIsHandedToAGoodClock(t *testing.T) {
	for good := range 3 {
		w := newWorld(t)
		bad := (good + 1) % 3
		for _, g := range groups {
			w.until("a leader", func() bool { return w.leader(g) >= 0 })
			w.until("it leads", func() bool {
				if k := w.leader(g); k >= 0 && k != bad {
					w.servers[k].node.Transfer(g, uint64(bad+1))
				}
				return w.leader(g) == bad
			})
		}
		w.believes(true, true, true)
		w.facts = nil
		w.set(good, 10*time.Second)
		w.set(3-good-bad, 20*time.Second)
		w.until("the good clock leads both groups", func() bool { return w.leader(groups[0]) == good && w.leader(groups[1]) == good })
		fit := make([]bool, 3)
		fit[good] = true
		w.believes(fit...)
		for _, f := range w.facts {
			if f.Name == "hand-over" && f.Value != uint64(good+1) {
				t.Errorf("group %d was handed to server %d, whose clock is wrong", f.Group, f.Value)
			}
		}
	}
}

// TestALeapIsNotTold: a server tells the others its own time, which does not follow a leap of its wall clock.
func TestALeapIsNotTold(t *testing.T) {
	w := newWorld(t)
	w.believes(true, true, true)
	w.servers[1].aheadNs = int64(time.Hour)
	for range 6_000 {
		w.round()
	}
	w.believes(true, true, true)
	if n := w.servers[1].node.Status().Clock.Leaps; n != 1 {
		t.Errorf("%d leaps were noticed, want 1", n)
	}
	for _, f := range w.facts {
		if f.Name == "clock-unfit" {
			t.Errorf("%+v", f)
		}
	}
}
