package wire

import (
	"encoding/binary"

	"onevoice/codec"
	"onevoice/view"
)

// MaxCommandBytes bounds the operation in a Command and the question in a Query.
const MaxCommandBytes = 2 << 20

// MaxResultBytes bounds what a Reply carries.
const MaxResultBytes = 4 << 20

// Key is the optional idempotency key of a Command: the same Name with the same Body gives the same result from any
// server for ten minutes of log time; with another Body it is refused as problem.KeyReused. Both are SHA-256 sums made at
// the rim: Name over subject, method, path and key; Body over the request's body and preconditions.
type Key struct {
	Name [32]byte
	Body [32]byte
}

// Command asks for one operation, exactly once. A client that has no session yet sends Session 0 with Seq 0 and an empty
// Op, which opens one: the result is its number (uint64).
type Command struct {
	Request uint64 // chosen by the client, comes back in the Reply; a retry may carry a new one
	Session uint64
	Seq     uint64 // from 1, within a window above Acked
	Acked   uint64 // every reply up to this Seq has been received
	Key     *Key
	Op      []byte
}

// Query asks a question of the state, answered no older than the moment it arrived. An empty Op is a barrier: the Reply
// says only at which index the server stands.
type Query struct {
	Request uint64
	Op      []byte
}

// Status says how a request ended.
type Status uint8

// The statuses. The numbers are part of the format; never reuse one.
const (
	// OK: Result is the machine's result, or the answer to a query.
	OK Status = 1
	// NotLeader: this server does not lead; Leader names who may (0: unknown). The command may have been applied or not: retry
	// under the same (session, seq).
	NotLeader Status = 2
	// Overloaded: a queue is full; nothing was done. Retry later, under the same (session, seq).
	Overloaded Status = 3
	// NoSession: the session is unknown or expired; nothing was done by this attempt, an earlier one may have been applied.
	NoSession Status = 4
	// AlreadyAcked: the reply of this seq was acknowledged and is gone.
	AlreadyAcked Status = 5
	// OutOfWindow: the seq lies too far above Acked; nothing was done.
	OutOfWindow Status = 6
	// Fenced: proposed under an epoch that is not the group's; nothing was done. Retry under the same (session, seq).
	Fenced Status = 7
	// KeyReused: the idempotency key came before with another body; nothing was done.
	KeyReused Status = 8
	// NoVoice: this server could not prove in time that it is current.
	NoVoice Status = 9
	// TooLarge: over MaxCommandBytes, or the result over MaxResultBytes.
	TooLarge Status = 10
	// Malformed: the request does not parse.
	Malformed Status = 11
	// SeqReused: the seq came before with another operation; nothing was done.
	SeqReused Status = 12
	// Forbidden: the subject of the connection may not do this; nothing was done by this attempt.
	Forbidden Status = 13
)

// Reply answers a Command or Query. For a Command, Index and Sub say where it was applied (again, on a retry) and Hash is
// the chain hash after that entry where the server still holds it; for a Query they say as of which index it is answered.
type Reply struct {
	Request   uint64
	Status    Status
	Server    uint64 // who answers
	Leader    uint64 // who leads, as far as the server knows; 0 unknown
	Index     uint64
	Sub       uint32
	Hash      [32]byte
	LogTimeNs int64
	Result    []byte
}

// commandBytes is the most that a Command takes beside its header and Op: four numbers, the key, and the length of Op.
const commandBytes = 4*8 + 1 + 64 + binary.MaxVarintLen32

// Encode returns the whole frame.
func (c *Command) Encode(group uint32, epoch view.Epoch) []byte {
	w := codec.Writer{B: make([]byte, 0, HeaderBytes+commandBytes+len(c.Op))}
	Header{KindCommand, group, epoch}.Append(&w)
	w.U64(c.Request)
	w.U64(c.Session)
	w.U64(c.Seq)
	w.U64(c.Acked)
	w.Bool(c.Key != nil)
	if c.Key != nil {
		w.Raw(c.Key.Name[:])
		w.Raw(c.Key.Body[:])
	}
	w.Bytes(c.Op)
	return w.B
}

// ReadCommand takes the body of a Command; Op aliases the frame.
func ReadCommand(r *codec.Reader) (Command, error) {
	c := Command{Request: r.U64(), Session: r.U64(), Seq: r.U64(), Acked: r.U64()}
	if r.Bool() {
		c.Key = new(Key)
		copy(c.Key.Name[:], r.Raw(32))
		copy(c.Key.Body[:], r.Raw(32))
	}
	c.Op = r.Bytes(MaxCommandBytes)
	return c, r.Finish()
}

// Encode returns the whole frame.
func (q *Query) Encode(group uint32, epoch view.Epoch) []byte {
	w := codec.Writer{B: make([]byte, 0, HeaderBytes+16+len(q.Op))}
	Header{KindQuery, group, epoch}.Append(&w)
	w.U64(q.Request)
	w.Bytes(q.Op)
	return w.B
}

// ReadQuery takes the body of a Query; Op aliases the frame.
func ReadQuery(r *codec.Reader) (Query, error) {
	q := Query{Request: r.U64(), Op: r.Bytes(MaxCommandBytes)}
	return q, r.Finish()
}

// Encode returns the whole frame.
func (p *Reply) Encode(group uint32, epoch view.Epoch) []byte {
	w := codec.Writer{B: make([]byte, 0, HeaderBytes+96+len(p.Result))}
	Header{KindReply, group, epoch}.Append(&w)
	w.U64(p.Request)
	w.U8(uint8(p.Status))
	w.U64(p.Server)
	w.U64(p.Leader)
	w.U64(p.Index)
	w.U32(p.Sub)
	w.Raw(p.Hash[:])
	w.I64(p.LogTimeNs)
	w.Bytes(p.Result)
	return w.B
}

// ReadReply takes the body of a Reply; Result aliases the frame.
func ReadReply(r *codec.Reader) (Reply, error) {
	p := Reply{Request: r.U64(), Status: Status(r.U8()), Server: r.U64(), Leader: r.U64(), Index: r.U64(), Sub: r.U32()}
	copy(p.Hash[:], r.Raw(len(p.Hash)))
	p.LogTimeNs = r.I64()
	p.Result = r.Bytes(MaxResultBytes)
	return p, r.Finish()
}
