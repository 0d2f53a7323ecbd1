package detect

import (
	"testing"

	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// far is beats whose way takes time, by the round trip of each link; the order on a link is kept.
type far struct {
	*net
	roundNs func(i, k int) int64 // now, with any jitter
	way     []flight
	last    map[[2]int]int64
}

type flight struct {
	from, to int
	atNs     int64
	beat     wire.Beat
}

func newFar(n int, roundNs func(i, k int) int64) *far {
	return &far{net: newNet(n), roundNs: roundNs, last: map[[2]int]int64{}}
}

// run lets time pass, a tenth of a millisecond at a time.
func (w *far) run(forNs int64) {
	for end := w.nowNs + forNs; w.nowNs < end; {
		w.nowNs += ms / 10
		left := w.way[:0]
		for _, f := range w.way {
			if f.atNs > w.nowNs {
				left = append(left, f)
				continue
			}
			d := w.detectors[f.to]
			d.Now(w.nowNs)
			if !w.down[f.to] {
				d.Heard(uint64(f.from+1), f.beat, false)
			}
		}
		w.way = left
		if w.nowNs%step.TickNs == 0 {
			w.tick()
		}
	}
}

func (w *far) tick() {
	for i, d := range w.detectors {
		if w.down[i] {
			continue
		}
		d.Now(w.nowNs)
		d.Tick()
		for k := range w.detectors {
			link := [2]int{i, k}
			if k == i || w.cut[link] {
				continue
			}
			at := max(w.nowNs+w.roundNs(i, k)/2, w.last[link])
			w.last[link] = at
			w.way = append(w.way, flight{i, k, at, d.Beat()})
		}
	}
}

func same(roundNs int64) func(i, k int) int64 { return func(int, int) int64 { return roundNs } }

func TestTheRoundTripIsMeasured(t *testing.T) {
	for _, round := range []int64{0, 2 * ms, 40 * ms, 200 * ms} {
		w := newFar(3, same(round))
		w.run(3_000 * ms)
		want := max(LeastBoundNs, (20+40)*ms+round/2)
		for i, d := range w.detectors {
			s := d.Status()
			if got := s.Peers[0].RoundNs; got < round || got > round+ms || s.RoundNs != got {
				t.Errorf("server %d measures %d us where a round trip takes %d us, and tells %d", i+1, got/1000, round/1000, s.RoundNs/1000)
			}
			if got := s.BoundNs; got < want || got > want+ms {
				t.Errorf("round trip %d ms: the bound is %d ms, want %d", round/ms, got/ms, want/ms)
			}
		}
	}
}

// TestNothingIsHeldAgainstWhoIsFar, at once or later; and silence is still found.
func TestNothingIsHeldAgainstWhoIsFar(t *testing.T) {
	w := newFar(3, same(100*ms))
	w.run(200 * ms)
	for range 300 {
		w.run(10 * ms)
		for i := range 3 {
			for k := range 3 {
				w.opinion(t, i, k, view.NoEvidence)
			}
		}
	}
	w.down[2] = true
	w.run(50*ms + w.detectors[0].BoundNs() + 10*ms)
	w.opinion(t, 0, 2, view.Silent)
	w.opinion(t, 1, 2, view.Silent)
}

// TestJitterCounts: four deviations, where that is more than the least.
func TestJitterCounts(t *testing.T) {
	turn := int64(0)
	w := newFar(2, func(int, int) int64 { turn++; return 40*ms + turn*53%200*ms })
	w.run(3_000 * ms)
	s := w.detectors[0].Status()
	if s.Peers[0].DeviationNs < 10*ms || s.BoundNs < (20+25)*ms+4*s.Peers[0].DeviationNs {
		t.Errorf("%+v", s)
	}
}

// TestOneFarServerSlowsNobodyElse: of five the furthest counts neither for the bound nor for the round trip of the others; it is judged by
// its own way.
func TestOneFarServerSlowsNobodyElse(t *testing.T) {
	w := newFar(5, func(i, k int) int64 {
		if i == 4 || k == 4 {
			return 200 * ms
		}
		return ms
	})
	w.run(3_000 * ms)
	d := w.detectors[0]
	if s := d.Status(); s.BoundNs != LeastBoundNs || s.RoundNs > 2*ms || s.Peers[3].RoundNs < 200*ms {
		t.Errorf("%+v", s)
	}
	voters := []uint64{1, 2, 3, 4, 5}
	if got := d.MajorityRoundNs(voters, 2); got > 2*ms {
		t.Errorf("%d ms to replace a near one", got/ms)
	}
	if got := w.detectors[4].MajorityRoundNs(voters, 1); got < 200*ms {
		t.Errorf("%d ms as the far one sees it", got/ms)
	}
	w.down[1] = true
	w.run(LeastBoundNs + 15*ms)
	w.opinion(t, 0, 1, view.Silent)
	w.opinion(t, 0, 4, view.NoEvidence)
}

// TestOfThreeTheFarOneCountsWhereItIsNeeded: two near ones replace it at their own pace, and one of them goes by it.
func TestOfThreeTheFarOneCountsWhereItIsNeeded(t *testing.T) {
	w := newFar(3, func(i, k int) int64 {
		if i == 2 || k == 2 {
			return 100 * ms
		}
		return ms
	})
	w.run(3_000 * ms)
	d, voters := w.detectors[0], []uint64{1, 2, 3}
	if far, near := d.MajorityRoundNs(voters, 2), d.MajorityRoundNs(voters, 3); far < 100*ms || near > 2*ms {
		t.Errorf("to replace the near one %d ms, the far one %d ms", far/ms, near/ms)
	}
	if got := d.MajorityRoundNs([]uint64{1, 2, 9}, 2); got > 2*ms {
		t.Errorf("%d ms with nobody else known", got/ms)
	}
	if got := d.MajorityRoundNs([]uint64{1}, 0); got != 0 {
		t.Errorf("%d ms alone", got/ms)
	}
}

// TestASickServerSlowsNobodyElse: one that answers late, each time by another time, is judged by what it does; the others are not.
func TestASickServerSlowsNobodyElse(t *testing.T) {
	turn := int64(0)
	w := newFar(5, func(i, k int) int64 {
		if i == 4 || k == 4 {
			turn++
			return turn * 37 % 300 * ms
		}
		return ms
	})
	w.run(3_000 * ms)
	if s := w.detectors[0].Status(); s.BoundNs != LeastBoundNs || s.RoundNs > 2*ms {
		t.Errorf("%+v", s)
	}
}

// TestWhatWaitedHereIsNoRoundTrip: after a pause of this server's own, all that came meanwhile is old.
func TestWhatWaitedHereIsNoRoundTrip(t *testing.T) {
	w := newNet(2)
	w.run(1_000 * ms)
	d := w.detectors[0]
	old := w.detectors[1].Beat()
	d.Now(w.nowNs + 5_000*ms)
	for range 500 {
		d.Heard(2, old, false)
	}
	d.Tick()
	for range 500 {
		d.Heard(2, old, false)
	}
	if got := d.RoundNs(2); got > ms {
		t.Errorf("%d ms", got/ms)
	}
}

// TestWaysByAThirdServerAreNoRoundTrip, neither there nor back.
func TestWaysByAThirdServerAreNoRoundTrip(t *testing.T) {
	w := newNet(2)
	w.run(100 * ms)
	d := w.detectors[0]
	samples := d.peers[0].round.samples
	b := w.detectors[1].Beat()
	d.Heard(2, b, true)
	b.Heard[0].Relayed = true
	d.Heard(2, b, false)
	if got := d.peers[0].round.samples; got != samples {
		t.Errorf("%d samples more", got-samples)
	}
}
