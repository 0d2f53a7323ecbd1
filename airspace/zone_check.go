package airspace

import (
	"cmp"
	"slices"

	"onevoice/internal/mutant"
	"onevoice/machine"
)

// checkSize is how much of holding zones against flights is done in one entry.
type checkSize struct {
	near    int // flights near a zone that is put, to be looked at in the same entry
	flights int // flights that are passed over
	found   int // flights whose visits to a zone are computed
	work    int // steps of computing them; one more flight is always looked at
}

// newCheckSize is that of every machine; tests take smaller ones.
func newCheckSize() checkSize {
	return checkSize{near: MaxZoneFlights, flights: 20_000, found: 2000, work: MaxWork / 4}
}

// checkNear looks at the flights near a zone that was put, and at those that it knows of from before, if it can be done in one go.
func (e *zoneEdit) checkNear(work *int) {
	s, z := &e.m.state, e.z
	if !z.Checking || z.Checked != "" || z.pairs != nil && z.pairs.Len() > e.m.sizes.near {
		return
	}
	var near []*flight
	at := z.extent()
	at.kind = ofFlight
	s.places.find(z.tiles, &at, s.settings.CrossRefCm, func(_ uint32, found *placed) bool {
		near = append(near, found.thing.(*flight))
		return len(near) <= e.m.sizes.near
	})
	if len(near) > e.m.sizes.near {
		return
	}
	if z.pairs != nil {
		z.pairs.Scan(func(id string, _ *zonePair) bool {
			near = append(near, s.flight(id))
			return true
		})
	}
	slices.SortFunc(near, func(a, b *flight) int { return cmp.Compare(a.ID, b.ID) })
	for _, f := range slices.Compact(near) {
		if *work > e.m.sizes.work || !e.room() {
			return
		}
		e.check(f, work)
	}
	e.finish()
}

func (e *zoneEdit) finish() {
	e.z.Checking, e.z.Checked, e.finished = false, "", true
}

// check looks at one flight.
func (e *zoneEdit) check(f *flight, work *int) {
	e.m.outline.lay(&f.Flight)
	e.set(f, e.tracer.windows(&e.m.outline, e.z, e.m.state.settings.CrossRefCm, work))
	e.z.Checked = f.ID
}

// room says whether the visits of one more flight may be held.
func (e *zoneEdit) room() bool {
	held := e.m.state.entries + e.z.entries
	if e.was != nil {
		held -= e.was.entries
	}
	return held+MaxPairWindows <= MaxZoneEntries && (e.z.Kind != ZoneLimit || e.z.entries+MaxPairWindows <= MaxLimitEntries)
}

// checkZones goes on with holding zones against flights.
func (m *Machine) checkZones(_ machine.At, emit machine.Emit) {
	left := m.sizes
	var names []string
	m.checks.Scan(func(name string) bool {
		names = append(names, name)
		return true
	})
	for _, name := range names {
		was, _ := m.state.zones.Get(name)
		e := m.edit(was, was.renewed())
		if !e.room() {
			continue
		}
		e.checkOn(&left)
		e.end(emit)
		if left.flights <= 0 || left.found <= 0 || left.work <= 0 {
			return
		}
	}
}

// checkOn looks at the flights that follow, by identifier.
func (e *zoneEdit) checkOn(left *checkSize) {
	s, z := &e.m.state, e.z
	at := z.extent()
	at.kind = ofFlight
	ended := true
	s.numbers.Ascend(z.Checked, func(id string, n uint32) bool {
		if id == z.Checked {
			return true
		}
		if ended = left.flights > 0 && left.found > 0 && left.work > 0 && e.room(); !ended {
			return false
		}
		left.flights--
		if s.places.table.At(n).meets(&at, s.settings.CrossRefCm) || z.of(id) != nil {
			work := 0
			e.check(s.flightAt(n), &work)
			left.found--
			left.work -= work
		}
		z.Checked = id
		return true
	})
	if ended || mutant.On(mutant.ZoneHalfChecked) {
		e.finish()
	}
}

// checkNs is the log time at which there are zones to go on with.
func (m *Machine) checkNs() int64 {
	due := int64(0)
	m.checks.Scan(func(name string) bool {
		was, _ := m.state.zones.Get(name)
		if e := m.edit(was, was); e.room() {
			due = max(m.state.clock.logNs, 1)
		}
		return due == 0
	})
	return due
}

// recheckZones holds all zones against all flights, where the rules have changed.
func (m *Machine) recheckZones(work *int, emit machine.Emit) {
	var all []*zone
	m.state.zones.Scan(func(_ string, z *zone) bool {
		all = append(all, z)
		return true
	})
	for _, was := range all {
		z := was.renewed()
		z.Checking, z.Checked = true, ""
		e := m.edit(was, z)
		e.checkNear(work)
		e.end(emit)
	}
}
