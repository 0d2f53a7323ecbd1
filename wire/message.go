package wire

import (
	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"
)

// ID is a random 128-bit identity of a cluster or a store.
type ID [16]byte

// Role says who opens a connection.
type Role uint8

// The roles in a Hello.
const (
	RoleServer Role = 1
	RoleClient Role = 2
)

// Hello introduces one side of a connection. A client that does not know the cluster yet sends zero for it and learns it
// from the Welcome; a server refuses any other cluster than its own.
type Hello struct {
	Role    Role
	Cluster ID
	Server  uint64 // voter number of a server, 0 for a client
	Store   ID     // identity of the server's disk, zero for a client
	Boot    uint64 // durable number of the server's start, 0 for a client
}

// Encode returns the whole frame, of kind KindHello or KindWelcome.
func (h Hello) Encode(kind Kind) []byte {
	var w codec.Writer
	Header{Kind: kind}.Append(&w)
	w.U8(uint8(h.Role))
	w.Raw(h.Cluster[:])
	w.U64(h.Server)
	w.Raw(h.Store[:])
	w.U64(h.Boot)
	return w.B
}

// ReadHello takes the body of a Hello or Welcome.
func ReadHello(r *codec.Reader) (Hello, error) {
	var h Hello
	h.Role = Role(r.U8())
	copy(h.Cluster[:], r.Raw(len(h.Cluster)))
	h.Server = r.U64()
	copy(h.Store[:], r.Raw(len(h.Store)))
	h.Boot = r.U64()
	if h.Role != RoleServer && h.Role != RoleClient {
		r.Fail()
	}
	return h, r.Finish()
}

// EncodeRefusal returns the whole frame that refuses a connection.
func EncodeRefusal(e *problem.Error) []byte {
	var w codec.Writer
	Header{Kind: KindRefusal}.Append(&w)
	e.Append(&w)
	return w.B
}

// SnapshotGet asks the sender of a snapshot for one of its chunks.
type SnapshotGet struct {
	Index uint64 // of the snapshot
	Chunk uint64 // from 0
}

// SnapshotChunk brings one chunk; an empty one says that the snapshot of that index is no longer held.
type SnapshotChunk struct {
	Index uint64
	Chunk uint64
	Bytes []byte
}

// MaxChunkBytes bounds one chunk of a snapshot as it is stored: a machine's chunk of up to 1 MiB, and what is kept beside it.
const MaxChunkBytes = 1<<20 + 64

// Encode returns the whole frame.
func (s SnapshotGet) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{KindSnapshotGet, group, epoch}.Append(&w)
	w.U64(s.Index)
	w.U64(s.Chunk)
	return w.B
}

// ReadSnapshotGet takes the body of a SnapshotGet.
func ReadSnapshotGet(r *codec.Reader) (SnapshotGet, error) {
	s := SnapshotGet{Index: r.U64(), Chunk: r.U64()}
	return s, r.Finish()
}

// Encode returns the whole frame.
func (s SnapshotChunk) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{KindSnapshotChunk, group, epoch}.Append(&w)
	w.U64(s.Index)
	w.U64(s.Chunk)
	w.Bytes(s.Bytes)
	return w.B
}

// ReadSnapshotChunk takes the body of a SnapshotChunk; Bytes aliases the frame.
func ReadSnapshotChunk(r *codec.Reader) (SnapshotChunk, error) {
	s := SnapshotChunk{Index: r.U64(), Chunk: r.U64(), Bytes: r.Bytes(MaxChunkBytes)}
	return s, r.Finish()
}
