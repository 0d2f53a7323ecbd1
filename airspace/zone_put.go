package airspace

import (
	"cmp"
	"fmt"
	"slices"

	"onevoice/codec"
	"onevoice/machine"
	"onevoice/problem"
)

// PutZone makes or replaces a zone, which keeps its kind. The flights near it, up to MaxZoneFlights, are looked at in the same entry; where there
// are more, or where that takes too long, the rest are looked at in later entries: see ZoneRecord.Checking. It is Refused where the zone has
// already expired in service time, and Overloaded where MaxZones are held, or MaxChecking are being looked at.
type PutZone struct {
	Zone Zone
	If   Precondition
}

// RemoveZone removes a zone, and its breaches with it; NotFound where there is none.
type RemoveZone struct {
	ID string
	If Precondition
}

// Op implements Command.
func (PutZone) Op() string { return "put zone" }

// Op implements Command.
func (RemoveZone) Op() string { return "remove zone" }

func (PutZone) kind() commandKind                 { return kindPutZone }
func (cmd PutZone) precondition() Precondition    { return cmd.If }
func (cmd PutZone) appendBody(w *codec.Writer)    { appendZone(w, &cmd.Zone) }
func (cmd PutZone) find(c *change)                { c.findZone(cmd.Zone.ID) }
func (RemoveZone) kind() commandKind              { return kindRemoveZone }
func (cmd RemoveZone) precondition() Precondition { return cmd.If }
func (cmd RemoveZone) appendBody(w *codec.Writer) { w.String(cmd.ID) }
func (cmd RemoveZone) find(c *change)             { c.findZone(cmd.ID) }

func (cmd PutZone) check(c *checker) {
	c.subject = cmd.Zone.ID
	c.zone(&cmd.Zone)
}

func (cmd RemoveZone) check(c *checker) {
	c.subject = cmd.ID
	c.id(cmd.ID)
	c.existing(cmd.If)
}

func (c *change) findZone(id string) {
	c.subject = id
	if z, ok := c.m.state.zones.Get(id); ok {
		c.zone, c.current = z, &z.Version
	}
}

func (cmd PutZone) apply(c *change) Result {
	s := &c.m.state
	op, id, old := cmd.Op(), cmd.Zone.ID, c.zone
	switch over := cmd.Zone.EndNs() + s.settings.RetainNs; {
	case old == nil && s.zones.Len() >= MaxZones:
		return full(op, id, MaxZones)
	case old != nil && old.Kind != cmd.Zone.Kind:
		return refused(op, id, fmt.Sprintf("it is of kind %s and cannot become one of kind %s: remove it first", old.Kind, cmd.Zone.Kind))
	case over < s.clock.nowNs:
		return refused(op, id, fmt.Sprintf("it ended at %s and would have expired at %s; service time is %s", instant(cmd.Zone.EndNs()), instant(over), instant(s.clock.nowNs)))
	}
	z := newZone(ZoneRecord{Zone: cmd.Zone, Version: c.at})
	if old != nil {
		z.inherit(old)
	}
	if old == nil || !sameVolumes(old.Volumes, z.Volumes) {
		if !z.Checking && c.m.checks.Len() >= MaxChecking {
			return Result{Problem: &problem.Error{Kind: problem.Overloaded, Op: op, Subject: id, Detail: fmt.Sprintf("%d zones are being held against the flights, which is as many as there may be", MaxChecking)}}
		}
		z.Checking, z.Checked = true, ""
	}
	c.event(Event{Kind: ZonePut, ID: id, Version: c.at})
	e := c.m.edit(old, z)
	e.checkNear(c.work)
	e.end(c.emit)
	return Result{}
}

func sameVolumes(a, b []Volume4D) bool {
	var x, y codec.Writer
	appendVolumes(&x, a)
	appendVolumes(&y, b)
	return slices.Equal(x.B, y.B)
}

func (cmd RemoveZone) apply(c *change) Result {
	if c.zone == nil {
		return missing(cmd.Op(), cmd.ID)
	}
	c.m.dropZone(c.zone)
	c.event(Event{Kind: ZoneRemoved, ID: cmd.ID, Version: c.zone.Version})
	return Result{}
}

// setZone puts a zone in the place of another of the same name, or of none.
func (m *Machine) setZone(old, z *zone) {
	s := &m.state
	s.zones.Set(z.ID, z)
	switch {
	case old == nil:
		z.number = s.places.file(z, z.extent())
		m.zoneEnds.Set(end{z.EndNs(), z.ID})
		s.entries += z.entries
	case old.Version == z.Version:
		s.places.renew(z.number, z)
		s.entries += z.entries - old.entries
	default:
		z.number = old.number
		s.places.move(z.number, z, z.extent())
		m.zoneEnds.Delete(end{old.EndNs(), old.ID})
		m.zoneEnds.Set(end{z.EndNs(), z.ID})
		s.entries += z.entries - old.entries
	}
	if z.Checking {
		m.checks.Insert(z.ID)
	} else {
		m.checks.Delete(z.ID)
	}
}

// dropZone takes a zone out, in constant time but for its tiles: what flights have in it is the zone's alone.
func (m *Machine) dropZone(z *zone) {
	s := &m.state
	s.zones.Delete(z.ID)
	s.places.remove(z.number)
	s.entries -= z.entries
	m.zoneEnds.Delete(end{z.EndNs(), z.ID})
	m.checks.Delete(z.ID)
}

// expireZones removes zones that have expired, in the order of their ends, at most MaxExpired of them.
func (m *Machine) expireZones(_ machine.At, emit machine.Emit) {
	for range MaxExpired {
		next, ok := m.zoneEnds.Min()
		if !ok || next.ns+m.state.settings.RetainNs >= m.state.clock.nowNs {
			return
		}
		z, _ := m.state.zones.Get(next.id)
		m.dropZone(z)
		m.emit(emit, Event{Kind: ZoneExpired, ID: z.ID, Version: z.Version})
	}
}

// zoneExpiryNs is the log time at which the next zone expires.
func (m *Machine) zoneExpiryNs() int64 {
	next, ok := m.zoneEnds.Min()
	if !ok {
		return 0
	}
	return m.state.clock.reaches(next.ns + m.state.settings.RetainNs + 1)
}

func compareZones(a, b *zone) int { return cmp.Compare(a.ID, b.ID) }
