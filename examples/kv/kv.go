// Package kv is an example of a machine of one's own: keys with values, replicated, in under 100 lines.
// It is quiet and replicated. Package server runs it, as it runs any machine; any onevoice client writes to it and reads from it.
package kv

import (
	"iter"

	"github.com/tidwall/btree"

	"onevoice/codec"
	"onevoice/machine"
)

// MaxKeyBytes and MaxValueBytes bound one pair; a command beyond them is refused.
const (
	MaxKeyBytes   = 256
	MaxValueBytes = 64 << 10
)

// chunkBytes is the size from which a snapshot chunk is closed.
const chunkBytes = 128 << 10

// Machine implements machine.Machine.
type Machine struct{ pairs *btree.Map[string, string] }

// New is the empty machine. Its tree has small nodes, since after each root a change copies those on its way.
func New() *Machine { return &Machine{btree.NewMap[string, string](8)} }

// root is an immutable state of the pairs, a machine.Root.
type root struct{ pairs *btree.Map[string, string] }

// Put encodes the command that gives key a value; an empty value removes the key. Its result is 1, or 0 for bad input.
func Put(key, value string) []byte {
	w := codec.Writer{B: make([]byte, 0, len(key)+len(value)+8)}
	w.String(key)
	w.String(value)
	return w.B
}

// Advance does nothing: no pair falls due.
func (m *Machine) Advance(machine.At, machine.Emit) {}

// DueNs is 0 for the same reason.
func (m *Machine) DueNs() int64 { return 0 }

// Apply runs a Put; its event is the command, for those who watch.
func (m *Machine) Apply(_ machine.At, op []byte, emit machine.Emit) []byte {
	r := codec.NewReader(op)
	key, value := r.String(MaxKeyBytes), r.String(MaxValueBytes)
	if r.Finish() != nil || key == "" {
		return []byte{0}
	}
	if value == "" {
		m.pairs.Delete(key)
	} else {
		m.pairs.Set(key, value)
	}
	emit(op)
	return []byte{1}
}

// Root is the state now.
func (m *Machine) Root() machine.Root { return root{m.pairs.Copy()} }

// Query takes a key and gives its value, empty where it has none.
func (r root) Query(op []byte) []byte {
	value, _ := r.pairs.Get(string(op))
	return []byte(value)
}

// Chunks is the state, sorted by key.
func (r root) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var w codec.Writer
		going := true
		r.pairs.Scan(func(key, value string) bool {
			w.String(key)
			w.String(value)
			if len(w.B) >= chunkBytes {
				going = yield(w.B)
				w = codec.Writer{}
			}
			return going
		})
		if going && len(w.B) > 0 {
			yield(w.B)
		}
	}
}

// Load adds a chunk.
func (m *Machine) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	for r.Len() > 0 && r.Err() == nil {
		m.pairs.Set(r.String(MaxKeyBytes), r.String(MaxValueBytes))
	}
	return r.Finish()
}

// Loaded ends the chunks.
func (m *Machine) Loaded() error { return nil }
