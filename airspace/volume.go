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
	list, err := s.visitsTo(newSector(Sector{Volumes: []geo.Polygon{v}}, Version{}), fromNs, toNs)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(o Occupant) bool { return !after.before(o.Window.EnterMinNs, o.Flight.ID) })
	slices.SortFunc(list, func(a, b Occupant) int { return compareOccupants(&a, &b) })
	return list[:min(len(list), limit)], nil
}

// visitsTo computes the visits of flights to a sector of one volume that meet a time, unsorted.
func (s *State) visitsTo(asked *sector, fromNs, toNs int64) (list []Occupant, err error) {
	var near []*flight
	e, volume := asked.extent(fromNs, toNs), asked.volumes[0]
	s.places.find(index.Tiles([]geo.BBox{asked.box}, index.Fine), &e, s.settings.CrossRefCm, func(_ uint32, at *placed) bool {
		f := at.thing.(*flight)
		if f.Since > s.asOf {
			return true
		}
		if at.kind == ofVolume && volume.ContainsBox(at.box()) {
			// Most are: then the flight itself need not be looked at.
			list = append(list, Occupant{&f.FlightRecord, unsure(at.beginNs, at.endNs+1)})
		} else {
			near = append(near, f)
		}
		return len(list)+len(near) <= MaxVolumeFlights
	})
	if !s.present() {
		near = s.nearThen(near, index.Tiles([]geo.BBox{asked.box}, index.Fine), e)
	}
	if len(list)+len(near) > MaxVolumeFlights {
		return nil, &problem.Error{Kind: problem.TooLarge, Op: "in volume", Field: "volume", Value: fmt.Sprintf("near over %d flights", MaxVolumeFlights), Allowed: "a smaller volume or a shorter time"}
	}
	return s.appendVisits(list, asked, near, fromNs, toNs)
}

// appendVisits appends the visits of flights to a sector of one volume that meet a time.
func (s *State) appendVisits(list []Occupant, asked *sector, near []*flight, fromNs, toNs int64) ([]Occupant, error) {
	var o outline
	var t tracer
	for _, f := range near {
		if len(f.Volumes) == 0 {
			o.lay(&f.Flight)
			t.work += len(o.legs)
		}
		var found []geo.Window
		if (len(f.Volumes) > 0 || o.touches(asked, s.settings.CrossRefCm, &t.work)) && !t.overworked() {
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
