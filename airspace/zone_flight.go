package airspace

import (
	"fmt"

	"onevoice/geo"
	"onevoice/machine"
	"onevoice/problem"
)

// zoned is what a change of a flight comes to in one zone.
type zoned struct {
	zone    string
	windows []geo.Window
	// index is the zone's Notifications after the change, 0 where it is no ZoneNotice.
	index uint64
}

// planZones finds the zones that a flight may be in, as it was or as it becomes, by identifier; old is nil for a new flight, n for one that
// goes. The outline is that of n, where there is one. Nothing is changed yet.
func (m *Machine) planZones(old, n *flight, work *int) ([]zoned, *problem.Error) {
	var near []*zone
	if old != nil {
		near = m.zonesNear(near, old.ID, old.tiles, m.extentOf(old))
	}
	if n != nil {
		near = m.zonesNear(near, n.ID, n.tiles, m.outline.extent())
	}
	plan := zonePlanner{m: m, old: old, n: n}
	for _, z := range near {
		if p := plan.add(z, work); p != nil {
			return nil, p
		}
	}
	return plan.list, nil
}

type zonePlanner struct {
	m       *Machine
	old, n  *flight
	outline outline // of old, once it is needed
	tracer  zoneTracer
	list    []zoned
	windows int
}

func (p *zonePlanner) add(z *zone, work *int) *problem.Error {
	cross := p.m.state.settings.CrossRefCm
	one := zoned{zone: z.ID}
	touched := false
	if p.n != nil {
		one.windows = p.tracer.windows(&p.m.outline, z, cross, work)
	}
	if old := p.old; old != nil {
		touched = z.of(old.ID) != nil
		if !touched && z.Checking && old.ID > z.Checked {
			if p.outline.flight == nil {
				p.outline.lay(&old.Flight)
			}
			touched = len(p.tracer.windows(&p.outline, z, cross, work)) > 0
		}
	}
	if z.Kind == ZoneLimit {
		*work += 4 * z.entries // it will be counted anew
	}
	if p.n != nil && *work > MaxWork {
		return &problem.Error{Kind: problem.Refused, Subject: p.n.ID, Detail: fmt.Sprintf("finding its windows takes more than %d steps; use fewer points or simpler zones", MaxWork)}
	}
	if !touched && len(one.windows) == 0 {
		return nil
	}
	if z.Kind == ZoneNotice {
		one.index = z.Notifications + 1
	}
	p.list = append(p.list, one)
	if p.n == nil {
		return nil
	}
	return p.limits(z, len(one.windows))
}

// limits refuses a flight that would be in too many zones, or one too many in them.
func (p *zonePlanner) limits(z *zone, windows int) *problem.Error {
	p.windows += windows
	refuse := func(kind problem.Kind, format string, args ...any) *problem.Error {
		return &problem.Error{Kind: kind, Subject: p.n.ID, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case p.windows > MaxFlightWindows || len(p.list) > MaxFlightWindows:
		return refuse(problem.Refused, "flight %s would have more than %d visits to zones", p.n.ID, MaxFlightWindows)
	case windows > 0 && z.Kind == ZoneLimit && z.entries+windows > MaxLimitEntries:
		return refuse(problem.Overloaded, "zone %s has %d visits, and %d are counted", z.ID, z.entries, MaxLimitEntries)
	case windows > 0 && p.m.state.entries+p.windows > MaxZoneEntries:
		return refuse(problem.Overloaded, "%d visits to zones are held, which is as many as there may be", MaxZoneEntries)
	}
	return nil
}

// putIntoZones makes a plan of planZones true; n is nil for a flight that has gone.
func (m *Machine) putIntoZones(plan []zoned, old, n *flight, emit machine.Emit) {
	f := n
	if f == nil {
		f = old
	}
	for _, one := range plan {
		was, _ := m.state.zones.Get(one.zone)
		z := was.renewed()
		if one.index > 0 {
			z.Notifications = one.index
		}
		e := m.edit(was, z)
		e.set(f, one.windows)
		e.end(emit)
	}
}

// goneFlight takes a flight out, and says so by an event of a kind.
func (m *Machine) goneFlight(f *flight, kind EventKind, emit machine.Emit) {
	plan, _ := m.planZones(f, nil, new(int)) // a flight that goes is refused by nothing
	e := m.flightEvent(kind, f, nil, plan)
	e.Extents = []Extent{m.extentOf(f).public()}
	m.dropFlight(f)
	m.emit(emit, e)
	m.putIntoZones(plan, f, nil, emit)
}
