package airspace

import (
	"slices"
	"strings"

	"onevoice/airspace/past"
	"onevoice/geo"
	"onevoice/machine"
)

// finder works out conflicts, in memory that it keeps.
type finder struct {
	meeting geo.Meeting
	outline outline
	// most is how much work an entry may do, MaxConflictSteps, and left what it may still do.
	most, left int
}

// progress is how far the conflicts of a flight are worked out. First those that it has are held against its plan, then those
// it has not are looked for; in either step in the order of the other flights' names, and after is the last of them.
type progress struct {
	looking bool
	after   string
}

// told is what is said about conflicts at one place of the log.
type told struct {
	m    *Machine
	at   Version
	emit machine.Emit
}

// event says what became of a conflict.
func (t told) event(kind EventKind, c *Conflict) {
	t.m.emit(t.emit, Event{Kind: kind, ID: c.Name(), Version: c.Since, Detail: c})
}

// workOut works out the conflicts of a flight, as far as the entry's work reaches; the rest is due at once. While a staged change of sectors is
// being told of nothing is worked out, since what a flight must keep is known only when it has been told of.
func (t told) workOut(f *flight) {
	table := &t.m.state.conflicts
	table.pending.Set(f.ID, progress{})
	if t.m.state.telling() == nil {
		t.goOn(f)
	}
}

// goOn goes on with a flight that is pending, and reports whether it is done.
func (t told) goOn(f *flight) bool {
	table := &t.m.state.conflicts
	done, _ := table.pending.Get(f.ID)
	if !done.looking {
		if done.after == "" {
			table.crowded.Delete(f.ID)
		}
		for _, c := range table.of(f.ID, done.after) {
			if t.m.finder.left <= 0 {
				table.pending.Set(f.ID, done)
				return false
			}
			done.after = c.other(f.ID)
			t.compare(f, t.m.state.flight(done.after), c)
		}
		done = progress{looking: true}
	}
	return t.look(f, done)
}

// look looks for conflicts that a flight has not, until it has as many as are kept.
func (t told) look(f *flight, done progress) bool {
	table := &t.m.state.conflicts
	for more := true; more; {
		if t.m.finder.left <= 0 {
			table.pending.Set(f.ID, done)
			return false
		}
		var near []*flight
		near, more = t.m.candidates(f, done.after)
		for _, g := range near {
			if t.m.crowded(f.ID) {
				table.pending.Delete(f.ID)
				return true
			}
			if t.m.finder.left <= 0 {
				table.pending.Set(f.ID, done)
				return false
			}
			done.after = g.ID
			switch {
			case table.get(f.ID, g.ID) != nil:
			case t.m.crowded(g.ID): // no more of it is kept, so that whether they come too close is not worked out
				table.crowded.Set(f.ID, struct{}{})
			default:
				t.compare(f, g, nil)
			}
		}
		t.m.finder.left -= 16 + len(near)
	}
	table.pending.Delete(f.ID)
	return true
}

// compare works out the conflict of two flights; old is the one that they have.
func (t told) compare(f, g *flight, old *Conflict) {
	s := &t.m.state
	a, b := f, g
	if a.ID > b.ID {
		a, b = b, a
	}
	found, ok := s.approach(&t.m.finder.meeting, a, b)
	t.m.finder.left -= 4 + t.m.finder.meeting.Steps()
	switch {
	case !ok && old == nil:
	case !ok:
		s.conflicts.set(old, nil)
		t.event(ConflictResolved, old)
	default:
		t.put(old, &Conflict{A: a.ID, B: b.ID, Approach: found, Sectors: sectorsOf(a, b, found.Spans), Since: t.at})
	}
}

// put keeps a conflict that was found, if there is room for it.
func (t told) put(old, c *Conflict) {
	table := &t.m.state.conflicts
	switch {
	case old == nil && (t.m.full(c.A) || t.m.full(c.B)):
		table.crowded.Set(c.A, struct{}{})
		table.crowded.Set(c.B, struct{}{})
	case old == nil:
		table.set(nil, c)
		t.event(ConflictFound, c)
	case !old.same(c):
		table.set(old, c)
		t.event(ConflictChanged, c)
	}
}

// full reports whether a flight may have no more conflicts.
func (m *Machine) full(flight string) bool {
	table := &m.state.conflicts
	n, _ := table.counts.Get(flight)
	return n >= MaxFlightConflicts || table.len() >= MaxConflicts
}

// crowded reports whether a flight is full, and had more conflicts than that.
func (m *Machine) crowded(flight string) bool {
	_, more := m.state.conflicts.crowded.Get(flight)
	return more && m.full(flight)
}

// same reports whether two conflicts of the same flights differ in nothing but since when they hold.
func (c *Conflict) same(o *Conflict) bool {
	return c.AtNs == o.AtNs && c.Pos == o.Pos && c.LateralCm == o.LateralCm && c.VerticalCm == o.VerticalCm &&
		slices.Equal(c.Spans, o.Spans) && slices.Equal(c.Sectors, o.Sectors)
}

// sectorsOf lists the sectors that either flight may be in while they are too close.
func sectorsOf(a, b *flight, spans []geo.Span) []string {
	var list []string
	for _, f := range [...]*flight{a, b} {
		for _, w := range f.Windows {
			if meets(spans, w.EnterMinNs, w.LeaveMaxNs) {
				list = append(list, w.Sector)
			}
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), MaxConflictSectors)]
}

// candidates lists the flights with a path that may come too close to a flight with one, by name, from the first above after; there may be more of them.
func (m *Machine) candidates(f *flight, after string) (list []*flight, more bool) {
	sep := m.widest()
	if sep.LateralCm == 0 || sep.VerticalCm == 0 || len(f.Path) == 0 {
		return nil, false
	}
	plan := f.Flight
	plan.Uncertainty = geo.Uncertainty{LateralCm: sep.LateralCm, VerticalCm: sep.VerticalCm}
	outline := &m.finder.outline
	outline.lay(&plan)
	e, last := outline.extent(), ""
	m.state.places.find(outline.tiles(), &e, m.state.settings.CrossRefCm, func(_ uint32, at *placed) bool {
		g := at.thing.(*flight)
		if g.ID == f.ID || g.ID <= after || last != "" && g.ID > last {
			return true
		}
		if list = append(list, g); len(list) == 2*maxCandidates {
			list, more = firstByName(list), true
			last = list[len(list)-1].ID
		}
		return true
	})
	more = more || len(list) > maxCandidates
	return firstByName(list), more
}

// maxCandidates is how many flights are listed at a time.
const maxCandidates = 512

func firstByName(list []*flight) []*flight {
	slices.SortFunc(list, func(a, b *flight) int { return strings.Compare(a.ID, b.ID) })
	return list[:min(len(list), maxCandidates)]
}

// widest is a separation that no two flights need to exceed.
func (m *Machine) widest() geo.Separation {
	return m.land().widest.Most(m.state.settings.Separation)
}

// drop takes away what is known of the conflicts of a flight that is gone.
func (t told) drop(f *flight) {
	table := &t.m.state.conflicts
	for _, c := range table.of(f.ID, "") {
		table.set(c, nil)
		t.event(ConflictResolved, c)
	}
	table.pending.Delete(f.ID)
	table.crowded.Delete(f.ID)
}

// rewindowed brings the conflicts of a flight up to date whose windows have become others.
func (t told) rewindowed(old, n *flight) {
	if t.m.state.telling() != nil || !slices.Equal(old.needs, n.needs) {
		t.workOut(n)
		return
	}
	table := &t.m.state.conflicts
	for _, c := range table.of(n.ID, "") {
		other := t.m.state.flight(c.other(n.ID))
		if list := sectorsOf(n, other, c.Spans); !slices.Equal(list, c.Sectors) {
			now := *c
			now.Sectors, now.Since = list, t.at
			t.put(c, &now)
		}
	}
}

// reseparated works out the conflicts of all flights that may be in a sector, since it asks for another separation.
func (t told) reseparated(n *sector) {
	for _, f := range t.m.state.visitors(n) {
		now := *f
		t.m.derive(&now)
		t.m.state.places.renew(now.number, &now)
		if f.next != nil || !slices.Equal(f.needs, now.needs) {
			t.workOut(&now)
		}
	}
}

// visitors lists the flights that may be in a sector, by name.
func (s *State) visitors(n *sector) []*flight {
	var names []string
	for _, run := range visitRuns(s.visits, firstRun(n.number), past.Now, everBefore, everAfter, Cursor{}, s.numbers.Len()*MaxFlightWindows) {
		for _, o := range run {
			names = append(names, o.Flight.ID)
		}
	}
	slices.Sort(names)
	var list []*flight
	for _, id := range slices.Compact(names) {
		list = append(list, s.flight(id))
	}
	return list
}

// sweepConflicts has all conflicts worked out anew, in steps.
func (m *Machine) sweepConflicts() {
	m.state.conflicts.sweep, m.state.conflicts.sweptTo = m.state.numbers.Len() > 0, ""
}

// continueConflicts goes on with what is pending, as far as the work of an entry reaches.
func (m *Machine) continueConflicts(at machine.At, emit machine.Emit) {
	if m.finder.left = m.finder.most; m.state.telling() != nil {
		return
	}
	t := told{m, Version{Index: at.Index}, emit}
	for m.finder.left > 0 {
		id, ok := m.nextPending()
		if !ok || !t.goOn(m.state.flight(id)) {
			return
		}
	}
}

// nextPending takes the next flight of a sweep where no other is pending.
func (m *Machine) nextPending() (id string, ok bool) {
	table := &m.state.conflicts
	if id, _, ok = table.pending.Min(); ok || !table.sweep {
		return id, ok
	}
	m.state.numbers.Ascend(table.sweptTo, func(next string, _ uint32) bool {
		if next != table.sweptTo {
			id, ok = next, true
		}
		return !ok
	})
	m.finder.left -= 4
	if !ok {
		table.sweep, table.sweptTo = false, ""
		return "", false
	}
	table.sweptTo = id
	table.pending.Set(id, progress{})
	return id, true
}

// conflictsDueNs is the log time at which conflicts are to be worked out further.
func (m *Machine) conflictsDueNs() int64 {
	if !m.state.conflicts.computing() || m.state.telling() != nil {
		return 0
	}
	return max(m.state.clock.logNs, 1)
}
