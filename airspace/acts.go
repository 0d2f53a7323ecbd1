package airspace

import (
	"onevoice/airspace/control"
	"onevoice/codec"
	"onevoice/machine"
	"onevoice/problem"
)

// readControlCommand reads the body of a command about positions and control; they carry no precondition of the common kind.
func readControlCommand(r *codec.Reader, kind commandKind, when Precondition) Command {
	if when != (Precondition{}) {
		r.Fail()
	}
	switch kind {
	case kindSignOn:
		return readSignOn(r)
	case kindKeepPosition:
		return KeepPosition{By: control.ReadBy(r)}
	case kindSignOff:
		return readSignOff(r)
	case kindControl:
		return readControl(r)
	}
	r.Fail()
	return nil
}

// OfControl says whether an encoded command is about positions and control.
func OfControl(op []byte) bool {
	return len(op) > 1 && op[0] == Format && commandKind(op[1]) >= kindSignOn && commandKind(op[1]) <= kindControl
}

// ByForce says whether a command is one that only a supervisor may give.
func ByForce(cmd Command) bool {
	switch cmd := cmd.(type) {
	case SignOff:
		return cmd.Force
	case Control:
		return cmd.Request.Force
	}
	return false
}

// Control does an act on a flight or sector, that there is one given. Whoever comes too late is Refused, or PreconditionFailed, and told who has it;
// a console that has lost its position is told that, as Expired.
type Control struct {
	Thing   control.Thing
	ID      string
	Request control.Request
}

// Op implements Command.
func (cmd Control) Op() string { return cmd.Request.Act.Op(cmd.Thing) }

func (Control) kind() commandKind          { return kindControl }
func (Control) precondition() Precondition { return Precondition{} }
func (cmd Control) find(c *change)         { c.subject = cmd.ID }

func (cmd Control) appendBody(w *codec.Writer) {
	w.U8(uint8(cmd.Thing))
	w.String(cmd.ID)
	cmd.Request.Append(w)
}

func readControl(r *codec.Reader) Control {
	return Control{Thing: readThing(r), ID: r.String(maxText), Request: control.ReadRequest(r)}
}

func readThing(r *codec.Reader) control.Thing {
	t := control.Thing(r.U8())
	if t != control.Flight && t != control.Sector {
		r.Fail()
	}
	return t
}

func (cmd Control) check(c *checker) {
	q := &cmd.Request
	if q.Force {
		c.forced(q)
	} else {
		c.by(q.By)
	}
	c.subject = cmd.ID
	c.id(cmd.ID)
	c.addressed(q)
	if q.Act == control.Propose && q.TimeoutMs != 0 {
		c.number("timeoutMs", q.TimeoutMs, control.MinTimeoutMs, control.MaxTimeoutMs)
	} else if q.TimeoutMs != 0 {
		c.number("timeoutMs", q.TimeoutMs, 0, 0)
	}
}

// forced refuses what a supervisor may not do by force.
func (c *checker) forced(q *control.Request) {
	if q.Act != control.Take && q.Act != control.Release {
		c.fail(problem.Invalid, "force", q.Act.String(), "take or release")
	}
	c.none("holder", q.By.Holder)
	if q.By.Position != "" {
		c.fail(problem.Invalid, "position", problem.Clip(q.By.Position), "none, where a supervisor acts by force; take names it in to")
	}
}

// addressed refuses an addressee where there is none to be, and none where there must be one.
func (c *checker) addressed(q *control.Request) {
	to := q.To
	wanted := q.Act == control.Coordinate || q.Act == control.Propose || q.Act == control.Take && q.Force
	switch {
	case to.Position != "" && to.Sector != "":
		c.fail(problem.Invalid, "to", "both a position and a sector", "one of them")
	case !wanted && (to != control.Target{}):
		c.fail(problem.Invalid, "to", problem.Clip(to.Position+to.Sector), "none")
	case wanted && (to == control.Target{}), q.Force && to.Sector != "":
		c.fail(problem.Invalid, "to", "missing", "a position, or of a flight a sector")
	case to.Position != "" && !ValidID(to.Position), to.Sector != "" && !ValidID(to.Sector):
		c.fail(problem.Invalid, "to", problem.Clip(to.Position+to.Sector), "the identifier of a position or sector")
	}
}

func (cmd Control) apply(c *change) Result {
	s := &c.m.state
	if !s.exists(cmd.Thing, cmd.ID) {
		return missing(cmd.Op(), cmd.ID)
	}
	if to := cmd.Request.To.Sector; to != "" && !s.exists(control.Sector, to) {
		return Result{Problem: notFound(cmd.Op(), to, "sector to hand over to")}
	}
	r, p := c.m.control.Do(control.Version(c.at), cmd.Thing, cmd.ID, cmd.Request, c.control)
	res := Result{Problem: p, Control: &r}
	if p != nil && p.Kind == problem.PreconditionFailed {
		res.Current = new(Version(r.Version))
	}
	return res
}

// exists says whether there is such a flight or sector.
func (s *State) exists(t control.Thing, id string) bool {
	if t == control.Sector {
		_, ok := s.sectors.Get(id, s.asOf)
		return ok
	}
	return s.flight(id) != nil
}

// control hands out an event of control.
func (c *change) control(e control.Event) { c.m.controlEvent(c.emit, e) }

// controlEvent hands out an event of control as one of the airspace.
func (m *Machine) controlEvent(emit machine.Emit, e control.Event) {
	out := Event{Detail: ControlDetail{e}}
	switch {
	case e.Position == nil:
		out.Kind, out.ID, out.Version = FlightControl, e.Record.ID, Version(e.Record.Version)
		if e.Record.Thing == control.Sector {
			out.Kind = SectorControl
		} else if f := m.state.flight(e.Record.ID); f != nil {
			out.Callsign = f.Callsign
		}
	case e.Act == control.SignOn:
		out.Kind, out.ID, out.Version = PositionSignedOn, e.Position.ID, Version(e.Position.Version)
	case e.Act == control.Lapse:
		out.Kind, out.ID, out.Version = PositionLapsed, e.Position.ID, Version(e.Position.Version)
	default:
		out.Kind, out.ID, out.Version = PositionSignedOff, e.Position.ID, Version(e.Position.Version)
	}
	m.emit(emit, out)
}

// ControlDetail is the detail of the events about positions and control.
type ControlDetail struct{ control.Event }

func (d ControlDetail) appendTo(w *codec.Writer) { d.Append(w) }

// runControl ends leases and offers that are over.
func (m *Machine) runControl(at machine.At, emit machine.Emit) {
	m.control.Advance(control.Version{Index: at.Index}, at.Epoch, m.state.clock.logNs, func(e control.Event) { m.controlEvent(emit, e) })
}

func (m *Machine) controlDueNs() int64 { return m.control.DueNs() }

// controlCount is how many records of control a snapshot has.
func (s *State) controlCount() int { return s.control.Saved() }

func writeControl(s *State, add func(func(*codec.Writer)) bool) { s.control.Save(add) }

func (m *Machine) loadControl(r *codec.Reader) error { return m.control.Load(r, m.state.exists) }
