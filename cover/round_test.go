package cover

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

func dms(d, m, s float64) float64 { return math.Copysign(math.Abs(d)+m/60+s/3600, d) * math.Pi / 180 }

// TestGeodesicKnown compares with values published elsewhere: the line from Flinders Peak to Buninyong of the
// Geocentric Datum of Australia (on GRS80, which differs from WGS84 by less than 0.1 mm here), and quarters of the
// equator and of a meridian.
func TestGeodesicKnown(t *testing.T) {
	for _, c := range []struct {
		name              string
		from, to          place
		distance, azimuth float64
	}{
		{"Flinders Peak to Buninyong", place{dms(-37, 57, 3.72030), dms(144, 25, 29.52440)}, place{dms(-37, 39, 10.15610), dms(143, 55, 35.38390)}, 54_972.271, dms(306, 52, 5.37)},
		{"a quarter of the equator", place{0, 0}, place{0, math.Pi / 2}, 10_018_754.171, math.Pi / 2},
		{"a quarter of a meridian", place{0, 1}, place{math.Pi / 2, 1}, 10_001_965.729, 0},
	} {
		g, ok := between(c.from, c.to)
		if !ok || math.Abs(g.distance-c.distance) > 1e-3 || math.Abs(math.Remainder(g.azimuth-c.azimuth, 2*math.Pi)) > 1e-7 {
			t.Errorf("%s: %v m, azimuth %v, %v; want %v m, %v", c.name, g.distance, g.azimuth, ok, c.distance, c.azimuth)
		}
	}
	if _, ok := between(place{0, 0}, place{0.001, math.Pi - 0.001}); ok {
		t.Error("a way between opposite places was found; it does not settle")
	}
	if g, ok := between(place{1, 1}, place{1, 1}); !ok || g.distance != 0 {
		t.Errorf("from a place to itself: %v, %v", g, ok)
	}
}

// TestGeodesicThereAndBack: going as far as the inverse solution says ends where it was asked for.
func TestGeodesicThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := drawWindow(t)
		p, q := placeOf(at()), placeOf(at())
		g, ok := between(p, q)
		if !ok {
			return
		}
		end := g.at(g.distance)
		off := math.Hypot(end.lat-q.lat, math.Cos(q.lat)*math.Remainder(end.lon-q.lon, 2*math.Pi)) * semiMajor
		if off > 1e-3 {
			t.Fatalf("from %v to %v ends %v m off", p, q, off)
		}
	})
}

// TestGeodesicNearlyOpposite: between places nearly opposite each other a way is either not found or right.
func TestGeodesicNearlyOpposite(t *testing.T) {
	found, none := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := place{lat: (share(t, "lat") - 0.5) * 3, lon: 1}
		q := place{lat: -p.lat + (share(t, "dlat")-0.5)*0.02, lon: p.lon + math.Pi + (share(t, "dlon")-0.5)*0.02}
		g, ok := between(p, q)
		if !ok {
			none++
			return
		}
		found++
		end := g.at(g.distance)
		off := math.Hypot(end.lat-q.lat, math.Cos(q.lat)*math.Remainder(end.lon-q.lon, 2*math.Pi)) * semiMajor
		if off > 1e-3 || g.distance > math.Pi*semiMajor {
			t.Fatalf("from %v to %v ends %v m off after %v m", p, q, off, g.distance)
		}
	})
	if found == 0 || none == 0 {
		t.Errorf("%d ways found, %d not: the test saw one kind only", found, none)
	}
}

// TestDensifiedStaysNear: no place on the straight edges is further than 1 m from the geodesic, and no place on the
// geodesic further than 1 m from the edges.
func TestDensifiedStaysNear(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		at := drawWindow(t)
		a, b := at(), at()
		g, ok := between(placeOf(a), placeOf(b))
		if !ok || g.distance < 1 || g.distance > 15e6 {
			return
		}
		list := cuts(a, b, 1<<20)
		points := []geo.LatLon{a}
		for _, c := range list {
			points = append(points, c.pos)
		}
		points = append(points, b)
		parts := append(append([]float64{0}, partsOf(list)...), 1)
		i := int(even(t, "edge", 0, int64(len(points)-2)))
		from, to := parts[i], parts[i+1]
		s := share(t, "s")
		if d := fromEdge(g.at((from+s*(to-from))*g.distance), placeOf(points[i]), placeOf(points[i+1])); d > 1 {
			t.Fatalf("the geodesic from %v to %v leaves edge %d of %d by %v m", a, b, i, len(list)+1, d)
		}
		on := along(points[i], points[i+1], s)
		if d := toGeodesic(g, on, from, to); d > 1 {
			t.Fatalf("edge %d of %d from %v to %v leaves the geodesic by %v m", i, len(list)+1, a, b, d)
		}
		if len(list) > 0 {
			seen++
		}
	})
	if seen == 0 {
		t.Error("nothing was cut")
	}
}

func partsOf(list []cut) []float64 {
	var out []float64
	for _, c := range list {
		out = append(out, c.part)
	}
	return out
}

// toGeodesic searches the piece of a geodesic for the place nearest to another.
func toGeodesic(g course, at place, from, to float64) float64 {
	best := math.Inf(1)
	for range 11 { // to a millimetre, on a piece half way round the earth
		mid, step := from, (to-from)/16
		for i := 0; i <= 16; i++ {
			q := g.at((from + float64(i)*step) * g.distance)
			if w, ok := between(at, q); ok && w.distance <= best {
				best, mid = w.distance, from+float64(i)*step
			}
		}
		from, to = max(mid-step, 0), min(mid+step, 1)
	}
	return best
}

func TestDensifyRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := drawWindow(t)
		a, b := at(), at()
		there, back := cuts(a, b, 1<<20), cuts(b, a, 1<<20)
		slices.Reverse(back)
		if len(there) != len(back) {
			t.Fatalf("%d points from %v to %v, %d back", len(there), a, b, len(back))
		}
		for i := range there {
			if there[i].pos != back[i].pos {
				t.Fatalf("point %d from %v to %v is %v, %v on the way back", i, a, b, there[i].pos, back[i].pos)
			}
		}
	})
	for _, c := range []struct {
		name string
		a, b geo.LatLon
	}{
		{"across the equator, straight in its middle", geo.LatLon{LatE7: -2 * deg}, geo.LatLon{LatE7: 2 * deg, LonE7: 5 * deg}},
		{"with its middle on the antimeridian", geo.LatLon{LatE7: 60 * deg, LonE7: 170 * deg}, geo.LatLon{LatE7: 60 * deg, LonE7: -170 * deg}},
	} {
		list := cuts(c.a, c.b, 1<<20)
		if len(list) < 7 {
			t.Errorf("%s: %d points", c.name, len(list))
		}
		for _, p := range list {
			if err := p.pos.Validate(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	square := geo.Ring{{LatE7: 0, LonE7: 0}, {LatE7: 0, LonE7: 10 * deg}, {LatE7: 10 * deg, LonE7: 10 * deg}, {LatE7: 10 * deg, LonE7: 0}}
	out := DensifyRing(square)
	if !slices.Equal(out[:3], square[:3]) {
		t.Errorf("the equator or a meridian was cut: %v", out[:4])
	}
	if out[len(out)-1] != square[3] {
		t.Errorf("the last meridian was cut: %v", out[len(out)-1])
	}
	if n := len(out); n < 50 || n > 300 || (geo.Polygon{Rings: []geo.Ring{out}, Band: low}).Validate() != nil {
		t.Errorf("%d vertices for 1,110 km along a parallel", n)
	}
	if half := DensifyRing(geo.Ring{{LonE7: -90 * deg}, {LonE7: 90 * deg}, {LatE7: deg}}); len(half) > 1_000 || half[1].LonE7 != 90*deg {
		t.Errorf("an edge of half a turn was cut: %v", half[:2])
	}
	var long geo.Ring
	for i := range int32(2_000) {
		long = append(long, geo.LatLon{LatE7: 60*deg + i, LonE7: (i%2)*120*deg + i})
	}
	if n := len(DensifyRing(long)); n != geo.MaxVertices+1 {
		t.Errorf("%d vertices; a ring that grows too long must end at one more than is allowed", n)
	}
}

// TestOppositePlaces: where no shortest way settles, the edge is still cut, and in order.
func TestOppositePlaces(t *testing.T) {
	list := cuts(geo.LatLon{LatE7: deg / 10}, geo.LatLon{LatE7: -deg / 10, LonE7: 1_799_500_000}, 1<<20)
	if len(list) < 20 {
		t.Fatalf("%d points half way round the earth", len(list))
	}
	if parts := partsOf(list); !slices.IsSorted(parts) || parts[0] <= 0 || parts[len(parts)-1] >= 1 {
		t.Errorf("the parts are not in order: %v", parts)
	}
}

func TestGreatCircle(t *testing.T) {
	at := func(lat, lon int32, cm int32, ns int64) geo.Point4D {
		return geo.Point4D{Pos: geo.LatLon{LatE7: lat, LonE7: lon}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefAMSL}, AtNs: ns}
	}
	const hour = 3_600_000_000_000
	filed := []geo.Point4D{at(515*deg/10, -4*deg/10, 0, 0), at(407*deg/10, -74*deg, 1_000_000, 7*hour), at(407*deg/10, -75*deg, 1_000_000, 8*hour)}
	out := GreatCircle(filed)
	if err := geo.ValidatePath(out); err != nil {
		t.Fatal(err)
	}
	if out[0] != filed[0] || out[len(out)-1] != filed[2] || !slices.Contains(out, filed[1]) {
		t.Error("a filed point is missing")
	}
	g, _ := between(placeOf(filed[0].Pos), placeOf(filed[1].Pos))
	north := 0.0
	for _, p := range out {
		north = max(north, placeOf(p.Pos).lat)
		if p.AtNs > 7*hour {
			continue
		}
		flown, _ := between(placeOf(filed[0].Pos), placeOf(p.Pos))
		part := float64(p.AtNs) / (7 * hour)
		if math.Abs(part-flown.distance/g.distance) > 1e-7 || math.Abs(part*1_000_000-float64(p.Alt.Cm)) > 1 {
			t.Errorf("%v after %v of the way", p, flown.distance/g.distance)
		}
	}
	if north < dms(52, 0, 0) {
		t.Errorf("from London to New York no further north than %v", north*180/math.Pi)
	}
	short := []geo.Point4D{at(60*deg, 0, 0, 5), at(60*deg, 50*deg, 0, 8)}
	if out := GreatCircle(short); len(out) > 4 || geo.ValidatePath(out) != nil {
		t.Errorf("3 ns of flight became %d points", len(out))
	}
	var long []geo.Point4D
	for i := range int32(2_000) {
		long = append(long, at(60*deg, (i%2)*120*deg, 0, int64(i)*hour))
	}
	if n := len(GreatCircle(long)); n != geo.MaxPathPoints+1 {
		t.Errorf("%d points; a path that grows too long must end at one more than is allowed", n)
	}
	half := []geo.Point4D{at(0, -90*deg, 0, 0), at(5, 90*deg, 0, hour)}
	if out := GreatCircle(half); !slices.Equal(out, half) {
		t.Errorf("half a turn became %d points", len(out))
	}
	if len(GreatCircle(nil)) != 0 {
		t.Error("points out of nothing")
	}
}

// TestCircleHoldsTheCircle: every place on the edges is further from the centre than the radius, by less than 1 m.
func TestCircleHoldsTheCircle(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		center := geo.LatLon{LatE7: int32(even(t, "lat", -889*deg/10, 889*deg/10)), LonE7: wrapE7(180*deg + even(t, "lon", -deg, deg))}
		radiusCm := even(t, "radius", MinCircleCm, MaxCircleCm>>rapid.IntRange(0, 18).Draw(t, "smaller"))
		p, err := Circle(center, radiusCm, low)
		if err != nil {
			return
		}
		seen++
		ring := p.Rings[0]
		for range 8 {
			i := int(even(t, "edge", 0, int64(len(ring)-1)))
			s := share(t, "s")
			if rapid.Bool().Draw(t, "middle") {
				s = 0.5
			}
			g, ok := between(placeOf(center), along(ring[i], ring[(i+1)%len(ring)], s))
			if over := g.distance - float64(radiusCm)/100; !ok || over < 0 || over > 1 {
				t.Fatalf("edge %d of %d at %v is %v m outside the circle of %d cm round %v", i, len(ring), s, over, radiusCm, center)
			}
		}
	})
	if seen == 0 {
		t.Error("every circle was refused")
	}
}

func TestCircleRefuses(t *testing.T) {
	at := geo.LatLon{LatE7: 47 * deg, LonE7: 8 * deg}
	for _, c := range []struct {
		center geo.LatLon
		cm     int64
		band   geo.Band
		field  string
	}{
		{geo.LatLon{LatE7: 91 * deg}, 1_000, low, "position.lat"},
		{at, MinCircleCm - 1, low, "radius"},
		{at, MaxCircleCm + 1, low, "radius"},
		{at, math.MinInt64, low, "radius"},
		{geo.LatLon{LatE7: 889 * deg / 10}, 2_000_000, low, "radius"},
		{geo.LatLon{LatE7: -79 * deg}, MaxCircleCm, low, "radius"},
		{at, 1_000, geo.Band{}, "band.floor.ref"},
	} {
		_, err := Circle(c.center, c.cm, c.band)
		refused(t, err, c.field)
	}
	if p, err := Circle(at, MaxCircleCm, low); err != nil || len(p.Rings[0]) > geo.MaxVertices {
		t.Errorf("the largest circle at 47 degrees: %d vertices, %v", len(p.Rings), err)
	}
}

// TestPositionOf: every longitude comes out from -180 up to, not including, 180 degrees.
func TestPositionOf(t *testing.T) {
	for _, lon := range []float64{math.Pi, -math.Pi, 3 * math.Pi, math.Pi - 1e-12, math.Pi + 1e-12} {
		if got := positionOf(place{0.5, lon}); got.LonE7 != -180*deg {
			t.Errorf("longitude %v becomes %v", lon, got)
		}
	}
}
