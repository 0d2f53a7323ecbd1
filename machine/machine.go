// Package machine says what a replicated machine is: the one interface between the log and what it means.
// It is quiet and replicated: types only.
//
// A machine is deterministic and has no I/O. Every replica gives it the same entries in the same order, so every replica's
// results, events, roots and snapshot bytes are equal. It is total: any bytes give a result, never a panic.
//
// A machine of one's own is the first of five words: machine, group, session, view, lease. examples/counter is the smallest one,
// examples/kv one with a tree, whose roots cost nothing; package server runs it. What changes a machine is only Apply and Advance: a time
// comes from At, never from a clock, and chance from nowhere. Keep maps for looking up and never range over one. Read on in package
// consensus: a group is the log that feeds it.
package machine

import (
	"iter"

	"onevoice/view"
)

// At is the place of a command in its group's log.
type At struct {
	Group uint32
	Index uint64
	// Sub counts the commands of one entry from 0.
	Sub uint32
	// Version is the machine version, from 1: replicated state of the group, raised at one index. Whatever a machine does in
	// another way than the build before it, and whatever it newly accepts, it decides by Version and never by the build that it
	// is part of. Apply sees it too late for Root: a machine whose chunks or answers depend on it keeps it.
	Version uint32
	// Epoch is the one under which the entry was proposed, which is the group's.
	Epoch view.Epoch
	// LogTimeNs is stamped into the entry by the leader, nanoseconds UTC, and never goes back in one group.
	LogTimeNs int64
}

// Emit hands out one event, encoded by the machine. Events of one entry keep their order; the position of the n-th event of
// an entry (from 0) is index.n. The bytes belong to the callee.
type Emit func(event []byte)

// Machine is a replicated state machine. One goroutine calls it, in log order.
type Machine interface {
	// Advance is called once for every entry, before its commands, with at.Sub 0: what falls due by at.LogTimeNs happens here,
	// a bounded amount at a time.
	Advance(at At, emit Emit)
	// Apply runs one command. The result is kept for retries, so it is small; a refusal is a result too.
	Apply(at At, op []byte, emit Emit) []byte
	// DueNs is the log time at which Advance next has something to do, 0 where nothing is due. It lets the leader stamp an
	// entry in time.
	DueNs() int64
	// Root is the state after the last Apply or Advance: immutable, made in constant time.
	Root() Root
	// Load adds one chunk of a snapshot, in order, to a new machine; Loaded ends them. After an error the machine is thrown away.
	Load(chunk []byte) error
	// Loaded checks the whole and makes the machine ready.
	Loaded() error
}

// Root is an immutable state. Any goroutine may call it.
type Root interface {
	// Query answers an encoded question, a pure function of the root and the question. It is total.
	Query(op []byte) []byte
	// Chunks is the state in the project's fixed encoding, sorted, in chunks of at most 256 KiB (one record may make one chunk
	// larger, up to 1 MiB). Equal states give equal chunks, on every replica and build.
	// A chunk may lie in memory that is used again for the next one: who keeps it makes a copy.
	Chunks() iter.Seq[[]byte]
}
