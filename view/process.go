package view

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"onevoice/codec"
)

// PID names one incarnation of one server.
type PID struct {
	Server uint64
	// Incarnation is the place in the oracle's log of what admitted it: index<<24 | command<<8 | row. It is never used again.
	Incarnation uint64
}

// Standing is what the cluster has decided about a process.
type Standing uint8

// The standings. The numbers are part of the format.
const (
	// Joining: admitted, and not yet heard by a majority for long enough.
	Joining Standing = 1
	// Up: it may lead and serve.
	Up Standing = 2
	// Degraded: reported, but without it no majority would be up; it is obeyed as one that is up, and shall not lead.
	Degraded Standing = 3
	// Down is final for the incarnation.
	Down Standing = 4
	// Leaving: up, and by its own word about to end; it shall not lead.
	Leaving Standing = 5
)

// String is the standing's word in tables and JSON.
func (s Standing) String() string {
	switch s {
	case Joining:
		return "joining"
	case Up:
		return "up"
	case Degraded:
		return "degraded"
	case Down:
		return "down"
	case Leaving:
		return "leaving"
	}
	return "unknown"
}

// Process is one server's newest incarnation.
type Process struct {
	PID
	// Boot is the start of the server's disk that this incarnation is.
	Boot     uint64
	Standing Standing
	// Since is the view that gave it this standing.
	Since Number
	// Why says what it was reported for, where it is Down or Degraded.
	Why Evidence
}

// Lead is who leads a group: the newest that the oracle was told of.
type Lead struct {
	Group  uint32
	Term   uint64 // raft's
	Server uint64
}

// View is one agreed picture of who is up. Views are numbered without gaps and chained by their hashes: equal numbers of one cluster
// with unequal hashes prove two voices. It is never changed.
type View struct {
	Number Number
	// Hash is the SHA-256 of the hash before it and of all that the view holds, in the project's encoding.
	Hash [32]byte
	// BoundNs is how long a server may be silent before it is suspected, in nanoseconds.
	BoundNs   int64
	Processes []Process // by server
	Leads     []Lead    // by group
}

// Bounds of a view's lists.
const (
	MaxProcesses = 64
	MaxLeads     = 64
)

// Process finds a server's newest incarnation.
func (v *View) Process(server uint64) (Process, bool) {
	i, found := slices.BinarySearchFunc(v.Processes, server, func(p Process, s uint64) int { return cmp.Compare(p.Server, s) })
	if !found {
		return Process{}, false
	}
	return v.Processes[i], true
}

// Chain is the hash of a view that follows one with hash before.
func (v *View) Chain(before [32]byte) [32]byte {
	w := codec.Writer{B: slices.Clone(before[:])}
	v.body(&w)
	return sha256.Sum256(w.B)
}

func (v *View) body(w *codec.Writer) {
	w.U64(uint64(v.Number))
	w.I64(v.BoundNs)
	w.Uvarint(uint64(len(v.Processes)))
	for _, p := range v.Processes {
		w.U64(p.Server)
		w.U64(p.Incarnation)
		w.U64(p.Boot)
		w.U8(uint8(p.Standing))
		w.U64(uint64(p.Since))
		w.U8(uint8(p.Why))
	}
	w.Uvarint(uint64(len(v.Leads)))
	for _, l := range v.Leads {
		w.U32(l.Group)
		w.U64(l.Term)
		w.U64(l.Server)
	}
}

// Append writes v.
func (v *View) Append(w *codec.Writer) {
	w.Raw(v.Hash[:])
	v.body(w)
}

// ReadView takes a view written by Append. It does not know the hash before it, so it cannot check the chain.
func ReadView(r *codec.Reader) View {
	v := View{}
	copy(v.Hash[:], r.Raw(len(v.Hash)))
	v.Number, v.BoundNs = Number(r.U64()), r.I64()
	server := uint64(0)
	for range r.Count(MaxProcesses, 34) {
		p := Process{PID: PID{r.U64(), r.U64()}, Boot: r.U64(), Standing: Standing(r.U8()), Since: Number(r.U64()), Why: Evidence(r.U8())}
		if p.Server <= server || p.Standing < Joining || p.Standing > Leaving || p.Why > LastEvidence {
			r.Fail()
		}
		server = p.Server
		v.Processes = append(v.Processes, p)
	}
	for range r.Count(MaxLeads, 20) {
		v.Leads = append(v.Leads, Lead{Group: r.U32(), Term: r.U64(), Server: r.U64()})
	}
	return v
}
