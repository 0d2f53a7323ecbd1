package replica

import (
	"testing"

	"onevoice/detect"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// A start ends by the view that it holds, where it is down or a later start is there, and by the word of another server about it.
func TestWhatEndsAStart(t *testing.T) {
	node := func() *Node {
		n := &Node{self: 2, boot: 3, vigil: newVigil(Config{Self: 2, Boot: 3})}
		n.vigil.detector.Now(1)
		n.vigil.detector.SetServers([]uint64{1, 2, 3})
		return n
	}
	for name, c := range map[string]struct {
		boot uint64
		s    view.Standing
		why  view.Evidence
		ends bool
		says view.Evidence
	}{
		"up":              {3, view.Up, view.NoEvidence, false, 0},
		"down":            {3, view.Down, view.Silent, true, view.Silent},
		"an earlier one":  {2, view.Down, view.Silent, false, 0},
		"a later one":     {4, view.Joining, view.NoEvidence, true, view.Restarted},
		"a later one too": {4, view.Down, view.Deaf, true, view.Restarted},
	} {
		n := node()
		n.adopt(view.View{Number: 9, Processes: []view.Process{{PID: view.PID{Server: 2}, Boot: c.boot, Standing: c.s, Why: c.why}}})
		d := n.downed()
		if (d != nil) != c.ends || d != nil && (d.Why != c.says || d.View != 9 || d.By != 0 || d.Server != 2 || d.Boot != 3) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	n := node()
	n.vigil.detector.Heard(3, wire.Beat{Boot: 1, Heard: []wire.Heard{{Server: 2, Boot: 3, Down: true}}}, false)
	if d := n.downed(); d == nil || d.By != 3 {
		t.Errorf("told by another: %+v", d)
	}
}

// Who beats is beaten to, though it is no member that is known here, and not for ever: who has just joined knows nobody.
func TestWhoBeatsIsBeatenTo(t *testing.T) {
	n := newWorld(t).servers[0].node
	beatsTo := func(now step.Now) map[step.Address]bool {
		var out step.Out
		n.Step(now, []step.Input{{Kind: step.Tick}}, &out)
		to := map[step.Address]bool{}
		for _, s := range out.Sends {
			if wire.Kind(s.Bytes[1]) == wire.KindBeat {
				to[s.To] = true
			}
		}
		return to
	}
	now := step.Now{MonoNs: step.TickNs}
	if to := beatsTo(now); to[9] || !to[2] || !to[3] {
		t.Errorf("at first it beats to %v", to)
	}
	beat := wire.Beat{Boot: 1}
	n.Step(now, []step.Input{{Kind: step.Frame, From: 9, Bytes: beat.Encode()}}, &step.Out{})
	now.MonoNs += step.TickNs
	if to := beatsTo(now); !to[9] || !to[2] {
		t.Errorf("it was beaten to by 9, and beats to %v", to)
	}
	now.MonoNs += detect.MostBoundNs
	if to := beatsTo(now); to[9] {
		t.Errorf("long after that it beats to %v", to)
	}
}
