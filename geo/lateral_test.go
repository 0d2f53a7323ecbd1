package geo_test

import (
	"flag"
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// fewer divides the number of cases rapid draws, for a test whose cases are slow.
func fewer(t *testing.T, by int) {
	f := flag.Lookup("rapid.checks")
	was := f.Value.String()
	n, err := strconv.Atoi(was)
	if err != nil {
		t.Fatal(err)
	}
	if err := flag.Set(f.Name, strconv.Itoa(max(n/by, 1))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(f.Name, was) })
}

// space gives the place in metres from the centre of the earth of a point in degrees, on the WGS84 ellipsoid. The
// straight line between two such places is shorter than the way over ground by one part in 400,000 at 50 km.
func space(lon, lat float64) [3]float64 {
	const a, e2 = 6_378_137.0, 6.694379990141316e-3
	lon, lat = lon*math.Pi/180, lat*math.Pi/180
	n := a / math.Sqrt(1-e2*math.Sin(lat)*math.Sin(lat))
	return [3]float64{n * math.Cos(lat) * math.Cos(lon), n * math.Cos(lat) * math.Sin(lon), n * (1 - e2) * math.Sin(lat)}
}

func distance(ax, ay, bx, by float64) float64 {
	a, b := space(ax, ay), space(bx, by)
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// toEdge gives the least distance found from a point to a straight edge, searching along it in ever smaller steps.
func toEdge(x, y, ax, ay, bx, by float64) float64 {
	at := func(s float64) float64 { return distance(x, y, ax+s*(bx-ax), ay+s*(by-ay)) }
	lo, hi, best := 0.0, 1.0, math.Inf(1)
	for range 9 {
		mid, step := 0.0, (hi-lo)/16
		for i := 0; i <= 16; i++ {
			if d := at(lo + float64(i)*step); d <= best {
				best, mid = d, lo+float64(i)*step
			}
		}
		lo, hi = max(mid-step, 0), min(mid+step, 1)
	}
	return best
}

// degreesOf unwraps a position near the given longitude.
func degreesOf(p geo.LatLon, near float64) (lon, lat float64) {
	lon = float64(p.LonE7) / 1e7
	return lon + 360*math.Round((near-lon)/360), float64(p.LatE7) / 1e7
}

// measure gives whether a point is inside a ring, and how far it is from its boundary.
func measure(x, y float64, r geo.Ring) (inside bool, metres float64) {
	metres = math.Inf(1)
	for i, p := range r {
		ax, ay := degreesOf(p, x)
		bx, by := degreesOf(r[(i+1)%len(r)], ax)
		metres = min(metres, toEdge(x, y, ax, ay, bx, by))
	}
	return isIn(x, y, r), metres
}

// isIn reports whether a point is inside a ring.
func isIn(x, y float64, r geo.Ring) bool {
	inside := false
	for i, p := range r {
		ax, ay := degreesOf(p, x)
		bx, by := degreesOf(r[(i+1)%len(r)], ax)
		if (ay > y) != (by > y) && x < ax+(y-ay)/(by-ay)*(bx-ax) {
			inside = !inside
		}
	}
	return inside
}

// scene draws a ring of up to one degree, halved as often as asked, at longitude 180, at a latitude up to 88 degrees north or south, and one straight leg by it.
func scene(t *rapid.T, corners, halvings int) (r geo.Ring, path []geo.Point4D, ok bool) {
	lat := even(t, "lat", -88, 87) * deg
	size := deg >> halvings
	pick := func(margin int32) geo.LatLon {
		return geo.LatLon{
			LonE7: wrapE7(1_800_000_000 + int64(even(t, "x", -margin, int32(size)+margin))),
			LatE7: lat + even(t, "y", -margin, int32(size)+margin),
		}
	}
	for range corners {
		r = append(r, pick(0))
	}
	for i := range 2 {
		path = append(path, geo.Point4D{Pos: pick(int32(size / 8)), Alt: geo.Altitude{Cm: 100, Ref: geo.RefSTD}, AtNs: int64(i) * 1_000 * second})
	}
	return r, path, area(r).Validate() == nil && geo.ValidatePath(path) == nil
}

// TestLateralIsSafeAndTight holds windows with lateral uncertainty to distances measured in floating point on the
// ellipsoid: what is within the uncertainty may be inside, what surely is inside keeps that distance from every edge;
// and where both are well off the limit, the windows are no wider and no narrower than that.
func TestLateralIsSafeAndTight(t *testing.T) {
	fewer(t, 4)
	var seen struct{ may, sure, tightMay, tightSure int }
	rapid.Check(t, func(t *rapid.T) {
		corners := rapid.IntRange(3, 5).Draw(t, "corners")
		halvings := rapid.IntRange(0, 9).Draw(t, "halvings")
		r, path, ok := scene(t, corners, halvings)
		if !ok {
			return
		}
		cm := int32(100) << rapid.IntRange(0, 13-halvings).Draw(t, "lateral")
		metres := float64(cm) / 100
		level := rapid.IntRange(0, 3).Draw(t, "level") > 0
		u := geo.Uncertainty{LateralCm: cm}
		if !level {
			u.VerticalCm = 200 // with the floor 100 cm below the path: never sure
		}
		ws := geo.Windows(path, u, []*geo.Prepared{geo.Prepare(area(r))}, 0)
		for _, s := range ask(t, path, ws) {
			at := int64(s * float64(1_000*second))
			may := slices.ContainsFunc(ws, func(w geo.Window) bool { return w.EnterMinNs <= at && at < w.LeaveMaxNs })
			sure := slices.ContainsFunc(ws, func(w geo.Window) bool { return w.EnterMaxNs <= at && at < w.LeaveMinNs })
			ax, ay := degreesOf(path[0].Pos, 180)
			bx, by := degreesOf(path[1].Pos, ax)
			y := ay + s*(by-ay)
			inside, d := measure(ax+s*(bx-ax), y, r)
			if !may && (inside && d > 0.01 || d < metres*(1-1e-5)-0.01) {
				t.Fatalf("at %v inside %v, %v m of %v off, not in %v", s, inside, d, metres, ws)
			}
			if sure && (!level || !inside && d > 0.01 || d < metres*(1-1e-5)-0.01) {
				t.Fatalf("at %v inside %v, %v m of %v off, surely in %v", s, inside, d, metres, ws)
			}
			slope := math.Tan(min(math.Abs(y)*math.Pi/180, 1.55)) * (metres + 120_000) / 6_371_000
			far := metres*(1.02+slope) + 1
			if may && !inside && d > far {
				t.Fatalf("at %v outside and %v m of %v off, but may be in %v", s, d, metres, ws)
			}
			if !sure && inside && d > far && corners == 3 && level {
				t.Fatalf("at %v inside and %v m of %v off, but not surely in %v", s, d, metres, ws)
			}
			seen.may += count(may)
			seen.sure += count(sure)
			seen.tightMay += count(!inside && d > far)
			seen.tightSure += count(inside && d > far && corners == 3 && level)
		}
	})
	t.Logf("instants seen: %+v", seen)
	if seen.may == 0 || seen.sure == 0 || seen.tightMay == 0 || seen.tightSure == 0 {
		t.Error("some kind of instant was never seen")
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ask picks the shares of the leg to look at: a few anywhere, and some close to each end of a window.
func ask(t *rapid.T, path []geo.Point4D, ws []geo.Window) []float64 {
	whole := float64(path[1].AtNs - path[0].AtNs)
	var out []float64
	for range 4 {
		out = append(out, float64(even(t, "s", 0, 999_999))/1e6)
	}
	for _, w := range ws {
		for _, end := range []int64{w.EnterMinNs, w.EnterMaxNs, w.LeaveMinNs, w.LeaveMaxNs} {
			for _, off := range []float64{-2e-4, -1e-9, 1e-9, 2e-4} {
				if s := float64(end)/whole + off; s > 0 && s < 1 {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// TestNearThePole: a path over one side of the pole is near a polygon on the other.
func TestNearThePole(t *testing.T) {
	p := area(ring(-10*deg, 890*deg/10, 10*deg, 890*deg/10, 10*deg, 8999*deg/100, -10*deg, 8999*deg/100))
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	// Along the meridian of 175 degrees east, up to 1.1 km from the pole; the polygon ends 1.1 km beyond it. Nearer to
	// a pole than the uncertainty, no difference of longitude counts as distance.
	path := way(175*deg, 895*deg/10, 0, 0, 175*deg, 8999*deg/100, 0, 49_000)
	vols := []*geo.Prepared{geo.Prepare(p)}
	got := geo.Windows(path, geo.Uncertainty{LateralCm: 250_000}, vols, 0)
	if len(got) != 1 || got[0].LeaveMaxNs != 49_000 || got[0].Sure() {
		t.Errorf("2.5 km: %v, want one doubtful window to the end", got)
	}
	if got := geo.Windows(path, geo.Uncertainty{LateralCm: 50_000}, vols, 0); len(got) != 0 {
		t.Errorf("0.5 km: %v, but the way is 2.2 km or more", got)
	}
}

// TestInnerEdgesAreNoBoundary: cut into volumes, a sector has the sure windows of the whole.
func TestInnerEdgesAreNoBoundary(t *testing.T) {
	u := geo.Uncertainty{LateralCm: 185_200, VerticalCm: 10}
	path := way(-deg, 30*deg/100, 50, 0, 4*deg, 45*deg/100, 50, 3_600*second)
	whole := prepareAll([]geo.Polygon{box(0, 0, 3*deg, deg)})
	west, middle, east := box(0, 0, deg, deg), box(deg, 0, 2*deg, deg), box(2*deg, 0, 3*deg, deg)
	want := geo.Windows(path, u, whole, 0)
	if len(want) != 1 || !want[0].Sure() {
		t.Fatalf("whole: %v", want)
	}
	short := want[0].LeaveMinNs - want[0].EnterMaxNs
	for _, c := range []struct {
		name string
		vols []geo.Polygon
		same bool
	}{
		{"cut in three", []geo.Polygon{west, middle, east}, true},
		{"cut in three, other order", []geo.Polygon{east, west, middle}, true},
		{"one part is not there at that altitude", []geo.Polygon{west, middle, inBand(east, 55, 900, geo.RefSTD)}, false},
		{"one part is too low to be sure", []geo.Polygon{west, inBand(middle, 45, 900, geo.RefSTD), east}, false},
		{"one part is just low enough", []geo.Polygon{west, inBand(middle, 40, 900, geo.RefSTD), east}, true},
		{"no neighbour", []geo.Polygon{west, area(ring(deg, 0, 5*deg/10, 6*deg/10, deg, deg)), middle}, false},
	} {
		got := geo.Windows(path, u, prepareAll(c.vols), 0)
		if len(got) != 1 {
			t.Errorf("%s: %v", c.name, got)
			continue
		}
		same := abs(got[0].EnterMaxNs-want[0].EnterMaxNs) < second/1000 && abs(got[0].LeaveMinNs-want[0].LeaveMinNs) < second/1000
		if same != c.same {
			t.Errorf("%s: %v, whole %v, want same %v", c.name, got, want, c.same)
		}
		if got[0].LeaveMinNs-got[0].EnterMaxNs > short+second/1000 {
			t.Errorf("%s: surer than the whole: %v", c.name, got)
		}
	}
	alone, twice := geo.Windows(path, u, prepareAll([]geo.Polygon{west}), 0), geo.Windows(path, u, prepareAll([]geo.Polygon{west, west}), 0)
	if !slices.Equal(alone, twice) {
		t.Errorf("the same volume twice gives %v, once %v", twice, alone)
	}
}
