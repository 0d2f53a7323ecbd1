package airspace

import (
	"fmt"
	"slices"

	"onevoice/airspace/index"
	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/geo"
)

// trail is what a flight was before: its past plans and windows, and where and when they were, all together. Trees find a trail and not
// each of its versions, and are changed only where a version lies outside of what they say. It never changes.
type trail struct {
	line past.Line[*flight]
	// name is an empty record of its name, for the order of visits.
	name *FlightRecord
	// tiles and extent hold all versions, and of each sector number one of the stays all windows.
	tiles  []uint64
	extent extent
	stays  []stay
	// forgotten is how many versions were forgotten since the tiles and the rest were made.
	forgotten int
}

func (t *trail) covering() []uint64 { return t.tiles }

// follow makes the trail that a flight has when one more of its versions is over, which lies in e; t is nil where it had none.
func (s *State) follow(t *trail, over past.Version[*flight], e extent) *trail {
	if t == nil {
		t = &trail{name: &FlightRecord{Flight: Flight{ID: over.Record.ID}}, extent: e}
	}
	n := *t
	n.line = t.line.Add(over)
	s.spread(&n, over.Record, e)
	return &n
}

// spread widens what a trail says to hold another version.
func (s *State) spread(t *trail, f *flight, e extent) {
	t.extent.widen(&e)
	if !amongCells(f.tiles, t.tiles) {
		t.tiles = index.Normalize(slices.Concat(t.tiles, f.tiles))
	}
	shared := true
	for _, w := range f.Windows {
		shared = t.stay(s.pastNumber(w.Sector), w.Window, shared)
	}
}

// pastNumber is the number of a sector in pastVisits.
func (s *State) pastNumber(id string) uint64 {
	number, ok := s.pastNumbers.Get(id)
	if !ok {
		s.pastNumbersMade++
		number = s.pastNumbersMade
		s.pastNumbers.Set(id, number)
	}
	return number
}

// letNumbers lets go of the numbers of sectors to which no visit is left.
func (s *State) letNumbers(f *flight) {
	for _, w := range f.Windows {
		number, ok := s.pastNumbers.Get(w.Sector)
		if !ok {
			continue
		}
		left := false
		ascendClasses(s.pastVisits, firstRun(number), func(int) int64 { return everBefore }, func(visit) bool {
			left = true
			return false
		})
		if !left {
			s.pastNumbers.Delete(w.Sector)
		}
	}
}

// amongCells reports whether sorted cells are all among others.
func amongCells(cells, all []uint64) bool {
	return slices.Equal(cells, all) || !slices.ContainsFunc(cells, func(c uint64) bool {
		_, found := slices.BinarySearch(all, c)
		return !found
	})
}

// coarseNs is the grain of the times of a trail.
const coarseNs = int64(1) << 38

// stay widens that in a sector to hold one more window. A quarter more than is needed keeps a plan that moves again and again from
// changing trees each time. The list is copied first where it is shared.
func (t *trail) stay(number uint64, w geo.Window, shared bool) (stillShared bool) {
	i := slices.IndexFunc(t.stays, func(s stay) bool { return s.run.sector() == number })
	if i >= 0 && t.stays[i].Window.EnterMinNs <= w.EnterMinNs && w.LeaveMaxNs <= t.stays[i].Window.LeaveMaxNs {
		return shared
	}
	if shared {
		t.stays = slices.Clone(t.stays)
	}
	if i < 0 {
		i = len(t.stays)
		t.stays = append(t.stays, stay{})
	} else {
		was := t.stays[i].Window
		room := (was.LeaveMaxNs - was.EnterMinNs) / 4
		if w.EnterMinNs < was.EnterMinNs {
			w.EnterMinNs -= room
		}
		if w.LeaveMaxNs > was.LeaveMaxNs {
			w.LeaveMaxNs += room
		}
		w.EnterMinNs, w.LeaveMaxNs = min(w.EnterMinNs, was.EnterMinNs), max(w.LeaveMaxNs, was.LeaveMaxNs)
	}
	w.EnterMinNs, w.LeaveMaxNs = w.EnterMinNs&-coarseNs, (w.LeaveMaxNs+coarseNs)&-coarseNs
	t.stays[i] = stay{Occupant{t.name, w}, runOf(number, w)}
	return false
}

// forgetOf makes the trail without the versions that ended at an index or before it; nil where none is left.
func (s *State) forgetOf(t *trail, until uint64) *trail {
	line := t.line.Forget(until)
	if line.Len() == 0 {
		return nil
	}
	n := *t
	n.line = line
	n.forgotten += t.line.Len() - line.Len()
	if n.forgotten > line.Len() {
		n.forgotten, n.tiles, n.stays = 0, nil, nil
		n.extent = line.Versions()[0].Record.extent()
		for _, v := range line.Versions() {
			s.spread(&n, v.Record, v.Record.extent())
		}
	}
	return &n
}

// extent is that of its outline.
func (f *flight) extent() extent {
	var o outline
	o.lay(&f.Flight)
	return o.extent()
}

// trail gives what a flight was before, nil where it was nothing.
func (s *State) trail(id string) *trail {
	number, ok := s.trails.Get(id)
	if !ok {
		return nil
	}
	return s.pastPlaces.get(number).(*trail)
}

// flightOver ends what a flight is, which is in places still, with the entry that the machine is in.
func (m *Machine) flightOver(f *flight) {
	s := &m.state
	is, since := &f.FlightRecord, f.Since
	if st := s.telling(); st != nil && f.next != nil {
		m.flightSwitched(f)
		is, since = &f.next.FlightRecord, st.heldSince
	}
	m.versionOver(f, is, since, s.index)
}

// flightSwitched ends what a flight was before the switch to a change that is being told of.
func (m *Machine) flightSwitched(f *flight) {
	m.versionOver(f, &f.FlightRecord, f.Since, m.state.telling().heldSince)
}

// versionOver notes a version of a flight that is in places, which held from since on, until before an entry.
func (m *Machine) versionOver(f *flight, is *FlightRecord, since, until uint64) {
	if since >= until {
		return
	}
	record := f
	if f.next != nil {
		record = &flight{FlightRecord: *is, tiles: f.tiles}
		record.Since = since
	}
	m.over(record, since, until)
	s := &m.state
	s.leave(past.Version[*flight]{Since: since, Until: until, Record: record}, s.places.table.At(f.number).extent)
}

// leave adds a version of a flight, which lies in e, to its trail.
func (s *State) leave(over past.Version[*flight], e extent) {
	f := over.Record
	was := s.trail(f.ID)
	is := s.follow(was, over, e)
	if was == nil {
		s.trails.Set(f.ID, s.pastPlaces.file(is, is.extent))
		s.replacePast(nil, is.stays)
		return
	}
	number, _ := s.trails.Get(f.ID)
	s.pastPlaces.move(number, is, is.extent)
	s.replacePast(was.stays, is.stays)
}

// replacePast puts the stays of a trail in the place of others.
func (s *State) replacePast(old, n []stay) {
	if sameStays(old, n) {
		return
	}
	for i := range old {
		s.pastVisits.Delete(old[i].visit())
	}
	for i := range n {
		s.pastVisits.Set(n[i].visit())
	}
}

// sameStays reports whether two lists are one in memory.
func sameStays(a, b []stay) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (f *flight) pastKind() pastKind { return pastFlight }
func (f *flight) pastName() string   { return f.ID }

func (f *flight) pastBytes() int {
	n := 600 + 32*len(f.Path) + 112*len(f.Windows) + 8*len(f.Cells)
	for i := range f.Volumes {
		n += 100 + 8*vertexCount(f.Volumes[i].Area)
	}
	if f.Progress != nil {
		n += 48 * len(f.Progress.Filed)
	}
	return n
}

func (m *Machine) recallFlight(r *codec.Reader, since, until uint64) (remembered, error) {
	rec := readFlightRecord(r)
	c := checker{op: "load past flight", subject: rec.ID}
	c.flight(&rec.Flight)
	if c.found == nil {
		c.windows(&rec)
		c.progress(&rec)
	}
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("past flight: %w", err)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	m.outline.lay(&rec.Flight)
	f := &flight{FlightRecord: rec, tiles: m.outline.tiles()}
	over, was := past.Version[*flight]{Since: since, Until: until, Record: f}, m.state.trail(f.ID)
	if now := m.state.flight(f.ID); since != f.Since || since >= until || now != nil && now.Since < until && now.next == nil || was != nil && !was.line.Fits(over) {
		return nil, overlaps(f.ID, since, until)
	}
	m.state.leave(over, m.outline.extent())
	return f, nil
}

func (m *Machine) forgetFlight(id string, until uint64) {
	s := &m.state
	was := s.trail(id)
	if was == nil || was.line.Versions()[0].Until > until {
		return
	}
	number, _ := s.trails.Get(id)
	is := s.forgetOf(was, until)
	if is == nil {
		s.trails.Delete(id)
		s.pastPlaces.remove(number)
		s.replacePast(was.stays, nil)
	} else {
		s.pastPlaces.move(number, is, is.extent)
		s.replacePast(was.stays, is.stays)
	}
	for _, v := range was.line.Versions() {
		if v.Until <= until {
			s.letNumbers(v.Record)
		}
	}
}

// at is what was known of a flight then and is no more, nil where nothing is.
func (t *trail) at(known uint64) *flight {
	if t == nil {
		return nil
	}
	v, ok := t.line.At(known)
	if !ok {
		return nil
	}
	return v.Record
}
