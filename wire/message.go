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
	// Starts are the random numbers that the server's disk drew for this start and those before it, newest first: where two
	// disks are copies of one, their numbers differ from the copy on, even at one Boot. Empty for a client.
	Starts []uint64
	// Program is the build that a server runs; nil for a client.
	Program *Program
}

// Program is what a server tells of its build.
type Program struct {
	// Build is its version, as people read it; at most MaxBuildBytes bytes.
	Build string
	// Min and Max are the first and last machine version that it supports.
	Min, Max uint32
	// Later is what newer builds tell beside this, unread here: so two builds can meet of which one knows more.
	Later string
}

// MaxBuildBytes bounds a build's name; maxProgramBytes all that a Program tells, with room for later builds.
const (
	MaxBuildBytes   = 64
	maxProgramBytes = 512
)

func (p *Program) encode() []byte {
	var w codec.Writer
	w.U32(p.Min)
	w.U32(p.Max)
	w.String(p.Build[:min(len(p.Build), MaxBuildBytes)])
	w.Raw([]byte(p.Later))
	return w.B
}

func readProgram(b []byte) (*Program, error) {
	r := codec.NewReader(b)
	p := &Program{Min: r.U32(), Max: r.U32(), Build: r.String(MaxBuildBytes)}
	p.Later = string(r.Rest())
	return p, r.Finish()
}

// MaxStarts bounds the starts that a Hello tells: a copy that was started more often than this without being heard passes as
// the disk it was copied from.
const MaxStarts = 64

// withStarts and withProgram are set in the role's byte where Starts and Program follow, in this order. A build that does not know a
// bit of it refuses the role.
const (
	withStarts  = 0x80
	withProgram = 0x40
)

// Encode returns the whole frame, of kind KindHello or KindWelcome.
func (h Hello) Encode(kind Kind) []byte {
	var w codec.Writer
	Header{Kind: kind}.Append(&w)
	role := uint8(h.Role)
	if len(h.Starts) > 0 {
		role |= withStarts
	}
	if h.Program != nil {
		role |= withProgram
	}
	w.U8(role)
	w.Raw(h.Cluster[:])
	w.U64(h.Server)
	w.Raw(h.Store[:])
	w.U64(h.Boot)
	if len(h.Starts) > 0 {
		w.Uvarint(uint64(len(h.Starts)))
		for _, s := range h.Starts {
			w.U64(s)
		}
	}
	if h.Program != nil {
		w.Bytes(h.Program.encode())
	}
	return w.B
}

// ReadHello takes the body of a Hello or Welcome.
func ReadHello(r *codec.Reader) (Hello, error) {
	var h Hello
	role := r.U8()
	h.Role = Role(role &^ (withStarts | withProgram))
	copy(h.Cluster[:], r.Raw(len(h.Cluster)))
	h.Server = r.U64()
	copy(h.Store[:], r.Raw(len(h.Store)))
	h.Boot = r.U64()
	if role&withStarts != 0 {
		n := r.Count(MaxStarts, 8)
		for range n {
			h.Starts = append(h.Starts, r.U64())
		}
		if n == 0 {
			r.Fail()
		}
	}
	if role&withProgram != 0 {
		var err error
		if h.Program, err = readProgram(r.Bytes(maxProgramBytes)); err != nil {
			r.Fail()
		}
	}
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
