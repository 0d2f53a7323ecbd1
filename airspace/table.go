package airspace

// addFlight puts a flight that is not there, and whose outline is the machine's, into all trees.
func (m *Machine) addFlight(f *flight) {
	s := &m.state
	m.derive(f)
	f.number = s.places.file(f, m.outline.extent())
	s.numbers.Set(f.ID, f.number)
	m.ends.Set(end{f.EndNs(), f.ID})
	for i := range f.stays {
		s.visits.Set(f.stays[i].visit())
	}
	m.ageWindows(nil, f.Windows)
}

// replaceFlight puts a flight in the place of another plan of the same name; the outline is the new plan's. What stays where it is
// is not taken out first: after a root was made, each change copies a path of its tree.
func (m *Machine) replaceFlight(old, n *flight) {
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
	m.control.DropFlight(f.ID)
	s.numbers.Delete(f.ID)
	s.places.remove(f.number)
	m.ends.Delete(end{f.EndNs(), f.ID})
	for i := range f.stays {
		s.visits.Delete(f.stays[i].visit())
	}
	m.ageWindows(f.Windows, nil)
}

// replaceVisits puts the visits of one flight in the place of another's of the same name.
func (m *Machine) replaceVisits(old, n *flight) {
	for i := range old.stays {
		v := old.stays[i].visit()
		if i < len(n.stays) {
			if to := n.stays[i].visit(); !v.before(to) && !to.before(v) {
				continue
			}
		}
		m.state.visits.Delete(v)
	}
	for i := range n.stays {
		m.state.visits.Set(n.stays[i].visit())
	}
	m.ageWindows(old.Windows, n.Windows)
}

// derive makes what follows from a flight's plan and windows.
func (m *Machine) derive(f *flight) {
	f.stays, f.needs = m.staysOf(f), m.state.needsOf(&f.FlightRecord)
}

// staysOf makes what Who gives of each window.
func (m *Machine) staysOf(f *flight) []stay {
	list := make([]stay, len(f.Windows))
	for i, w := range f.Windows {
		n, _ := m.state.sectors.Get(w.Sector)
		list[i] = stay{Occupant{&f.FlightRecord, w.Window}, runOf(n, w.Window)}
	}
	return list
}
