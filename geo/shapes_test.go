package geo_test

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// low is a band that any test path at a few metres is in.
var low = geo.Band{Floor: geo.Altitude{Cm: 0, Ref: geo.RefSTD}, Ceiling: geo.Altitude{Cm: 1_000_000, Ref: geo.RefSTD}}

// ring builds a ring from lon, lat pairs in 1e-7 degree.
func ring(lonlat ...int32) geo.Ring {
	var r geo.Ring
	for i := 0; i < len(lonlat); i += 2 {
		r = append(r, geo.LatLon{LonE7: lonlat[i], LatE7: lonlat[i+1]})
	}
	return r
}

func area(rings ...geo.Ring) geo.Polygon { return geo.Polygon{Rings: rings, Band: low} }

func TestPolygonValidateAccepts(t *testing.T) {
	const d = 10_000_000
	for name, p := range map[string]geo.Polygon{
		"triangle":            area(ring(0, 0, 10, 0, 0, 10)),
		"clockwise":           area(ring(0, 0, 0, 10, 10, 0)),
		"hole":                area(ring(0, 0, 10, 0, 10, 10, 0, 10), ring(2, 2, 4, 2, 3, 4)),
		"hole touching":       area(ring(0, 0, 10, 0, 10, 10, 0, 10), ring(0, 5, 4, 2, 4, 8)),
		"ring touching":       area(ring(0, 0, 10, 0, 10, 10, 5, 0, 0, 10)),
		"antimeridian":        area(ring(179*d, 0, -179*d, 0, -179*d, 2*d, 179*d, 2*d)),
		"antimeridian hole":   area(ring(170*d, 0, -170*d, 0, -170*d, 20*d, 170*d, 20*d), ring(-178*d, 5*d, -175*d, 5*d, -175*d, 6*d)),
		"antimeridian hole 2": area(ring(-170*d, 0, -170*d, 20*d, 170*d, 20*d, 170*d, 0), ring(178*d, 5*d, -179*d, 5*d, 179*d, 6*d)),
		"wedge to the pole":   area(ring(0, 60*d, 90*d, 60*d, 90*d, 90*d, 0, 90*d)),
		"wide":                area(ring(-180*d, 0, -60*d, 0, 60*d, 0, 179*d, 0, 179*d, 5*d, 60*d, 5*d, -60*d, 5*d, -180*d, 5*d)),
	} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPolygonValidateRefuses(t *testing.T) {
	const d = 10_000_000
	big := make(geo.Ring, geo.MaxVertices+1)
	for _, c := range []struct {
		name    string
		p       geo.Polygon
		field   string
		allowed string
	}{
		{"no ring", area(), "rings", "3 to 10000"},
		{"two vertices", area(ring(0, 0, 1, 1)), "rings[0]", "at least 3"},
		{"too many", area(big), "rings", "10000"},
		{"closed", area(ring(0, 0, 10, 0, 0, 10, 0, 0)), "rings[0][0]", "do not repeat"},
		{"repeated", area(ring(0, 0, 10, 0, 10, 0, 0, 10)), "rings[0][2]", "differs"},
		{"bow tie", area(ring(0, 0, 10, 10, 10, 0, 0, 10)), "rings[0][0] 0.0000000,0.0000000", "do not cross"},
		{"spike", area(ring(0, 0, 10, 0, 20, 0, 15, 0, 10, 10)), "rings[0][1] 0.0000000,0.0000010", "do not cross"},
		{"flat", area(ring(0, 0, 10, 0, 5, 0)), "rings[0][0] 0.0000000,0.0000000", "lie on one another"},
		{"hole across", area(ring(0, 0, 10, 0, 10, 10, 0, 10), ring(5, 5, 15, 5, 5, 7)), "rings[0][1] 0.0000000,0.0000010", "do not cross"},
		{"hole outside", area(ring(0, 0, 10, 0, 10, 10, 0, 10), ring(20, 5, 30, 5, 20, 7)), "rings[1][0]", "inside the outer ring"},
		{"hole the same", area(ring(0, 0, 10, 0, 10, 10), ring(0, 0, 10, 0, 10, 10)), "rings[0][0] 0.0000000,0.0000000", "lie on"},
		{"latitude", area(ring(0, 0, 10, 0, 0, 900_000_001)), "rings[0][2].lat", "-90 to 90"},
		{"longitude", area(ring(0, 0, math.MaxInt32, 0, 0, 5)), "rings[0][1].lon", "below 180"},
		{"half a turn", area(ring(-90*d, 0, 90*d, 0, 0, 5)), "rings[0][1].lon", "less than 180"},
		{"round the pole", area(ring(0, 80*d, 120*d, 80*d, -120*d, 80*d)), "rings[0]", "round a pole"},
		{"all round", area(ring(-180*d, 0, -60*d, 0, 60*d, 0, -180*d, 0, -180*d, 5*d, 60*d, 5*d, -60*d, 5*d, -180*d, 5*d)), "rings", "less than 360"},
		{"band", geo.Polygon{Rings: []geo.Ring{ring(0, 0, 10, 0, 0, 10)}}, "band.floor.ref", "STD"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.p.Validate(), c.field, c.allowed) })
	}
}

func TestValidatePath(t *testing.T) {
	at := func(lon, lat int32, cm int32, ns int64) geo.Point4D {
		return geo.Point4D{Pos: geo.LatLon{LatE7: lat, LonE7: lon}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefSTD}, AtNs: ns}
	}
	ok := []geo.Point4D{at(1_790_000_000, 0, 0, 0), at(-1_790_000_000, 5, 5, 1), at(-1_790_000_000, 5, 5, geo.MaxAtNs)}
	if err := geo.ValidatePath(ok); err != nil {
		t.Error(err)
	}
	other := at(0, 0, 0, 9)
	other.Alt.Ref = geo.RefWGS84
	for _, c := range []struct {
		path           []geo.Point4D
		field, allowed string
	}{
		{nil, "points", "2 to 10000"},
		{ok[:1], "points", "2 to 10000"},
		{make([]geo.Point4D, geo.MaxPathPoints+1), "points", "2 to 10000"},
		{[]geo.Point4D{at(0, 0, 0, 5), at(1, 0, 0, 5)}, "points[1].at", "after"},
		{[]geo.Point4D{at(0, 0, 0, -1), at(1, 0, 0, 5)}, "points[0].at", "1970"},
		{[]geo.Point4D{at(0, 0, 0, 5), at(1, 0, 0, math.MaxInt64)}, "points[1].at", "2200"},
		{[]geo.Point4D{at(0, 0, 0, 5), other}, "points[1].alt.ref", "STD"},
		{[]geo.Point4D{at(0, 0, geo.UnlimitedCm, 5), at(1, 0, 0, 6)}, "points[0].alt.cm", "cm"},
		{[]geo.Point4D{at(0, 0, 0, 5), at(-1_800_000_000, 0, 0, 6)}, "points[1].lon", "less than 180"},
		{[]geo.Point4D{at(0, 0, 0, 5), at(0, 900_000_001, 0, 6)}, "points[1].lat", "90"},
	} {
		refused(t, geo.ValidatePath(c.path), c.field, c.allowed)
	}
}

// crossesAnywhere is the test of all pairs of edges that the sweep must agree with.
func crossesAnywhere(r geo.Ring) bool {
	type pt struct{ x, y int64 }
	at := func(i int) pt { p := r[i%len(r)]; return pt{int64(p.LonE7), int64(p.LatE7)} }
	side := func(a, b, c pt) int64 { return (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x) }
	for i := range r {
		for j := range i {
			a, b, c, d := at(i), at(i+1), at(j), at(j+1)
			s, u, v, w := side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
			if s == 0 && u == 0 {
				along := func(p pt) int64 { return p.x*1_000 + p.y }
				lo := max(min(along(a), along(b)), min(along(c), along(d)))
				hi := min(max(along(a), along(b)), max(along(c), along(d)))
				if lo < hi {
					return true
				}
			} else if (s > 0 && u < 0 || s < 0 && u > 0) && (v > 0 && w < 0 || v < 0 && w > 0) {
				return true
			}
		}
	}
	return false
}

// TestSweepAgainstAllPairs draws rings on a small grid, where touching, upright and overlying edges are common.
func TestSweepAgainstAllPairs(t *testing.T) {
	crossed, clean := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 9).Draw(t, "n")
		side := rapid.Int32Range(2, 12).Draw(t, "side")
		var r geo.Ring
		for range n {
			r = append(r, geo.LatLon{LonE7: even(t, "x", 0, side), LatE7: even(t, "y", 0, side)})
		}
		for i, p := range r {
			if p == r[(i+1)%n] {
				return
			}
		}
		want, got := crossesAnywhere(r), area(r).Validate() != nil
		if want != got {
			t.Fatalf("%v: crosses %v, refused %v", r, want, got)
		}
		if want {
			crossed++
		} else {
			clean++
		}
	})
	if crossed == 0 || clean == 0 {
		t.Errorf("%d rings crossed and %d were clean: the test saw one kind only", crossed, clean)
	}
}

// star is a valid ring of n vertices with teeth that reach across most of its box.
func star(n int) geo.Ring {
	r := make(geo.Ring, n)
	for i := range r {
		radius := 4e7
		if i%2 == 1 {
			radius = 4e5
		}
		a := 2 * math.Pi * float64(i) / float64(n)
		r[i] = geo.LatLon{LonE7: int32(radius * math.Cos(a)), LatE7: int32(radius * math.Sin(a))}
	}
	return r
}

// comb is a valid ring of n vertices whose slanting teeth overlap in the box of nearly all the others.
func comb(n int) geo.Ring {
	var r geo.Ring
	for i := range n / 2 {
		x := int32(i) * 1_000
		r = append(r, geo.LatLon{LonE7: x, LatE7: 0}, geo.LatLon{LonE7: x + 10_000_500, LatE7: 300_000_000})
	}
	return append(r, geo.LatLon{LonE7: 20_000_000, LatE7: -1_000}, geo.LatLon{LonE7: 0, LatE7: -2_000})
}

func BenchmarkValidate(b *testing.B) {
	for name, r := range map[string]geo.Ring{"star": star(geo.MaxVertices), "comb": comb(geo.MaxVertices - 2)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := area(r).Validate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestRealBoundaries validates files of real boundaries. Of the American ones the makers' tools find 114 to cross
// themselves, and so do we. Of the flight information regions they find 6, which are those over the antimeridian.
func TestRealBoundaries(t *testing.T) {
	for _, c := range []struct {
		name          string
		good, refused int
	}{
		{"airspace_fir/fir_nm_airac524.geojson.gz", 346, 0},
		{"airspace_us/us_class_bc_sua_nasr20260416.geojson.gz", 1832, 111},
		{"airspace_us/us_artcc_nasr20260416.geojson.gz", 61, 3},
	} {
		good, bad := 0, 0
		for _, p := range geoPolygons(t, openData(t, c.name)) {
			switch err := p.Validate(); {
			case err == nil:
				good++
			case strings.Contains(err.Error(), "do not cross"):
				bad++
			default:
				t.Error(err)
			}
		}
		if good != c.good || bad != c.refused {
			t.Errorf("%s: %d polygons accepted and %d refused, want %d and %d", c.name, good, bad, c.good, c.refused)
		}
	}
}

// geoPolygons reads all polygons of a GeoJSON file, leaving out vertices equal to the one before.
func geoPolygons(t *testing.T, r io.Reader) []geo.Polygon {
	var doc struct {
		Features []struct {
			Geometry struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	var out []geo.Polygon
	for _, f := range doc.Features {
		many := make([][][][2]float64, 1)
		into := any(&many[0])
		if f.Geometry.Type == "MultiPolygon" {
			into = &many
		}
		if err := json.Unmarshal(f.Geometry.Coordinates, into); err != nil {
			t.Fatal(err)
		}
		for _, rings := range many {
			p := geo.Polygon{Band: low}
			for _, line := range rings {
				var r geo.Ring
				for _, c := range line {
					at := geo.LatLon{LatE7: e7(c[1]), LonE7: e7(math.Mod(c[0]+540, 360) - 180)}
					if len(r) == 0 || r[len(r)-1] != at {
						r = append(r, at)
					}
				}
				if len(r) > 1 && r[0] == r[len(r)-1] {
					r = r[:len(r)-1]
				}
				p.Rings = append(p.Rings, r)
			}
			out = append(out, p)
		}
	}
	return out
}
