package predict

import (
	"math"
	"testing"

	"onevoice/geo"
)

// TestWhatIsRefusedAndForgotten: a time ahead of when it came, an aircraft too many, and what is older than what is kept.
func TestWhatIsRefusedAndForgotten(t *testing.T) {
	o := Defaults()
	o.MaxAircraft, o.KeepNs = 2, 600*second
	p := New(o)
	ahead := reportAt("F", 47, 7, 350, beginNs)
	ahead.ReceivedNs = beginNs - o.AheadNs - 1
	if p.Take(ahead) {
		t.Error("a time further ahead was taken")
	}
	ahead.ReceivedNs++
	if !p.Take(ahead) || !p.Take(reportAt("G", 47, 7, 350, beginNs)) || p.Take(reportAt("H", 47, 7, 350, beginNs)) {
		t.Errorf("%d aircraft are held, want 2", len(p.tracks))
	}
	for s := int64(0); s <= 3600; s += 10 {
		p.Take(reportAt("F", 47, 7, 350, beginNs+s*second))
	}
	if len(p.tracks) != 1 || len(p.tracks[0].fixes) > 70 {
		t.Errorf("%d aircraft are held, the first with %d fixes", len(p.tracks), len(p.tracks[0].fixes))
	}
	if p.Take(reportAt("F", 47, 7, 350, beginNs+3000*second)) || !p.Take(reportAt("H", 47, 7, 350, beginNs+3001*second)) {
		t.Error("what is too old was taken, or there was no room after another was forgotten")
	}
}

// TestAcrossTheDateLine: a way is the short one, and comes back as a longitude that the airspace knows.
func TestAcrossTheDateLine(t *testing.T) {
	a, b := placeOf(geo.LatLon{LonE7: 179_5000000}), placeOf(geo.LatLon{LonE7: -179_5000000})
	for _, c := range []struct{ from, to place }{{a, b}, {b, a}} {
		if d := c.from.distance(c.to); math.Abs(d-metresPerDegree) > 1 {
			t.Errorf("%v to %v is %v m", c.from, c.to, d)
		}
		if got := c.from.add(c.from.to(c.to)).position(); got != c.to.position() {
			t.Errorf("%v to %v leads to %v", c.from, c.to, got)
		}
	}
}
