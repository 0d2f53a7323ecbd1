package utm

import (
	"bytes"
	"cmp"

	"github.com/tidwall/btree"
)

// Machine changes a Register. One goroutine calls it, in log order.
type Machine struct {
	register Register
	// due holds when the record of each entity is removed.
	due  *btree.BTreeG[due]
	load loading
}

// due is ordered by kind after time, so that an intent goes before the subscription that it names.
type due struct {
	atNs int64
	kind Kind
	id   ID
}

func (d due) before(o due) bool {
	return cmp.Or(cmp.Compare(d.atNs, o.atNs), cmp.Compare(d.kind, o.kind), bytes.Compare(d.id[:], o.id[:])) < 0
}

func (e *Entity) due() due { return due{e.Extent.EndNs + RetainNs, e.Kind, e.ID} }

// Happening is what an event tells of an entity.
type Happening uint8

// The happenings. The numbers are part of the formats.
const (
	// Stored: it was created or changed.
	Stored Happening = 1
	// Deleted: its manager removed it, or it was an implicit subscription whose last intent went.
	Deleted Happening = 2
	// Expired: its record was removed, RetainNs after its end.
	Expired Happening = 3
)

// Emit hands out one event. The entity never changes.
type Emit func(Happening, *Entity)

// New is the machine without entities.
func New() *Machine {
	return &Machine{register: newRegister(), due: btree.NewBTreeGOptions(due.before, btree.Options{NoLocks: true})}
}

// Register is the register as it is now; who keeps it takes a Copy.
func (m *Machine) Register() *Register { return &m.register }

// Fork is a machine that goes on by itself from where this one stands.
func (m *Machine) Fork() *Machine { return &Machine{register: m.register.Copy(), due: m.due.Copy()} }

// Advance sets service time, which never goes back, and removes records that are due: at most MaxDue, and none after MaxDueCells cells.
func (m *Machine) Advance(at Position, nowNs int64, emit Emit) {
	m.register.nowNs = max(m.register.nowNs, nowNs)
	t := turn{m, at, emit}
	for n, cells := 0, 0; n < MaxDue && cells < MaxDueCells; n++ {
		next, ok := m.due.Min()
		if !ok || next.atNs > m.register.nowNs {
			return
		}
		p, _ := m.register.shelves[next.kind].get(next.id)
		cells += len(p.entity.Extent.Cells)
		t.remove(p.entity, Expired)
	}
}

// DueNs is the service time at which a record is removed next, 0 for none.
func (m *Machine) DueNs() int64 {
	next, ok := m.due.Min()
	if !ok {
		return 0
	}
	return next.atNs
}

// Apply does a command, whole or not at all, at the service time of the last Advance.
func (m *Machine) Apply(at Position, c Command, emit Emit) Result {
	t := turn{m, at, emit}
	switch c := c.(type) {
	case *Put:
		return t.put(c)
	case *Delete:
		return t.delete(c)
	case *SetAvailability:
		return t.setAvailability(c)
	}
	check := checker{op: "utm"}
	check.kind(0)
	return Result{Problem: check.found}
}

// turn is one command or entry at work.
type turn struct {
	*Machine
	at   Position
	emit Emit
}

// store gives an entity its place, instead of the one of before.
func (t turn) store(e *Entity, old *Entity, notified uint32) {
	e.Changed = t.at
	if old != nil {
		t.due.Delete(old.due())
	}
	t.enter(e, notified)
	if old != nil && old.Subscription != e.Subscription {
		t.release(old)
	}
	t.emit(Stored, e)
}

// enter puts an entity where it is found.
func (m *Machine) enter(e *Entity, notified uint32) {
	m.register.shelves[e.Kind].put(e, notified)
	m.due.Set(e.due())
	if (e.Subscription != ID{}) {
		m.register.dependents.Set(dependent{e.Subscription, e.ID})
	}
}

func (t turn) remove(e *Entity, why Happening) {
	t.register.shelves[e.Kind].remove(e)
	t.due.Delete(e.due())
	t.release(e)
	t.emit(why, e)
}

// release takes an intent from its subscription, which goes with its last one if it is implicit.
func (t turn) release(e *Entity) {
	if (e.Subscription == ID{}) {
		return
	}
	t.register.dependents.Delete(dependent{e.Subscription, e.ID})
	sub, ok := t.register.shelves[Subscription].get(e.Subscription)
	if ok && sub.entity.Implicit && t.register.dependentCount(e.Subscription, 1) == 0 {
		t.remove(sub.entity, Deleted)
	}
}
