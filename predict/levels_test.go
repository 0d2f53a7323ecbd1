package predict

import (
	"math"
	"testing"
)

// TestWhenLevelsAreChanged holds a change of level that was not seen yet against what is usual: a climb is early and a descent late,
// and one that is on no usual level is on its way from or to one.
func TestWhenLevelsAreChanged(t *testing.T) {
	level := func(n float64) float64 { return n * 30.48 }
	nan := math.NaN()
	for _, c := range []struct {
		name               string
		from, to           float64 // flight levels
		track, climb       float64 // degrees, NaN before the first report; metres a second
		beginS, endS, midM float64 // of 1,000 seconds; midM is the altitude halfway between
	}{
		{"climb from a usual level", 340, 370, nan, 0, 60, 60 + level(30)/climbMps, level(355)},
		{"climb under way at the first point", 333.5, 370, nan, 0, 0, level(36.5) / climbMps, level(351.75)},
		{"climb of one that flies level", 333.5, 370, 90, 0, 60, 60 + level(36.5)/climbMps, level(351.75)},
		{"climb that is seen", 340, 370, 90, 8, 0, level(30) / 8, level(355)},
		{"descent to a usual level", 380, 350, 90, 0, 880 - level(30)/sinkMps, 880, level(365)},
		{"descent that the last point cuts", 380, 353.5, 90, 0, 1000 - level(26.5)/sinkMps, 1000, level(366.75)},
		{"descent under way at the first point", 383.5, 350, nan, 0, 0, level(33.5) / sinkMps, level(366.75)},
		{"descent that is seen", 380, 350, 90, -10, 0, level(30) / 10, level(365)},
		{"climb away from the last level", 360, 340, 90, 5, 880 - level(20)/sinkMps, 880, level(350)},
	} {
		m := motion{altM: level(c.from), track: c.track, climb: c.climb}
		v := changeOf(&m, target{altM: level(c.to)}, 1000)
		if math.Abs(v.beginS-c.beginS) > 0.01 || math.Abs(v.endS-c.endS) > 0.01 {
			t.Errorf("%s: from %.1f to %.1f s, want %.1f to %.1f", c.name, v.beginS, v.endS, c.beginS, c.endS)
		}
		if mid := v.at((v.beginS + v.endS) / 2); math.Abs(mid-c.midM) > 0.01 || v.at(v.beginS) != level(c.from) || v.at(v.endS+1) != level(c.to) {
			t.Errorf("%s: %.1f m halfway, want %.1f", c.name, mid, c.midM)
		}
	}
}

// A descent that would have to begin before now begins now.
func TestNoDescentBeforeNow(t *testing.T) {
	m := motion{altM: 12_000, track: 90}
	if v := changeOf(&m, target{altM: 0}, 600); v.beginS != 0 || v.at(0) != 12_000 {
		t.Errorf("%+v", v)
	}
}

// A course has points where its change of level begins and ends, at their places.
func TestLevelsOfACourse(t *testing.T) {
	var c course
	c.add(place{47, 7}, 0, 0)
	c.add(place{47, 8}, 0, 100)
	c.add(place{47, 9}, 0, 200)
	c.levelled(&change{fromM: 1000, toM: 2000, beginS: 25, endS: 150})
	if len(c.points) != 5 {
		t.Fatalf("%+v", c.points)
	}
	for i, want := range []point{{seconds: 0, altM: 1000, place: place{47, 7}}, {seconds: 25, altM: 1000, place: place{47, 7.25}}, {seconds: 100, altM: 1600, place: place{47, 8}}, {seconds: 150, altM: 2000, place: place{47, 8.5}}, {seconds: 200, altM: 2000, place: place{47, 9}}} {
		got := c.points[i]
		if got.seconds != want.seconds || got.altM != want.altM || got.distance(want.place) > 1 || i > 0 && got.along <= c.points[i-1].along {
			t.Errorf("point %d is %+v, want %+v", i, got, want)
		}
	}
}

// One other flight on another way does not move a plan, two do: the plan counts as one.
func TestOneRouteIsNotAHabit(t *testing.T) {
	north := func(others ...string) float64 {
		p := following(Defaults())
		for _, id := range others { // by 47.04 north all the way
			for s := int64(0); s <= 1200; s += 10 {
				p.Take(reportAt(id, 47.04, 7+float64(s)/600, 350, beginNs-2000*second+s*second))
			}
		}
		next, ok := p.Predict("F")
		if !ok || next.Heard {
			t.Fatalf("%+v, %v", next, ok)
		}
		most := 0.0
		for _, q := range next.Path {
			most = max(most, float64(q.Pos.LatE7)*1e-7)
		}
		return most
	}
	if one, two := north("A"), north("A", "B"); one > 47.005 || two < 47.03 {
		t.Errorf("after one flight it goes by %.3f north, after two by %.3f", one, two)
	}
}
