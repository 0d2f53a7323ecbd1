// Package counter is an example of a machine of one's own: a number that many add to. It is quiet and replicated.
// Program run beside it makes a service of three servers of it, and asks them.
package counter

import (
	"iter"

	"onevoice/codec"
	"onevoice/machine"
)

// Machine implements machine.Machine.
type Machine struct{ total uint64 }

// New is the machine at the beginning.
func New() machine.Machine { return &Machine{} }

// Add is the command that adds n. Its result is the total then, which Total reads.
func Add(n uint64) []byte {
	var w codec.Writer
	w.U64(n)
	return w.B
}

// Get is the one question. An empty one would be answered without the machine.
func Get() []byte { return []byte("get") }

// Total reads a result, or the answer to a question; 0 where it is none.
func Total(result []byte) uint64 {
	r := codec.NewReader(result)
	return r.U64()
}

// Advance does nothing: time changes nothing here.
func (m *Machine) Advance(machine.At, machine.Emit) {}

// DueNs is 0 for the same reason.
func (m *Machine) DueNs() int64 { return 0 }

// Apply adds, on every server in the same order. What is no command adds nothing.
func (m *Machine) Apply(_ machine.At, op []byte, emit machine.Emit) []byte {
	r := codec.NewReader(op)
	if n := r.U64(); r.Finish() == nil {
		m.total += n
		emit(Add(m.total))
	}
	return Add(m.total)
}

// Root is the state now, which nothing changes any more.
func (m *Machine) Root() machine.Root { return root(m.total) }

// Load takes a snapshot, which has one chunk.
func (m *Machine) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	m.total = r.U64()
	return r.Finish()
}

// Loaded ends a snapshot.
func (m *Machine) Loaded() error { return nil }

type root uint64

// Query answers with the total, whatever is asked.
func (r root) Query([]byte) []byte { return Add(uint64(r)) }

// Chunks are the state as a snapshot holds it.
func (r root) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { yield(Add(uint64(r))) }
}
