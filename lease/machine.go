package lease

import (
	"cmp"

	"github.com/tidwall/btree"

	"onevoice/machine"
)

const (
	// maxDue bounds what one entry does of what is due; the rest comes with the next, which the leader stamps at once.
	maxDue = 256
	// gapNs is a silence of the log that is no quiet: while somebody leads there is an entry each second. Who could not be heard for
	// longer could not keep a lease either.
	gapNs = 3_000_000_000
)

// Machine is the replicated machine. It implements machine.Machine.
type Machine struct {
	state State
	ends  *btree.BTreeG[end] // what State.leases holds, by Lease.EndsNs
	root  *State             // a copy that nobody changes, nil where it has to be made
	load  *loading
}

var _ machine.Machine = (*Machine)(nil)

// end is when something is to be looked at. A lease that was given its time again is found too early, and put back.
type end struct {
	atNs int64
	name string
}

func (e end) before(o end) bool {
	return cmp.Or(cmp.Compare(e.atNs, o.atNs), cmp.Compare(e.name, o.name)) < 0
}

// New is the machine in which every name is free.
func New() *Machine {
	return &Machine{
		state: State{leases: btree.NewMap[string, *Lease](8)},
		ends:  btree.NewBTreeGOptions(end.before, btree.Options{NoLocks: true}),
	}
}

// Advance gives leases their time again where the group was away, and ends those that are due.
func (m *Machine) Advance(at machine.At, emit machine.Emit) {
	s := &m.state
	m.root = nil
	if at.Epoch != s.epoch || at.LogTimeNs-s.nowNs > gapNs {
		s.epoch, s.renewedNs = at.Epoch, at.LogTimeNs
	}
	s.nowNs = max(s.nowNs, at.LogTimeNs)
	for range maxDue {
		next, ok := m.ends.Min()
		if !ok || next.atNs > s.nowNs {
			return
		}
		m.settle(next.name, emit)
	}
}

// DueNs is the log time at which a lease may lapse or a lock-delay end next, 0 for none.
func (m *Machine) DueNs() int64 {
	next, ok := m.ends.Min()
	if !ok {
		return 0
	}
	return max(next.atNs, 1)
}

// settle does with a name what is due, and gives its lease; nil where it is free. What comes of a command does not depend on how much of
// what is due Advance has got through.
func (m *Machine) settle(name string, emit machine.Emit) *Lease {
	l, ok := m.state.leases.Get(name)
	if !ok || l.EndsNs > m.state.nowNs {
		return l
	}
	if l.Standing != Lapsed {
		next := *l
		if next.EndsNs = m.state.ends(l); next.EndsNs <= m.state.nowNs {
			next.Standing = Lapsed
			next.EndsNs += next.DelayMs * msNs
			emit((&Event{HasLapsed, next}).encode())
		}
		l = &next
		m.put(l)
	}
	if l.EndsNs > m.state.nowNs {
		return l
	}
	m.drop(l)
	emit((&Event{Freed, *l}).encode())
	return nil
}

// put gives a lease its place, instead of the one of before.
func (m *Machine) put(l *Lease) {
	if old, ok := m.state.leases.Set(l.Name, l); ok {
		m.ends.Delete(end{old.EndsNs, old.Name})
	}
	m.ends.Set(end{l.EndsNs, l.Name})
}

func (m *Machine) drop(l *Lease) {
	m.state.leases.Delete(l.Name)
	m.ends.Delete(end{l.EndsNs, l.Name})
}

// Root is the state now.
func (m *Machine) Root() machine.Root { return m.State() }

// State is the state now, the same pointer until something changes.
func (m *Machine) State() *State {
	if m.root == nil {
		copied := m.state
		copied.leases = m.state.leases.Copy()
		m.root = &copied
	}
	return m.root
}
