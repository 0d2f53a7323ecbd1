package airspace

import (
	"fmt"
	"slices"

	"onevoice/airspace/index"
	"onevoice/geo"
	"onevoice/problem"
)

// InVolume lists the visits to any volume as Who does; a window is what the flight's would be in a sector of that one
// volume. Cells may be empty; they must be as in Sector.
//
// The error is a *problem.Error: Invalid for a wrong volume, TooLarge where more than MaxVolumeFlights flights come near it
// in that time, or where looking at them takes over MaxWork steps. Every page costs as much as the whole.
func (s *State) InVolume(v geo.Polygon, cells []uint64, fromNs, toNs int64, after Cursor, limit int) ([]Occupant, error) {
	c := checker{op: "in volume", found: checkSpan("in volume", "", fromNs, toNs, limit)}
	c.cells(cells)
	if c.found == nil {
		c.geometry("volume.", v.Validate())
	}
	if c.found != nil {
		return nil, c.found
	}
	asked := newSector(Sector{Volumes: []geo.Polygon{v}}, Version{})
	near := s.near(nil, index.Tiles([]geo.BBox{asked.box}, index.Fine), asked.extent(fromNs, toNs))
	if len(near) > MaxVolumeFlights {
		return nil, &problem.Error{Kind: problem.TooLarge, Op: c.op, Field: "volume", Value: fmt.Sprintf("near %d flights", len(near)), Allowed: fmt.Sprintf("up to %d; ask for a smaller volume or a shorter time", MaxVolumeFlights)}
	}
	list, err := s.visitsTo(asked, near, fromNs, toNs)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Occupant) int { return compareOccupants(&a, &b) })
	if first := slices.IndexFunc(list, func(o Occupant) bool { return after.before(o.Window.EnterMinNs, o.Flight.ID) }); first > 0 {
		list = list[first:]
	} else if first < 0 {
		list = nil
	}
	return list[:min(len(list), limit)], nil
}

// near appends the flights that share a tile with a place and meet its extent.
func (s *State) near(list []*flight, tiles []uint64, e extent) []*flight {
	s.places.find(tiles, &e, s.settings.CrossRefCm, func(_ uint32, t thing) bool {
		list = append(list, t.(*flight))
		return true
	})
	return list
}

// visitsTo computes the visits of flights to a volume that meet a time, unsorted.
func (s *State) visitsTo(asked *sector, near []*flight, fromNs, toNs int64) ([]Occupant, error) {
	list := make([]Occupant, 0, len(near))
	var o outline
	var t tracer
	for _, f := range near {
		if len(f.Volumes) == 0 {
			o.lay(&f.Flight)
			t.work += len(o.legs)
			if !o.touches(asked, s.settings.CrossRefCm, &t.work) {
				continue
			}
		}
		var found []geo.Window
		if !t.overworked() {
			found = t.windows(&f.Flight, asked, s.settings.CrossRefCm)
		}
		if t.overworked() {
			return nil, &problem.Error{Kind: problem.TooLarge, Op: "in volume", Field: "volume", Value: fmt.Sprintf("over %d steps", MaxWork), Allowed: "a smaller or simpler volume, or a shorter time"}
		}
		for _, w := range found {
			if w.EnterMinNs < toNs && w.LeaveMaxNs > fromNs {
				list = append(list, Occupant{s.record(f), w})
			}
		}
	}
	return list, nil
}
