package airspace

import (
	"fmt"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// The records of zones: each zone is followed by what flights have in it, by flight. Both have a name by which they are sorted: a zone its
// identifier, a flight in it the two with a separator that is in no identifier and comes before all that are.
const (
	recordZone byte = 1
	recordPair byte = 2

	pairSeparator = "\x00"
)

// zoneRecords is how many records a snapshot holds of zones.
func (s *State) zoneRecords() int {
	n := s.zones.Len()
	s.zones.Scan(func(_ string, z *zone) bool {
		if z.pairs != nil {
			n += z.pairs.Len()
		}
		return true
	})
	return n
}

func writeZones(s *State, add func(func(*codec.Writer)) bool) {
	s.zones.Scan(func(_ string, z *zone) bool {
		more := add(func(w *codec.Writer) {
			w.U8(recordZone)
			appendZoneRecord(w, &z.ZoneRecord)
		})
		if more && z.pairs != nil {
			z.pairs.Scan(func(flight string, p *zonePair) bool {
				more = add(func(w *codec.Writer) { appendPair(w, z.ID, p) })
				return more
			})
		}
		return more
	})
}

func appendPair(w *codec.Writer, zone string, p *zonePair) {
	w.U8(recordPair)
	w.String(zone)
	w.String(p.flight.ID)
	w.Uvarint(uint64(len(p.stays)))
	for i := range p.stays {
		appendWindow(w, p.stays[i].Window)
		w.Bool(p.over[i])
	}
}

func (m *Machine) loadZones(r *codec.Reader) error {
	switch r.U8() {
	case recordZone:
		return m.loadZone(r)
	case recordPair:
		return m.loadPair(r)
	}
	return fmt.Errorf("record of a zone after %q: of no known kind", m.load.last)
}

func (m *Machine) loadZone(r *codec.Reader) error {
	rec := readZoneRecord(r)
	c := checker{op: "load zone", subject: rec.ID}
	c.zone(&rec.Zone)
	if rec.Checked != "" && !rec.Checking {
		c.fail(problem.Invalid, "checked", rec.Checked, "nothing where all was")
	}
	if err := m.next(&c, r); err != nil {
		return err
	}
	m.setZone(nil, newZone(rec))
	return nil
}

func (m *Machine) loadPair(r *codec.Reader) error {
	zone, flight := r.String(maxText), r.String(maxText)
	var windows []geo.Window
	var over []bool
	for range r.Count(MaxPairWindows, 33) {
		windows, over = append(windows, readWindow(r)), append(over, r.Bool())
	}
	c := checker{op: "load zone", subject: zone + pairSeparator + flight}
	z, known := m.state.zones.Get(zone)
	f := m.state.flight(flight)
	if !known || f == nil {
		c.fail(problem.Invalid, "visits", flight+" to "+zone, "a flight and a zone that are there")
	} else {
		c.visits(f, z, windows, over)
	}
	if err := m.next(&c, r); err != nil {
		return err
	}
	p := newZonePair(f, windows)
	p.over = over
	z.set(flight, p)
	m.state.entries += len(windows)
	return nil
}

// visits holds what a flight has in a zone against what every machine makes.
func (c *checker) visits(f *flight, z *zone, windows []geo.Window, over []bool) {
	c.count("visits", len(windows), 1, MaxPairWindows)
	for i, w := range windows {
		if i > 0 && w.EnterMinNs <= windows[i-1].LeaveMaxNs {
			c.fail(problem.Invalid, "visits", fmt.Sprint(w.EnterMinNs), "after the one before")
		}
		if w.EnterMinNs < f.BeginNs() || w.EnterMinNs >= w.LeaveMaxNs || w.LeaveMaxNs > f.EndNs() {
			c.fail(problem.Invalid, "visits", fmt.Sprintf("%d to %d", w.EnterMinNs, w.LeaveMaxNs), fmt.Sprintf("within %d to %d", f.BeginNs(), f.EndNs()))
		}
		if over[i] && z.Kind != ZoneLimit {
			c.fail(problem.Invalid, "visits", "one too many", "none in a zone without a limit")
		}
	}
}
