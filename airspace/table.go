package airspace

import "onevoice/airspace/past"

// addFlight puts a flight that is not there, and whose outline is the machine's, into all trees.
func (m *Machine) addFlight(f *flight) {
	s := &m.state
	m.derive(f)
	f.number = s.places.file(f, m.outline.extent())
	s.numbers.Set(f.ID, f.number)
	m.ends.Set(end{f.EndNs(), f.ID})
	m.addVisits(f)
	m.ageWindows(nil, s.record(f).Windows)
}

// replaceFlight puts a flight in the place of another plan of the same name; the outline is the new plan's. What stays where it is
// is not taken out first: after a root was made, each change copies a path of its tree.
func (m *Machine) replaceFlight(old, n *flight) {
	m.flightOver(old)
	n.number = old.number
	m.derive(n)
	m.state.places.move(n.number, n, m.outline.extent())
	if was, is := (end{old.EndNs(), old.ID}), (end{n.EndNs(), n.ID}); was != is {
		m.ends.Delete(was)
		m.ends.Set(is)
	}
	m.replaceVisits(old, n)
}

// dropFlight takes a flight out of all trees.
func (m *Machine) dropFlight(f *flight) {
	s := &m.state
	m.flightOver(f)
	m.control.DropFlight(f.ID)
	s.numbers.Delete(f.ID)
	s.places.remove(f.number)
	m.ends.Delete(end{f.EndNs(), f.ID})
	m.dropVisits(f.stays)
	if f.next != nil {
		m.dropVisits(f.next.stays)
	}
	m.ageWindows(m.state.record(f).Windows, nil)
}

func (m *Machine) dropVisits(stays []stay) {
	for i := range stays {
		m.state.visits.Delete(stays[i].visit())
	}
}

// addVisits puts the visits of a flight into their tree, those of after a switch too.
func (m *Machine) addVisits(f *flight) {
	for i := range f.stays {
		m.state.visits.Set(f.stays[i].visit())
	}
	if f.next == nil {
		return
	}
	for i := range f.next.stays {
		m.state.visits.Set(f.next.stays[i].visit())
	}
}

// replaceVisits puts the visits of one flight in the place of another's of the same name.
func (m *Machine) replaceVisits(old, n *flight) {
	if old.next != nil {
		m.dropVisits(old.next.stays)
	}
	for i := range old.stays {
		v := old.stays[i].visit()
		if i < len(n.stays) {
			if to := n.stays[i].visit(); !v.before(to) && !to.before(v) {
				continue
			}
		}
		m.state.visits.Delete(v)
	}
	m.addVisits(n)
	m.ageWindows(m.state.record(old).Windows, m.state.record(n).Windows)
}

// derive makes what follows from a flight's plan and windows.
func (m *Machine) derive(f *flight) {
	if f.stays == nil {
		f.stays = m.staysOf(&f.FlightRecord, m.state.numberOf)
	}
	f.needs = m.state.needsOf(m.state.record(f))
}

// staysOf makes what Who gives of each window in a sector that has a number.
func (m *Machine) staysOf(f *FlightRecord, numberOf func(string) (uint64, bool)) []stay {
	list := make([]stay, 0, len(f.Windows))
	for _, w := range f.Windows {
		if number, ok := numberOf(w.Sector); ok {
			list = append(list, stay{Occupant{f, w.Window}, runOf(number, w.Window)})
		}
	}
	return list
}

// numberOf is the machine's own name for a sector.
func (s *State) numberOf(id string) (uint64, bool) {
	if n, there := s.sectors.Get(id, past.Now); there {
		return n.number, true
	}
	return 0, false
}
