package cover

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/golang/geo/s2"
	"pgregory.net/rapid"

	"onevoice/geo"
)

const deg = 10_000_000

var low = geo.Band{Floor: geo.Altitude{Cm: 0, Ref: geo.RefSTD}, Ceiling: geo.Altitude{Cm: 1_000_000, Ref: geo.RefSTD}}

var digits = func() []int64 {
	d := make([]int64, 1024)
	for i := range d {
		d[i] = int64(i)
	}
	return d
}()

// even draws from lo to hi with the same chance for each; rapid's own ranges prefer small numbers.
func even(t *rapid.T, name string, lo, hi int64) int64 {
	v := int64(0)
	for n := int64(1); n <= 8*(hi-lo+1); n *= 1024 {
		v = v*1024 + rapid.SampledFrom(digits).Draw(t, name)
	}
	return lo + v%(hi-lo+1)
}

func share(t *rapid.T, name string) float64 { return float64(even(t, name, 0, 1<<30)) / (1 << 30) }

// drawPlace draws a position in a square window around the antimeridian, from pole to pole.
func drawWindow(t *rapid.T) (at func() geo.LatLon) {
	size := int64(120*deg) >> rapid.IntRange(0, 20).Draw(t, "halvings")
	south := even(t, "south", -90*deg, 90*deg-min(size, 170*deg))
	return func() geo.LatLon {
		return geo.LatLon{
			LonE7: wrapE7(180*deg + even(t, "lon", -size/2, size/2)),
			LatE7: int32(even(t, "lat", south, min(south+size, 90*deg))),
		}
	}
}

func wrapE7(lon int64) int32 {
	const turn = 360 * deg
	return int32(((lon+turn/2)%turn+turn)%turn - turn/2)
}

// holds reports whether a covering holds a place given in radians.
func holds(cells []uint64, p place) bool {
	leaf := s2.CellIDFromLatLng(s2.LatLngFromDegrees(p.lat*180/math.Pi, p.lon*180/math.Pi))
	return slices.ContainsFunc(cells, func(c uint64) bool { return s2.CellID(c).Contains(leaf) })
}

// checkForm checks what every covering must be.
func checkForm(t *rapid.T, cells []uint64) {
	u := make(s2.CellUnion, len(cells))
	for i, c := range cells {
		u[i] = s2.CellID(c)
		if u[i].Level() > maxLevel {
			t.Fatalf("cell %x has level %d", c, u[i].Level())
		}
	}
	if len(cells) == 0 || len(cells) > MaxCells || !u.IsNormalized() || !slices.IsSorted(cells) {
		t.Fatalf("%d cells, normalised %v, sorted %v: %x", len(cells), u.IsNormalized(), slices.IsSorted(cells), cells)
	}
}

// along gives the place at a share of the straight edge from a to b.
func along(a, b geo.LatLon, s float64) place {
	p, q := placeOf(a), placeOf(b)
	return place{p.lat + s*(q.lat-p.lat), p.lon + s*math.Remainder(q.lon-p.lon, 2*math.Pi)}
}

// TestPolygonIsCovered: vertices, places on straight edges and places inside are in the covering.
func TestPolygonIsCovered(t *testing.T) {
	inside := 0
	rapid.Check(t, func(t *rapid.T) {
		at := drawWindow(t)
		p := geo.Polygon{Rings: []geo.Ring{{at(), at(), at()}}, Band: low}
		if rapid.Bool().Draw(t, "four") {
			p.Rings[0] = append(p.Rings[0], at())
		}
		if p.Validate() != nil {
			return
		}
		cells, err := Polygon(p)
		if err != nil {
			t.Fatal(err)
		}
		checkForm(t, cells)
		for i, a := range p.Rings[0] {
			b := p.Rings[0][(i+1)%len(p.Rings[0])]
			for _, s := range []float64{0, share(t, "s"), share(t, "s"), 1} {
				if on := along(a, b, s); !holds(cells, on) {
					t.Fatalf("%v, at %v of the edge from %v to %v, is not covered", on, s, a, b)
				}
			}
		}
		v := geo.Prepare(p)
		for range 8 {
			if q := at(); v.Contains(q) {
				inside++
				if !holds(cells, placeOf(q)) {
					t.Fatalf("%v inside %v is not covered", q, p.Rings)
				}
			}
		}
	})
	if inside == 0 {
		t.Error("no place inside was seen")
	}
}

// TestCoveringIsSnug fixes a covering, so that a change of what is stored shows, and holds its area to the shape's.
func TestCoveringIsSnug(t *testing.T) {
	p := geo.Polygon{Band: low, Rings: []geo.Ring{{{LatE7: 46 * deg, LonE7: 7 * deg}, {LatE7: 46 * deg, LonE7: 8 * deg}, {LatE7: 47 * deg, LonE7: 8 * deg}, {LatE7: 47 * deg, LonE7: 7 * deg}}}}
	cells, err := Polygon(p)
	if err != nil {
		t.Fatal(err)
	}
	var u s2.CellUnion
	for _, c := range cells {
		u = append(u, s2.CellID(c))
	}
	const earthKm2 = 6371.0 * 6371.0
	if km2 := u.ExactArea() * earthKm2; km2 < 8_520 || km2 > 1.25*8_520 {
		t.Errorf("%d cells of %.0f km2 cover 8,520 km2", len(cells), km2)
	}
	tiny := geo.Polygon{Band: low, Rings: []geo.Ring{{{LatE7: 46 * deg, LonE7: 7 * deg}, {LatE7: 46 * deg, LonE7: 7*deg + 10}, {LatE7: 46*deg + 10, LonE7: 7 * deg}}}}
	if cells, err = Polygon(tiny); err != nil || !slices.Equal(cells, []uint64{0x478eb52900000000, 0x478eb52f00000000}) {
		t.Errorf("a shape of 1 m is covered by %x, %v", cells, err)
	}
}

func TestCoveringRefuses(t *testing.T) {
	_, err := Polygon(geo.Polygon{Band: low})
	refused(t, err, "rings")
}

func refused(t *testing.T, err error, field string) {
	t.Helper()
	var fe *geo.FieldError
	if !errors.As(err, &fe) || fe.Field != field {
		t.Errorf("%v, want a refusal of %s", err, field)
	}
}

func BenchmarkPolygon(b *testing.B) {
	p := geo.Polygon{Band: low, Rings: []geo.Ring{{{LatE7: 46 * deg, LonE7: 7 * deg}, {LatE7: 46 * deg, LonE7: 8 * deg}, {LatE7: 47 * deg, LonE7: 8 * deg}}}}
	for b.Loop() {
		if _, err := Polygon(p); err != nil {
			b.Fatal(err)
		}
	}
}
