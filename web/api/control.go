package api

import (
	"encoding/json"

	"onevoice/airspace"
	"onevoice/airspace/control"
)

// Target is to whom a flight or sector is addressed: a position, or a sector and so whoever works it when it is accepted.
type Target struct {
	Position string `json:"position,omitempty"`
	Sector   string `json:"sector,omitempty"`
}

// Control is who controls a flight or works a sector.
type Control struct {
	Flight string `json:"flight,omitempty"` // of a flight
	Sector string `json:"sector,omitempty"` // of a sector
	// State: pre-active, coordinated, handoff, controlled, finished or uncontrolled. A sector is controlled, in handoff or uncontrolled.
	State string `json:"state"`
	// Position is who has it, absent for nobody; Attended says whether a console has signed that on.
	Position string `json:"position,omitempty"`
	Attended bool   `json:"attended"`
	// To is to whom it is coordinated or offered, Receiver the position that may accept it as things stand.
	To       *Target `json:"to,omitempty"`
	Receiver string  `json:"receiver,omitempty"`
	// TimeoutMs is how long an offer stands, and Ends until when, in log time.
	TimeoutMs int64 `json:"timeout_ms,omitempty"`
	Ends      *Time `json:"ends,omitempty"`
	// Version is that of the last act, 0.0 where there was none.
	Version string `json:"version"`
}

// FromRecord makes a Control of a record, without Attended and Receiver.
func FromRecord(r *control.Record) Control {
	c := Control{State: r.State.String(), Position: r.Position, TimeoutMs: r.TimeoutMs, Version: airspace.Version(r.Version).String()}
	if r.Thing == control.Sector {
		c.Sector = r.ID
	} else {
		c.Flight = r.ID
	}
	if (r.To != control.Target{}) {
		c.To = &Target{r.To.Position, r.To.Sector}
	}
	if r.EndsNs != 0 {
		c.Ends = new(Time(r.EndsNs))
	}
	return c
}

// FromControlled makes a Control.
func FromControlled(a *airspace.Controlled) Control {
	c := FromRecord(&a.Record)
	c.Attended, c.Receiver = a.Attended, a.Receiver
	return c
}

// ControlAct asks for an act of a position on a flight or sector.
type ControlAct struct {
	// Act: coordinate, assume, propose, accept, refuse, recall, release, finish or take; at a handoff propose, accept, refuse or recall.
	Act      string `json:"act"`
	Position string `json:"position"`
	// Holder is the text by which the console has signed the position on.
	Holder    string `json:"holder"`
	To        Target `json:"to,omitzero"`
	TimeoutMs int64  `json:"timeout_ms,omitempty"`
}

// Supervision asks for an act by a supervisor's force.
type Supervision struct {
	Act string `json:"act"`         // take or release
	To  Target `json:"to,omitzero"` // of take, the position
}

// WorkingPosition is a working place that is signed on, or that still has something.
type WorkingPosition struct {
	ID       string `json:"id"`
	Attended bool   `json:"attended"`
	Owner    string `json:"owner"`
	LeaseMs  int64  `json:"lease_ms"`
	// Ends is when it lapses unless it is kept, in log time; absent where nobody has signed it on.
	Ends    *Time  `json:"ends,omitempty"`
	Version string `json:"version"`
	// Sectors are those that it works.
	Sectors []string `json:"sectors,omitempty"`
}

// FromPosition makes a WorkingPosition.
func FromPosition(p *control.Position, sectors []string) WorkingPosition {
	out := WorkingPosition{ID: p.ID, Attended: p.Attended(), Owner: p.Owner, LeaseMs: p.LeaseMs, Version: airspace.Version(p.Version).String(), Sectors: sectors}
	if p.Attended() {
		out.Ends = new(Time(p.EndsNs))
	}
	return out
}

// WorkingPositions is a page of positions by identifier. Next, where not empty, is the after of the next page.
type WorkingPositions struct {
	Positions []WorkingPosition `json:"positions"`
	Next      string            `json:"next,omitempty"`
}

// ControlList is a page of a controller's list: what a position has, and what is addressed to it.
type ControlList struct {
	Position string    `json:"position"`
	Flights  []Control `json:"flights"`
	Next     string    `json:"next,omitempty"`
}

// SignOn asks for a position.
type SignOn struct {
	// Holder names the console; a text that it draws for itself.
	Holder  string `json:"holder"`
	Owner   string `json:"owner,omitempty"`
	LeaseMs int64  `json:"lease_ms"`
}

// PositionHolder says who keeps a position or gives it up. Leave says that what it has is left unattended.
type PositionHolder struct {
	Holder string `json:"holder"`
	Leave  bool   `json:"leave,omitempty"`
}

// ControlChange is what an event about positions or control tells.
type ControlChange struct {
	// Act is what was done: those of ControlAct, time-out, sign-on, sign-off, lapse, leave (its position is not attended any more) or attend.
	Act string `json:"act"`
	// By is the position that acted, absent where time or a supervisor did; Was who had the flight or sector before.
	By  string `json:"by,omitempty"`
	Was string `json:"was,omitempty"`
	// Record is what came of it, for events about a flight or sector; Position for those about a position.
	Record   *Control         `json:"record,omitempty"`
	Position *WorkingPosition `json:"position,omitempty"`
}

// asJSON is the JSON of what always has one.
func asJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return b
}

// fromChange makes a ControlChange.
func fromChange(e *control.Event) ControlChange {
	c := ControlChange{Act: e.Act.String(), By: e.By, Was: e.Was}
	if e.Position != nil {
		c.Position = new(FromPosition(e.Position, nil))
		return c
	}
	c.Record = new(FromRecord(e.Record))
	c.Record.Attended = e.Attended
	return c
}
