package geo_test

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// drawPath draws a path over a small grid, so that legs through vertices and along edges are common. Times step by
// whole microseconds, so that crossings are seldom whole nanoseconds.
func drawPath(t *rapid.T, side int32, origin geo.LatLon) []geo.Point4D {
	var path []geo.Point4D
	at := int64(0)
	for range rapid.IntRange(2, 6).Draw(t, "points") {
		at += 1_000 * rapid.Int64Range(1, 9).Draw(t, "dt")
		path = append(path, geo.Point4D{
			Pos: geo.LatLon{
				LonE7: wrapE7(int64(origin.LonE7) + int64(even(t, "x", -2, side+2))),
				LatE7: origin.LatE7 + even(t, "y", -2, side+2),
			},
			Alt:  geo.Altitude{Cm: even(t, "z", 0, 4), Ref: geo.RefSTD},
			AtNs: at,
		})
	}
	return path
}

func wrapE7(lon int64) int32 {
	const turn = 360 * deg
	return int32(((lon+turn/2)%turn+turn)%turn - turn/2)
}

// drawOrigin draws where the small grid lies: at the zero meridian, or across the antimeridian.
func drawOrigin(t *rapid.T) geo.LatLon {
	return geo.LatLon{LonE7: rapid.SampledFrom([]int32{0, 1_799_999_995, -1_799_999_998}).Draw(t, "origin")}
}

func offset(r geo.Ring, o geo.LatLon) geo.Ring {
	out := make(geo.Ring, len(r))
	for i, p := range r {
		out[i] = geo.LatLon{LonE7: wrapE7(int64(p.LonE7) + int64(o.LonE7)), LatE7: p.LatE7 + o.LatE7}
	}
	return out
}

// drawPartition cuts a square of the given side into polygons along a grid whose inner corners are moved; each field
// is one quadrangle or two triangles.
func drawPartition(t *rapid.T, side int32) []geo.Ring {
	const fields = 3
	step := side / fields
	var corner [fields + 1][fields + 1]geo.LatLon
	for i := range corner {
		for j := range corner[i] {
			p := geo.LatLon{LonE7: int32(i) * step, LatE7: int32(j) * step}
			if i > 0 && i < fields {
				p.LonE7 += even(t, "dx", -1, 1)
			}
			if j > 0 && j < fields {
				p.LatE7 += even(t, "dy", -1, 1)
			}
			corner[i][j] = p
		}
	}
	var out []geo.Ring
	for i := range fields {
		for j := range fields {
			a, b, c, d := corner[i][j], corner[i+1][j], corner[i+1][j+1], corner[i][j+1]
			switch rapid.IntRange(0, 2).Draw(t, "cut") {
			case 0:
				out = append(out, geo.Ring{a, b, c, d})
			case 1:
				out = append(out, geo.Ring{a, b, c}, geo.Ring{a, c, d})
			default:
				out = append(out, geo.Ring{a, b, d}, geo.Ring{b, c, d})
			}
		}
	}
	return out
}

// TestPartitionHasNoCracks: however a box is cut into polygons, and into layers, the windows of all of them together
// are those of the box, to the nanosecond.
func TestPartitionHasNoCracks(t *testing.T) {
	const side = 12
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrigin(t)
		path := drawPath(t, side, o)
		band := geo.Band{Floor: geo.Altitude{Cm: 1, Ref: geo.RefSTD}, Ceiling: geo.Altitude{Cm: 4, Ref: geo.RefSTD}}
		whole := geo.Polygon{Rings: []geo.Ring{offset(ring(0, 0, side, 0, side, side, 0, side), o)}, Band: band}
		var parts []*geo.Prepared
		var ends []int64
		for _, r := range drawPartition(t, side) {
			mid := even(t, "layer", 1, 4)
			for _, b := range [][2]int32{{1, mid}, {mid, 4}} {
				if b[0] == b[1] {
					continue
				}
				p := inBand(area(offset(r, o)), b[0], b[1], geo.RefSTD)
				if err := p.Validate(); err != nil {
					t.Skip("a moved corner made edges cross")
				}
				parts = append(parts, geo.Prepare(p))
				for _, w := range geo.Windows(path, geo.Uncertainty{}, parts[len(parts)-1:], 0) {
					if w.EnterMinNs != w.EnterMaxNs || w.LeaveMinNs != w.LeaveMaxNs || w.EnterMinNs >= w.LeaveMinNs {
						t.Fatalf("an exact window with doubt: %v", w)
					}
					ends = append(ends, w.EnterMinNs, w.LeaveMinNs)
				}
			}
		}
		want := geo.Windows(path, geo.Uncertainty{}, []*geo.Prepared{geo.Prepare(whole)}, 0)
		if got := geo.Windows(path, geo.Uncertainty{}, parts, 0); !slices.Equal(got, want) {
			t.Fatalf("path %v: parts %v, whole %v", path, got, want)
		}
		for _, w := range want {
			for _, end := range []int64{w.EnterMinNs, w.LeaveMinNs} {
				if !slices.Contains(ends, end) {
					t.Fatalf("%d of the whole is no end of a part", end)
				}
			}
		}
	})
}

// where places a point against a ring in exact fractions: 1 inside, 0 on the boundary, -1 outside.
func where(x, y *big.Rat, rings []geo.Ring) int {
	odd := false
	for _, r := range rings {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			ax, ay := big.NewRat(int64(a.LonE7), 1), big.NewRat(int64(a.LatE7), 1)
			bx, by := big.NewRat(int64(b.LonE7), 1), big.NewRat(int64(b.LatE7), 1)
			sub := func(p, q *big.Rat) *big.Rat { return new(big.Rat).Sub(p, q) }
			mul := func(p, q *big.Rat) *big.Rat { return new(big.Rat).Mul(p, q) }
			side := sub(mul(sub(bx, ax), sub(y, ay)), mul(sub(by, ay), sub(x, ax))).Sign()
			within := mul(sub(x, ax), sub(x, bx)).Sign() <= 0 && mul(sub(y, ay), sub(y, by)).Sign() <= 0
			if side == 0 && within {
				return 0
			}
			if up := by.Cmp(ay); (ay.Cmp(y) > 0) != (by.Cmp(y) > 0) && side == up {
				odd = !odd
			}
		}
	}
	if odd {
		return 1
	}
	return -1
}

// TestWindowsAgainstFractions asks at single nanoseconds, in exact fractions, whether the path is strictly inside or
// strictly outside, and holds the windows to it; half of the nanoseconds asked are at or next to an end of a window.
func TestWindowsAgainstFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.Int32Range(3, 10).Draw(t, "side")
		if rapid.Bool().Draw(t, "large") {
			side = 300_000_000
		}
		var r geo.Ring
		for range rapid.IntRange(3, 7).Draw(t, "n") {
			r = append(r, geo.LatLon{LonE7: even(t, "x", 0, side), LatE7: even(t, "y", 0, side)})
		}
		p := area(r)
		if rapid.Bool().Draw(t, "hole") {
			var hole geo.Ring
			for range 3 {
				hole = append(hole, geo.LatLon{LonE7: even(t, "x", 1, side-1), LatE7: even(t, "y", 1, side-1)})
			}
			if q := area(ring(0, 0, side, 0, side, side, 0, side), hole); q.Validate() == nil {
				p = q
			}
		}
		path := drawPath(t, side, geo.LatLon{})
		if p.Validate() != nil || geo.ValidatePath(path) != nil {
			return
		}
		got := geo.Windows(path, geo.Uncertainty{}, []*geo.Prepared{geo.Prepare(p)}, 0)
		ask := []int64{}
		for _, w := range got {
			ask = append(ask, w.EnterMinNs-1, w.EnterMinNs, w.LeaveMaxNs-1, w.LeaveMaxNs)
		}
		for range 1 + len(ask) {
			ask = append(ask, rapid.Int64Range(path[0].AtNs, path[len(path)-1].AtNs-1).Draw(t, "at"))
		}
		for _, at := range ask {
			if at < path[0].AtNs || at >= path[len(path)-1].AtNs {
				continue
			}
			x, y := position(path, at)
			in := slices.ContainsFunc(got, func(w geo.Window) bool { return w.EnterMinNs <= at && at < w.LeaveMaxNs })
			if side := where(x, y, p.Rings); side > 0 && !in || side < 0 && in {
				t.Fatalf("%v at %d: place %d, windows %v, path %v", p.Rings, at, side, got, path)
			}
		}
	})
}

// position gives longitude and latitude of a path at an instant, away from the antimeridian.
func position(path []geo.Point4D, at int64) (x, y *big.Rat) {
	i := 1
	for path[i].AtNs <= at {
		i++
	}
	a, b := path[i-1], path[i]
	s := big.NewRat(at-a.AtNs, b.AtNs-a.AtNs)
	mix := func(p, q int32) *big.Rat {
		d := new(big.Rat).Mul(s, big.NewRat(int64(q)-int64(p), 1))
		return d.Add(d, big.NewRat(int64(p), 1))
	}
	return mix(a.Pos.LonE7, b.Pos.LonE7), mix(a.Pos.LatE7, b.Pos.LatE7)
}

// drawScene draws a valid ring and a path of ordinary size in the middle latitudes.
func drawScene(t *rapid.T) (geo.Ring, []geo.Point4D, bool) {
	var r geo.Ring
	for range rapid.IntRange(3, 8).Draw(t, "n") {
		r = append(r, geo.LatLon{LonE7: even(t, "x", 0, 3*deg), LatE7: even(t, "y", 45*deg, 48*deg)})
	}
	path := drawPath(t, 3*deg, geo.LatLon{LatE7: 45 * deg})
	return r, path, area(r).Validate() == nil && geo.ValidatePath(path) == nil
}

// TestWindowsDoNotDependOnWriting: another first vertex, the other winding, or another place along the parallel
// change no window by a nanosecond, with and without uncertainty.
func TestWindowsDoNotDependOnWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, path, ok := drawScene(t)
		if !ok {
			return
		}
		u := geo.Uncertainty{LateralCm: rapid.SampledFrom([]int32{0, 185_200}).Draw(t, "lateral")}
		windows := func(r geo.Ring, path []geo.Point4D) []geo.Window {
			return geo.Windows(path, u, []*geo.Prepared{geo.Prepare(area(r))}, 0)
		}
		want := windows(r, path)
		k := rapid.IntRange(0, len(r)-1).Draw(t, "first")
		turned := append(slices.Clone(r[k:]), r[:k]...)
		slices.Reverse(turned)
		if got := windows(turned, path); !slices.Equal(got, want) {
			t.Fatalf("turned: %v, want %v", got, want)
		}
		o := geo.LatLon{LonE7: even(t, "along", -1_800_000_000, 1_799_999_999)}
		moved := slices.Clone(path)
		for i := range moved {
			moved[i].Pos.LonE7 = wrapE7(int64(moved[i].Pos.LonE7) + int64(o.LonE7))
		}
		if got := windows(offset(r, o), moved); !slices.Equal(got, want) {
			t.Fatalf("moved by %v: %v, want %v", o, got, want)
		}
	})
}
