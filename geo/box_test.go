package geo_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

type spot struct{ x, y int64 }

// share reports whether two closed segments have a point in common, by the sides of their ends.
func share(a, b, c, d spot) bool {
	side := func(a, b, c spot) int64 { return (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x) }
	on := func(a, b, c spot) bool {
		return side(a, b, c) == 0 && min(a.x, b.x) <= c.x && c.x <= max(a.x, b.x) && min(a.y, b.y) <= c.y && c.y <= max(a.y, b.y)
	}
	if on(a, b, c) || on(a, b, d) || on(c, d, a) || on(c, d, b) {
		return true
	}
	opposite := func(u, v int64) bool { return u > 0 && v < 0 || u < 0 && v > 0 }
	return opposite(side(a, b, c), side(a, b, d)) && opposite(side(c, d, a), side(c, d, b))
}

// touchesBox is the plain test of a segment against a box.
func touchesBox(a, b spot, m geo.BBox) bool {
	if a.x >= m.MinLon && a.x <= m.MaxLon && a.y >= m.MinLat && a.y <= m.MaxLat {
		return true
	}
	corner := [4]spot{{m.MinLon, m.MinLat}, {m.MaxLon, m.MinLat}, {m.MaxLon, m.MaxLat}, {m.MinLon, m.MaxLat}}
	for i := range corner {
		if share(a, b, corner[i], corner[(i+1)%4]) {
			return true
		}
	}
	return false
}

func TestBoxes(t *testing.T) {
	var seen struct{ apart, meets, holds int }
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.SampledFrom([]int32{4, 10, 40}).Draw(t, "side")
		var r geo.Ring
		for range rapid.IntRange(3, 5).Draw(t, "n") {
			r = append(r, geo.LatLon{LonE7: even(t, "x", 0, side), LatE7: even(t, "y", 0, side)})
		}
		if area(r).Validate() != nil {
			return
		}
		b := geo.BBox{MinLat: int64(even(t, "south", -2, side+2)), MinLon: int64(even(t, "west", -2, side+2))}
		b.MaxLat, b.MaxLon = b.MinLat+int64(even(t, "height", 0, 3)), b.MinLon+int64(even(t, "width", 0, 3))
		o := drawOrigin(t)
		turns := rapid.Int64Range(-2, 2).Draw(t, "turns") * 360 * deg
		moved := geo.BBox{MinLat: b.MinLat, MinLon: b.MinLon + int64(o.LonE7) + turns, MaxLat: b.MaxLat, MaxLon: b.MaxLon + int64(o.LonE7) + turns}

		edge := false
		for i, p := range r {
			q := r[(i+1)%len(r)]
			edge = edge || touchesBox(spot{int64(p.LonE7), int64(p.LatE7)}, spot{int64(q.LonE7), int64(q.LatE7)}, b)
		}
		place := where(big.NewRat(b.MinLon, 1), big.NewRat(b.MinLat, 1), []geo.Ring{r})
		v := geo.Prepare(area(offset(r, o)))
		if !v.BBox().Meets(moved) && (edge || place > 0) || v.Band() != low {
			t.Fatalf("%v has box %v and band %v", r, v.BBox(), v.Band())
		}
		if got, want := v.IntersectsBox(moved), edge || place > 0; got != want {
			t.Fatalf("%v meets %v: %v, want %v", r, b, got, want)
		}
		if got, want := v.ContainsBox(moved), !edge && place > 0; got != want {
			t.Fatalf("%v holds %v: %v, want %v", r, b, got, want)
		}
		if at := offset(geo.Ring{{LatE7: int32(b.MinLat), LonE7: int32(b.MinLon)}}, o)[0]; v.Contains(at) != (place >= 0) {
			t.Fatalf("%v holds %v: %v, want %v", r, b, v.Contains(at), place >= 0)
		}
		seen.apart += count(!edge && place < 0)
		seen.meets += count(edge)
		seen.holds += count(!edge && place > 0)
	})
	t.Logf("seen: %+v", seen)
	if seen.apart == 0 || seen.meets == 0 || seen.holds == 0 {
		t.Error("some kind was never seen")
	}
}

func TestBBoxMeets(t *testing.T) {
	b := geo.BBox{MinLat: 0, MinLon: 170 * deg, MaxLat: 10, MaxLon: 190 * deg}
	for _, c := range []struct {
		o    geo.BBox
		want bool
	}{
		{geo.BBox{MinLat: 5, MinLon: -175 * deg, MaxLat: 6, MaxLon: -160 * deg}, true},
		{geo.BBox{MinLat: 10, MinLon: -170 * deg, MaxLat: 16, MaxLon: -160 * deg}, true},
		{geo.BBox{MinLat: 11, MinLon: -175 * deg, MaxLat: 16, MaxLon: -160 * deg}, false},
		{geo.BBox{MinLat: 5, MinLon: -170*deg + 1, MaxLat: 6, MaxLon: -160 * deg}, false},
		{geo.BBox{MinLat: 5, MinLon: 530 * deg, MaxLat: 6, MaxLon: 531 * deg}, true},
		{geo.BBox{MinLat: 5, MinLon: -180 * deg, MaxLat: 6, MaxLon: 180 * deg}, true},
		{geo.BBox{MinLat: 5, MinLon: 0, MaxLat: 6, MaxLon: 169 * deg}, false},
	} {
		if b.Meets(c.o) != c.want || c.o.Meets(b) != c.want {
			t.Errorf("%v meets %v: want %v both ways", b, c.o, c.want)
		}
	}
}

func TestPathBBox(t *testing.T) {
	got := geo.PathBBox(way(170*deg, 1, 0, 0, -170*deg, 5, 0, 1, -175*deg, -3, 0, 2))
	if want := (geo.BBox{MinLat: -3, MinLon: 170 * deg, MaxLat: 5, MaxLon: 190 * deg}); got != want {
		t.Errorf("box %v, want %v", got, want)
	}
	got = geo.PathBBox(way(0, 0, 0, 0, 100*deg, 0, 0, 1, -160*deg, 0, 0, 2, -60*deg, 0, 0, 3, 20*deg, 0, 0, 4))
	if want := (geo.BBox{MinLon: -180 * deg, MaxLon: 180 * deg}); got != want {
		t.Errorf("box %v, want %v", got, want)
	}
}

// TestGrowHoldsAllNearby: no place within the distance is outside the grown box, and the box is not much too large.
func TestGrowHoldsAllNearby(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lat := float64(even(t, "lat", -89*deg, 89*deg)) / 1e7
		cm := int32(100) << rapid.IntRange(0, 16).Draw(t, "cm")
		at := geo.BBox{MinLat: int64(lat * 1e7), MaxLat: int64(lat * 1e7)}
		g := at.Grow(cm)
		a := rapid.Float64Range(0, 2*math.Pi).Draw(t, "direction")
		reach := float64(cm) / 100 / 110_000
		y := max(min(lat+reach*math.Sin(a), 90), -90)
		x := reach * math.Cos(a) / max(math.Cos(lat*math.Pi/180), 1e-6)
		outside := y*1e7 > float64(g.MaxLat) || y*1e7 < float64(g.MinLat) || math.Abs(x)*1e7 > float64(g.MaxLon)
		if d := distance(0, lat, x, y); outside && math.Abs(x) < 180 && d <= float64(cm)/100*(1-1e-6) {
			t.Fatalf("%v,%v is %v m from latitude %v, but outside %v", x, y, d, lat, g)
		}
		if g.MaxLat-at.MaxLat > int64(float64(cm)/1.1057*1.001)+2 {
			t.Fatalf("grown by %d to the north for %d cm", g.MaxLat-at.MaxLat, cm)
		}
	})
}

// TestLateralOverWideSpans is the safe half of TestLateralIsSafeAndTight for edges and legs up to half way round.
func TestLateralOverWideSpans(t *testing.T) {
	fewer(t, 4)
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		pick := func() geo.LatLon {
			return geo.LatLon{LonE7: even(t, "x", 5*deg, 175*deg), LatE7: even(t, "y", -85*deg, 85*deg)}
		}
		r := geo.Ring{pick(), pick(), pick()}
		path := []geo.Point4D{{Pos: pick(), Alt: geo.Altitude{Ref: geo.RefSTD}}, {Pos: pick(), Alt: geo.Altitude{Ref: geo.RefSTD}, AtNs: 1_000 * second}}
		if area(r).Validate() != nil {
			return
		}
		const metres = 100_000
		ws := geo.Windows(path, geo.Uncertainty{LateralCm: metres * 100}, []*geo.Prepared{geo.Prepare(area(r))}, 0)
		for _, s := range ask(t, path, ws) {
			at := int64(s * float64(1_000*second))
			ax, ay := degreesOf(path[0].Pos, 90)
			bx, by := degreesOf(path[1].Pos, 90)
			inside, d := measure(ax+s*(bx-ax), ay+s*(by-ay), r)
			seen += count(inside || d < metres)
			for _, w := range ws {
				if w.EnterMaxNs <= at && at < w.LeaveMinNs && (!inside || d < metres*0.9999) {
					t.Fatalf("at %v inside %v, %v m off, surely in %v", s, inside, d, ws)
				}
			}
			in := false
			for _, w := range ws {
				in = in || w.EnterMinNs <= at && at < w.LeaveMaxNs
			}
			if !in && (inside && d > 1 || d < metres*0.9999) {
				t.Fatalf("at %v inside %v, %v m off, not in %v", s, inside, d, ws)
			}
		}
	})
	if seen == 0 {
		t.Error("nothing near was seen")
	}
}
