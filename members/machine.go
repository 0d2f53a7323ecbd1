package members

import (
	"iter"
	"slices"

	"onevoice/machine"
	"onevoice/problem"
)

// Machine is the replicated machine. It implements machine.Machine.
type Machine struct {
	state   *State // replaced at each change, never changed: it is the root
	loading *loading
}

var _ machine.Machine = (*Machine)(nil)

// New is the machine at the beginning of a cluster, whose first voters are change 1. An empty Genesis makes the machine of a server
// that joins: it knows nobody until it loads a snapshot.
func New(g Genesis) *Machine {
	s := &State{next: 1}
	for _, number := range g.Groups {
		s.groups = append(s.groups, Group{Number: number})
	}
	for _, v := range g.Servers {
		v.Wish, v.Change, v.Gone = Voter, 1, false
		s.servers = append(s.servers, v)
		s.change, s.next = 1, v.Number+1
	}
	return &Machine{state: s}
}

// Advance ends the invitations whose time has come.
func (m *Machine) Advance(at machine.At, emit machine.Emit) {
	if due := m.DueNs(); due == 0 || due > at.LogTimeNs {
		return
	}
	s := m.begin()
	s.invitations = slices.DeleteFunc(slices.Clone(s.invitations), func(i Invitation) bool {
		if i.ExpiresNs > at.LogTimeNs {
			return false
		}
		emit(Event{InvitationChanged, i.ID, s.change}.encode())
		return true
	})
	m.state = s
}

// DueNs is the log time at which the next invitation ends, 0 for none.
func (m *Machine) DueNs() int64 {
	due := int64(0)
	for _, i := range m.state.invitations {
		if due == 0 || i.ExpiresNs < due {
			due = i.ExpiresNs
		}
	}
	return due
}

// begin is a copy of the state to change. Its slices are shared: whoever changes one clones it first.
func (m *Machine) begin() *State {
	s := *m.state
	return &s
}

// Apply runs one command; its result is a Result, encoded.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	c, err := Decode(op)
	if err != nil {
		return Result{Problem: &problem.Error{Kind: problem.Invalid, Op: "members", Detail: "the command does not parse"}}.Encode()
	}
	s := m.begin()
	t := &turn{State: s, at: at}
	number, refused := t.run(c)
	if refused != nil {
		return Result{Problem: refused}.Encode()
	}
	for _, e := range t.events {
		emit(e.encode())
	}
	m.state = s
	return Result{Number: number, Change: s.change}.Encode()
}

// Root is the state now.
func (m *Machine) Root() machine.Root { return m.state }

// Chunks is the state in its fixed encoding.
func (s *State) Chunks() iter.Seq[[]byte] { return s.chunks() }
