package detect

import (
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

// While a start is young it is given more time, and gives more.
func TestWhoIsYoungIsGivenTime(t *testing.T) {
	w := youngNet(3)
	w.run(100 * ms)
	if b := w.detectors[0].BoundNs(); b != freshBoundNs {
		t.Errorf("the bound of the young is %d ms", b/ms)
	}
	w.down[2] = true
	w.run(freshBoundNs - 20*ms)
	w.opinion(t, 0, 2, view.NoEvidence)
	w.run(40 * ms)
	w.opinion(t, 0, 2, view.Silent)

	w = newNet(3)
	d := w.detectors[0]
	if b := d.BoundNs(); b != LeastBoundNs {
		t.Errorf("the bound of those that have run for a while is %d ms", b/ms)
	}
	d.Heard(3, wire.Beat{Boot: 2}, false)
	d.Heard(2, wire.Beat{Boot: 2, Fell: true}, false)
	w.down[2], w.down[1] = true, true
	w.run(LeastBoundNs + 30*ms)
	w.opinion(t, 0, 1, view.Silent)
	w.opinion(t, 0, 2, view.NoEvidence)
	w.run(freshBoundNs - LeastBoundNs)
	w.opinion(t, 0, 2, view.Silent)
}
