package airspace

import (
	"cmp"
	"slices"

	"onevoice/geo"
)

// zoneEdit is a change of what flights have in one zone.
type zoneEdit struct {
	m      *Machine
	was    *zone // nil for a new zone
	z      *zone // its own, until the end
	before []breachesOf
	tracer zoneTracer
	// finished says that the last flight was looked at.
	finished bool
}

// breachesOf is the breaches of one flight.
type breachesOf struct {
	flight, callsign string
	windows          []geo.Window
}

// edit begins the change of a zone into z, whose trees must be its own; was is what the state holds, nil for nothing.
func (m *Machine) edit(was, z *zone) *zoneEdit { return &zoneEdit{m: m, was: was, z: z} }

// note keeps what a flight's breaches are before they change.
func (e *zoneEdit) note(p *zonePair) {
	if p != nil {
		e.before = append(e.before, breachesOf{p.flight.ID, p.flight.Callsign, e.z.breaching(p)})
	}
}

// set gives a flight other visits to the zone.
func (e *zoneEdit) set(f *flight, windows []geo.Window) {
	old := e.z.of(f.ID)
	if old == nil && len(windows) == 0 {
		return
	}
	if e.note(old); old == nil {
		e.before = append(e.before, breachesOf{flight: f.ID, callsign: f.Callsign})
	}
	if len(windows) == 0 {
		e.z.set(f.ID, nil)
		return
	}
	e.z.set(f.ID, newZonePair(f, windows))
}

// end puts the zone into the state and tells which breaches have become others, by flight.
func (e *zoneEdit) end(emit func([]byte)) {
	if e.z.Kind == ZoneLimit {
		e.recount()
	}
	e.m.setZone(e.was, e.z)
	slices.SortStableFunc(e.before, func(a, b breachesOf) int { return cmp.Compare(a.flight, b.flight) })
	for i, b := range e.before {
		if i > 0 && b.flight == e.before[i-1].flight {
			continue // the first one is what was before the whole change
		}
		callsign := b.callsign
		now := e.z.of(b.flight)
		if now != nil {
			callsign = now.flight.Callsign
		}
		windows := e.z.breaching(now)
		if slices.Equal(windows, b.windows) {
			continue
		}
		event := Event{Kind: BreachFound, ID: e.z.ID, Version: e.z.Version, Callsign: callsign, Detail: &BreachDetail{b.flight, windows}}
		if len(windows) == 0 {
			event.Kind = BreachResolved
		}
		e.m.emit(emit, event)
	}
	if e.finished {
		e.m.emit(emit, Event{Kind: ZoneChecked, ID: e.z.ID, Version: e.z.Version})
	}
}

// recount finds the visits to a ZoneLimit that are one too many.
func (e *zoneEdit) recount() {
	if e.z.pairs == nil {
		return
	}
	order := make([]Occupant, 0, e.z.entries)
	e.z.visits.Scan(func(v visit) bool {
		order = append(order, *v.of)
		return true
	})
	slices.SortFunc(order, func(a, b Occupant) int { return compareOccupants(&a, &b) })
	over := map[Cursor]bool{} // by place, to look up only
	c := counter{limit: e.z.Limit}
	for _, o := range order {
		if c.visit(o.Window) {
			over[Cursor{o.Window.EnterMinNs, o.Flight.ID}] = true
		}
	}
	var changed []*zonePair
	e.z.pairs.Scan(func(_ string, p *zonePair) bool {
		now := make([]bool, len(p.stays))
		for i := range p.stays {
			now[i] = over[Cursor{p.stays[i].Window.EnterMinNs, p.flight.ID}]
		}
		if !slices.Equal(now, p.over) {
			e.note(p)
			changed = append(changed, &zonePair{p.flight, p.stays, now})
		}
		return true
	})
	for _, p := range changed {
		e.z.pairs.Set(p.flight.ID, p)
	}
}

// counter counts visits in their order.
type counter struct {
	limit  Limit
	inside []int64 // when those that are inside leave, sorted
	began  []int64 // when the last ones began
}

// visit takes the next visit and says whether it is one too many.
func (c *counter) visit(w geo.Window) bool {
	over := false
	if c.limit.AtOnce > 0 {
		gone, _ := slices.BinarySearch(c.inside, w.EnterMinNs+1)
		c.inside = c.inside[gone:]
		over = len(c.inside) >= c.limit.AtOnce
		at, _ := slices.BinarySearch(c.inside, w.LeaveMaxNs)
		c.inside = slices.Insert(c.inside, at, w.LeaveMaxNs)
		if len(c.inside) > c.limit.AtOnce {
			c.inside = c.inside[1:] // the others alone are as many as there may be
		}
	}
	if c.limit.PerHour > 0 {
		for len(c.began) > 0 && c.began[0] <= w.EnterMinNs-hourNs {
			c.began = c.began[1:]
		}
		over = over || len(c.began) >= c.limit.PerHour
		c.began = append(c.began, w.EnterMinNs)
	}
	return over
}
