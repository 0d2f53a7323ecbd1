package oracle

import (
	"slices"

	"onevoice/crowd"
	"onevoice/lease"
	"onevoice/machine"
	"onevoice/members"
	"onevoice/problem"
	"onevoice/view"
)

// Machine is the replicated machine. It implements machine.Machine.
type Machine struct {
	members *members.Machine
	leases  *lease.Machine
	crowd   *crowd.Machine
	state   *State // replaced at each change, never changed
	loading *loading
}

var _ machine.Machine = (*Machine)(nil)

// New is the machine at the beginning of a cluster; see members.New.
func New(g members.Genesis) *Machine {
	m := &Machine{members: members.New(g), leases: lease.New(), crowd: crowd.New()}
	m.state = &State{State: m.membership(), leases: m.leases.State(), crowd: m.crowd.State()}
	return m
}

func (m *Machine) membership() *members.State { return m.members.Root().(*members.State) }

// Advance lets membership, locks and crowd do what is due, and decides again where that is.
func (m *Machine) Advance(at machine.At, emit machine.Emit) {
	m.leases.Advance(at, emit)
	m.crowd.Advance(at, emit)
	before := m.membership()
	m.members.Advance(at, emit)
	if m.membership() == before && (m.state.dueNs == 0 || m.state.dueNs > at.LogTimeNs) {
		return
	}
	m.turn(at, m.state.observed, emit, nil)
}

// DueNs is the log time at which Advance next has something to do, 0 for never.
func (m *Machine) DueNs() int64 {
	due := int64(0)
	for _, at := range []int64{m.members.DueNs(), m.leases.DueNs(), m.crowd.DueNs(), m.state.dueNs} {
		if at != 0 && (due == 0 || at < due) {
			due = at
		}
	}
	return due
}

// Apply runs one command: an observation, whose result is empty or a problem, a fence, or one of package members, lease or crowd.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	switch {
	case lease.Ours(op):
		return m.leases.Apply(at, op, emit)
	case crowd.Ours(op):
		return m.crowd.Apply(at, op, emit)
	}
	kind := byte(0)
	if len(op) >= 2 && op[0] == formatVersion {
		kind = op[1]
	}
	switch kind {
	case kindObservation:
		o, err := Decode(op)
		if err != nil {
			return refused("observe", "the observation does not parse")
		}
		m.turn(at, o, emit, nil)
		return nil
	case kindFence:
		f, err := decodeFence(op)
		if err != nil {
			return refused("fence", "the command does not parse")
		}
		var why *problem.Error
		m.turn(at, m.state.observed, emit, func(t *turn) { why = t.fence(f) })
		return members.Result{Problem: why, Change: m.state.Change()}.Encode()
	}
	result := m.members.Apply(at, op, emit)
	m.turn(at, m.state.observed, emit, nil)
	return result
}

func refused(op, detail string) []byte {
	return members.Result{Problem: &problem.Error{Kind: problem.Invalid, Op: op, Detail: detail}}.Encode()
}

// turn decides by an observation, and by a command where there is one, and tells of the view where there is a new one.
func (m *Machine) turn(at machine.At, o Observation, emit machine.Emit, command func(*turn)) {
	next := *m.state
	next.State, next.observed = m.membership(), o
	t := &turn{State: &next, nowNs: at.LogTimeNs, place: at.Index<<16 | uint64(at.Sub)}
	t.next = view.View{BoundNs: t.view.BoundNs, Processes: slices.Clone(t.view.Processes), Leads: slices.Clone(t.view.Leads)}
	if command != nil {
		command(t)
	}
	t.decide()
	if t.change {
		emit(Event{View: t.view}.encode())
	}
	m.state = &next
}

// Root is the state now.
func (m *Machine) Root() machine.Root {
	if leases, crowd := m.leases.State(), m.crowd.State(); leases != m.state.leases || crowd != m.state.crowd {
		next := *m.state
		next.leases, next.crowd = leases, crowd
		m.state = &next
	}
	return m.state
}
