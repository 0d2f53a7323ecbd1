package airspace

import (
	"fmt"

	"github.com/tidwall/btree"

	"onevoice/airspace/control"
	"onevoice/machine"
	"onevoice/problem"
)

// Machine is the replicated airspace. One goroutine calls it, in log order.
type Machine struct {
	state State
	// root is the copy of state that was handed out, nil when state has changed since.
	root *State
	// ground is nil when the sectors have changed since it was made.
	ground *ground
	finder finder
	// countLeft is how many visits the entry may still count.
	countLeft int
	// outline is that of the last flight put, whose memory is used again.
	outline outline
	tracer  tracer
	steps   Steps
	// ends holds every flight by its end.
	ends *btree.BTreeG[end]
	// zoneEnds holds every zone by its end; checks are the zones that are being held against the flights, sizes how fast.
	zoneEnds *btree.BTreeG[end]
	checks   *btree.Set[string]
	sizes    checkSize
	// sectorsMade is the last number that a sector got.
	sectorsMade uint64
	// control changes state.control.
	control *control.Machine
	// changed says that the entry has changed something.
	changed bool
	load    loader
}

// end orders flights by when they are over.
type end struct {
	ns int64
	id string
}

func (e end) before(o end) bool { return e.ns < o.ns || e.ns == o.ns && e.id < o.id }

var _ machine.Machine = (*Machine)(nil)

// New makes an empty machine; service time begins with the log time of its first entry, at real speed.
func New() *Machine { return NewAt(0, DefaultRateMilli) }

// NewAt makes an empty machine whose service time is serviceNs (0 to MaxServiceNs, else cut to it) at its first entry, and
// runs at rateMilli from there; 0 begins with log time. It is how a replay gets its own date: all voters of a new cluster
// begin with the same. A machine that is loaded from a snapshot goes on as that says.
func NewAt(serviceNs, rateMilli int64) *Machine {
	unlocked := btree.Options{NoLocks: true}
	m := &Machine{
		state: newState(serviceNs, rateMilli), finder: finder{most: MaxConflictSteps}, control: control.New(), steps: DefaultSteps(),
		ends: btree.NewBTreeGOptions(end.before, unlocked), zoneEnds: btree.NewBTreeGOptions(end.before, unlocked),
		sizes: newCheckSize(), checks: new(btree.Set[string]),
	}
	m.state.control = m.control.Board()
	return m
}

// Root implements machine.Machine; it is a *State.
func (m *Machine) Root() machine.Root { return m.State() }

// State is the state after the last Apply or Advance.
func (m *Machine) State() *State {
	if m.root == nil {
		m.seal()
		m.root = m.state.copy()
	}
	return m.root
}

// Apply implements machine.Machine: it runs an encoded Command and gives an encoded Result. It takes the time from the last
// Advance. A command that is refused changes nothing and emits nothing.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	res := m.run(Version{at.Index, at.Sub}, op, emit)
	if res.Problem == nil {
		m.countStale(told{m, Version{at.Index, at.Sub}, emit})
	}
	evolve(at.Version, &res)
	res.ServiceNs = m.state.clock.nowNs
	return encodeResult(&res)
}

func (m *Machine) run(at Version, op []byte, emit machine.Emit) Result {
	cmd, err := Decode(op)
	if err != nil {
		return Result{Problem: &problem.Error{
			Kind: problem.Invalid, Op: "apply command", Field: "command", Value: fmt.Sprintf("%d bytes", len(op)),
			Allowed: fmt.Sprintf("an airspace command of format %d", Format),
		}}
	}
	if p := Validate(cmd); p != nil {
		return Result{Problem: p}
	}
	do := change{m: m, at: at, emit: emit, work: new(int)}
	res := do.run(cmd)
	if res.Problem == nil {
		m.root = nil
	}
	return res
}

// run applies a command that is valid in itself.
func (c *change) run(cmd Command) Result {
	cmd.find(c)
	if p := cmd.precondition().check(cmd.Op(), c.subject, c.current); p != nil {
		return Result{Problem: p, Current: c.current}
	}
	res := cmd.apply(c)
	if res.Problem == nil {
		res.Version = c.at
	}
	return res
}

// emit hands out an event with the service time of its entry.
func (m *Machine) emit(emit machine.Emit, e Event) {
	m.changed = true
	e.ServiceNs = m.state.clock.nowNs
	emit(encodeEvent(&e))
}
