package detect

import (
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

// viewOf has server 2 in a start and a standing.
func viewOf(boot uint64, s view.Standing) *view.View {
	return &view.View{Number: 5, Processes: []view.Process{{PID: view.PID{Server: 2}, Boot: boot, Standing: s}}}
}

// Who is down by the view has no say, is told so, and its next start is heard as any other.
func TestWhoIsOverHasNoSay(t *testing.T) {
	w := newNet(3)
	w.run(50 * ms)
	w.cut[[2]int{1, 2}] = true
	w.cut[[2]int{2, 0}] = true
	d := w.detectors[0]
	d.Obey(viewOf(1, view.Down))
	b := d.Beat()
	if b.View != 5 || len(b.Heard) != 2 || !b.Heard[0].Down || b.Heard[1].Down {
		t.Errorf("its beat is %+v", b)
	}
	d.Heard(2, wire.Beat{Boot: 1, Fit: true, Heard: []wire.Heard{{Server: 3, Boot: 1, Evidence: view.Silent}}, Logs: []wire.LogEnd{{Group: 1}}}, false)
	if d.Reports(2, 3) || !d.Over(2) {
		t.Error("who is over reports")
	}
	if _, _, ok := d.Log(2, 1); ok {
		t.Error("who is over has a log that counts")
	}
	if s := d.Status(); s.Over != 1 {
		t.Errorf("%d beats of starts that are over were counted", s.Over)
	}
	d.Heard(2, wire.Beat{Boot: 2, Heard: []wire.Heard{{Server: 3, Boot: 1, Evidence: view.Silent}}}, false)
	if !d.Reports(2, 3) || d.Over(2) {
		t.Error("its next start has no say")
	}
	d.Heard(2, wire.Beat{Boot: 1}, false)
	if s := d.Status(); s.Old != 1 {
		t.Errorf("%d beats of earlier starts were counted", s.Old)
	}
}

// A server believes that it was taken down where another one says so of this very start, and that one is not over itself.
func TestToldToBeDown(t *testing.T) {
	says := func(server, boot uint64) wire.Beat {
		return wire.Beat{Boot: 1, Heard: []wire.Heard{{Server: server, Boot: boot, Down: true}}}
	}
	d := newNet(3).detectors[0]
	for _, b := range []wire.Beat{says(1, 2), says(3, 1)} {
		if d.Heard(2, b, false); d.Told() != 0 {
			t.Errorf("by %+v it is told", b)
		}
	}
	d.Obey(viewOf(1, view.Down))
	if d.Heard(2, says(1, 1), false); d.Told() != 0 {
		t.Error("it believes who is over")
	}
	if d.Heard(3, says(1, 1), false); d.Told() != 3 {
		t.Errorf("told by %d", d.Told())
	}
}

// Its own last word is held against a server at once, and it is not among those heard once its machine says that nobody is there.
func TestTheLastWord(t *testing.T) {
	d := newNet(3).detectors[0]
	d.Heard(2, wire.Beat{Boot: 1, Leaving: true}, false)
	if b, ok := d.Said(2); !ok || !b.Leaving || d.Opinion(2) != view.NoEvidence {
		t.Errorf("%+v, %v", b, ok)
	}
	d.Heard(2, wire.Beat{Boot: 1, Last: view.Exited}, false)
	if d.Opinion(2) != view.Exited {
		t.Errorf("%v", d.Opinion(2))
	}
	d.Refused(2)
	if _, ok := d.Said(2); ok {
		t.Error("who is not there says something")
	}
	if _, ok := d.Said(3); ok {
		t.Error("who was never heard says something")
	}
}
