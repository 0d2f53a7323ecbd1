package detect

import (
	"testing"
	"time"

	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

const ms = int64(time.Millisecond)

// net is detectors that beat to one another, each link by itself cut or whole.
type net struct {
	nowNs     int64
	detectors []*Detector
	cut       map[[2]int]bool // from, to
	down      map[int]bool    // neither ticks nor hears
}

func newNet(n int) *net {
	w := &net{nowNs: ms, cut: map[[2]int]bool{}, down: map[int]bool{}}
	var all []uint64
	for i := range n {
		all = append(all, uint64(i+1))
		w.detectors = append(w.detectors, New(uint64(i+1), 1))
	}
	for _, d := range w.detectors {
		d.Now(w.nowNs)
		d.SetServers(all)
	}
	return w
}

// run lets time pass, a tick at a time.
func (w *net) run(forNs int64) {
	for end := w.nowNs + forNs; w.nowNs < end; {
		w.nowNs += step.TickNs
		for i, d := range w.detectors {
			if w.down[i] {
				continue
			}
			d.Now(w.nowNs)
			d.Tick()
			for k, to := range w.detectors {
				if k != i && !w.cut[[2]int{i, k}] && !w.down[k] {
					to.Now(w.nowNs)
					to.Heard(uint64(i+1), d.Beat(), false)
				}
			}
		}
	}
}

func (w *net) opinion(t *testing.T, of, about int, want view.Evidence) {
	t.Helper()
	if got := w.detectors[of].Opinion(uint64(about + 1)); got != want {
		t.Errorf("server %d says of %d: %v, want %v", of+1, about+1, got, want)
	}
}

func TestNothingIsHeldAgainstWhoIsHeard(t *testing.T) {
	w := newNet(3)
	for range 100 {
		w.run(10 * ms)
		for i := range 3 {
			for k := range 3 {
				w.opinion(t, i, k, view.NoEvidence)
			}
		}
	}
}

func TestSilence(t *testing.T) {
	w := newNet(3)
	w.run(200 * ms)
	w.down[2] = true
	w.run(LeastBoundNs)
	w.opinion(t, 0, 2, view.NoEvidence)
	w.run(10 * ms)
	w.opinion(t, 0, 2, view.Silent)
	if !w.detectors[0].Reports(2, 3) {
		t.Error("server 1 does not know that server 2 reports 3")
	}
	delete(w.down, 2)
	w.run(10 * ms)
	w.opinion(t, 0, 2, view.NoEvidence)
}

// TestDeaf: who hears nobody is found out as fast as who says nothing, and only by who is not heard.
func TestDeaf(t *testing.T) {
	w := newNet(4)
	w.run(200 * ms)
	w.cut[[2]int{0, 2}], w.cut[[2]int{1, 2}] = true, true
	w.run(LeastBoundNs - 10*ms)
	w.opinion(t, 0, 2, view.NoEvidence)
	w.run(20 * ms)
	w.opinion(t, 0, 2, view.Deaf)
	w.opinion(t, 1, 2, view.Deaf)
	w.opinion(t, 3, 2, view.NoEvidence)
	w.opinion(t, 2, 0, view.Silent)
}

func TestRefusedUntilItIsHeard(t *testing.T) {
	w := newNet(3)
	w.run(100 * ms)
	w.detectors[0].Refused(3)
	w.opinion(t, 0, 2, view.Refused)
	w.run(10 * ms)
	w.opinion(t, 0, 2, view.NoEvidence)
}

func TestWhoSaysItIsStuck(t *testing.T) {
	w := newNet(2)
	w.run(100 * ms)
	b := w.detectors[1].Beat()
	b.Stuck = true
	w.detectors[0].Heard(2, b, false)
	w.opinion(t, 0, 1, view.Stuck)
	w.detectors[0].SlowDisk() // then it may be the same trouble
	w.opinion(t, 0, 1, view.NoEvidence)
	w.run(slowDiskNs)
	w.detectors[0].Heard(2, b, false)
	w.opinion(t, 0, 1, view.Stuck)
}

// TestTheYoungCountEachLateTick: of its first ticks a start counts the latest, later it takes two in a thousand.
func TestTheYoungCountEachLateTick(t *testing.T) {
	late := func(after int) int64 {
		var l lateness
		for range after {
			l.add(0)
		}
		l.add(80 * ms)
		return l.p999
	}
	if young, old := late(10), late(youngTicks); young != 80*ms || old != 0 {
		t.Errorf("one tick late by 80 ms makes %d ms of a young start, %d ms of an old one", young/ms, old/ms)
	}
}

// TestWhoWasLateHasNoOpinion: after a pause of its own a server cannot tell who was silent.
func TestWhoWasLateHasNoOpinion(t *testing.T) {
	w := newNet(3)
	w.run((youngTicks + 1) * step.TickNs)
	w.down[0] = true
	w.run(500 * ms)
	delete(w.down, 0)
	d := w.detectors[0]
	d.Now(w.nowNs)
	d.Tick()
	w.opinion(t, 0, 1, view.NoEvidence)
	w.opinion(t, 1, 0, view.Silent)
	w.run(30 * ms)
	w.opinion(t, 0, 1, view.NoEvidence)
	w.down[1] = true
	w.run(80 * ms)
	w.opinion(t, 0, 1, view.Silent)
}

// TestReportsThatDoNotCount: of a server about itself, old ones, and ones about an earlier start.
func TestReportsThatDoNotCount(t *testing.T) {
	w := newNet(3)
	w.run(100 * ms)
	d := w.detectors[0]
	say := func(boot uint64) {
		b := w.detectors[1].Beat()
		for i := range b.Heard {
			b.Heard[i].Evidence, b.Heard[i].Boot = view.Silent, boot
		}
		b.Heard = append(b.Heard, wire.Heard{Server: 2, Boot: boot, Evidence: view.Silent})
		d.Heard(2, b, false)
	}
	say(1)
	if !d.Reports(2, 3) || d.Reports(2, 2) || d.Reports(3, 2) || d.Reports(9, 3) {
		t.Errorf("2 on 3: %v, 2 on itself: %v, 3 on 2: %v, a stranger: %v", d.Reports(2, 3), d.Reports(2, 2), d.Reports(3, 2), d.Reports(9, 3))
	}
	d.Heard(3, wire.Beat{Boot: 2}, false)
	if d.Reports(2, 3) {
		t.Error("a report about start 1 counts against start 2")
	}
	say(2)
	if !d.Reports(2, 3) {
		t.Error("a report about start 2 does not count")
	}
	d.Now(w.nowNs + LeastBoundNs + 1)
	if d.Reports(2, 3) {
		t.Error("a report counts that is older than the bound")
	}
}

func TestBeatsOfEarlierStartsAreDropped(t *testing.T) {
	w := newNet(2)
	w.run(100 * ms)
	d := w.detectors[0]
	d.Heard(2, wire.Beat{Boot: 2}, false)
	d.Now(w.nowNs + LeastBoundNs + 1)
	d.Heard(2, wire.Beat{Boot: 1}, false)
	w.opinion(t, 0, 1, view.Silent)
	if s := d.Status(); s.Old != 1 || s.Peers[0].Boot != 2 {
		t.Errorf("%+v", s)
	}
}

// TestAFreshStartHasTimeToHear: it is not called deaf before it could hear anybody.
func TestAFreshStartHasTimeToHear(t *testing.T) {
	w := newNet(2)
	w.run(300 * ms)
	w.down[1] = true
	w.run(300 * ms)
	w.detectors[1] = New(2, 2)
	w.detectors[1].Now(w.nowNs)
	w.detectors[1].SetServers([]uint64{1, 2})
	w.detectors[0].Heard(2, w.detectors[1].Beat(), false)
	w.opinion(t, 0, 1, view.NoEvidence)
}

// TestTheBoundFollowsTheLatest: four times what one in a thousand ticks is late by, of this server or of any that is heard.
func TestTheBoundFollowsTheLatest(t *testing.T) {
	d := New(1, 1)
	d.SetServers([]uint64{1, 2})
	now := ms
	tick := func(lateNs int64) {
		now += step.TickNs + lateNs
		d.Now(now)
		d.Tick()
	}
	for range 1_000 {
		tick(0)
	}
	tick(500 * ms)
	if got := d.BoundNs(); got != LeastBoundNs {
		t.Errorf("%d ms after one late tick in a thousand", got/ms)
	}
	for range 20 {
		tick(40 * ms)
	}
	if got := d.BoundNs(); got != 160*ms {
		t.Errorf("%d ms, want 160", got/ms)
	}
	d.Heard(2, wire.Beat{LateNs: 100 * ms}, false)
	if got := d.BoundNs(); got != 400*ms {
		t.Errorf("%d ms with another one late by 100, want 400", got/ms)
	}
	d.Heard(2, wire.Beat{LateNs: 1 << 50}, false)
	if got := d.BoundNs(); got != MostBoundNs {
		t.Errorf("%d ms, want the most", got/ms)
	}
	for range 20_000 {
		tick(0)
	}
	if got := d.BoundNs(); got != LeastBoundNs {
		t.Errorf("%d ms long after", got/ms)
	}
}

func TestWhoStaysIsNotForgotten(t *testing.T) {
	w := newNet(3)
	w.run(100 * ms)
	d := w.detectors[0]
	d.SetServers([]uint64{1, 3, 4})
	if s := d.Status(); len(s.Peers) != 2 || s.Peers[0].Boot != 1 || s.Peers[1].Server != 4 || s.Peers[1].Boot != 0 {
		t.Errorf("%+v", s)
	}
	d.Heard(2, wire.Beat{Boot: 9}, false)
	d.Refused(2)
	if _, _, ok := d.Log(2, 1); ok || d.Opinion(2) != view.NoEvidence {
		t.Error("who is gone is listened to")
	}
}

func TestLogs(t *testing.T) {
	d := New(1, 1)
	d.SetServers([]uint64{1, 2})
	end := wire.LogEnd{Group: 3, Term: 5, Leader: 2, LastTerm: 4, LastIndex: 9}
	d.Heard(2, wire.Beat{Fit: true, Logs: []wire.LogEnd{end}}, false)
	if got, fit, ok := d.Log(2, 3); got != end || !fit || !ok {
		t.Errorf("%+v %v %v", got, fit, ok)
	}
	if _, _, ok := d.Log(2, 4); ok {
		t.Error("a log of a group that was not told")
	}
}
