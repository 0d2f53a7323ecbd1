package airspace

// setFlight puts a flight into the table.
func (m *Machine) setFlight(f *flight) {
	m.state.flights.Set(f.number, held{f, f.beginNs(), f.EndNs()})
}

// addFlight puts a flight that is not there into all trees.
func (m *Machine) addFlight(f *flight) {
	s := &m.state
	f.number = uint32(s.numbers.Len())
	if n := len(m.free); n > 0 {
		f.number, m.free = m.free[n-1], m.free[:n-1]
	}
	f.stays = m.staysOf(f)
	s.numbers.Set(f.ID, f.number)
	m.setFlight(f)
	m.ends.Set(end{f.EndNs(), f.ID})
	s.flightTiles.Insert(f.number, f.tiles)
	for i := range f.stays {
		s.visits.Set(f.stays[i].visit())
	}
}

// replaceFlight puts a flight in the place of another plan of the same name. What stays where it is is not taken out first:
// after a root was made, each change copies a path of its tree.
func (m *Machine) replaceFlight(old, n *flight) {
	n.number = old.number
	n.stays = m.staysOf(n)
	m.setFlight(n)
	if was, is := (end{old.EndNs(), old.ID}), (end{n.EndNs(), n.ID}); was != is {
		m.ends.Delete(was)
		m.ends.Set(is)
	}
	m.state.flightTiles.Move(n.number, old.tiles, n.tiles)
	m.replaceVisits(old, n)
}

// dropFlight takes a flight out of all trees.
func (m *Machine) dropFlight(f *flight) {
	s := &m.state
	s.numbers.Delete(f.ID)
	s.flights.Set(f.number, held{})
	m.free = append(m.free, f.number)
	m.ends.Delete(end{f.EndNs(), f.ID})
	s.flightTiles.Remove(f.number, f.tiles)
	for i := range f.stays {
		s.visits.Delete(f.stays[i].visit())
	}
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
