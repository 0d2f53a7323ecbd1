package airspace

import (
	"fmt"

	"onevoice/airspace/control"

	"onevoice/codec"
	"onevoice/problem"
)

// PutFlight files or amends a flight. It is Refused where the flight has already expired in service time.
type PutFlight struct {
	Flight Flight
	// By, where not nil, is the controller who amends it: Refused where that position does not control the flight. Without, it is its operator's
	// filing.
	By *control.By
	If Precondition
}

// CancelFlight removes a flight; NotFound where there is none. While a position controls it, it is Refused to all others.
type CancelFlight struct {
	ID string
	By *control.By
	If Precondition
}

// Op implements Command.
func (PutFlight) Op() string { return "put flight" }

// Op implements Command.
func (CancelFlight) Op() string { return "cancel flight" }

func (PutFlight) kind() commandKind                 { return kindPutFlight }
func (cmd PutFlight) precondition() Precondition    { return cmd.If }
func (cmd PutFlight) find(c *change)                { c.findFlight(cmd.Flight.ID) }
func (CancelFlight) kind() commandKind              { return kindCancelFlight }
func (cmd CancelFlight) precondition() Precondition { return cmd.If }
func (cmd CancelFlight) find(c *change)             { c.findFlight(cmd.ID) }

func (cmd PutFlight) appendBody(w *codec.Writer) {
	appendFlight(w, &cmd.Flight)
	appendMaybeBy(w, cmd.By)
}

func (cmd CancelFlight) appendBody(w *codec.Writer) {
	w.String(cmd.ID)
	appendMaybeBy(w, cmd.By)
}

func (cmd PutFlight) check(c *checker) {
	c.maybeBy(cmd.By)
	c.subject = cmd.Flight.ID
	c.flight(&cmd.Flight)
}

func (cmd CancelFlight) check(c *checker) {
	c.maybeBy(cmd.By)
	c.subject = cmd.ID
	c.id(cmd.ID)
	c.existing(cmd.If)
}

func (cmd PutFlight) apply(c *change) Result {
	s := &c.m.state
	op, id := cmd.Op(), cmd.Flight.ID
	if p := s.control.MayChange(op, id, cmd.By, false); p != nil {
		return Result{Problem: p}
	}
	if c.flight == nil && s.numbers.Len() >= MaxFlights {
		return full(op, id, MaxFlights)
	}
	n := &flight{FlightRecord: FlightRecord{Flight: cmd.Flight, Version: c.at}}
	if p := c.agree(op, n, FlightPut, nil); p != nil {
		return Result{Problem: p}
	}
	return Result{Windows: n.Windows}
}

// agree computes the windows of a plan, puts it in the place of what was found, and tells it by an event of a kind; or it refuses the plan.
func (c *change) agree(op string, n *flight, kind EventKind, detail Detail) *problem.Error {
	s := &c.m.state
	n.Since = c.at.Index
	if over := n.EndNs() + s.settings.RetainNs; over < s.clock.nowNs {
		return refused(op, n.ID, fmt.Sprintf("it ended at %s and would have expired at %s; service time is %s", instant(n.EndNs()), instant(over), instant(s.clock.nowNs))).Problem
	}
	outline := &c.m.outline
	outline.lay(&n.Flight)
	n.tiles = outline.tiles()
	windows, p := c.m.windowsOf(outline, n.tiles, s.settings.CrossRefCm, c.work)
	if p != nil {
		p.Op = op
		return p
	}
	n.Windows = windows
	// Those that come before the first step are reached by the steps.
	if st := s.preparing(); st != nil && st.after != "" {
		if n.next, p = c.m.comingOf(st, n, c.work); p != nil {
			p.Op = op
			return p
		}
	}
	old := c.flight
	zones, p := c.m.planZones(old, n, c.work)
	if p != nil {
		p.Op = op
		return p
	}
	e := c.m.flightEvent(kind, old, n, zones)
	e.Extents, e.Detail = append(e.Extents, outline.extent().public()), detail
	if old != nil {
		e.Extents = append(e.Extents, c.m.extentOf(old).public())
		c.m.replaceFlight(old, n)
	} else {
		c.m.addFlight(n)
	}
	c.event(e)
	c.m.putIntoZones(zones, old, n, c.emit)
	c.conflicts().workOut(n)
	return nil
}

func tooManyWindows(flight string, n int) *problem.Error {
	return &problem.Error{Kind: problem.Refused, Subject: flight, Detail: fmt.Sprintf("flight %s would have %d sector windows, more than %d", flight, n, MaxFlightWindows)}
}

func (cmd CancelFlight) apply(c *change) Result {
	old := c.flight
	if old == nil {
		return missing(cmd.Op(), cmd.ID)
	}
	if p := c.m.state.control.MayChange(cmd.Op(), cmd.ID, cmd.By, true); p != nil {
		return Result{Problem: p}
	}
	c.m.goneFlight(old, FlightCancelled, c.emit)
	c.conflicts().drop(old)
	return Result{}
}
