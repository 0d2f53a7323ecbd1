package airspace

import (
	"cmp"
	"math"
	"slices"

	"onevoice/airspace/index"
	"onevoice/geo"
)

// outline is a path made ready for finding out which volumes it may touch.
type outline struct {
	flight *Flight
	// legs and whole are grown by the lateral uncertainty, as geo.Windows grows them: what does not meet them has no window.
	legs  []geo.BBox
	whole geo.BBox
	// lowCm and highCm are the lowest and highest altitude of the plan.
	lowCm, highCm int64
}

// lay makes it the outline of a flight, in the memory of the one before.
func (o *outline) lay(f *Flight) {
	box := geo.PathBBox(f.Path)
	o.flight, o.whole = f, box.Grow(f.Uncertainty.LateralCm)
	o.legs = slices.Grow(o.legs[:0], len(f.Path)-1)[:len(f.Path)-1]
	lat, lon := box.MinLat-o.whole.MinLat, box.MinLon-o.whole.MinLon
	for i := range o.legs {
		l := geo.PathBBox(f.Path[i : i+2])
		o.legs[i] = geo.BBox{MinLat: l.MinLat - lat, MinLon: l.MinLon - lon, MaxLat: l.MaxLat + lat, MaxLon: l.MaxLon + lon}
	}
	o.lowCm, o.highCm = math.MaxInt64, math.MinInt64
	for _, p := range f.Path {
		o.lowCm, o.highCm = min(o.lowCm, int64(p.Alt.Cm)), max(o.highCm, int64(p.Alt.Cm))
	}
}

// tiles covers the path.
func (o *outline) tiles() []uint64 { return index.Tiles(o.legs, index.Coarse) }

// extent holds all places and times at which the flight may be.
func (o *outline) extent() extent {
	f := o.flight
	e := extent{kind: ofFlight, beginNs: f.beginNs(), endNs: f.EndNs()}
	e.setBox(o.whole)
	slack := int64(f.Uncertainty.VerticalCm)
	e.setBand(o.lowCm-slack, o.highCm+slack, f.Path[0].Alt.Ref)
	return e
}

// bandCm is a band in centimetres; one without a ceiling ends at unlimited.
func bandCm(b geo.Band) (low, high int64) {
	if b.Ceiling.Cm == geo.UnlimitedCm {
		return int64(b.Floor.Cm), unlimited
	}
	return int64(b.Floor.Cm), int64(b.Ceiling.Cm)
}

// unlimited is above all altitudes, however uncertain, and far from the end of the numbers.
const unlimited = math.MaxInt64 / 2

// slack is by how much a flight's altitude may part from its plan's, in centimetres, as seen from an altitude of ref.
func (o *outline) slack(ref geo.Ref, crossRefCm int32) int64 {
	if ref == o.flight.Path[0].Alt.Ref {
		return int64(o.flight.Uncertainty.VerticalCm)
	}
	return int64(o.flight.Uncertainty.VerticalCm) + int64(crossRefCm)
}

// band is the altitudes at which a flight may be in a volume, in centimetres: low <= z < high.
func (o *outline) band(b geo.Band, crossRefCm int32) (low, high int64) {
	slack := o.slack(b.Floor.Ref, crossRefCm)
	low, high = bandCm(b)
	return low - slack, high + slack
}

// misses reports whether the path is nowhere near any volume of the sector: most that share a tile with it are not.
func (o *outline) misses(s *sector, crossRefCm int32) bool {
	slack := int64(o.flight.Uncertainty.VerticalCm) + int64(crossRefCm)
	return o.highCm < s.lowCm-slack || o.lowCm >= s.highCm+slack || !o.whole.Meets(s.box)
}

// touches reports whether a leg of the path comes as near to a volume of the sector, in box and altitudes, that there may
// be a window. It adds to work what looking at it more closely costs.
func (o *outline) touches(s *sector, crossRefCm int32, work *int) bool {
	if o.misses(s, crossRefCm) {
		*work += len(s.volumes)
		return false
	}
	found := false
	for i, v := range s.volumes {
		*work++
		low, high := o.band(v.Band(), crossRefCm)
		if o.highCm < low || o.lowCm >= high || !o.whole.Meets(v.BBox()) {
			continue
		}
		*work += len(o.legs) / 4
		if n := o.legsTouch(v.BBox(), low, high); n > 0 {
			found = true
			*work += n * s.blocks[i]
		}
		if *work > MaxWork {
			break
		}
	}
	return found
}

// legsTouch counts the legs that meet a box and a band.
func (o *outline) legsTouch(box geo.BBox, low, high int64) int {
	n := 0
	path := o.flight.Path
	for i := range o.legs {
		l := &o.legs[i]
		if l.MaxLat < box.MinLat || l.MinLat > box.MaxLat {
			continue
		}
		a, b := int64(path[i].Alt.Cm), int64(path[i+1].Alt.Cm)
		if max(a, b) >= low && min(a, b) < high && l.Meets(box) {
			n++
		}
	}
	return n
}

// tracer computes windows, in memory that it keeps.
type tracer struct {
	walk  geo.Walk
	found []geo.Window
}

// appendIn appends the windows of a flight in one sector.
func (t *tracer) appendIn(list []SectorWindow, f *Flight, s *sector, crossRefCm int32) []SectorWindow {
	t.found = t.walk.Append(t.found[:0], f.Path, f.Uncertainty, s.volumes, crossRefCm)
	for _, w := range t.found {
		list = append(list, SectorWindow{s.ID, w})
	}
	return list
}

func sortWindows(list []SectorWindow) {
	slices.SortFunc(list, compareWindows)
}

// compareWindows orders the windows of one flight; no two are equal, since those in one sector are apart.
func compareWindows(a, b SectorWindow) int {
	return cmp.Or(cmp.Compare(a.EnterMinNs, b.EnterMinNs), cmp.Compare(a.Sector, b.Sector))
}
