package airspace

import "onevoice/airspace/past"

// generation names what one staged change makes of the sectors or the rules. All of it becomes so in one entry, however many flights have
// other windows by it: each of them holds its windows of before and its windows of after, and which of the two is to be seen follows from the
// sectors of the state that is asked.
type generation struct {
	version Version
	// sector is one that the change puts, or takes away where gone is set; it is empty where the rules change.
	sector string
	gone   bool
}

// live reports whether a state is one after the switch. It may be asked only while flights hold windows of both, when nothing else changes what
// is looked at here.
func (g *generation) live(s *State) bool {
	if !s.present() {
		st := s.telling()
		return st != nil && st.heldSince <= s.asOf
	}
	if g.sector == "" {
		return s.settings.Version == g.version
	}
	n, there := s.sectors.Get(g.sector, past.Now)
	if g.gone {
		return !there
	}
	return there && n.Version == g.version
}

// coming is what becomes of a flight by a staged change: the same plan with all its windows after the switch.
type coming struct {
	FlightRecord
	of *generation
	// stays are those of the windows in what the change makes; the others are among the flight's own.
	stays []stay
}

// record is what is to be seen of a flight in a state. Whoever shows or counts windows takes them from here: those in the flight itself are the
// ones of before, for as long as a staged change has not told of it.
func (s *State) record(f *flight) *FlightRecord {
	if f.next != nil && f.next.of.live(s) {
		return &f.next.FlightRecord
	}
	return &f.FlightRecord
}
