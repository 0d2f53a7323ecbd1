// Package toy is a small replicated machine for the laboratory: named registers of integers.
// It is quiet and replicated.
//
// It has what makes judging easy: compare-and-set and add show a command applied twice or lost, every change is an event
// that names its command, and registers with a time to live vanish by log time.
package toy

import (
	"cmp"
	"iter"

	"github.com/tidwall/btree"

	"onevoice/machine"
)

// Limits of the machine.
const (
	// MaxKeyBytes bounds a register's name.
	MaxKeyBytes = 64
	// MaxRegisters bounds the state; a command that would make one more is refused.
	MaxRegisters = 100_000
	// MaxExpiries bounds what one entry expires; the next entry goes on.
	MaxExpiries = 1_000
	// MaxTTLNs bounds a time to live: one day.
	MaxTTLNs = 86_400_000_000_000
	// chunkBytes is the size from which a snapshot chunk is closed.
	chunkBytes = 16 << 10
	// MaxVersion is the highest machine version that this machine knows: from version 2 on a time to live ends with a whole
	// millisecond of log time. It stands for any change of behaviour between two builds: plain in state, events and answers.
	MaxVersion = 2
	// wholeNs is that millisecond.
	wholeNs = 1_000_000
)

// register is one value. dueNs is 0 where it stays for ever.
type register struct {
	value int64
	dueNs int64
}

// State is an immutable state of the registers, a machine.Root.
type State struct {
	registers *btree.Map[string, register]
}

// Machine is the replicated machine. It implements machine.Machine.
type Machine struct {
	registers btree.Map[string, register]
	due       *btree.BTreeG[expiry]
	lastKey   string // newest register loaded, for the order of chunks
}

// expiry orders registers by when they vanish.
type expiry struct {
	dueNs int64
	key   string
}

// New is the empty machine.
func New() *Machine { return &Machine{due: newDue()} }

func newDue() *btree.BTreeG[expiry] {
	return btree.NewBTreeGOptions(func(a, b expiry) bool {
		return cmp.Or(cmp.Compare(a.dueNs, b.dueNs), cmp.Compare(a.key, b.key)) < 0
	}, btree.Options{NoLocks: true})
}

// Advance removes the registers whose time has come, at most MaxExpiries.
func (m *Machine) Advance(at machine.At, emit machine.Emit) {
	for range MaxExpiries {
		first, ok := m.due.Min()
		if !ok || first.dueNs > at.LogTimeNs {
			return
		}
		m.remove(first.key)
		emit(Event{Kind: Expired, Key: first.key}.encode())
	}
}

// Apply runs one command; its result is a Result, encoded.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	c, err := DecodeCommand(op)
	if err != nil {
		return Result{Code: Malformed}.encode()
	}
	was, found := m.registers.Get(c.Key)
	result := Result{Code: Done, Found: found, Value: was.value}
	next, change := c.on(was, found, at)
	switch {
	case c.Kind == Get:
	case !change:
		result.Code = Unequal
	case !found && m.registers.Len() >= MaxRegisters:
		result.Code = Full
	default:
		m.remove(c.Key)
		m.put(c.Key, next)
		result.Value = next.value
		result.Found = true
		emit(Event{Kind: Changed, ID: c.ID, Key: c.Key, Value: next.value}.encode())
	}
	return result.encode()
}

// on says what the command makes of a register, and whether it changes it.
func (c *Command) on(was register, found bool, at machine.At) (register, bool) {
	switch c.Kind {
	case Set:
		return register{value: c.Value}, true
	case CompareAndSet:
		return register{value: c.Value}, found && was.value == c.Old
	case Add:
		return register{value: was.value + c.Value}, true
	case SetFor:
		due := at.LogTimeNs + c.TTLNs
		if at.Version >= 2 {
			due += wholeNs - 1 - (due-1)%wholeNs
		}
		return register{value: c.Value, dueNs: due}, true
	}
	return was, false
}

func (m *Machine) put(key string, r register) {
	m.registers.Set(key, r)
	if r.dueNs != 0 {
		m.due.Set(expiry{r.dueNs, key})
	}
}

func (m *Machine) remove(key string) {
	if was, ok := m.registers.Delete(key); ok && was.dueNs != 0 {
		m.due.Delete(expiry{was.dueNs, key})
	}
}

// DueNs is the log time at which the next register vanishes, 0 for none.
func (m *Machine) DueNs() int64 {
	first, _ := m.due.Min()
	return first.dueNs
}

// Root is the state now.
func (m *Machine) Root() machine.Root { return &State{registers: m.registers.Copy()} }

// Query answers an encoded Command of kind Get with a Result. An empty question gives an empty answer.
func (s *State) Query(op []byte) []byte {
	if len(op) == 0 {
		return nil
	}
	c, err := DecodeCommand(op)
	if err != nil || c.Kind != Get {
		return Result{Code: Malformed}.encode()
	}
	r, found := s.registers.Get(c.Key)
	return Result{Code: Done, Found: found, Value: r.value}.encode()
}

// Chunks is the state, sorted by name.
func (s *State) Chunks() iter.Seq[[]byte] { return chunksOf(s.registers) }
