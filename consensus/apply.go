package consensus

import (
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/chain"
	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/machine"
	"onevoice/view"
	"onevoice/wire"
)

// applier holds memory that is reused from entry to entry.
type applier struct {
	payload payload
	linker  chain.Linker
	results codec.Writer
	events  [][]byte
	emit    machine.Emit
	by      view.Start
	bytes   uint64 // of the entries applied in this flush
}

// applyEntry applies the next committed entry. It is total: an entry that does not parse is skipped, on every replica alike; only
// what a newer build made ends the group, on the replicas whose build does not know it. It reports false where the group has halted.
func (g *Group) applyEntry(e *raftpb.Entry) bool {
	s := g.state
	if e.GetIndex() != s.index+1 || e.GetTerm() < s.term {
		g.halt("entry %d of term %d was committed next", e.GetIndex(), e.GetTerm())
		return false
	}
	index, term := s.index, s.term
	s.index, s.term = e.GetIndex(), e.GetTerm()
	g.apply.events, g.apply.by = nil, view.Start{}
	startResults(&g.apply.results, 0)
	own, ok := g.ownBatch(e)
	if !ok {
		return false
	}
	mark := len(g.out.Replies)
	g.applyPayload(e, own)
	if g.halted != nil {
		s.index, s.term = index, term // who looks at the state still finds the one before the entry
		return false
	}
	digest := g.chain(e)
	for i := mark; i < len(g.out.Replies); i++ {
		if r := &g.out.Replies[i]; r.Index == s.index {
			r.Hash = s.hash
		}
	}
	if own != nil {
		g.queue.pace.done(g.now.MonoNs, own.waiters, len(g.queue.open))
	}
	g.queue.release(own)
	size := uint64(len(e.GetData())) + entryOverhead
	g.snap.since += size
	g.apply.bytes += size
	g.out.Applied = append(g.out.Applied, Applied{
		Index: s.index, Epoch: s.epoch, Hash: s.hash, Digest: digest, LogTimeNs: s.logNs, Events: g.apply.events, By: g.apply.by, View: s.known.view,
	})
	g.counters.Entries++
	return true
}

// entryOverhead is counted for an entry beside its payload.
const entryOverhead = 64

func (g *Group) applyPayload(e *raftpb.Entry, own *batch) {
	p := &g.apply.payload
	if len(e.GetData()) == 0 && e.GetType() == raftpb.EntryNormal {
		g.advance() // raft's own entry at the start of a term
		return
	}
	if e.GetType() != raftpb.EntryNormal {
		g.applyMove(e)
		return
	}
	if err := p.decode(e.GetData()); isNewer(err) {
		g.halt("%w", err)
		return
	} else if err != nil {
		g.fact("entry-skipped", e.GetIndex(), err.Error())
		g.advance()
		return
	}
	switch p.kind {
	case kindLead:
		g.applyLead(p)
	case kindView:
		g.applyView(p)
	case kindRaise:
		g.applyVersion(p)
	default:
		g.applyCommands(p, own)
	}
}

func (g *Group) applyCommands(p *payload, own *batch) {
	startResults(&g.apply.results, len(p.commands))
	fenced := g.fenced(p.epoch)
	if fenced {
		// A deposed leader's entry has no effect at all, not even on log time.
		g.advance()
		g.counters.Fenced += uint64(len(p.commands))
	} else {
		g.effect()
		g.startEntry(p.logNs)
	}
	for i := range p.commands {
		at := session.Place{Index: g.state.index, Sub: uint32(i), LogTimeNs: g.state.logNs}
		o := session.Outcome{Status: wire.Fenced, Place: at}
		if !fenced {
			o = g.applyCommand(at, &p.commands[i])
		}
		addResult(&g.apply.results, &o)
		if own != nil {
			w := own.waiters[i]
			g.reply(w.to, wire.Reply{
				Request: w.request, Status: o.Status, Index: o.Index, Sub: o.Sub, LogTimeNs: o.LogTimeNs, Result: o.Result,
			})
		}
	}
	g.counters.Commands += uint64(len(p.commands))
}

// startEntry moves log time, forgets what is due and lets the machine do what falls due.
func (g *Group) startEntry(logNs int64) {
	g.state.logNs = max(g.state.logNs, logNs)
	for _, id := range g.state.sessions.Expire(g.expiryNs()) {
		g.fact("session-expired", id, "")
	}
	g.advance()
}

func (s *state) at(group uint32, sub uint32) machine.At {
	return machine.At{Group: group, Index: s.index, Sub: sub, Version: s.version, Epoch: s.epoch, LogTimeNs: s.logNs}
}

func (g *Group) advance() { g.state.machine.Advance(g.state.at(g.cfg.Group, 0), g.apply.emit) }

func (g *Group) applyCommand(at session.Place, q *session.Request) session.Outcome {
	switch q.Session {
	case 0:
		return g.openSession(at, q)
	case ownSession:
		return g.applyOwn(at, q)
	}
	o, fresh := g.state.sessions.Begin(at, q)
	if !fresh {
		if o.Place != at {
			g.counters.Duplicates++
		} else {
			g.counters.Refused++
		}
		return o
	}
	return g.state.sessions.End(at, q, g.state.machine.Apply(g.state.at(g.cfg.Group, at.Sub), q.Op, g.apply.emit))
}

func (g *Group) openSession(at session.Place, q *session.Request) session.Outcome {
	if q.Seq != 0 || q.Key != nil || len(q.Op) != 0 {
		return session.Outcome{Status: wire.Malformed, Place: at}
	}
	id, ok := g.state.sessions.Open(at)
	if !ok {
		return session.Outcome{Status: wire.Overloaded, Place: at}
	}
	var w codec.Writer
	w.U64(id)
	return session.Outcome{Status: wire.OK, Place: at, Result: w.B}
}
