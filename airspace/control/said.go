package control

import (
	"fmt"

	"onevoice/problem"
)

// why says why an act may not be done, and what may be.
func (c *claim) why() string { return c.said() + "; " + c.may() }

// said is the state of a record in words: what it is, who has it, and whether anybody answers there.
func (c *claim) said() string {
	r := c.old
	switch r.State {
	case Controlled:
		return c.with(r.Position) + " has it"
	case Handoff:
		return fmt.Sprintf("%s has it and offers it to %s until %s", c.with(r.Position), c.to(), instant(r.EndsNs))
	case Coordinated:
		return "it is coordinated to " + c.to()
	case Finished:
		return "it is finished"
	case PreActive:
		return "it is pre-active, and nobody has it"
	}
	return "it is uncontrolled, and nobody has it"
}

// MayChange says whether the plan of a flight may be changed: by a position only where that controls the flight; without one, as by its
// operator, always, but it is not removed while a position controls it.
func (s *Board) MayChange(op, id string, by *By, remove bool) *problem.Error {
	if by == nil && !remove {
		return nil
	}
	r := s.Record(Flight, id)
	c := claim{Board: s, op: op, old: &r}
	if by != nil {
		if p := s.Check(op, *by); p != nil {
			p.Subject = id
			return p
		}
		if r.Position != by.Position {
			return refused(op, id, "only the position that controls a flight may change its plan; "+c.why())
		}
		return nil
	}
	if r.Position != "" {
		return refused(op, id, "a flight that is controlled is removed by its controller only; "+c.why())
	}
	return nil
}

func (c *claim) with(position string) string {
	switch {
	case position == "":
		return "nobody"
	case !c.Attended(position):
		return position + " (unattended)"
	}
	return position
}

func (c *claim) to() string {
	if c.old.To.Sector == "" {
		return c.with(c.old.To.Position)
	}
	return fmt.Sprintf("sector %s, worked by %s", c.old.To.Sector, c.with(c.Receiver(c.old)))
}

// may says what may be done next, and by whom.
func (c *claim) may() string {
	r := c.old
	if c.unattended() {
		return "any position may take it"
	}
	switch r.State {
	case Controlled:
		if r.Thing == Sector {
			return r.Position + " may propose or release it"
		}
		return r.Position + " may propose, release or finish it"
	case Handoff:
		return fmt.Sprintf("%s may recall it, %s may accept or refuse it", r.Position, c.with(c.Receiver(r)))
	case Coordinated:
		return c.Receiver(r) + " may assume, coordinate or refuse it"
	case Finished:
		return "a supervisor may take it for a position"
	}
	return "any position may assume it"
}
