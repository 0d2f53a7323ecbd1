package airspace

import (
	"fmt"

	"onevoice/airspace/index"
	"onevoice/problem"
)

func (c *change) putFlight(cmd PutFlight) Result {
	s := &c.m.state
	op, id := opName(cmd), cmd.Flight.ID
	old, amends := s.flights.Get(id)
	if !amends && s.flights.Len() >= MaxFlights {
		return full(op, id, MaxFlights)
	}
	n := &flight{FlightRecord: FlightRecord{Flight: cmd.Flight, Version: c.at}}
	if over := n.EndNs() + s.settings.RetainNs; over < s.clock.nowNs {
		return refused(op, id, fmt.Sprintf("it ended at %s and would have expired at %s; service time is %s", instant(n.EndNs()), instant(over), instant(s.clock.nowNs)))
	}
	outline := newOutline(&n.Flight)
	n.tiles = index.Tiles(outline.legs)
	windows, p := c.m.windowsOf(&outline, n.tiles, s.settings.CrossRefCm, new(int))
	if p != nil {
		p.Op = op
		return Result{Problem: p}
	}
	n.Windows = windows
	if amends {
		c.m.replaceFlight(old, n)
	} else {
		c.m.addFlight(n)
	}
	c.event(Event{Kind: FlightPut, ID: id, Version: n.Version, Callsign: n.Callsign, Windows: n.Windows})
	return Result{Windows: n.Windows}
}

func tooManyWindows(flight string, n int) *problem.Error {
	return &problem.Error{Kind: problem.Refused, Subject: flight, Detail: fmt.Sprintf("flight %s would have %d sector windows, more than %d", flight, n, MaxFlightWindows)}
}

func (c *change) cancelFlight(cmd CancelFlight) {
	old, _ := c.m.state.flights.Get(cmd.ID)
	c.m.dropFlight(old)
	c.event(Event{Kind: FlightCancelled, ID: old.ID, Version: old.Version, Callsign: old.Callsign})
}

// addFlight puts a flight that is not there into all trees.
func (m *Machine) addFlight(f *flight) {
	s := &m.state
	s.flights.Set(f.ID, f)
	s.ends.Set(end{f.EndNs(), f.ID})
	at := f.place()
	s.flightTiles.Insert(f.ID, at.Cells, at.FromNs, at.ToNs)
	m.addVisits(f)
}

// replaceFlight puts a flight in the place of another plan of the same name. What stays where it is is not taken out first:
// after a root was made, each change copies a path of its tree.
func (m *Machine) replaceFlight(old, n *flight) {
	s := &m.state
	s.flights.Set(n.ID, n)
	if was, is := (end{old.EndNs(), old.ID}), (end{n.EndNs(), n.ID}); was != is {
		s.ends.Delete(was)
		s.ends.Set(is)
	}
	s.flightTiles.Move(n.ID, old.place(), n.place())
	m.replaceVisits(old, n)
}

// dropFlight takes a flight out of all trees.
func (m *Machine) dropFlight(f *flight) {
	s := &m.state
	s.flights.Delete(f.ID)
	s.ends.Delete(end{f.EndNs(), f.ID})
	s.flightTiles.Remove(f.ID, f.tiles)
	m.dropVisits(f)
}

// replaceVisits puts the visits of one flight in the place of another's of the same name.
func (m *Machine) replaceVisits(old, n *flight) {
	for i, w := range old.Windows {
		v := visitOf(&old.FlightRecord, w)
		if i < len(n.Windows) {
			if to := visitOf(&n.FlightRecord, n.Windows[i]); !visitsBefore(v, to) && !visitsBefore(to, v) {
				continue
			}
		}
		m.state.visits.Delete(v)
	}
	m.addVisits(n)
}

func (m *Machine) addVisits(f *flight) {
	for _, w := range f.Windows {
		m.state.visits.Set(visitOf(&f.FlightRecord, w))
	}
}

func (m *Machine) dropVisits(f *flight) {
	for _, w := range f.Windows {
		m.state.visits.Delete(visitOf(&f.FlightRecord, w))
	}
}
