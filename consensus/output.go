package consensus

import (
	"onevoice/chain"
	"onevoice/machine"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// PeerFrame is one complete frame, header included, for a voter.
type PeerFrame struct {
	To    uint64
	Frame []byte
}

// Reply answers a command, a barrier, or a query that was refused.
type Reply struct {
	To step.Address
	wire.Reply
}

// Eval is a query that has passed its barrier: the answer is Root.Query(Op), as of At.
type Eval struct {
	To      step.Address
	Request uint64
	Root    machine.Root
	Op      []byte
	At      Published
}

// Applied is one applied index. Indices come in order without gaps, except that one with Installed set is where the state
// jumped to by a snapshot of the leader; the entries below it are not listed.
type Applied struct {
	Index     uint64
	Epoch     view.Epoch
	Hash      [32]byte
	Digest    chain.Digest // with the events it leads from the hash before to Hash; zero where Installed is set
	LogTimeNs int64
	// By is the start of the server that has proposed it, zero where it had no effect; View the newest that the group obeys from it on.
	By   view.Start
	View view.Number
	// Events of the machine, in order. Nil where there were none, and always where Installed is set.
	Events    [][]byte
	Installed bool
}

// Published is the state at one applied index: a value, safe to hand to any goroutine.
type Published struct {
	Group     uint32
	Index     uint64
	Epoch     view.Epoch
	Hash      [32]byte
	LogTimeNs int64
	Version   uint32 // of the machine
	Root      machine.Root
}

// Output is what a group wants done. Flush adds to it; Reset empties it and keeps its memory. Order between the lists
// does not matter, order within Writes does. Tokens are the group's own.
type Output struct {
	Peer    []PeerFrame
	Replies []Reply
	Evals   []Eval
	Writes  []step.Write
	Reads   []step.Read
	Saves   []step.Save
	Applied []Applied
	// Facts by name, and what their Value is: leader, stepped-down, campaign (term), epoch, lead-applied (view), fenced, entry-skipped
	// (index), session-expired (session), snapshot-saving, -saved, -sent, -offered, -abandoned, -installed (index of the
	// snapshot), disk-stalled (token), dropped-frame (sender), raft-warning, raft-error (term), member-proposed, -added, -promoted,
	// -removed, -refused, hand-over (server), members-as-wished (0), removed (index), version-proposed, -raised (version).
	Facts []step.Fact
	// Again says that entries wait to be applied that were left to the next Flush: see Limits.ApplyBytes.
	Again bool
	// Halt, when not nil, is a broken invariant with its evidence. Nothing else in such an Output may be used, except Facts.
	Halt error
}

// Reset empties o and keeps its memory.
func (o *Output) Reset() {
	clear(o.Peer)
	clear(o.Replies)
	clear(o.Evals)
	clear(o.Writes)
	clear(o.Reads)
	clear(o.Saves)
	clear(o.Applied)
	clear(o.Facts)
	o.Peer, o.Replies, o.Evals = o.Peer[:0], o.Replies[:0], o.Evals[:0]
	o.Writes, o.Reads, o.Saves = o.Writes[:0], o.Reads[:0], o.Saves[:0]
	o.Applied, o.Facts, o.Again, o.Halt = o.Applied[:0], o.Facts[:0], false, nil
}

// take moves what p holds to the end of o and empties p.
func (o *Output) take(p *Output) {
	o.Peer = append(o.Peer, p.Peer...)
	o.Replies = append(o.Replies, p.Replies...)
	o.Evals = append(o.Evals, p.Evals...)
	o.Writes = append(o.Writes, p.Writes...)
	o.Reads = append(o.Reads, p.Reads...)
	o.Saves = append(o.Saves, p.Saves...)
	o.Applied = append(o.Applied, p.Applied...)
	o.Facts = append(o.Facts, p.Facts...)
	p.Reset()
}
