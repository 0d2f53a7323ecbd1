package geo_test

import (
	"slices"
	"testing"

	"onevoice/geo"
)

const deg = 10_000_000

// box is a rectangle from west, south to east, north.
func box(w, s, e, n int32) geo.Polygon { return area(ring(w, s, e, s, e, n, w, n)) }

func inBand(p geo.Polygon, floor, ceiling int32, ref geo.Ref) geo.Polygon {
	p.Band = geo.Band{Floor: geo.Altitude{Cm: floor, Ref: ref}, Ceiling: geo.Altitude{Cm: ceiling, Ref: ref}}
	return p
}

// way builds a path from lon, lat, cm, ns quadruples.
func way(v ...int64) []geo.Point4D {
	var path []geo.Point4D
	for i := 0; i < len(v); i += 4 {
		path = append(path, geo.Point4D{
			Pos:  geo.LatLon{LonE7: int32(v[i]), LatE7: int32(v[i+1])},
			Alt:  geo.Altitude{Cm: int32(v[i+2]), Ref: geo.RefSTD},
			AtNs: v[i+3],
		})
	}
	return path
}

// sure is a window with no doubt in it.
func sure(enter, leave int64) geo.Window {
	return geo.Window{EnterMinNs: enter, EnterMaxNs: enter, LeaveMinNs: leave, LeaveMaxNs: leave}
}

func TestWindowsExact(t *testing.T) {
	unit := box(0, 0, 10, 10)
	for _, c := range []struct {
		name string
		path []geo.Point4D
		vols []geo.Polygon
		want []geo.Window
	}{
		{"through", way(-10, 5, 0, 0, 20, 5, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"crossing times rounded up", way(-10, 5, 0, 0, 20, 5, 0, 100), []geo.Polygon{unit}, []geo.Window{sure(34, 67)}},
		{"begins and ends inside", way(2, 5, 0, 7, 8, 5, 0, 9), []geo.Polygon{unit}, []geo.Window{sure(7, 9)}},
		{"passes by", way(-10, 11, 0, 0, 20, 11, 0, 300), []geo.Polygon{unit}, nil},
		{"touches a corner", way(-10, 0, 0, 0, 10, 20, 0, 300), []geo.Polygon{unit}, nil},
		{"along the edge, inside", way(-10, 10, 0, 0, 20, 10, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"along the edge the other way", way(20, 0, 0, 0, -10, 0, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"along the edge on its other side", way(20, 10, 0, 0, -10, 10, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"along the other edge on its other side", way(-10, 0, 0, 0, 20, 0, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"from one end of a wide sector to the other", way(170*deg, 5, 0, 0, -170*deg, 5, 0, 400),
			[]geo.Polygon{area(ring(-175*deg, 0, -60*deg, 0, 60*deg, 0, 175*deg, 0, 175*deg, 10, 60*deg, 10, -60*deg, 10, -175*deg, 10))},
			[]geo.Window{sure(0, 100), sure(300, 400)}},
		{"through two corners", way(-10, -10, 0, 0, 20, 20, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"stands on the edge", way(10, 5, 0, 0, 10, 5, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(0, 300)}},
		{"stands outside", way(11, 5, 0, 0, 11, 5, 0, 300), []geo.Polygon{unit}, nil},
		{"in and out again", way(-10, 5, 0, 0, 5, 5, 0, 150, -10, 5, 0, 300), []geo.Polygon{unit}, []geo.Window{sure(100, 200)}},
		{"twice", way(-10, 5, 0, 0, 20, 5, 0, 300, -10, 5, 0, 600), []geo.Polygon{unit}, []geo.Window{sure(100, 200), sure(400, 500)}},
		{"hole", way(-10, 5, 0, 0, 20, 5, 0, 300), []geo.Polygon{area(unit.Rings[0], ring(2, 2, 8, 2, 8, 8, 2, 8))},
			[]geo.Window{sure(100, 120), sure(180, 200)}},
		{"two volumes joined", way(-10, 5, 0, 0, 30, 5, 0, 400), []geo.Polygon{unit, box(10, 0, 20, 10)}, []geo.Window{sure(100, 300)}},
		{"two volumes overlapping", way(-10, 5, 0, 0, 30, 5, 0, 400), []geo.Polygon{unit, box(5, 0, 20, 10)}, []geo.Window{sure(100, 300)}},
		{"two volumes apart", way(-10, 5, 0, 0, 40, 5, 0, 500), []geo.Polygon{unit, box(20, 0, 30, 10)}, []geo.Window{sure(100, 200), sure(300, 400)}},
		{"climbs through", way(5, 5, 0, 0, 5, 5, 300, 300), []geo.Polygon{inBand(unit, 100, 200, geo.RefSTD)}, []geo.Window{sure(100, 200)}},
		{"sinks through", way(5, 5, 300, 0, 5, 5, 0, 300), []geo.Polygon{inBand(unit, 100, 200, geo.RefSTD)}, []geo.Window{sure(100, 200)}},
		{"level at the floor", way(5, 5, 100, 0, 5, 5, 100, 300), []geo.Polygon{inBand(unit, 100, 200, geo.RefSTD)}, []geo.Window{sure(0, 300)}},
		{"level at the ceiling", way(5, 5, 200, 0, 5, 5, 200, 300), []geo.Polygon{inBand(unit, 100, 200, geo.RefSTD)}, nil},
		{"climbs while crossing", way(-10, 5, 0, 0, 20, 5, 300, 300), []geo.Polygon{inBand(unit, 150, 900, geo.RefSTD)}, []geo.Window{sure(150, 200)}},
		{"no ceiling", way(5, 5, geo.MaxAltitudeCm, 0, 5, 5, 0, 300), []geo.Polygon{inBand(unit, 0, geo.UnlimitedCm, geo.RefSTD)}, []geo.Window{sure(0, 300)}},
		{"over the antimeridian", way(179*deg, 0, 0, 0, -179*deg, 0, 0, 200),
			[]geo.Polygon{box(1795*deg/10, -deg, -1795*deg/10, deg)}, []geo.Window{sure(50, 150)}},
		{"no volume", way(0, 0, 0, 0, 1, 1, 1, 1), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range c.vols {
				if err := p.Validate(); err != nil {
					t.Fatal(err)
				}
			}
			if got := geo.Windows(c.path, geo.Uncertainty{}, prepareAll(c.vols), 0); !slices.Equal(got, c.want) {
				t.Errorf("windows %v, want %v", got, c.want)
			}
		})
	}
}

// TestWindowsRealSize fixes a few windows at the scale of a real flight, to the nanosecond: the exact ones are at 8/29
// and 25/29 of the leg.
func TestWindowsRealSize(t *testing.T) {
	sector := inBand(area(ring(7*deg, 46*deg, 9*deg, 455*deg/10, 95*deg/10, 475*deg/10, 75*deg/10, 48*deg)), 746_760, 1_082_040, geo.RefSTD)
	path := way(6*deg, 46*deg, 1_005_840, 1_533_100_000_000_000_000, 10*deg, 475*deg/10, 1_005_840, 1_533_101_800_000_000_000)
	for _, c := range []struct {
		name string
		u    geo.Uncertainty
		want []geo.Window
	}{
		{"exact", geo.Uncertainty{}, []geo.Window{sure(1_533_100_496_551_724_138, 1_533_101_551_724_137_932)}},
		{"30 s", geo.Uncertainty{TimeNs: 30 * second}, []geo.Window{{
			EnterMinNs: 1_533_100_466_551_724_138, EnterMaxNs: 1_533_100_526_551_724_138,
			LeaveMinNs: 1_533_101_521_724_137_932, LeaveMaxNs: 1_533_101_581_724_137_932}}},
		{"1 NM", geo.Uncertainty{LateralCm: 185_200}, []geo.Window{{
			EnterMinNs: 1_533_100_484_062_915_637, EnterMaxNs: 1_533_100_509_040_492_075,
			LeaveMinNs: 1_533_101_539_235_286_331, LeaveMaxNs: 1_533_101_564_212_862_769}}},
	} {
		if got := geo.Windows(path, c.u, []*geo.Prepared{geo.Prepare(sector)}, 0); !slices.Equal(got, c.want) {
			t.Errorf("%s: windows %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWindowsUncertain(t *testing.T) {
	unit := box(0, 0, 10*deg, 10*deg)
	through := way(-10*deg, 5*deg, 500, 0, 20*deg, 5*deg, 500, 3000)
	band := inBand(unit, 400, 700, geo.RefSTD)
	other := inBand(unit, 400, 700, geo.RefAMSL)
	unlimited := inBand(unit, 400, geo.UnlimitedCm, geo.RefAMSL)
	unlimited.Band.Ceiling.Ref = geo.RefSTD
	for _, c := range []struct {
		name  string
		path  []geo.Point4D
		u     geo.Uncertainty
		p     geo.Polygon
		cross int32
		want  []geo.Window
	}{
		{"time", through, geo.Uncertainty{TimeNs: 7}, band, 0, []geo.Window{{993, 1007, 1993, 2007}}},
		{"time eats the sure part", through, geo.Uncertainty{TimeNs: 500}, band, 0, []geo.Window{{500, 2500, 500, 2500}}},
		{"vertical within", through, geo.Uncertainty{VerticalCm: 100}, band, 0, []geo.Window{sure(1000, 2000)}},
		{"vertical doubt", through, geo.Uncertainty{VerticalCm: 101}, band, 0, []geo.Window{{1000, 2000, 1000, 2000}}},
		{"vertical within, at the ceiling", way(-10*deg, 5*deg, 650, 0, 20*deg, 5*deg, 650, 3000), geo.Uncertainty{VerticalCm: 49}, band, 0, []geo.Window{sure(1000, 2000)}},
		{"vertical doubt at the ceiling", way(-10*deg, 5*deg, 650, 0, 20*deg, 5*deg, 650, 3000), geo.Uncertainty{VerticalCm: 50}, band, 0, []geo.Window{{1000, 2000, 1000, 2000}}},
		{"same reference, no cross", through, geo.Uncertainty{}, band, 5000, []geo.Window{sure(1000, 2000)}},
		{"other reference within", through, geo.Uncertainty{}, other, 100, []geo.Window{sure(1000, 2000)}},
		{"other reference in doubt", through, geo.Uncertainty{VerticalCm: 1}, other, 100, []geo.Window{{1000, 2000, 1000, 2000}}},
		{"other reference, below", way(-10*deg, 5*deg, 300, 0, 20*deg, 5*deg, 300, 3000), geo.Uncertainty{}, other, 100, []geo.Window{{1000, 2000, 1000, 2000}}},
		{"other reference, too far below", way(-10*deg, 5*deg, 299, 0, 20*deg, 5*deg, 299, 3000), geo.Uncertainty{}, other, 100, nil},
		{"no ceiling to narrow", way(-10*deg, 5*deg, geo.MaxAltitudeCm, 0, 20*deg, 5*deg, geo.MaxAltitudeCm, 3000), geo.Uncertainty{VerticalCm: 50}, unlimited, 100, []geo.Window{sure(1000, 2000)}},
		{"two visits made one by doubt", append(through, way(-10*deg, 5*deg, 500, 6000)...), geo.Uncertainty{TimeNs: 1100}, band, 0, []geo.Window{{-100, 6100, -100, 6100}}},
		{"the longer sure part is named", way(-10*deg, 5*deg, 500, 0, 11*deg, 5*deg, 500, 2100, -10*deg, 5*deg, 500, 6300), geo.Uncertainty{TimeNs: 160}, band, 0, []geo.Window{{840, 2460, 4140, 4460}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := geo.Windows(c.path, c.u, []*geo.Prepared{geo.Prepare(c.p)}, c.cross); !slices.Equal(got, c.want) {
				t.Errorf("windows %v, want %v", got, c.want)
			}
		})
	}
}
