package consensus

import (
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/codec"
	"onevoice/consensus/session"
)

// The chain hash after an entry is the SHA-256 of, in the encoding of package codec:
//
//	the chain hash before it (32 bytes), index, raft term (8 bytes each), entry type (1 byte), payload (with length)
//	the number of commands (4 bytes), for each its status (1 byte) and result (with length)
//	the number of events (4 bytes), each with length
//
// An entry that is no group of commands counts 0 commands.

func startResults(w *codec.Writer, n int) {
	w.B = w.B[:0]
	w.U32(uint32(n))
}

func addResult(w *codec.Writer, o *session.Outcome) {
	w.U8(uint8(o.Status))
	w.Bytes(o.Result)
}

// chain moves the chain hash over the entry whose results stand in apply.results.
func (g *Group) chain(e *raftpb.Entry) {
	a := &g.apply
	w := &a.scratch
	w.B = w.B[:0]
	w.Raw(g.state.hash[:])
	w.U64(e.GetIndex())
	w.U64(e.GetTerm())
	w.U8(uint8(e.GetType()))
	w.Uvarint(uint64(len(e.GetData())))
	a.hasher.Reset()
	a.hasher.Write(w.B)
	a.hasher.Write(e.GetData())
	a.hasher.Write(a.results.B)
	w.B = w.B[:0]
	w.U32(uint32(len(a.events)))
	for _, event := range a.events {
		w.Bytes(event)
	}
	a.hasher.Write(w.B)
	a.hasher.Sum(g.state.hash[:0])
}
