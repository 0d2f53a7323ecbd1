package airspace

import (
	"fmt"
	"strconv"

	"onevoice/airspace/control"
	"onevoice/codec"
	"onevoice/fence"
	"onevoice/problem"
)

// SignOn gives a position to a console for LeaseMs milliseconds of log time, or anew to the one that has it. It is Refused while another has it.
type SignOn struct {
	By      control.By
	Owner   string // for people
	LeaseMs int64
}

// KeepPosition gives a position its whole time again; Expired where the console has it no more.
type KeepPosition struct{ By control.By }

// SignOff gives a position up. It is Refused while that has flights or sectors, unless Leave says that they are left unattended. A supervisor
// signs off by Force, without a holder.
type SignOff struct {
	By           control.By
	Leave, Force bool
}

// Op implements Command.
func (SignOn) Op() string { return control.OpSignOn }

// Op implements Command.
func (KeepPosition) Op() string { return control.OpKeep }

// Op implements Command.
func (SignOff) Op() string { return control.OpSignOff }

func (SignOn) kind() commandKind                { return kindSignOn }
func (SignOn) precondition() Precondition       { return Precondition{} }
func (cmd SignOn) find(c *change)               { c.subject = cmd.By.Position }
func (KeepPosition) kind() commandKind          { return kindKeepPosition }
func (KeepPosition) precondition() Precondition { return Precondition{} }
func (cmd KeepPosition) find(c *change)         { c.subject = cmd.By.Position }
func (SignOff) kind() commandKind               { return kindSignOff }
func (SignOff) precondition() Precondition      { return Precondition{} }
func (cmd SignOff) find(c *change)              { c.subject = cmd.By.Position }

func (cmd SignOn) appendBody(w *codec.Writer) {
	cmd.By.Append(w)
	w.String(cmd.Owner)
	w.I64(cmd.LeaseMs)
}

func (cmd KeepPosition) appendBody(w *codec.Writer) { cmd.By.Append(w) }

func (cmd SignOff) appendBody(w *codec.Writer) {
	cmd.By.Append(w)
	w.Bool(cmd.Leave)
	w.Bool(cmd.Force)
}

func readSignOn(r *codec.Reader) SignOn {
	return SignOn{By: control.ReadBy(r), Owner: r.String(maxText), LeaseMs: r.I64()}
}

func readSignOff(r *codec.Reader) SignOff {
	return SignOff{By: control.ReadBy(r), Leave: r.Bool(), Force: r.Bool()}
}

func (cmd SignOn) check(c *checker) {
	c.by(cmd.By)
	c.number("leaseMs", cmd.LeaseMs, control.MinLeaseMs, control.MaxLeaseMs)
	if len(cmd.Owner) > control.MaxOwnerBytes || !printable(cmd.Owner) {
		c.fail(problem.Invalid, "owner", strconv.QuoteToASCII(problem.Clip(cmd.Owner)), fmt.Sprintf("up to %d printable ASCII characters", control.MaxOwnerBytes))
	}
}

func (cmd KeepPosition) check(c *checker) { c.by(cmd.By) }

func (cmd SignOff) check(c *checker) {
	if cmd.Force {
		c.subject = cmd.By.Position
		c.id(cmd.By.Position)
		c.none("holder", cmd.By.Holder)
		return
	}
	c.by(cmd.By)
}

// by refuses what cannot be who acts.
func (c *checker) by(by control.By) {
	c.subject = by.Position
	c.id(by.Position)
	if (by.Holder == fence.Holder{}) {
		c.fail(problem.Invalid, "holder", "zero", "128 bits that name the console")
	}
}

// maybeBy refuses what cannot be a controller who changes a plan.
func (c *checker) maybeBy(by *control.By) {
	if by != nil {
		c.by(*by)
	}
}

func appendMaybeBy(w *codec.Writer, by *control.By) {
	w.Bool(by != nil)
	if by != nil {
		by.Append(w)
	}
}

func readMaybeBy(r *codec.Reader) *control.By {
	if !r.Bool() {
		return nil
	}
	return new(control.ReadBy(r))
}

// none refuses a holder where a supervisor acts by force.
func (c *checker) none(field string, h fence.Holder) {
	if (h != fence.Holder{}) {
		c.fail(problem.Invalid, field, "given", "none, where a supervisor acts by force")
	}
}

func (cmd SignOn) apply(c *change) Result {
	p := c.m.control.SignOn(control.Version(c.at), cmd.By, cmd.Owner, cmd.LeaseMs, c.control)
	return c.positioned(cmd.By.Position, p)
}

func (cmd KeepPosition) apply(c *change) Result {
	return c.positioned(cmd.By.Position, c.m.control.Keep(cmd.By))
}

func (cmd SignOff) apply(c *change) Result {
	if cmd.Force {
		return Result{Problem: c.m.control.End(control.Version(c.at), cmd.By.Position, c.control)}
	}
	return Result{Problem: c.m.control.SignOff(control.Version(c.at), cmd.By, cmd.Leave, c.control)}
}

// positioned is the result of a command that leaves a position with its console.
func (c *change) positioned(id string, refusal *problem.Error) Result {
	if refusal != nil {
		return Result{Problem: refusal}
	}
	p, _ := c.m.state.control.Position(id)
	return Result{Position: &p}
}
