package clock

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"onevoice/step"
)

const second = int64(time.Second)

// world is some servers' clocks, with a true time between which and each wall clock lies an offset.
type world struct {
	trueNs int64
	walls  []int64
	clocks []*Clock
	trips  func() int64
	down   map[int]bool
}

const start = 1_700_000_000 * second

func newWorld(walls ...int64) *world {
	w := &world{trueNs: start, walls: walls, down: map[int]bool{}, trips: func() int64 { return second / 1000 }}
	var voters []uint64
	for i := range walls {
		voters = append(voters, uint64(i+1))
	}
	for i := range walls {
		c := New(uint64(i + 1))
		c.SetVoters(voters)
		w.clocks = append(w.clocks, c)
	}
	return w
}

func (w *world) now(i int) step.Now {
	return step.Now{MonoNs: w.trueNs - start + 1, WallNs: w.trueNs + w.walls[i]}
}

// run lets time pass in ticks of 10 ms, with all questions answered within their tick.
func (w *world) run(d int64) {
	for end := w.trueNs + d; w.trueNs < end; w.trueNs += 10 * second / 1000 {
		for i, c := range w.clocks {
			if w.down[i] {
				continue
			}
			c.Read(w.now(i))
			for _, v := range c.Ask(w.now(i).MonoNs) {
				other := int(v - 1)
				if w.down[other] {
					continue
				}
				asked, trip := w.now(i).MonoNs, w.trips()
				w.trueNs += trip / 2
				told := w.clocks[other].Read(w.now(other))
				w.trueNs += trip - trip/2
				c.Read(w.now(i))
				c.Answer(v, asked, told)
			}
		}
	}
}

func (w *world) fit() (all []bool) {
	for _, c := range w.clocks {
		all = append(all, c.Status().Fit)
	}
	return all
}

func TestWhoIsFarFromTheMedianIsNotFit(t *testing.T) {
	for _, c := range []struct {
		name  string
		walls []int64
		want  []bool
	}{
		{"alone", []int64{0}, []bool{true}},
		{"agree", []int64{0, second / 10, -second / 10}, []bool{true, true, true}},
		{"one is an hour ahead", []int64{0, 3600 * second, second / 10}, []bool{true, false, true}},
		{"one is 0.7 s behind", []int64{-7 * second / 10, 0, 0}, []bool{false, true, true}},
		{"each has its own", []int64{0, 10 * second, 20 * second}, []bool{false, true, false}},
		{"two of five", []int64{0, 9 * second, 0, -9 * second, 0}, []bool{true, false, true, false, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.walls...)
			w.run(3 * second)
			for i, got := range w.fit() {
				if got != c.want[i] {
					t.Errorf("server %d: fit %v, want %v: %+v", i+1, got, c.want[i], w.clocks[i].Status())
				}
				for _, p := range w.clocks[i].Status().Peers {
					if p.Fit != c.want[p.Server-1] {
						t.Errorf("server %d believes of server %d: fit %v", i+1, p.Server, p.Fit)
					}
				}
			}
		})
	}
}

func TestWithoutAMajorityNothingIsKnown(t *testing.T) {
	w := newWorld(0, 0, 0)
	w.down[1], w.down[2] = true, true
	w.run(3 * second)
	if s := w.clocks[0].Status(); s.Known || s.Fit {
		t.Fatalf("alone of three: %+v", s)
	}
	w.down[1] = false
	w.run(second)
	if s := w.clocks[0].Status(); !s.Known || !s.Fit {
		t.Fatalf("two of three: %+v", s)
	}
	w.down[1] = true
	w.run(freshNs + second)
	if s := w.clocks[0].Status(); s.Known || s.Fit {
		t.Fatalf("alone again: %+v", s)
	}
}

func TestALeapOfTheWallClockIsNotFollowed(t *testing.T) {
	for _, leap := range []int64{3600 * second, -3600 * second, second / 2} {
		w := newWorld(0, 0, 0)
		w.run(3 * second)
		w.walls[0] = leap
		w.run(20 * second)
		s := w.clocks[0].Status()
		if off := s.TimeNs - w.trueNs; off > second/50 || off < -second/50 || !s.Fit || s.Leaps != 1 {
			t.Errorf("after a leap of %d ns our time is %d ns off: %+v", leap, off, s)
		}
	}
}

func TestAWrongClockIsPutRight(t *testing.T) {
	w := newWorld(3600*second, 0, 0) // at start it knows no better
	w.run(3 * second)
	if s := w.clocks[0].Status(); s.Fit {
		t.Fatalf("an hour ahead: %+v", s)
	}
	w.walls[0] = 0 // the system's clock is set
	w.run(3 * second)
	s := w.clocks[0].Status()
	if off := s.TimeNs - w.trueNs; off > second/50 || off < -second/50 || !s.Fit {
		t.Errorf("%d ns off after the wall clock was set: %+v", off, s)
	}
}

func TestAloneALeapIsApproached(t *testing.T) {
	w := newWorld(0)
	w.run(second)
	w.walls[0] = 10 * second
	w.run(aloneNs - second)
	if off := w.clocks[0].Status().TimeNs - w.trueNs; off > second/50 {
		t.Fatalf("%d ns off before the leap has lasted", off)
	}
	before := w.clocks[0].Status().TimeNs
	w.run(20 * second)
	gained := w.clocks[0].Status().TimeNs - before - 20*second
	if gained < second/2 || gained > 20*second/slewParts+second/100 {
		t.Errorf("gained %d ns in 20 s", gained)
	}
}

// TestTheErrorHolds: whatever the trips and the ways, an offset is off by no more than its error.
func TestTheErrorHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		apart := rapid.Int64Range(-5*second, 5*second).Draw(t, "apart")
		c := New(1)
		c.SetVoters([]uint64{1, 2})
		now := step.Now{MonoNs: 1, WallNs: start}
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			there := rapid.Int64Range(0, second/2).Draw(t, "there")
			back := rapid.Int64Range(0, second/2).Draw(t, "back")
			asked := now.MonoNs
			now.MonoNs, now.WallNs = now.MonoNs+there, now.WallNs+there
			told := now.WallNs + apart
			now.MonoNs, now.WallNs = now.MonoNs+back, now.WallNs+back
			c.Read(now)
			c.Answer(2, asked, told)
			s := c.Status()
			if len(s.Peers) != 1 {
				t.Fatalf("%+v", s)
			}
			if p := s.Peers[0]; p.OffsetNs-p.ErrorNs > apart || p.OffsetNs+p.ErrorNs < apart {
				t.Fatalf("offset %d give or take %d, it is %d", p.OffsetNs, p.ErrorNs, apart)
			}
			now.MonoNs, now.WallNs = now.MonoNs+second/10, now.WallNs+second/10
		}
	})
}

func TestTimeNeverLeapsByReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(1)
		c.SetVoters([]uint64{1, 2, 3})
		mono, last := int64(1), c.Read(step.Now{MonoNs: 1, WallNs: start})
		for range 50 {
			passed := rapid.Int64Range(0, second).Draw(t, "passed")
			mono += passed
			wall := start + rapid.Int64Range(-7200*second, 7200*second).Draw(t, "wall")
			got := c.Read(step.Now{MonoNs: mono, WallNs: wall})
			if d := got - last - passed; d > passed/slewParts || -d > passed/slewParts {
				t.Fatalf("%d ns passed and our time moved by %d", passed, got-last)
			}
			last = got
		}
	})
}
