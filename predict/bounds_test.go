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

// TestAltitudesOfOtherReferences: an altitude above the sea is none of a plan by the standard pressure, and between the two there is
// no climb. The flight is predicted as high as it is agreed.
func TestAltitudesOfOtherReferences(t *testing.T) {
	p := following(Defaults())
	now := fly(p, "F", 100, 0, 0)
	other := reportAt("F", 47, 7+110.0/600, 350, now+10*second)
	other.Alt = geo.Altitude{Cm: other.Alt.Cm - 60_000, Ref: geo.RefAMSL}
	p.Take(other)
	next, ok := p.Predict("F")
	if !ok {
		t.Fatal("no prediction")
	}
	for _, q := range next.Path {
		if q.Alt != geo.FlightLevel(350) {
			t.Errorf("it goes by %+v", q)
		}
	}
	fixes := []fix{{Report: reportAt("F", 47, 7, 350, 0)}, {Report: other}}
	fixes[1].AtNs = 10 * second
	if m, _ := motionOf(fixes); m.climb != 0 {
		t.Errorf("it climbs by %v m/s", m.climb)
	}
	path := []geo.Point4D{{Alt: geo.Altitude{Cm: 1000}, AtNs: 10}, {Alt: geo.Altitude{Cm: 3000}, AtNs: 20}}
	for ns, want := range map[int64]float64{0: 10, 10: 10, 15: 20, 20: 30, 30: 30} {
		if got := altitudeOf(path, ns); got != want {
			t.Errorf("at %d: %v m, want %v", ns, got, want)
		}
	}
}

// TestHoldingsAreKnownAnew after each report that tells something, and after what is forgotten.
func TestHoldingsAreKnownAnew(t *testing.T) {
	track := &track{south: 90, north: -90, west: 180, east: -180}
	lap := func(fromS int64) {
		for s := fromS; s <= fromS+600; s += 10 {
			north, east := math.Sincos(float64(s) / 240 * 2 * math.Pi)
			track.take(reportAt("F", 47+0.05*north, 7.5+0.07*east, 150, s*second), 10*second)
		}
	}
	if len(track.holdings()) != 0 {
		t.Error("a holding of nothing")
	}
	lap(0)
	one := track.holdings()
	if len(one) != 1 || &one[0] != &track.holdings()[0] {
		t.Fatalf("%+v, or looked for again", one)
	}
	lap(2000)
	if got := track.holdings(); len(got) != 2 {
		t.Errorf("after another: %+v", got)
	}
	track.forget(1000 * second)
	if got := track.holdings(); len(got) != 1 || got[0].first != 0 && got[0].first > 61 {
		t.Errorf("after the first is forgotten: %+v", got)
	}
}
