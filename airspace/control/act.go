package control

import (
	"fmt"

	"onevoice/internal/mutant"
	"onevoice/problem"
)

// Op is what an act asks for, in problems.
func (a Act) Op(t Thing) string {
	switch a {
	case Propose, Accept, Refuse, Recall:
		return a.String() + " handoff of " + t.String()
	}
	return a.String() + " " + t.String()
}

// Do does an act on a flight or sector, which is there. It gives the record as the act leaves it. Whoever comes too late is told who has it and what may be
// done. A refusal changes nothing and emits nothing.
func (m *Machine) Do(at Version, thing Thing, id string, q Request, emit Emit) (Record, *problem.Error) {
	s := &m.board
	old := s.Record(thing, id)
	c := &claim{Board: s, op: q.Act.Op(thing), old: &old, q: &q}
	if p := c.check(); p != nil {
		return old, p
	}
	n, ok := c.next()
	if c.found == nil && !ok {
		c.refuse(c.why())
	}
	if c.found == nil && thing == Sector && n.Position != "" && n.Position != old.Position {
		c.room(n.Position)
	}
	if c.found != nil {
		return old, c.found
	}
	n.Version = at
	turn{m, at, emit}.change(&old, &n, q.Act, q.By.Position)
	return n, nil
}

// claim is one request held against a record.
type claim struct {
	*Board
	op    string
	old   *Record
	q     *Request
	found *problem.Error
}

func (c *claim) fail(kind problem.Kind, detail string) {
	if c.found == nil {
		c.found = &problem.Error{Kind: kind, Op: c.op, Subject: c.old.ID, Detail: detail}
	}
}

func (c *claim) refuse(detail string) { c.fail(problem.Refused, detail) }

// check says whether who asks may ask for anything, and asks about this record.
func (c *claim) check() *problem.Error {
	if !c.q.Force && !mutant.On(mutant.LostLeaseActs) {
		if p := c.Check(c.op, c.q.By); p != nil {
			p.Subject, p.Detail = c.old.ID, p.Detail+"; "+c.said()
			return p
		}
	}
	if c.q.Match != nil && *c.q.Match != c.old.Version {
		c.fail(problem.PreconditionFailed, "another act came first: "+c.said())
	}
	return c.found
}

// next is what the act makes of the record; false where it may not be done.
func (c *claim) next() (Record, bool) {
	old, by := c.old, c.q.By.Position
	free := old.State == PreActive || old.State == Uncontrolled
	mine := old.State == Controlled && old.Position == by
	switch c.q.Act {
	case Coordinate:
		return old.coordinated(c.q.To), (free || old.State == Coordinated && c.Receiver(old) == by) && c.mayCoordinate()
	case Assume:
		return old.by(by), free || old.State == Coordinated && c.Receiver(old) == by
	case Propose:
		return c.offer(), mine && c.mayOffer()
	case Accept:
		return old.by(by), old.State == Handoff && c.Receiver(old) == by
	case Refuse:
		offered := old.State == Handoff || old.State == Coordinated
		return old.back(), offered && c.Receiver(old) == by
	case Recall:
		return old.back(), old.State == Handoff && old.Position == by
	case Release:
		return old.nobody(Uncontrolled), mine || c.q.Force && !free
	case Finish:
		return old.nobody(Finished), mine && old.Thing == Flight
	case Take:
		return c.take()
	}
	return *old, false
}

// by is the record as a position has it.
func (r *Record) by(position string) Record {
	return Record{Thing: r.Thing, ID: r.ID, State: Controlled, Position: position}
}

// nobody is the record as nobody has it.
func (r *Record) nobody(state State) Record { return Record{Thing: r.Thing, ID: r.ID, State: state} }

// back is the record without what was offered or coordinated.
func (r *Record) back() Record {
	if r.Position == "" {
		return r.nobody(Uncontrolled)
	}
	return r.by(r.Position)
}

func (r *Record) coordinated(to Target) Record {
	n := r.nobody(Coordinated)
	n.To = to
	return n
}

func (c *claim) offer() Record {
	n := c.old.by(c.old.Position)
	n.State, n.To, n.TimeoutMs = Handoff, c.q.To, c.q.TimeoutMs
	if n.TimeoutMs == 0 {
		n.TimeoutMs = DefaultTimeoutMs
	}
	n.EndsNs = c.nowNs + n.TimeoutMs*msNs
	return n
}

// take takes from a position that is not attended, or by force for one that is.
func (c *claim) take() (Record, bool) {
	if c.q.Force {
		to := c.q.To.Position
		if !c.Attended(to) {
			c.refuse("position " + to + " is not signed on, and could not answer for it; " + c.said())
		}
		return c.old.by(to), c.old.State != Controlled || c.old.Position != to
	}
	return c.old.by(c.q.By.Position), c.unattended()
}

// unattended says whether nobody answers for the record although it is somebody's.
func (c *claim) unattended() bool {
	switch c.old.State {
	case Controlled, Handoff:
		return !c.Attended(c.old.Position)
	case Coordinated:
		return !c.Attended(c.Receiver(c.old))
	}
	return false
}

func (c *claim) mayCoordinate() bool {
	if c.old.Thing == Sector {
		c.refuse("a sector is not coordinated, it is handed over")
	}
	return true
}

// mayOffer says whether there is somebody to offer to.
func (c *claim) mayOffer() bool {
	to := c.q.To
	switch {
	case c.old.Thing == Sector && to.Sector != "":
		c.refuse("a sector is handed over to a position, not to another sector")
	case to.Sector == "" && !c.Attended(to.Position):
		c.refuse("position " + to.Position + " is not signed on, and could not accept; " + c.said())
	case c.Receiver(&Record{To: to}) == c.q.By.Position:
		c.refuse("it would be handed over to the position that has it, " + c.q.By.Position)
	}
	return true
}

// room refuses more sectors than one position may work.
func (c *claim) room(position string) {
	if len(c.Sectors(position)) >= MaxPositionSectors {
		c.fail(problem.Overloaded, fmt.Sprintf("position %s works %d sectors, which is as many as it may", position, MaxPositionSectors))
	}
}
