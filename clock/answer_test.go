package clock

import (
	"testing"

	"onevoice/step"
)

const ms = second / 1000

// at reads a clock whose wall shows off more than the true time, which is start plus mono.
func (c *Clock) at(mono, off int64) int64 {
	return c.Read(step.Now{MonoNs: mono, WallNs: start + mono + off})
}

// newAsked is the clock of voter 1 of 1 to n, one second old.
func newAsked(n uint64) *Clock {
	c := New(1)
	var voters []uint64
	for v := range n {
		voters = append(voters, v+1)
	}
	c.SetVoters(voters)
	c.at(second, 0)
	return c
}

func TestASmallDifferenceIsMadeUp(t *testing.T) {
	for _, off := range []int64{200 * ms, -200 * ms} {
		c := newAsked(1)
		for now := second; now <= 3*second; now += 10 * ms {
			c.at(now, off)
		}
		half := c.at(3*second, off) - start - 3*second
		if gain := max(half, -half); gain != 2*second/slewParts || (half > 0) != (off > 0) {
			t.Errorf("%d ns of %d ns are made up in 2 s, want one part in %d of the time", half, off, slewParts)
		}
		for now := 3 * second; now <= 8*second; now += 10 * ms {
			c.at(now, off)
		}
		if got := c.at(8*second, off) - start - 8*second; got != off {
			t.Errorf("%d ns of %d ns are made up in 7 s", got, off)
		}
	}
}

func TestAnEarlierReadingChangesNothing(t *testing.T) {
	c := newAsked(1)
	want := c.at(2*second, 0)
	if got := c.at(2*second-100*ms, 0); got != want {
		t.Errorf("our time moved by %d ns", got-want)
	}
	if got := c.at(2*second, 0); got != want {
		t.Errorf("our time moved by %d ns in no time", got-want)
	}
}

// TestEachLeapLastsByItself: of a leap that ended nothing counts for the next one.
func TestEachLeapLastsByItself(t *testing.T) {
	c := newAsked(1)
	off := map[bool]int64{true: 10 * second}
	for now := second; now < second+2*aloneNs; now += 10 * ms {
		c.at(now, off[now/second%4 == 3]) // one second in four
	}
	if s := c.Status(); s.TimeNs-start != second+2*aloneNs-10*ms || s.Leaps != 5 {
		t.Errorf("our time is %d ns off after short leaps: %+v", s.TimeNs-start-second-2*aloneNs, s)
	}
}

// TestALeapToAnotherWrongTime: nearer to the others than our time, but not near.
func TestALeapToAnotherWrongTime(t *testing.T) {
	w := newWorld(3600*second, 0, 0)
	w.run(3 * second)
	w.walls[0] = 2 * MaxOffsetNs
	w.run(3 * second)
	if off := w.clocks[0].Status().TimeNs - w.trueNs; off < 3599*second {
		t.Errorf("followed to %d ns off", off)
	}
}

// TestWhatIsKnownMovesWithOurTime: who is put right knows at once that it is, before anybody answers again.
func TestWhatIsKnownMovesWithOurTime(t *testing.T) {
	w := newWorld(3600*second, 0, 0)
	w.run(3 * second)
	w.walls[0] = 0
	w.down[1], w.down[2] = true, true
	w.run(20 * ms)
	if s := w.clocks[0].Status(); !s.Fit || s.OffsetNs > 20*ms || s.OffsetNs < -20*ms {
		t.Errorf("%+v", s)
	}
}

func TestTheOffsetSaysWhoIsAhead(t *testing.T) {
	w := newWorld(300*ms, 0, 0, 0, -200*ms)
	w.run(second)
	for i, want := range map[int]int64{0: 300 * ms, 1: 0, 4: -200 * ms} {
		if got := w.clocks[i].Status().OffsetNs; got < want-5*ms || got > want+5*ms {
			t.Errorf("server %d is %d ns ahead of the median, want %d", i+1, got, want)
		}
	}
	if p := w.clocks[0].Status().Peers; p[3].Server != 5 || p[3].OffsetNs > -495*ms || p[3].OffsetNs < -505*ms {
		t.Errorf("%+v, want server 5 to be 500 ms behind", p)
	}
}

// TestTwoThatDisagree: neither can say which is wrong, so the middle is all between them.
func TestTwoThatDisagree(t *testing.T) {
	w := newWorld(0, 10*second)
	w.run(second)
	for i, c := range w.clocks {
		if s := c.Status(); !s.Fit || s.OffsetNs != 0 || !s.Peers[0].Fit {
			t.Errorf("server %d: %+v", i+1, s)
		}
	}
}

// TestDoubtSpeaksForAClock: it is out only where it is so for certain, and as long as a majority is known.
func TestDoubtSpeaksForAClock(t *testing.T) {
	for _, c := range []struct {
		trip, off int64
		known     bool
		fit       bool
	}{
		{trip: 2 * ms, off: MaxOffsetNs + 50*ms, known: true, fit: false},
		{trip: 200 * ms, off: MaxOffsetNs + 50*ms, known: true, fit: true}, // give or take 100 ms
		{trip: 2 * ms, off: 0, known: true, fit: true},
		{trip: 2 * ms, off: 0, known: false, fit: false},
	} {
		k := newAsked(5)
		k.at(2*second, 0)
		for v := uint64(2); v <= 3 && (c.known || v == 2); v++ {
			k.Answer(v, 2*second-c.trip, start+2*second-c.trip/2+c.off)
		}
		s := k.Status()
		if s.Known != c.known || s.Fit != c.fit || s.Peers[0].Fit != c.known {
			t.Errorf("%+v: %+v", c, s)
		}
		if !c.known && (s.ErrorNs != 0 || s.OffsetNs != 0) {
			t.Errorf("an offset of %d ns give or take %d of what is not known", s.OffsetNs, s.ErrorNs)
		}
	}
}

// TestTheBestAnswerCounts: that of the shortest trip, until it is so old that the clocks may have parted by more.
func TestTheBestAnswerCounts(t *testing.T) {
	c := newAsked(2)
	answer := func(at, trip int64) Peer {
		c.at(at, 0)
		c.Answer(2, at-trip, start+at-trip/2)
		return c.Status().Peers[0]
	}
	answer(2*second, 20*ms)
	if p := answer(2*second+ms, 2*ms); p.ErrorNs > 2*ms {
		t.Errorf("a worse answer before hides a good one: %+v", p)
	}
	if p := answer(2*second+2*ms, 20*ms); p.ErrorNs > 2*ms {
		t.Errorf("a worse answer hides a good one: %+v", p)
	}
	if p := answer(6*second, 8*ms); p.ErrorNs != 4*ms+1 {
		t.Errorf("the answer of 4 s ago is better than one of now: %+v", p)
	}
	c.at(9*second, 0)
	if p := c.Status().Peers[0]; p.ErrorNs != 7*ms+1 {
		t.Errorf("after 3 s the error is still %d ns", p.ErrorNs)
	}
}

func TestAnswersThatDoNotCount(t *testing.T) {
	for name, say := range map[string]func(c *Clock){
		"asked later than answered": func(c *Clock) { c.Answer(2, 3*second, start) },
		"too long under way":        func(c *Clock) { c.Answer(2, 2*second-maxTripNs-1, start) },
		"of no voter":               func(c *Clock) { c.Answer(7, 2*second, start) },
	} {
		c := newAsked(2)
		c.at(2*second, 0)
		say(c)
		if s := c.Status(); len(s.Peers) != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	c := newAsked(2)
	c.at(2*second, 0)
	if c.Answer(2, 2*second-maxTripNs, start); len(c.Status().Peers) != 1 {
		t.Error("an answer of the longest trip does not count")
	}
}

// TestHowOftenOthersAreAsked: soon while too few have answered, later seldom, and who is silent no more often than who is not.
func TestHowOftenOthersAreAsked(t *testing.T) {
	w := newWorld(0, 0, 0)
	w.down[1], w.down[2] = true, true
	w.run(200 * ms)
	w.down[1] = false
	w.run(2 * askSoonNs)
	c := w.clocks[0]
	if !c.Status().Known {
		t.Fatalf("not known %d ns after a majority could answer", 2*askSoonNs)
	}
	asked := map[uint64]int{}
	for end := w.trueNs + 4*second; w.trueNs < end; w.trueNs += 10 * ms {
		c.Read(w.now(0))
		for _, v := range c.Ask(w.now(0).MonoNs) {
			asked[v]++
		}
	}
	if asked[2] < 7 || asked[2] > 9 || asked[3] < 7 || asked[3] > 9 {
		t.Errorf("asked %v times in 4 s, want each every %d ns", asked, askNs)
	}
}

func TestWhoStaysAVoterIsNotForgotten(t *testing.T) {
	w := newWorld(0, 0, 0)
	w.run(second)
	c := w.clocks[0]
	c.SetVoters([]uint64{1, 2, 4})
	if s := c.Status(); !s.Known || len(s.Peers) != 1 || s.Peers[0].Server != 2 {
		t.Errorf("%+v", s)
	}
	c.SetVoters([]uint64{2, 4})
	if s := c.Status(); s.Known {
		t.Errorf("one of two answers, and this server is no voter: %+v", s)
	}
}
