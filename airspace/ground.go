package airspace

import (
	"fmt"

	"onevoice/airspace/index"
	"onevoice/airspace/past"
	"onevoice/geo"
	"onevoice/problem"
)

// ground finds the sectors near a path. It is made of the sector set as a whole, at the first flight after a change: sectors change by
// the day, flights by the second.
type ground struct {
	sectors []*sector // by identifier
	places  *index.Fixed
	// widest is the most that any sector asks for in separation.
	widest geo.Separation
	// counted are the sectors with thresholds, sorted.
	counted []string
	// What finding windows works with, reused.
	near    []int32
	windows []SectorWindow
}

func newGround(s *State) *ground {
	g := &ground{sectors: make([]*sector, 0, s.sectors.Len())}
	covers := make([][]uint64, 0, s.sectors.Len())
	s.sectors.Ascend("", past.Now, func(_ string, v past.Version[*sector]) bool {
		n := v.Record
		g.sectors, covers = append(g.sectors, n), append(covers, n.tiles)
		g.widest = g.widest.Most(n.Separation)
		if n.Capacity != (Capacity{}) {
			g.counted = append(g.counted, n.ID)
		}
		return true
	})
	g.places = index.NewFixed(covers)
	return g
}

// land is the ground as the sectors are now.
func (m *Machine) land() *ground {
	if m.ground == nil {
		m.ground = newGround(&m.state)
	}
	return m.ground
}

// windowsOf computes the windows of a flight in all sectors, and adds to work what it takes.
func (m *Machine) windowsOf(o *outline, tiles []uint64, crossRefCm int32, work *int) ([]SectorWindow, *problem.Error) {
	g := m.land()
	g.near = g.places.Search(tiles, g.near[:0])
	g.windows = g.windows[:0]
	m.tracer.work = *work
	for _, i := range g.near {
		if o.touches(g.sectors[i], crossRefCm, &m.tracer.work) && !m.tracer.overworked() {
			g.windows = m.tracer.appendIn(g.windows, o.flight, g.sectors[i], crossRefCm)
		}
		if m.tracer.overworked() {
			return nil, tooMuchWork(o.flight.ID)
		}
	}
	*work = m.tracer.work
	if len(g.windows) > MaxFlightWindows {
		return nil, tooManyWindows(o.flight.ID, len(g.windows))
	}
	sortWindows(g.windows)
	return append([]SectorWindow(nil), g.windows...), nil
}

func tooMuchWork(flight string) *problem.Error {
	return &problem.Error{Kind: problem.Refused, Subject: flight, Detail: fmt.Sprintf("finding the sector windows of flight %s takes more than %d steps; use fewer points or volumes, or simpler sectors", flight, MaxWork)}
}
