package consensus

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/internal/mutant"
	"onevoice/step"
)

// writer hands out writes and remembers, in order, what waits for each.
type writer struct {
	hard    hardState // the newest
	written hardState // the newest handed out
	// last and lastTerm name the last entry handed out.
	last, lastTerm uint64
	token          step.Token
	pending        []pendingWrite
}

// pendingWrite is a write that is not done yet.
type pendingWrite struct {
	token   step.Token
	kind    writeKind
	atNs    int64             // when it was handed out, monotonic
	append  *raftpb.Message   // wroteAppend: raft's message
	then    []*raftpb.Message // wroteAppend: further responses that wait for it
	staged  *staged           // wroteAppend: the state it installs
	meta    snapMeta          // wroteMeta
	compact uint64            // wroteMeta: entries up to here leave the memory
	pull    *pull             // wroteChunk
}

type writeKind uint8

const (
	wroteAppend writeKind = iota + 1
	wroteMeta
	wroteChunk
	wroteCleanup
	wroteNothing // nobody waits for it
)

func (w *writer) next() step.Token {
	w.token++
	return w.token
}

func (w *writer) isNext(token step.Token) bool {
	return len(w.pending) > 0 && w.pending[0].token == token
}

func (w *writer) pop() pendingWrite {
	p := w.pending[0]
	n := copy(w.pending, w.pending[1:])
	clear(w.pending[n:])
	w.pending = w.pending[:n]
	return p
}

func (g *Group) write(ops []step.Op, sync bool, p pendingWrite) {
	p.token, p.atNs = g.disk.next(), g.now.MonoNs
	g.disk.pending = append(g.disk.pending, p)
	g.out.Writes = append(g.out.Writes, step.Write{Token: p.token, Ops: ops, Sync: sync})
}

// stalled says that this server leads with a disk that does not answer.
func (g *Group) stalled() bool {
	if mutant.On(mutant.HeartbeatWhileStalled) {
		return false
	}
	return g.leads() && len(g.disk.pending) > 0 && g.now.MonoNs-g.disk.pending[0].atNs >= stallNs
}

// store turns raft's MsgStorageAppend into one write; its responses wait for Done. A message that changes at most the commit
// index needs no durability of its own: raft may forget it. Its responses speak for earlier writes only, so
// they wait for those, and the commit index goes to disk with the next write or tick.
func (g *Group) store(m *raftpb.Message, sync bool) {
	if m.Term != nil {
		g.disk.hard = hardState{term: m.GetTerm(), vote: m.GetVote(), commit: m.GetCommit()}
	}
	p := pendingWrite{kind: wroteAppend, append: m}
	var ops []step.Op
	if s := m.GetSnapshot(); !raft.IsEmptySnap(s) {
		if ops, p.staged = g.install(s); p.staged == nil {
			return
		}
	}
	ops = g.entryOps(ops, m.GetEntries())
	if mutant.On(mutant.ApplyBeforePersist) {
		g.applyEarly(m.GetEntries())
	}
	if len(ops) == 0 && !sync {
		g.afterWrites(m.GetResponses())
		return
	}
	voteOnly := mutant.On(mutant.VoteNotSynced) && len(m.GetEntries()) == 0 && p.staged == nil
	g.write(g.hardOp(ops), !voteOnly, p)
	if mutant.On(mutant.AnswerBeforeDurable) {
		g.disk.pending[len(g.disk.pending)-1].kind = wroteNothing
		g.appended(&p)
	}
}

// entryOps writes entries over what stood at their indices and deletes what stood above them.
func (g *Group) entryOps(ops []step.Op, entries []*raftpb.Entry) []step.Op {
	if len(entries) == 0 {
		return ops
	}
	for _, e := range entries {
		ops = append(ops, step.Op{Kind: step.Set, Key: keyOf(g.cfg.Group, keyEntry, e.GetIndex()), Value: encodeEntry(e)})
	}
	end := entries[len(entries)-1]
	last := end.GetIndex()
	if g.disk.last > last {
		ops = append(ops, dropEntries(g.cfg.Group, last+1, maxIndex))
	}
	g.disk.last, g.disk.lastTerm = last, end.GetTerm()
	return ops
}

func (g *Group) hardOp(ops []step.Op) []step.Op {
	if g.disk.hard == g.disk.written {
		return ops
	}
	g.disk.written = g.disk.hard
	h := g.disk.hard
	if mutant.On(mutant.ForgetVote) {
		h.vote = 0
	}
	return append(ops, step.Op{Kind: step.Set, Key: keyOf(g.cfg.Group, keyHard), Value: h.encode()})
}

// keepCommit writes a commit index that no other write has carried, so that a restart has less to learn.
func (g *Group) keepCommit() {
	if g.ticked && g.disk.hard != g.disk.written {
		g.write(g.hardOp(nil), false, pendingWrite{kind: wroteNothing})
	}
}

// afterWrites delivers responses once every append handed out so far is done.
func (g *Group) afterWrites(responses []*raftpb.Message) {
	for i := len(g.disk.pending) - 1; i >= 0; i-- {
		if p := &g.disk.pending[i]; p.kind == wroteAppend {
			p.then = append(p.then, responses...)
			return
		}
	}
	g.respond(responses)
}

// wrote follows up a write that is done.
func (g *Group) wrote(p pendingWrite) {
	switch p.kind {
	case wroteAppend:
		g.appended(&p)
	case wroteMeta:
		g.snapshotDurable(&p)
	case wroteChunk:
		p.pull.written++
	case wroteCleanup:
		g.snap.cleaning--
	}
}

// appended takes a durable append into the memory tail and delivers its responses.
func (g *Group) appended(p *pendingWrite) {
	if p.staged != nil && !g.installed(p.staged, p.append.GetSnapshot()) {
		return
	}
	entries := p.append.GetEntries()
	if len(entries) > 0 {
		last, _ := g.tail.LastIndex()
		if first := entries[0].GetIndex(); first > last+1 {
			g.halt("entries from %d are durable, but the log ends at %d", first, last)
			return
		}
		if err := g.tail.Append(entries); err != nil {
			g.halt("log: %v", err)
			return
		}
	}
	g.respond(p.append.GetResponses())
	g.respond(p.then)
}
