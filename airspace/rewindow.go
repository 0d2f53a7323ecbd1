package airspace

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"onevoice/problem"
)

// Sectors are where they are at all times.
const (
	everBefore = math.MinInt64
	everAfter  = math.MaxInt64
)

// rewindowed is a flight whose windows become others.
type rewindowed struct {
	old     *flight
	windows []SectorWindow
}

// planSector finds the flights whose windows change when a sector does, in the order of their identifiers; old is nil for
// a new sector, n for one that goes. Nothing is changed yet.
func (s *State) planSector(id string, old, n *sector, work *int) ([]rewindowed, *problem.Error) {
	near, p := s.touched(id, old, n, work)
	if p != nil {
		return nil, p
	}
	plan := planner{}
	var tracer tracer
	for _, t := range near {
		windows := slices.DeleteFunc(slices.Clone(t.flight.Windows), func(w SectorWindow) bool { return w.Sector == id })
		if t.comesNear {
			windows = tracer.appendIn(windows, &t.flight.Flight, n, s.settings.CrossRefCm)
			sortWindows(windows)
		}
		if tracer.overworked() {
			return nil, tooMuchWork(len(near))
		}
		if p := plan.add(t.flight, windows); p != nil {
			return nil, p
		}
	}
	return plan.list, nil
}

// touch is a flight that a change of a sector touches; comesNear says that it may have windows in the sector as it becomes.
type touch struct {
	flight    *flight
	comesNear bool
}

// touched lists the flights that have a window in the sector, or come near it as it becomes. It refuses when they are more
// than MaxRewindow or looking at them takes more than MaxWork.
func (s *State) touched(id string, old, n *sector, work *int) ([]touch, *problem.Error) {
	var near []touch
	var o outline
	found := 0
	candidates := s.nearEither(old, n)
	for _, f := range candidates {
		*work++
		touches := false
		if n != nil {
			o.lay(&f.Flight)
			*work += len(o.legs)
			touches = o.touches(n, s.settings.CrossRefCm, work)
		}
		if *work > MaxWork {
			return nil, &problem.Error{Kind: problem.Refused, Detail: fmt.Sprintf("finding the windows of the %d flights it touches, and more, takes over %d steps; cut it into simpler sectors", found, MaxWork)}
		}
		if !touches && !f.visits(id) {
			continue
		}
		if found++; found <= MaxRewindow {
			near = append(near, touch{f, touches})
		}
	}
	if found > MaxRewindow {
		return nil, &problem.Error{Kind: problem.Refused, Detail: fmt.Sprintf("it touches %d flights, and one change may touch %d", found, MaxRewindow)}
	}
	return near, nil
}

func tooMuchWork(flights int) *problem.Error {
	return &problem.Error{Kind: problem.Refused, Detail: fmt.Sprintf("finding the windows of the %d flights it touches, and more, takes over %d steps; cut it into simpler sectors", flights, MaxWork)}
}

// nearEither lists the flights near a sector as it was or as it becomes, each where it is not nil, by identifier.
func (s *State) nearEither(old, n *sector) []*flight {
	var list []*flight
	for _, at := range []*sector{old, n} {
		if at != nil {
			list = s.near(list, at.tiles, at.extent(everBefore, everAfter))
		}
	}
	slices.SortFunc(list, func(a, b *flight) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(list)
}

func (f *flight) visits(sector string) bool {
	return slices.ContainsFunc(f.Windows, func(w SectorWindow) bool { return w.Sector == sector })
}

// planAll finds the flights whose windows change when the rules do.
func (m *Machine) planAll(crossRefCm int32) ([]rewindowed, *problem.Error) {
	s := &m.state
	if n := s.numbers.Len(); n > MaxRewindow {
		return nil, &problem.Error{Kind: problem.Refused, Detail: fmt.Sprintf("it touches all %d flights, and one change may touch %d", n, MaxRewindow)}
	}
	plan := planner{}
	work := 0
	var refusal *problem.Error
	s.numbers.Scan(func(_ string, n uint32) bool {
		f := s.flightAt(n)
		m.outline.lay(&f.Flight)
		var windows []SectorWindow
		if windows, refusal = m.windowsOf(&m.outline, f.tiles, crossRefCm, &work); refusal == nil {
			refusal = plan.add(f, windows)
		}
		return refusal == nil
	})
	return plan.list, refusal
}

// planner collects what changes, within the limits.
type planner struct {
	list    []rewindowed
	windows int
}

func (p *planner) add(f *flight, windows []SectorWindow) *problem.Error {
	if slices.Equal(windows, f.Windows) {
		return nil
	}
	if len(windows) > MaxFlightWindows {
		return tooManyWindows(f.ID, len(windows))
	}
	if p.windows += len(windows); p.windows > MaxRewindowWindows {
		return &problem.Error{Kind: problem.Refused, Detail: fmt.Sprintf("the flights it touches have over %d windows", MaxRewindowWindows)}
	}
	p.list = append(p.list, rewindowed{f, windows})
	return nil
}

// rewindow gives the flights of a plan their new windows.
func (c *change) rewindow(plan []rewindowed) {
	for _, r := range plan {
		n := *r.old
		n.Windows = r.windows
		c.m.derive(&n)
		c.m.state.places.renew(n.number, &n)
		c.m.replaceVisits(r.old, &n)
		c.event(Event{Kind: FlightRewindowed, ID: n.ID, Version: n.Version, Callsign: n.Callsign, Windows: n.Windows})
		c.conflicts().rewindowed(r.old, &n)
	}
}
