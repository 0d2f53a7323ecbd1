package airspace

import (
	"cmp"
	"math"
	"slices"

	"onevoice/airspace/index"
	"onevoice/geo"
)

// outline is a plan made ready for finding out which volumes it may touch.
type outline struct {
	flight *Flight
	// legs are the boxes of the legs of a path, or of the volumes of a plan of volumes; they and whole are grown by the lateral uncertainty, as
	// geo.Windows grows them: what does not meet them has no window. bands are the altitudes of each.
	legs  []geo.BBox
	bands []altitudes
	whole geo.BBox
	// altitudes are those of the whole plan; all have one reference.
	altitudes
	ref geo.Ref
}

// altitudes are the lowest and the highest of something, in centimetres.
type altitudes struct{ lowCm, highCm int64 }

func (a *altitudes) add(o altitudes) {
	a.lowCm, a.highCm = min(a.lowCm, o.lowCm), max(a.highCm, o.highCm)
}

// lay makes it the outline of a flight, in the memory of the one before.
func (o *outline) lay(f *Flight) {
	o.flight, o.altitudes = f, altitudes{math.MaxInt64, math.MinInt64}
	n := max(len(f.Path)-1, len(f.Volumes))
	o.legs, o.bands = slices.Grow(o.legs[:0], n)[:n], slices.Grow(o.bands[:0], n)[:n]
	if len(f.Volumes) > 0 {
		o.layVolumes()
	} else {
		o.layPath()
	}
	for _, b := range o.bands {
		o.add(b)
	}
}

func (o *outline) layPath() {
	f := o.flight
	box := geo.PathBBox(f.Path)
	o.whole, o.ref = box.Grow(f.Uncertainty.LateralCm), f.Path[0].Alt.Ref
	lat, lon := box.MinLat-o.whole.MinLat, box.MinLon-o.whole.MinLon
	for i := range o.legs {
		l := geo.PathBBox(f.Path[i : i+2])
		o.legs[i] = geo.BBox{MinLat: l.MinLat - lat, MinLon: l.MinLon - lon, MaxLat: l.MaxLat + lat, MaxLon: l.MaxLon + lon}
		a, b := int64(f.Path[i].Alt.Cm), int64(f.Path[i+1].Alt.Cm)
		o.bands[i] = altitudes{min(a, b), max(a, b)}
	}
}

func (o *outline) layVolumes() {
	for i := range o.flight.Volumes {
		area := &o.flight.Volumes[i].Area
		o.legs[i] = area.BBox()
		low, high := bandCm(area.Band)
		o.bands[i] = altitudes{low, high - 1} // the ceiling is not in it
		if i == 0 {
			o.whole, o.ref = o.legs[0], area.Band.Floor.Ref
		}
		o.whole = o.whole.Union(o.legs[i])
	}
}

// tiles covers the plan.
func (o *outline) tiles() []uint64 {
	if len(o.flight.Volumes) > 0 {
		return index.Tiles(o.legs, index.Small)
	}
	return index.Tiles(o.legs, index.Coarse)
}

// extent holds all places and times at which the flight may be.
func (o *outline) extent() extent {
	f := o.flight
	e := extent{kind: ofPath, beginNs: f.BeginNs(), endNs: f.EndNs()}
	switch len(f.Volumes) {
	case 0:
	case 1:
		e.kind, e.endNs = ofVolume, e.endNs-1 // the end is not in it
	default:
		e.kind, e.endNs = ofVolumes, e.endNs-1
	}
	e.setBox(o.whole)
	slack := int64(f.Uncertainty.VerticalCm)
	e.setBand(o.lowCm-slack, o.highCm+slack, o.ref)
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
	if ref == o.ref {
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
// be a window. It adds to work what looking at it more closely costs; where that becomes more than MaxWork it stops, and says true.
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
			return true
		}
	}
	return found
}

// legsTouch counts the legs that meet a box and a band.
func (o *outline) legsTouch(box geo.BBox, low, high int64) int {
	n := 0
	for i := range o.legs {
		l := &o.legs[i]
		if l.MaxLat < box.MinLat || l.MinLat > box.MaxLat {
			continue
		}
		if b := &o.bands[i]; b.highCm >= low && b.lowCm < high && l.Meets(box) {
			n++
		}
	}
	return n
}

func sortWindows(list []SectorWindow) {
	slices.SortFunc(list, compareWindows)
}

// compareWindows orders the windows of one flight; no two are equal, since those in one sector are apart.
func compareWindows(a, b SectorWindow) int {
	return cmp.Or(cmp.Compare(a.EnterMinNs, b.EnterMinNs), cmp.Compare(a.Sector, b.Sector))
}
