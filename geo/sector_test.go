package geo_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// drawSector draws a one-degree square at 46 degrees north cut into volumes, some of them left out, some with a
// narrower band; whole says that none was.
func drawSector(t *rapid.T) (parts []geo.Polygon, whole bool) {
	whole = true
	for _, r := range drawPartition(t, 12) {
		for i := range r {
			r[i] = geo.LatLon{LonE7: r[i].LonE7 * deg / 12, LatE7: 46*deg + r[i].LatE7*deg/12}
		}
		p := inBand(area(r), 0, 200, geo.RefSTD)
		switch rapid.IntRange(0, 30).Draw(t, "change") {
		case 30:
			whole = false
			continue
		case 29:
			whole = false
			p = inBand(p, 0, 130, geo.RefSTD)
		}
		if p.Validate() != nil {
			t.Skip("a moved corner made edges cross")
		}
		parts = append(parts, p)
	}
	return parts, whole
}

// TestSureKeepsClearOfTheSector: while a flight surely is inside a sector of many volumes, every place within its
// uncertainty is in one of them; and where the volumes make up the whole square, their inner edges take nothing away.
func TestSureKeepsClearOfTheSector(t *testing.T) {
	fewer(t, 4)
	var seen struct{ sure, cut, tight int }
	square := ring(0, 46*deg, deg, 46*deg, deg, 47*deg, 0, 47*deg)
	rapid.Check(t, func(t *rapid.T) {
		parts, whole := drawSector(t)
		var path []geo.Point4D
		for i := range 2 {
			path = append(path, geo.Point4D{
				Pos:  geo.LatLon{LonE7: even(t, "x", 0, deg), LatE7: even(t, "y", 46*deg, 47*deg)},
				Alt:  geo.Altitude{Cm: even(t, "z", 40, 160), Ref: geo.RefSTD},
				AtNs: int64(i) * 1_000 * second,
			})
		}
		u := geo.Uncertainty{LateralCm: 10_000 << rapid.IntRange(0, 6).Draw(t, "lateral"), VerticalCm: 30}
		metres := float64(u.LateralCm) / 100
		ws := geo.Windows(path, u, prepareAll(parts), 0)
		for _, s := range ask(t, path, ws) {
			at := int64(s * float64(1_000*second))
			ax, ay := degreesOf(path[0].Pos, 0)
			bx, by := degreesOf(path[1].Pos, 0)
			x, y := ax+s*(bx-ax), ay+s*(by-ay)
			sure := slices.ContainsFunc(ws, func(w geo.Window) bool { return w.EnterMaxNs <= at && at < w.LeaveMinNs })
			if sure {
				seen.sure++
				seen.cut += count(!whole)
				z := float64(path[0].Alt.Cm) + s*float64(path[1].Alt.Cm-path[0].Alt.Cm)
				if px, py, out := pokesOut(x, y, z, metres, parts); out {
					t.Fatalf("at %v surely in %v, but %v,%v within %v m is in no volume of %v", s, ws, px, py, metres, parts)
				}
			}
			inside, d := measure(x, y, square)
			if whole && inside && d > metres*1.02+1 {
				seen.tight++
				if !sure {
					t.Fatalf("at %v %v m from the square's edge, uncertainty %v m, not surely in %v", s, d, metres, ws)
				}
			}
		}
	})
	t.Logf("instants seen: %+v", seen)
	if seen.sure == 0 || seen.cut == 0 || seen.tight == 0 {
		t.Error("some kind of instant was never seen")
	}
}

// pokesOut looks for a place within a distance of a point, on rings around it, that is in no volume whose band holds
// the altitude with 30 cm to spare.
func pokesOut(x, y, z, metres float64, parts []geo.Polygon) (px, py float64, out bool) {
	lat := metres / 111_200
	lon := lat / math.Cos(y*math.Pi/180)
	for _, share := range []float64{0.2, 0.5, 0.8, 0.99} {
		for i := range 24 {
			a := float64(i) * math.Pi / 12
			px, py = x+share*lon*math.Cos(a), y+share*lat*math.Sin(a)
			in := slices.ContainsFunc(parts, func(p geo.Polygon) bool {
				return isIn(px, py, p.Rings[0]) && float64(p.Band.Floor.Cm) <= z-29.99 && float64(p.Band.Ceiling.Cm) > z+29.99
			})
			if !in {
				return px, py, true
			}
		}
	}
	return 0, 0, false
}

// TestDoubtOnlyWidens: on a grid of a few centimetres, over cut-up sectors, uncertainty of any kind only widens what
// may be and narrows what is sure.
func TestDoubtOnlyWidens(t *testing.T) {
	const side = 12
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrigin(t)
		path := drawPath(t, side, o)
		var vols []*geo.Prepared
		for _, r := range drawPartition(t, side) {
			p := inBand(area(offset(r, o)), even(t, "floor", 0, 2), even(t, "ceiling", 3, 5), geo.RefSTD)
			if p.Validate() == nil && rapid.Bool().Draw(t, "kept") {
				vols = append(vols, geo.Prepare(p))
			}
		}
		u := geo.Uncertainty{
			LateralCm:  rapid.SampledFrom([]int32{0, 0, 1, 4}).Draw(t, "lateral"),
			VerticalCm: even(t, "vertical", 0, 2),
			TimeNs:     rapid.Int64Range(0, 3_000).Draw(t, "late"),
		}
		exact, doubtful := geo.Windows(path, geo.Uncertainty{}, vols, 0), geo.Windows(path, u, vols, 0)
		for _, ws := range [][]geo.Window{exact, doubtful} {
			for i, w := range ws {
				if w.EnterMinNs >= w.LeaveMaxNs || i > 0 && ws[i-1].LeaveMaxNs >= w.EnterMinNs {
					t.Fatalf("windows not in order and apart: %v", ws)
				}
			}
		}
		if a, b := outsideOf(exact, doubtful); a {
			t.Fatalf("exact %v, with doubt %v: %v", exact, doubtful, b)
		}
	})
}

// outsideOf finds a window without doubt that one with doubt does not hold, or a sure one not held by one without.
func outsideOf(exact, doubtful []geo.Window) (bool, geo.Window) {
	within := func(lo, hi int64, ws []geo.Window) bool {
		return slices.ContainsFunc(ws, func(w geo.Window) bool { return w.EnterMinNs <= lo && hi <= w.LeaveMaxNs })
	}
	for _, w := range exact {
		if !within(w.EnterMinNs, w.LeaveMaxNs, doubtful) {
			return true, w
		}
	}
	for _, w := range doubtful {
		if w.Sure() && !within(w.EnterMaxNs, w.LeaveMinNs, exact) {
			return true, w
		}
	}
	return false, geo.Window{}
}
