package geo_test

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// ratPoint is a point of the plane.
type ratPoint struct{ x, y *big.Rat }

// ratShape is a polygon in the plane, for one who has time: its edges, as pairs of points.
type ratShape [][2]ratPoint

func ratOf(p geo.Polygon, o geo.LatLon) ratShape {
	var s ratShape
	at := func(v geo.LatLon) ratPoint {
		x := int64(v.LonE7) - int64(o.LonE7)
		for x < -1_800_000_000 {
			x += 3_600_000_000
		}
		for x >= 1_800_000_000 {
			x -= 3_600_000_000
		}
		return ratPoint{big.NewRat(x, 1), big.NewRat(int64(v.LatE7), 1)}
	}
	for _, r := range p.Rings {
		for i := range r {
			s = append(s, [2]ratPoint{at(r[i]), at(r[(i+1)%len(r)])})
		}
	}
	return s
}

func sub(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
func mul(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

// wedge is twice the area of a triangle.
func wedge(a, b, c ratPoint) *big.Rat {
	return sub(mul(sub(b.x, a.x), sub(c.y, a.y)), mul(sub(b.y, a.y), sub(c.x, a.x)))
}

func between(v, a, b *big.Rat) bool {
	if a.Cmp(b) > 0 {
		a, b = b, a
	}
	return a.Cmp(v) <= 0 && v.Cmp(b) <= 0
}

// holds is the even-odd rule, boundary included.
func (s ratShape) holds(p ratPoint) bool {
	odd := false
	for _, e := range s {
		if wedge(e[0], e[1], p).Sign() == 0 && between(p.x, e[0].x, e[1].x) && between(p.y, e[0].y, e[1].y) {
			return true
		}
		low, high := e[0], e[1]
		if low.y.Cmp(high.y) > 0 {
			low, high = high, low
		}
		if low.y.Cmp(p.y) <= 0 && p.y.Cmp(high.y) < 0 && wedge(low, high, p).Sign() > 0 {
			odd = !odd
		}
	}
	return odd
}

// meets looks for a point in both: where two areas have something in common, a corner of it is a corner of one or where two edges cross.
func (s ratShape) meets(o ratShape) bool {
	var corners []ratPoint
	for _, e := range s {
		corners = append(corners, e[0])
		for _, f := range o {
			corners = append(corners, f[0])
			den := sub(mul(sub(e[1].x, e[0].x), sub(f[1].y, f[0].y)), mul(sub(e[1].y, e[0].y), sub(f[1].x, f[0].x)))
			if den.Sign() == 0 {
				continue
			}
			t := new(big.Rat).Quo(wedge(f[0], f[1], e[0]), den)
			corners = append(corners, ratPoint{new(big.Rat).Sub(e[0].x, mul(t, sub(e[0].x, e[1].x))), new(big.Rat).Sub(e[0].y, mul(t, sub(e[0].y, e[1].y)))})
		}
	}
	return slices.ContainsFunc(corners, func(p ratPoint) bool { return s.holds(p) && o.holds(p) })
}

// drawShape draws a small polygon that is one, with up to two holes.
func drawShape(t *rapid.T, o geo.LatLon, side int32) geo.Polygon {
	for {
		var p geo.Polygon
		size := side
		for range rapid.IntRange(1, 3).Draw(t, "rings") {
			var r geo.Ring
			west, south := even(t, "west", 0, side-size/2), even(t, "south", 0, side-size/2)
			for range rapid.IntRange(3, 5).Draw(t, "vertices") {
				r = append(r, geo.LatLon{LonE7: west + even(t, "x", 0, size), LatE7: south + even(t, "y", 0, size)})
			}
			p.Rings = append(p.Rings, offset(r, o))
			size = max(size/2, 2)
		}
		p.Band = geo.Band{Floor: geo.Altitude{Ref: geo.RefSTD}, Ceiling: geo.Altitude{Cm: 1, Ref: geo.RefSTD}}
		for len(p.Rings) > 1 && p.Validate() != nil {
			p.Rings = p.Rings[:len(p.Rings)-1]
		}
		if p.Validate() == nil {
			return p
		}
	}
}

func meets(a, b geo.Polygon) bool { return geo.Prepare(a).Meets(geo.Prepare(b), new(int), 1<<30) }

// TestMeetsExactly holds the overlap of two polygons against rational arithmetic, at the zero meridian and across the antimeridian.
func TestMeetsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrigin(t)
		a := drawShape(t, o, rapid.SampledFrom([]int32{4, 12, 40}).Draw(t, "side"))
		move := geo.LatLon{LonE7: wrapE7(int64(o.LonE7) + int64(even(t, "dx", -12, 12))), LatE7: o.LatE7 + even(t, "dy", -12, 12)}
		b := drawShape(t, move, rapid.SampledFrom([]int32{3, 6, 12}).Draw(t, "side"))
		want := ratOf(a, o).meets(ratOf(b, o))
		if got, back := meets(a, b), meets(b, a); got != want || back != want {
			t.Fatalf("%v and %v: %v and %v, want %v", a.Rings, b.Rings, got, back, want)
		}
		if got := new(geo.Draft).Lay(a).Meets(geo.Prepare(b), new(int), 1<<30); got != want {
			t.Fatalf("a draft of %v and %v: %v", a.Rings, b.Rings, got)
		}
		if box := geo.Prepare(a).BBox(); box != a.BBox() {
			t.Fatalf("box %v, want %v", a.BBox(), box)
		}
		if all, box := geo.PrepareAll([]geo.Polygon{a, b}); len(all) != 2 || box != a.BBox().Union(b.BBox()) {
			t.Fatalf("%d volumes in %v, want %v", len(all), box, a.BBox().Union(b.BBox()))
		}
	})
}

// TestMeetsAtHoles has a polygon in the hole of another, one that fills it, and one that reaches out of it.
func TestMeetsAtHoles(t *testing.T) {
	outer := geo.Polygon{Rings: []geo.Ring{ring(0, 0, 90, 0, 90, 90, 0, 90), ring(30, 30, 60, 30, 60, 60, 30, 60)}}
	for _, c := range []struct {
		name  string
		inner geo.Ring
		want  bool
	}{
		{"in the hole", ring(31, 31, 59, 31, 59, 59, 31, 59), false},
		{"fills the hole", ring(30, 30, 60, 30, 60, 60, 30, 60), true},
		{"touches a corner of the hole", ring(40, 40, 60, 60, 40, 50), true},
		{"touches an edge of the hole with a corner", ring(40, 40, 50, 40, 45, 30), true},
		{"beside the hole", ring(1, 1, 2, 1, 2, 2), true},
		{"round all", ring(-1, -1, 91, -1, 91, 91, -1, 91), true},
		{"touches outside", ring(90, 90, 95, 90, 95, 95), true},
		{"far inside", ring(80, 80, 85, 80, 85, 85), true},
		{"outside", ring(91, 91, 95, 91, 95, 95), false},
		{"round the hole only", ring(20, 20, 70, 20, 70, 70, 20, 70), true},
	} {
		for _, origin := range []int32{0, 1_799_999_955, 1_799_999_935} {
			o := geo.LatLon{LonE7: origin}
			around := geo.Polygon{Rings: []geo.Ring{offset(outer.Rings[0], o), offset(outer.Rings[1], o)}}
			inner := geo.Polygon{Rings: []geo.Ring{offset(c.inner, o)}}
			if a, b := meets(around, inner), meets(inner, around); a != c.want || b != c.want {
				t.Errorf("%s at %v: %v and %v", c.name, o, a, b)
			}
		}
	}
}

// lean is a strip of n vertices beside the left of comb's teeth.
func lean(n int) geo.Ring {
	var r geo.Ring
	for i := range n / 2 {
		r = append(r, geo.LatLon{LonE7: -5_000 + int32(i)*10_000_000/int32(n/2), LatE7: int32(i) * (300_000_000 / int32(n/2))})
	}
	for i := range n / 2 {
		left := r[n/2-1-i]
		left.LonE7 -= 1_000
		r = append(r, left)
	}
	return r
}

// TestMeetsIsBounded stops at the steps allowed, and says true.
func TestMeetsIsBounded(t *testing.T) {
	a, b := area(comb(2000)), area(lean(2000))
	if a.Validate() != nil || b.Validate() != nil {
		t.Fatal(a.Validate(), b.Validate())
	}
	v, o := geo.Prepare(a), geo.Prepare(b)
	steps := 0
	if v.Meets(o, &steps, 1<<30) || steps < 1_000_000 {
		t.Fatalf("they are apart, but meet after %d steps", steps)
	}
	most := steps / 2
	steps = 0
	if !v.Meets(o, &steps, most) || steps < most || steps > most+10_000 {
		t.Errorf("stopped after %d steps, of %d", steps, most)
	}
}

// FuzzMeets asks both ways, and never longer than is allowed.
func FuzzMeets(f *testing.F) {
	square := geo.Polygon{Rings: []geo.Ring{ring(0, 0, 9, 0, 9, 9, 0, 9)}}
	f.Add(append(seed(square, nil), seed(square, nil)...), uint8(4), uint8(4))
	f.Fuzz(func(t *testing.T, b []byte, n, m uint8) {
		src := source{b}
		p, q := src.polygon(int(n%20)+3), src.polygon(int(m%20)+3)
		if p.Validate() != nil || q.Validate() != nil {
			return
		}
		if meets(p, q) != meets(q, p) {
			t.Fatalf("%v and %v meet in one order only", p, q)
		}
		if !meets(p, p) {
			t.Fatalf("%v does not meet itself", p)
		}
	})
}

func BenchmarkMeets(b *testing.B) {
	for _, c := range []struct {
		name string
		a, b geo.Polygon
	}{
		{"squares", geo.Polygon{Rings: []geo.Ring{ring(0, 0, 9, 0, 9, 9, 0, 9)}}, geo.Polygon{Rings: []geo.Ring{ring(5, 5, 15, 5, 15, 15, 5, 15)}}},
		{"hostile", area(comb(geo.MaxVertices - 2)), area(lean(geo.MaxVertices))},
	} {
		b.Run(c.name, func(b *testing.B) {
			v, o := geo.Prepare(c.a), geo.Prepare(c.b)
			steps := 0
			for b.Loop() {
				v.Meets(o, &steps, 1<<62)
			}
			b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
		})
	}
	b.Run("lay", func(b *testing.B) {
		p := geo.Polygon{Rings: []geo.Ring{ring(0, 0, 9, 0, 9, 9, 0, 9)}}
		var d geo.Draft
		for b.Loop() {
			d.Lay(p)
		}
	})
}
