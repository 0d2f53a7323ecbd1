package consensus

import (
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/chain"
	"onevoice/codec"
	"onevoice/consensus/session"
)

// The chain hash is that of package chain: over the entry as raft ordered it, what became of its commands, and the machine's events.

func startResults(w *codec.Writer, n int) {
	w.B = w.B[:0]
	w.U32(uint32(n))
}

func addResult(w *codec.Writer, o *session.Outcome) {
	w.U8(uint8(o.Status))
	w.Bytes(o.Result)
}

// chain moves the chain hash over the entry whose results stand in apply.results, and gives the entry's digest.
func (g *Group) chain(e *raftpb.Entry) chain.Digest {
	a, s := &g.apply, g.state
	link := chain.Entry{Index: s.index, LogTimeNs: s.logNs, Digest: a.linker.Digest(e.GetTerm(), uint8(e.GetType()), e.GetData(), a.results.B), Events: a.events}
	s.hash = a.linker.Next(s.hash, &link)
	return link.Digest
}
