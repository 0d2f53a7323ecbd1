package airspace

import (
	"cmp"
	"math"
	"slices"

	"onevoice/airspace/past"
	"onevoice/problem"
)

// Beyond all times that a window may name.
const (
	everBefore = math.MinInt64
	everAfter  = math.MaxInt64
)

// rewindowed is a flight whose windows become others.
type rewindowed struct {
	old     *flight
	windows []SectorWindow
	// next are those after the switch to what is being staged, where the flight has such.
	next []SectorWindow
}

// planSectors finds the flights whose windows change by changes of sectors, in the order of their identifiers. Nothing is changed yet. It
// says whether they fit into one entry; whether they do depends on the flights alone and not on the order in which they are found. Where
// they are few enough to look at, it adds to work what finding out which took.
func (m *Machine) planSectors(changes []sectorChange, work *int) (plan []rewindowed, fits bool, p *problem.Error) {
	s := &m.state
	changes = s.moved(changes)
	near, fits := m.touched(changes, work)
	if !fits {
		return nil, false, nil
	}
	planner := planner{most: m.steps.Windows}
	for _, f := range near {
		m.outline.lay(&f.Flight)
		r := rewindowed{old: f}
		is := s.record(f)
		now, next := 0, 0
		if r.windows, _, p = m.windowsAfter(changes, &m.outline, is.Windows, s.settings.CrossRefCm, &now); p != nil {
			return nil, false, p
		}
		if f.next != nil && s.preparing() != nil {
			if r.next, _, p = m.windowsAfter(changes, &m.outline, f.next.Windows, s.settings.CrossRefCm, &next); p != nil {
				return nil, false, p
			}
		}
		if planner.work += now + next; planner.work > m.steps.Work {
			return nil, false, nil
		}
		planner.add(is, r)
	}
	return planner.list, planner.windows <= m.steps.Windows, nil
}

// touched lists the flights that have a window in what changes, or come near it as it becomes, by identifier; false where these are more than
// one entry changes.
func (m *Machine) touched(changes []sectorChange, taken *int) (near []*flight, fits bool) {
	s := &m.state
	var o outline
	work := *taken
	seen := map[uint32]bool{}
	look := func(number uint32, at *placed) bool {
		if seen[number] {
			return true
		}
		seen[number] = true
		f := at.thing.(*flight)
		o.lay(&f.Flight)
		work += 1 + len(o.legs)
		if touches(changes, &o, s.record(f).Windows, s.settings.CrossRefCm, &work) {
			near = append(near, f)
		}
		return len(near) <= m.steps.Flights && work <= m.steps.Work
	}
	for _, n := range s.asTheyWereAndBecome(changes) {
		e := n.extent(everBefore, everAfter)
		s.places.find(n.tiles, &e, s.settings.CrossRefCm, look)
	}
	if len(near) > m.steps.Flights || work > m.steps.Work {
		return nil, false
	}
	*taken = work
	slices.SortFunc(near, func(a, b *flight) int { return cmp.Compare(a.ID, b.ID) })
	return near, true
}

// asTheyWereAndBecome lists sectors as they are and as changes make them.
func (s *State) asTheyWereAndBecome(changes []sectorChange) []*sector {
	var list []*sector
	for _, ch := range changes {
		if old, there := s.sectors.Get(ch.id, past.Now); there {
			list = append(list, old)
		}
		if ch.n != nil {
			list = append(list, ch.n)
		}
	}
	return list
}

// touches reports whether a flight has a window in what changes, or comes near it as it becomes.
func touches(changes []sectorChange, o *outline, windows []SectorWindow, crossRefCm int32, work *int) bool {
	found := false
	for _, ch := range changes {
		if ch.n != nil && o.touches(ch.n, crossRefCm, work) {
			found = true
		}
	}
	return found || slices.ContainsFunc(windows, func(w SectorWindow) bool { return changed(changes, w.Sector) })
}

func changed(changes []sectorChange, id string) bool {
	return slices.ContainsFunc(changes, func(ch sectorChange) bool { return ch.id == id })
}

// windowsAfter gives the windows of a flight after changes of sectors, and whether it has or had any in what changes.
func (m *Machine) windowsAfter(changes []sectorChange, o *outline, before []SectorWindow, crossRefCm int32, work *int) (windows []SectorWindow, touched bool, p *problem.Error) {
	windows = slices.DeleteFunc(slices.Clone(before), func(w SectorWindow) bool { return changed(changes, w.Sector) })
	stay := len(windows)
	t := &m.tracer
	t.work = *work
	for _, ch := range changes {
		if ch.n != nil && o.touches(ch.n, crossRefCm, &t.work) && !t.overworked() {
			windows = t.appendIn(windows, o.flight, ch.n, crossRefCm)
		}
		if t.overworked() {
			return nil, false, tooMuchWork(o.flight.ID)
		}
	}
	*work = t.work
	if len(windows) > MaxFlightWindows {
		return nil, false, tooManyWindows(o.flight.ID, len(windows))
	}
	touched = stay < len(before) || stay < len(windows)
	sortWindows(windows)
	return windows, touched, nil
}

// planAll finds the flights whose windows change when the rules do, as planSectors does.
func (m *Machine) planAll(crossRefCm int32) (plan []rewindowed, fits bool, p *problem.Error) {
	s := &m.state
	if s.numbers.Len() > m.steps.Flights || len(s.stagings) > 0 {
		return nil, false, nil
	}
	planner := planner{most: m.steps.Windows}
	work := 0
	s.numbers.Scan(func(_ string, n uint32) bool {
		f := s.flightAt(n)
		m.outline.lay(&f.Flight)
		one := 0
		var windows []SectorWindow
		if windows, p = m.windowsOf(&m.outline, f.tiles, crossRefCm, &one); p != nil {
			return false
		}
		planner.add(&f.FlightRecord, rewindowed{old: f, windows: windows})
		work += one
		return work <= m.steps.Work
	})
	return planner.list, work <= m.steps.Work && planner.windows <= planner.most, p
}

// planner collects what changes.
type planner struct {
	list          []rewindowed
	windows, most int
	work          int
}

// add takes a flight that gets other windows than it has now; there is no use in keeping more than may be.
func (p *planner) add(is *FlightRecord, r rewindowed) {
	if slices.Equal(r.windows, is.Windows) {
		return
	}
	if p.windows += len(r.windows); p.windows <= p.most {
		p.list = append(p.list, r)
	}
}

// rewindow gives the flights of a plan their new windows, and counts them. A flight that a staging has not told of yet is told of with it.
func (c *change) rewindow(plan []rewindowed) int {
	for _, r := range plan {
		c.m.flightOver(r.old)
		n := *r.old
		n.Since = c.at.Index
		n.Windows, n.next, n.stays = r.windows, nil, nil
		c.m.derive(&n)
		if r.next != nil {
			st := c.m.state.preparing()
			n.next = &coming{FlightRecord: r.old.FlightRecord, of: st.of}
			n.next.Windows = r.next
			n.next.stays = c.m.staysOf(&n.next.FlightRecord, st.numberOf)
		}
		c.m.state.places.renew(n.number, &n)
		c.m.replaceVisits(r.old, &n)
		if !slices.Equal(n.Windows, r.old.Windows) {
			c.event(c.m.rewindowedEvent(r.old, &n))
		}
		c.conflicts().rewindowed(r.old, &n)
	}
	return len(plan)
}

// samePlace reports whether two sectors are at the same places at the same times, with the same separation: then no flight has to be looked at.
func samePlace(a, b *Sector) bool {
	return a.Separation == b.Separation && slices.Equal(a.Effective, b.Effective) && a.Hours.equal(&b.Hours) && slices.EqualFunc(a.Volumes, b.Volumes, samePolygon)
}
