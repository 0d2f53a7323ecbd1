package airspace

import (
	"fmt"
	"slices"
	"strings"

	"onevoice/airspace/past"
	"onevoice/geo"
	"onevoice/problem"
)

// Steps is how much of a change one entry does, so that no entry holds up a replica. It is part of what the machine is: all replicas of a group
// have the same.
type Steps struct {
	// Flights bounds the flights that get other windows in one entry, Windows what these have in all, and Work the steps of finding them.
	// The last flight of an entry may go beyond the latter two.
	Flights, Windows, Work int
	// ZoneFlights bounds the flights that a zone is held against in one entry; 0 leaves it as New has it.
	ZoneFlights int
}

// DefaultSteps are those of New.
func DefaultSteps() Steps {
	return Steps{Flights: MaxStepFlights, Windows: MaxStepWindows, Work: MaxStepWork}
}

// NewStepped makes an empty machine as New does, with steps of another size; a laboratory makes them small.
func NewStepped(steps Steps) *Machine {
	m := New()
	m.steps = steps
	if n := steps.ZoneFlights; n > 0 {
		m.sizes.near, m.sizes.flights, m.sizes.found = n, n, n
	}
	return m
}

// sectorChange is what becomes of the sector of a name: n, or nothing where that is nil.
type sectorChange struct {
	id string
	n  *sector
}

// rules are what SetRules sets.
type rules struct {
	crossRefCm int32
	retainNs   int64
	separation geo.Separation
}

// StagingPhase says what is being done for a staged change.
type StagingPhase uint8

const (
	// StagingPrepares: windows are computed beside those that hold; nothing is to be seen of it.
	StagingPrepares StagingPhase = 1
	// StagingTells: the change holds, and events say so for one flight after another.
	StagingTells StagingPhase = 2
	// StagingDrops: the change was given up, and what was computed for it is taken away.
	StagingDrops StagingPhase = 3
)

// String is the phase's word, as "prepares".
func (p StagingPhase) String() string {
	switch p {
	case StagingPrepares:
		return "prepares"
	case StagingTells:
		return "tells"
	case StagingDrops:
		return "drops"
	}
	return fmt.Sprintf("StagingPhase(%d)", uint8(p))
}

// staging is a change of sectors or rules that touches too many flights for one entry. It is replicated state, and never changes: a step puts
// another in its place. The first of a state's is the one that is being worked at.
type staging struct {
	of      *generation
	sinceNs int64 // service time at which it was asked for
	// rules is nil where sectors change.
	rules *rules
	// changes are sorted by name. Of rules they are all sectors, made when the work begins.
	changes []sectorChange
	// moved are those of changes that give windows: a sector that only gets another name keeps its visits.
	moved []sectorChange
	phase StagingPhase
	// after is the flight up to which this phase is done, in the order of identifiers, and done how many it has looked at.
	after string
	done  int
	// heldSince is the entry since which the change holds, from the switch on.
	heldSince uint64
}

// find gives the change of a sector.
func (st *staging) find(id string) (sectorChange, bool) {
	return findChange(st.changes, id)
}

func findChange(changes []sectorChange, id string) (sectorChange, bool) {
	i, found := slices.BinarySearchFunc(changes, id, func(ch sectorChange, id string) int { return strings.Compare(ch.id, id) })
	if !found {
		return sectorChange{}, false
	}
	return changes[i], true
}

// locks says whether nothing else may change the sector until this is through.
func (st *staging) locks(id string) bool {
	_, found := st.find(id)
	return found || st.rules != nil
}

// Staging is a staged change and how far it is.
type Staging struct {
	// Version is the one that what it changes will have, or has since the switch.
	Version Version
	// SinceNs is the service time at which it was asked for.
	SinceNs int64
	// Sectors are the names of the sectors that it changes, none where it changes the rules.
	Sectors []string
	Phase   StagingPhase
	// Done is how many flights the phase has looked at, of about Of.
	Done, Of int
}

// Stagings lists the staged changes of the present, whatever the state is as of, the one that is being worked at first; there are at most MaxStagings.
func (s *State) Stagings() []Staging {
	list := make([]Staging, len(s.stagings))
	for i, st := range s.stagings {
		list[i] = s.progress(st)
	}
	return list
}

// StagingOf gives the staged change of a sector, as Stagings does; an empty name asks for that of the rules.
func (s *State) StagingOf(sector string) (Staging, bool) {
	for _, st := range s.stagings {
		if _, found := st.find(sector); found || sector == "" && st.rules != nil {
			return s.progress(st), true
		}
	}
	return Staging{}, false
}

func (s *State) progress(st *staging) Staging {
	p := Staging{Version: st.of.version, SinceNs: st.sinceNs, Phase: st.phase, Done: st.done, Of: max(st.done, s.numbers.Len())}
	if st.rules == nil {
		for _, ch := range st.changes {
			p.Sectors = append(p.Sectors, ch.id)
		}
	}
	return p
}

// busy refuses to change what a staged change already changes; an empty name stands for the settings.
func (s *State) busy(id string) *problem.Error {
	for _, st := range s.stagings {
		if st.locks(id) {
			p := s.progress(st)
			return &problem.Error{Kind: problem.Conflict, Subject: id, Detail: fmt.Sprintf(
				"it is being changed by %s, asked for at %s, which %s: %d of %d flights", p.Version, instant(p.SinceNs), p.Phase, p.Done, p.Of)}
		}
	}
	return nil
}

// stagedNew counts the sectors that staged changes will add.
func (s *State) stagedNew() int {
	n := 0
	for _, st := range s.stagings {
		for _, ch := range st.changes {
			if _, there := s.sectors.Get(ch.id, past.Now); !there && ch.n != nil {
				n++
			}
		}
	}
	return n
}

// preparing is the staging for which windows are being computed, nil where there is none.
func (s *State) preparing() *staging {
	if len(s.stagings) > 0 && s.stagings[0].phase == StagingPrepares {
		return s.stagings[0]
	}
	return nil
}

// telling is the staging that has been switched to and not yet told of, nil where there is none.
func (s *State) telling() *staging {
	if len(s.stagings) > 0 && s.stagings[0].phase == StagingTells {
		return s.stagings[0]
	}
	return nil
}

// computingConflicts reports whether any conflict may be missing or out of date.
func (s *State) computingConflicts() bool { return s.conflicts.computing() || s.telling() != nil }

// stage takes up a change that is too large for one entry.
func (c *change) stage(op string, st *staging) Result {
	s := &c.m.state
	joins := c.joins(st)
	if !joins && len(s.stagings) >= MaxStagings {
		return Result{Problem: &problem.Error{Kind: problem.Overloaded, Op: op, Subject: c.subject, Detail: fmt.Sprintf("it touches more flights than one entry may change, and %d such changes are under way already", MaxStagings)}}
	}
	for _, ch := range st.changes {
		c.event(Event{Kind: SectorStaged, ID: ch.id, Version: c.at})
	}
	if joins {
		return Result{Staged: true}
	}
	st.sinceNs, st.phase = s.clock.nowNs, StagingPrepares
	s.stagings = append(slices.Clip(s.stagings), st)
	if st.rules != nil {
		c.event(Event{Kind: SectorStaged, Version: c.at})
	}
	c.m.begin()
	return Result{Staged: true}
}

// joins adds changes of sectors to those that the same request has staged before: no step was made since.
func (c *change) joins(st *staging) bool {
	s := &c.m.state
	n := len(s.stagings)
	if n == 0 || s.stagings[n-1].of.version != c.at {
		return false
	}
	both := *s.stagings[n-1]
	both.changes = joinChanges(both.changes, st.changes)
	both.moved = joinChanges(both.moved, st.moved)
	both.of = generationOf(c.at, both.changes)
	s.stagings = slices.Clone(s.stagings)
	s.stagings[n-1] = &both
	return true
}

func joinChanges(a, b []sectorChange) []sectorChange {
	list := slices.Concat(a, b)
	slices.SortFunc(list, func(a, b sectorChange) int { return strings.Compare(a.id, b.id) })
	return list
}

// begin makes the first staging ready to be worked at.
func (m *Machine) begin() {
	if len(m.state.stagings) == 0 {
		return
	}
	st := *m.state.stagings[0]
	if st.rules == nil || st.changes != nil {
		return
	}
	m.state.sectors.Ascend("", past.Now, func(id string, v past.Version[*sector]) bool {
		n := *v.Record
		n.number = m.newNumber()
		st.changes = append(st.changes, sectorChange{id, &n})
		return true
	})
	st.moved = st.changes
	m.setStaging(&st)
}

// setStaging puts a staging in the place of the first.
func (m *Machine) setStaging(st *staging) {
	m.state.stagings = slices.Clone(m.state.stagings)
	m.state.stagings[0] = st
}

// generationOf names what changes of sectors make.
func generationOf(v Version, changes []sectorChange) *generation {
	g := &generation{version: v, sector: changes[0].id, gone: changes[0].n == nil}
	if i := slices.IndexFunc(changes, func(ch sectorChange) bool { return ch.n != nil }); i >= 0 {
		g.sector, g.gone = changes[i].id, false
	}
	return g
}
