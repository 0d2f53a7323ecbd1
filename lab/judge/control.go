package judge

import (
	"fmt"

	"onevoice/airspace"
	"onevoice/airspace/control"
)

// Control judges who controls what from the events of one log, in their order (S9): one position at most has a flight or sector, it gets it in
// one of few ways, it loses it only by its own act or by one that stands for its being away, and who has no lease does nothing. What it knows
// it has from events alone, by rules of its own.
type Control struct {
	court *Court
	group uint32
	// Matched holds, by the place of an acknowledged act, the version that the act asked for.
	Matched map[airspace.Version]control.Version
	// Facts counts what was judged, by act, and how often a flight went from one position to another.
	Facts map[string]int

	holders map[string]control.Position // signed on, by position
	records map[string]control.Record   // by thing and name
	plans   map[string]bool             // flights that there are
}

// NewControl judges a group from its first entry on.
func (c *Court) NewControl(group uint32) *Control {
	return &Control{
		court: c, group: group, Matched: map[airspace.Version]control.Version{}, Facts: map[string]int{},
		holders: map[string]control.Position{}, records: map[string]control.Record{}, plans: map[string]bool{},
	}
}

func (k *Control) fail(e *airspace.Event, format string, args ...any) {
	k.court.Fail("S9", "group %d %s %s at %v: %s", k.group, e.Kind, e.ID, e.Version, fmt.Sprintf(format, args...))
}

// Take hears one event.
func (k *Control) Take(e *airspace.Event) {
	switch e.Kind {
	case airspace.FlightPut:
		k.plans[e.ID] = true
	case airspace.FlightCancelled:
		if owner := k.record(control.Flight, e.ID).Position; owner != "" {
			k.fail(e, "it was removed while %s controlled it, and %s did not ask", owner, owner)
		}
		k.gone(e.ID)
	case airspace.FlightExpired:
		k.gone(e.ID)
	case airspace.SectorRemoved:
		delete(k.records, key(control.Sector, e.ID))
	}
	d, ok := e.Detail.(airspace.ControlDetail)
	switch {
	case !ok:
	case d.Position != nil:
		k.position(e, &d.Event)
	case d.Act == control.Leave || d.Act == control.Attend:
		now := k.record(d.Record.Thing, d.Record.ID)
		now.EndsNs = d.Record.EndsNs // it moves with no event, where the servers were away
		if now != *d.Record || k.attended(now.Position) != (d.Act == control.Attend) {
			k.fail(e, "%s of %+v, which is %+v", d.Act, *d.Record, now)
		}
	default:
		k.act(e, &d.Event)
	}
}

func (k *Control) gone(flight string) {
	delete(k.plans, flight)
	delete(k.records, key(control.Flight, flight))
}

func key(t control.Thing, id string) string { return t.String() + " " + id }

func (k *Control) record(t control.Thing, id string) control.Record {
	if r, ok := k.records[key(t, id)]; ok {
		return r
	}
	r := control.Record{Thing: t, ID: id, State: control.PreActive}
	if t == control.Sector {
		r.State = control.Uncontrolled
	}
	return r
}

func (k *Control) attended(position string) bool {
	_, ok := k.holders[position]
	return ok
}

// position hears that a position has a console, or has it no more.
func (k *Control) position(e *airspace.Event, d *control.Event) {
	k.Facts[d.Act.String()]++
	old, held := k.holders[e.ID]
	if d.Act == control.SignOn {
		if held {
			k.fail(e, "two consoles have it, %v and %v", old.Holder, d.Position.Holder)
		}
		k.holders[e.ID] = *d.Position
		return
	}
	if !held {
		k.fail(e, "%s of a position that nobody had", d.Act)
	}
	delete(k.holders, e.ID)
}

// act holds one act against what it found.
func (k *Control) act(e *airspace.Event, d *control.Event) {
	was, now := k.record(d.Record.Thing, d.Record.ID), *d.Record
	k.Facts[d.Act.String()]++
	if d.By != "" && !k.attended(d.By) {
		k.fail(e, "%s by %s, which no console has", d.Act, d.By)
	}
	if d.Was != was.Position || d.Attended != k.attended(now.Position) {
		k.fail(e, "%s says that it was %q's and is attended: %v; it was %q's", d.Act, d.Was, d.Attended, was.Position)
	}
	if want, asked := k.Matched[e.Version]; asked && d.Act != control.TimeOut && want != was.Version {
		k.fail(e, "%s asked for version %v and found %v: two acts on one version", d.Act, want, was.Version)
	}
	if why := k.wrong(d, &was, &now); why != "" {
		k.fail(e, "%s by %q makes %+v of %+v: %s", d.Act, d.By, now, was, why)
	}
	if now.Thing == control.Flight && now.Position != "" && !k.plans[now.ID] {
		k.fail(e, "%s controls a flight that there is none of", now.Position)
	}
	if was.Position != "" && now.Position != "" && was.Position != now.Position {
		k.Facts["from one position to another"]++
	}
	k.records[key(now.Thing, now.ID)] = now
}

// receiver is the position that may accept.
func (k *Control) receiver(r *control.Record) string {
	if r.To.Sector != "" {
		return k.record(control.Sector, r.To.Sector).Position
	}
	return r.To.Position
}

// wrong says what is wrong with an act, empty where nothing is.
func (k *Control) wrong(d *control.Event, was, now *control.Record) string {
	handed := d.Act == control.Accept && was.State == control.Handoff && k.receiver(was) == d.By
	rescued := d.Act == control.Take && d.By != "" && !k.attended(was.Position)
	forced := d.By == "" && (d.Act == control.Take || d.Act == control.Release)
	given := d.By == was.Position && (d.Act == control.Release || d.Act == control.Finish) && was.State == control.Controlled
	timed := d.Act == control.TimeOut && d.By == "" && was.State == control.Handoff
	switch from, to := was.Position, now.Position; {
	case from != "" && to == "" && !given && !forced:
		return "it has nobody, and who had it did not give it up"
	case from != "" && to != "" && to != from && !handed && !rescued && !forced:
		return "two positions have it"
	case from == "" && to != "" && d.By != to && !forced:
		return "it was given to one who did not ask"
	case from == "" && to != "" && was.State == control.Coordinated && k.receiver(was) != to && k.attended(k.receiver(was)) && !forced:
		return "it was coordinated to another"
	case from != "" && d.By != from && !handed && !rescued && !forced && !timed && d.Act != control.Refuse:
		return "another than who has it acted"
	case d.Act == control.Refuse && k.receiver(was) != d.By:
		return "it was not offered to who refuses it"
	}
	return ""
}

// Agrees says whether an answer tells rightly who has a flight or sector.
func (k *Control) Agrees(c *airspace.Controlled) bool {
	now := k.record(c.Thing, c.ID)
	now.EndsNs = c.EndsNs // it moves with no event, where the servers were away
	return now == c.Record && c.Attended == k.attended(now.Position) && c.Receiver == k.receiver(&now)
}

// Shows says whether a list shows a flight as it is.
func (k *Control) Shows(v *airspace.Presence) bool {
	now := k.record(control.Flight, v.Flight)
	return v.Control == now.State && v.Position == now.Position && v.Attended == k.attended(now.Position)
}
