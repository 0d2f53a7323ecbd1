package geo_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// place4 is where a path is at an instant: degrees, unwrapped from its first point, and centimetres.
func place4(path []geo.Point4D, at float64) (lon, lat, cm float64) {
	lon = float64(path[0].Pos.LonE7) / 1e7
	for i := 1; i < len(path); i++ {
		p, q := path[i-1], path[i]
		d := float64(q.Pos.LonE7)/1e7 - float64(p.Pos.LonE7)/1e7
		d -= 360 * math.Round(d/360)
		if float64(q.AtNs) >= at || i == len(path)-1 {
			s := min(max((at-float64(p.AtNs))/float64(q.AtNs-p.AtNs), 0), 1)
			return lon + s*d, (float64(p.Pos.LatE7) + s*float64(q.Pos.LatE7-p.Pos.LatE7)) / 1e7, float64(p.Alt.Cm) + s*float64(q.Alt.Cm-p.Alt.Cm)
		}
		lon += d
	}
	return lon, 0, 0
}

// drawPair draws two paths that come near each other: at any latitude, across the antimeridian, by the poles.
func drawPair(t *rapid.T) (a, b []geo.Point4D) {
	lat := float64(rapid.SampledFrom([]int32{0, -1, 30, 47, -60, 75, -84, 88, 89}).Draw(t, "lat"))
	lon := float64(rapid.SampledFrom([]int32{8, 180, -179}).Draw(t, "lon"))
	size := rapid.SampledFrom([]float64{0.2, 0.7, 3, 8}).Draw(t, "size")
	refs := []geo.Ref{geo.RefSTD, geo.RefSTD, geo.RefAMSL}
	path := func(ref geo.Ref) []geo.Point4D {
		var list []geo.Point4D
		at := int64(even(t, "begin", 0, 600)) * second
		// Around a pole what is near is so in degrees of latitude, not of longitude.
		wide := min(size/math.Cos(min(math.Abs(lat), 89.9)*math.Pi/180), 170)
		for range rapid.IntRange(2, 5).Draw(t, "points") {
			x, y := float64(even(t, "x", -1000, 1000))/1000, float64(even(t, "y", -1000, 1000))/1000
			list = append(list, geo.Point4D{
				Pos: geo.LatLon{LatE7: e7(min(max(lat+y*size, -90), 90)), LonE7: wrapE7(int64(e7(lon)) + int64((lon-float64(e7(lon))/1e7+x*wide)*1e7))},
				Alt: geo.Altitude{Cm: even(t, "alt", 0, 4) * 30_480, Ref: ref}, AtNs: at,
			})
			at += int64(even(t, "leg", 1, 900)) * second
		}
		return list
	}
	return path(refs[0]), path(rapid.SampledFrom(refs).Draw(t, "ref"))
}

const crossCm = 30_000

// TestApproachAgainstFloats holds spans and closest points to distances measured in floating point on the ellipsoid.
func TestApproachAgainstFloats(t *testing.T) {
	var seen struct{ near, far, best int }
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPair(t)
		if geo.ValidatePath(a) != nil || geo.ValidatePath(b) != nil {
			return
		}
		sep := geo.Separation{
			LateralCm:  rapid.SampledFrom([]int32{926_000, 555_600, 50_000, geo.MaxSeparationCm}).Draw(t, "lateral"),
			VerticalCm: rapid.SampledFrom([]int32{30_480, 60_960, 1}).Draw(t, "vertical"),
		}
		var m geo.Meeting
		m.Begin()
		m.Add(a, b, math.MinInt64, math.MaxInt64, sep, crossCm)
		found, ok := m.Approach()
		vertical := float64(sep.VerticalCm)
		if a[0].Alt.Ref != b[0].Alt.Ref {
			vertical += crossCm
		}
		metres := float64(sep.LateralCm) / 100
		lo, hi := max(a[0].AtNs, b[0].AtNs), min(a[len(a)-1].AtNs, b[len(b)-1].AtNs)
		var at []int64
		for i := int64(0); i < 300 && lo < hi; i++ {
			at = append(at, lo+(hi-lo)*i/300)
		}
		for _, s := range found.Spans {
			if s.FromNs >= s.ToNs || s.FromNs < lo || s.ToNs > hi {
				t.Fatalf("span %v of %d to %d", s, lo, hi)
			}
			at = append(at, s.FromNs-2, s.FromNs, (s.FromNs+s.ToNs)/2, s.ToNs-1, s.ToNs+1)
		}
		nearest := math.Inf(1)
		for _, ns := range at {
			if ns < lo || ns >= hi {
				continue
			}
			ax, ay, az := place4(a, float64(ns))
			bx, by, bz := place4(b, float64(ns))
			d, up := distance(ax, ay, bx, by), math.Abs(az-bz)
			in := slices.ContainsFunc(found.Spans, func(s geo.Span) bool { return s.FromNs <= ns && ns < s.ToNs })
			if d < metres*(1-5e-5)-0.01 && up < vertical-2.01 {
				seen.near++
				nearest = min(nearest, d)
				if !in {
					t.Fatalf("%d: %.2f m and %.0f cm apart, not in %v", ns, d, up, found.Spans)
				}
			}
			if in && len(found.Spans) < geo.MaxApproachSpans && (d > metres*(1+slack(ay, by, metres))+0.1 || up > vertical+0.01) {
				t.Fatalf("%d: %.2f m and %.0f cm apart, but in %v", ns, d, up, found.Spans)
			}
			if in {
				seen.far++
			}
		}
		if ok {
			seen.best++
			compareClosest(t, a, b, found, nearest, metres)
		}
	})
	t.Logf("%+v", seen)
	if seen.near == 0 || seen.far == 0 || seen.best == 0 {
		t.Error("nothing was compared")
	}
}

// compareClosest holds a closest point of approach to what was measured, and to the nearest that any sample came.
func compareClosest(t *rapid.T, a, b []geo.Point4D, found geo.Approach, nearest, metres float64) {
	ax, ay, az := place4(a, float64(found.AtNs))
	bx, by, bz := place4(b, float64(found.AtNs))
	d, up, said := distance(ax, ay, bx, by), math.Abs(az-bz), float64(found.LateralCm)/100
	if said > d*(1+5e-5)+0.01 || d > said*(1+slack(ay, by, metres))+0.1 || math.Abs(up-float64(found.VerticalCm)) > 1.5 {
		t.Fatalf("closest %+v, but %.3f m and %.1f cm apart", found, d, up)
	}
	if said > nearest*(1+5e-5)+0.01 {
		t.Fatalf("closest %+v, but once %.3f m apart", found, nearest)
	}
	if x, y := degreesOf(found.Pos, ax); math.Abs(y-(ay+by)/2) > 1e-6 || d < 1e5 && distance(x, y, ax, ay) > d*(0.5+slack(ay, by, metres))+0.1 {
		t.Fatalf("closest %+v is not between %v,%v and %v,%v", found, ay, ax, by, bx)
	}
}

// slack is the share by which distances may come out short: the radii's, and the cosine's between the latitude itself and
// the piece's furthest.
func slack(ay, by, metres float64) float64 {
	lat := max(math.Abs(ay), math.Abs(by)) * math.Pi / 180
	further := lat + (metres+7_000+max(metres, 0))/6_350_000
	if further >= math.Pi/2-0.001 {
		return math.Inf(1)
	}
	return 0.001 + math.Cos(min(math.Abs(ay), math.Abs(by))*math.Pi/180)/math.Cos(further) - 1
}

// TestApproachIsTheSameFromEitherSide: the order of the two, and another place along the parallel, change nothing.
func TestApproachIsTheSameFromEitherSide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPair(t)
		if geo.ValidatePath(a) != nil || geo.ValidatePath(b) != nil {
			return
		}
		find := func(a, b []geo.Point4D) (geo.Approach, bool) {
			var m geo.Meeting
			m.Begin()
			m.Add(a, b, math.MinInt64, math.MaxInt64, geo.Separation{LateralCm: 926_000, VerticalCm: 30_480}, crossCm)
			return m.Approach()
		}
		want, ok := find(a, b)
		turned := func(p []geo.Point4D) []geo.Point4D {
			p = slices.Clone(p)
			for i := range p {
				p[i].Pos.LonE7 = wrapE7(int64(p[i].Pos.LonE7) + 1_234_567_890)
			}
			return p
		}
		got, same := find(turned(a), turned(b))
		if same != ok || !slices.Equal(got.Spans, want.Spans) || got.AtNs != want.AtNs || got.LateralCm != want.LateralCm {
			t.Fatalf("turned %+v, was %+v", got, want)
		}
	})
}

// level is a path along the equator at one altitude, a degree each ten minutes.
func level(latE7 int32, cm int32, westward bool) []geo.Point4D {
	list := []geo.Point4D{
		{Pos: geo.LatLon{LatE7: latE7, LonE7: 0}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefSTD}, AtNs: 0},
		{Pos: geo.LatLon{LatE7: latE7, LonE7: 2 * deg}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefSTD}, AtNs: 1200 * second},
	}
	if westward {
		list[0].Pos, list[1].Pos = list[1].Pos, list[0].Pos
	}
	return list
}

func approachOf(a, b []geo.Point4D, sep geo.Separation) (geo.Approach, bool) {
	var m geo.Meeting
	m.Begin()
	m.Add(a, b, math.MinInt64, math.MaxInt64, sep, crossCm)
	return m.Approach()
}

func TestApproachByHand(t *testing.T) {
	sep := geo.Separation{LateralCm: 926_000, VerticalCm: 30_480}
	if found, ok := approachOf(level(0, 1_000_000, false), level(0, 1_030_480, true), sep); ok {
		t.Errorf("1,000 ft apart, but %+v", found)
	}
	found, ok := approachOf(level(0, 1_000_000, false), level(0, 1_030_479, true), sep)
	if !ok || found.AtNs != 600*second || found.LateralCm != 0 || found.VerticalCm != 30_479 || found.Pos != (geo.LatLon{LonE7: deg}) {
		t.Errorf("head-on: %+v, %v", found, ok)
	}
	// 9,260 m at 371.065 m/s of closing: 24.955 s before and after.
	if s := found.Spans; len(s) != 1 || abs(s[0].FromNs-575_045_000_000) > 20_000_000 || abs(s[0].ToNs-624_955_000_000) > 20_000_000 {
		t.Errorf("spans %v", s)
	}
	// A sixth of a degree of latitude is 18,428 m.
	if found, ok := approachOf(level(0, 1_000_000, false), level(deg/6, 1_000_000, true), sep); ok {
		t.Errorf("9.95 NM apart, but %+v", found)
	}
	if found, ok := approachOf(level(0, 1_000_000, false), level(deg/24, 1_000_000, false), sep); !ok || found.Spans[0] != (geo.Span{FromNs: 0, ToNs: 1200 * second}) || abs(int64(found.LateralCm)-460_700) > 50 {
		t.Errorf("side by side: %+v, %v", found, ok)
	}
	if _, ok := approachOf(level(0, 0, false), level(0, 0, true), geo.Separation{LateralCm: 926_000}); ok {
		t.Error("too close in no altitude")
	}
}

// TestApproachInParts: the time may be given in parts, and a separation that is larger in one of them counts there only.
func TestApproachInParts(t *testing.T) {
	a, b := level(0, 1_000_000, false), level(0, 1_000_000, true)
	narrow, wide := geo.Separation{LateralCm: 463_000, VerticalCm: 30_480}, geo.Separation{LateralCm: 926_000, VerticalCm: 30_480}
	want, _ := approachOf(a, b, wide)
	part, _ := approachOf(a, b, narrow)
	var m geo.Meeting
	for _, cut := range []int64{0, 590, 600, 610, 5000} {
		m.Begin()
		m.Add(a, b, math.MinInt64, cut*second, wide, 0)
		m.Add(a, b, cut*second, math.MaxInt64, narrow, 0)
		got, ok := m.Approach()
		from, to := want.Spans[0].FromNs, part.Spans[0].ToNs
		switch cut {
		case 0:
			from = part.Spans[0].FromNs
		case 5000:
			to = want.Spans[0].ToNs
		}
		if !ok || len(got.Spans) != 1 || abs(got.Spans[0].FromNs-from) > 100_000 || abs(got.Spans[0].ToNs-to) > 100_000 || abs(got.AtNs-want.AtNs) > 100_000 || got.LateralCm != 0 {
			t.Errorf("cut at %d: %+v, want %d to %d", cut, got, from, to)
		}
	}
}

// zigzag goes from pole to pole n times.
func zigzag(n int, lonE7 int32) []geo.Point4D {
	list := make([]geo.Point4D, n)
	for i := range list {
		list[i] = geo.Point4D{Pos: geo.LatLon{LatE7: 900_000_000 * int32(i%2*2-1), LonE7: lonE7}, Alt: geo.Altitude{Cm: 100, Ref: geo.RefSTD}, AtNs: int64(i) * 1000 * second}
	}
	return list
}

// BenchmarkApproachWorst is the most work that two paths can make.
func BenchmarkApproachWorst(b *testing.B) {
	p, q := zigzag(geo.MaxPathPoints, 0), zigzag(geo.MaxPathPoints, 1)
	for b.Loop() {
		if _, ok := approachOf(p, q, geo.Separation{LateralCm: 926_000, VerticalCm: 30_480}); !ok {
			b.Fatal("apart")
		}
	}
}

func FuzzApproach(f *testing.F) {
	f.Add(int32(0), int32(0), int32(900_000_000), int32(1_799_999_999), int64(0), int64(1), int32(5), int32(926_000))
	f.Fuzz(func(t *testing.T, lat1, lon1, lat2, lon2 int32, at1, at2 int64, cm, lateral int32) {
		p := geo.Point4D{Pos: geo.LatLon{LatE7: lat1, LonE7: lon1}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefSTD}, AtNs: at1}
		q := geo.Point4D{Pos: geo.LatLon{LatE7: lat2, LonE7: lon2}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefSTD}, AtNs: at2}
		a, sep := []geo.Point4D{p, q}, geo.Separation{LateralCm: lateral, VerticalCm: 1000}
		b := []geo.Point4D{p, q}
		b[0].Pos.LonE7, b[1].Pos.LatE7 = lon2, lat1
		if geo.ValidatePath(a) != nil || geo.ValidatePath(b) != nil || sep.Validate() != nil {
			return
		}
		found, ok := approachOf(a, b, sep)
		for _, s := range found.Spans {
			if s.FromNs < at1 || s.FromNs >= s.ToNs || s.ToNs > at2 {
				t.Fatalf("%+v of %d to %d", found, at1, at2)
			}
		}
		if ok && (found.LateralCm < 0 || found.LateralCm > lateral || found.AtNs < at1 || found.AtNs >= at2 || found.Pos.Validate() != nil) {
			t.Fatalf("%+v", found)
		}
	})
}
