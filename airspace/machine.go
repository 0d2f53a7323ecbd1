package airspace

import (
	"fmt"

	"github.com/tidwall/btree"

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
	// ends holds every flight by its end.
	ends *btree.BTreeG[end]
	// free are the numbers of flights that are gone; those from numbers.Len()+len(free) on were never used.
	free []uint32
	// sectorsMade is the number of the last new sector.
	sectorsMade uint64
	load        loader
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
	return &Machine{state: newState(serviceNs, rateMilli), ends: btree.NewBTreeGOptions(end.before, btree.Options{NoLocks: true})}
}

// Root implements machine.Machine; it is a *State.
func (m *Machine) Root() machine.Root { return m.State() }

// State is the state after the last Apply or Advance.
func (m *Machine) State() *State {
	if m.root == nil {
		m.root = m.state.copy()
	}
	return m.root
}

// Apply implements machine.Machine: it runs an encoded Command and gives an encoded Result. It takes the time from the last
// Advance. A command that is refused changes nothing and emits nothing.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	res := m.run(Version{at.Index, at.Sub}, op, emit)
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
	if p, current := m.hold(cmd); p != nil {
		return Result{Problem: p, Current: current}
	}
	do := change{m: m, at: at, emit: emit}
	var res Result
	switch cmd := cmd.(type) {
	case PutSector:
		res = do.putSector(cmd)
	case RemoveSector:
		res = do.removeSector(cmd)
	case PutFlight:
		res = do.putFlight(cmd)
	case CancelFlight:
		do.cancelFlight(cmd)
	case SetService:
		res = do.setService(cmd)
	case SetRules:
		res = do.setRules(cmd)
	}
	if res.Problem == nil {
		m.root = nil
		res.Version = at
	}
	return res
}

// hold holds a command's precondition against what is there.
func (m *Machine) hold(cmd Command) (*problem.Error, *Version) {
	id, current, mustExist := m.subject(cmd)
	if p := cmd.precondition().check(opName(cmd), id, current); p != nil {
		return p, current
	}
	if mustExist && current == nil {
		return &problem.Error{Kind: problem.NotFound, Op: opName(cmd), Subject: id, Detail: "there is none"}, nil
	}
	return nil, nil
}

// subject gives what a command is about, in which version it is there (nil: not), and whether it must be.
func (m *Machine) subject(cmd Command) (id string, current *Version, mustExist bool) {
	switch cmd := cmd.(type) {
	case PutSector:
		id = cmd.Sector.ID
		return id, m.sectorVersion(id), false
	case RemoveSector:
		return cmd.ID, m.sectorVersion(cmd.ID), true
	case PutFlight:
		id = cmd.Flight.ID
		return id, m.flightVersion(id), false
	case CancelFlight:
		return cmd.ID, m.flightVersion(cmd.ID), true
	}
	return "", new(m.state.settings.Version), true
}

func (m *Machine) sectorVersion(id string) *Version {
	if s, ok := m.state.sectors.Get(id); ok {
		return new(s.Version)
	}
	return nil
}

func (m *Machine) flightVersion(id string) *Version {
	if f := m.state.flight(id); f != nil {
		return new(f.Version)
	}
	return nil
}

// emit hands out an event with the service time of its entry.
func (m *Machine) emit(emit machine.Emit, e Event) {
	e.ServiceNs = m.state.clock.nowNs
	emit(encodeEvent(&e))
}

// change is one command that takes effect, if nothing that it finds refuses it.
type change struct {
	m    *Machine
	at   Version
	emit machine.Emit
}

func (c *change) event(e Event) { c.m.emit(c.emit, e) }

func refused(op, subject, detail string) Result {
	return Result{Problem: &problem.Error{Kind: problem.Refused, Op: op, Subject: subject, Detail: detail}}
}

func full(op, subject string, most int) Result {
	return Result{Problem: &problem.Error{Kind: problem.Overloaded, Op: op, Subject: subject, Detail: fmt.Sprintf("%d are held, which is as many as there may be", most)}}
}
