package consensus

import (
	"bytes"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/step"
	"onevoice/wire"
)

// pull is a snapshot being fetched from the leader: raft's message names it, its chunks are asked for by number.
type pull struct {
	message *raftpb.Message // for raft, once all is here
	from    uint64
	meta    snapMeta
	load    *loader
	next    uint64 // the next chunk to load
	written uint64 // chunks whose write is done
	window  [pullWindow]pulled
}

// pulled is one chunk of the window: asked for, or here but not yet its turn.
type pulled struct {
	askedNs int64
	bytes   []byte
}

func (p *pull) slot(chunk uint64) *pulled { return &p.window[chunk%pullWindow] }

// staged is a snapshot that is loaded and checked and waits for raft to accept it.
type staged struct {
	meta  snapMeta
	state *state
	taken bool // raft has accepted it; its write is on its way
}

// offer takes raft's message that this server is too far behind and needs a snapshot. Raft sees the message only when
// the whole state is here, so that it may go on as a follower until then.
func (g *Group) offer(m *raftpb.Message) {
	now := g.rn.BasicStatus()
	meta, err := metaOf(m.GetSnapshot())
	switch {
	case isNewer(err) && m.GetTerm() >= now.GetTerm():
		g.halt("snapshot of server %d: %w", m.GetFrom(), err)
		return
	case err != nil:
		g.drop(m.GetFrom(), "snapshot message: "+err.Error())
		return
	case m.GetTerm() < now.GetTerm() || meta.index <= now.GetCommit():
		_ = g.rn.Step(m) // of no use; raft answers where it stands
		return
	case g.staged != nil:
		return
	case !meta.members.has(g.cfg.Self) || meta.members.check() != nil:
		g.drop(m.GetFrom(), "snapshot of other members")
		return
	}
	if p := g.pull; p != nil {
		if p.from == m.GetFrom() && p.meta.index == meta.index && p.meta.content == meta.content {
			p.message = m
			return
		}
		g.abandon("replaced")
	}
	g.pull = &pull{message: m, from: m.GetFrom(), meta: meta, load: newLoader(&g.cfg)}
	g.fact("snapshot-offered", meta.index, "")
}

// abandon gives a pull up; the leader will notice and offer a snapshot again.
func (g *Group) abandon(why string) {
	g.fact("snapshot-abandoned", g.pull.meta.index, why)
	g.clean(g.pull.meta.index)
	g.pull = nil
}

// refuse gives up a pull whose chunks are no good, and tells the leader by asking for one more than there are.
func (g *Group) refuse(p *pull, why error) {
	get := wire.SnapshotGet{Index: p.meta.index, Chunk: p.meta.chunks}
	g.frame(p.from, get.Encode(g.cfg.Group, g.state.epoch))
	g.abandon(why.Error())
}

// pullMore asks for the chunks that the window allows, and again for those that did not come. Slow writes hold it back.
func (g *Group) pullMore() {
	p := g.pull
	if p == nil {
		return
	}
	if p.meta.index <= g.state.index {
		g.abandon("not needed any more")
		return
	}
	end := min(p.next, p.written+pullWindow) + pullWindow
	for chunk := p.next; chunk < min(end, p.next+pullWindow, p.meta.chunks); chunk++ {
		s := p.slot(chunk)
		if s.bytes != nil || s.askedNs != 0 && g.now.MonoNs-s.askedNs < pullRetryNs {
			continue
		}
		s.askedNs = max(g.now.MonoNs, 1)
		get := wire.SnapshotGet{Index: p.meta.index, Chunk: chunk}
		g.frame(p.from, get.Encode(g.cfg.Group, g.state.epoch))
	}
}

// SnapshotChunk takes a chunk that this server asked for. An empty one says that the sender holds that snapshot no longer.
func (g *Group) SnapshotChunk(from uint64, m wire.SnapshotChunk) {
	defer func() { g.catch(recover()) }()
	if g.halted != nil {
		return
	}
	p := g.pull
	if p == nil || from != p.from || m.Index != p.meta.index || m.Chunk < p.next || m.Chunk >= min(p.next+pullWindow, p.meta.chunks) {
		g.counters.LateChunks++
		return
	}
	if len(m.Bytes) == 0 {
		g.abandon("no longer held")
		return
	}
	p.slot(m.Chunk).bytes = bytes.Clone(m.Bytes)
}

// loadNext loads at most one chunk, however many are here: a machine may need milliseconds for each, and whatever else came
// in the same burst waits for it. Where the next one is here, it asks for the next flush.
func (g *Group) loadNext() {
	p := g.pull
	if p == nil || p.next == p.meta.chunks || p.slot(p.next).bytes == nil {
		return
	}
	switch {
	case !g.load(p):
	case p.next == p.meta.chunks:
		g.complete(p)
	default:
		g.out.Again = p.slot(p.next).bytes != nil
	}
}

// load takes the next chunk into the new state and onto the disk.
func (g *Group) load(p *pull) bool {
	chunk := p.slot(p.next).bytes
	*p.slot(p.next) = pulled{}
	if err := p.load.add(chunk); isNewer(err) {
		g.halt("snapshot of server %d: %w", p.from, err)
		return false
	} else if err != nil {
		g.refuse(p, err)
		return false
	}
	key := keyOf(g.cfg.Group, keyChunk, p.meta.index, p.next)
	// A copy, because the new state keeps parts of the chunk and the driver owns what it is handed.
	ops := []step.Op{{Kind: step.Set, Key: key, Value: bytes.Clone(chunk)}}
	g.write(ops, false, pendingWrite{kind: wroteChunk, pull: p})
	p.next++
	return true
}

// complete hands the snapshot to raft.
func (g *Group) complete(p *pull) {
	state, err := p.load.finish(&p.meta)
	if err != nil {
		g.refuse(p, err)
		return
	}
	g.pull = nil
	g.staged = &staged{meta: p.meta, state: state}
	_ = g.rn.Step(p.message)
}

// install is the first part of the write by which an accepted snapshot replaces log and state. The chunks were written
// before it, in order, so they are durable when it is.
func (g *Group) install(s *raftpb.Snapshot) ([]step.Op, *staged) {
	if g.staged == nil || g.staged.meta.index != s.GetMetadata().GetIndex() {
		g.halt("raft accepted a snapshot at %d that is not here", s.GetMetadata().GetIndex())
		return nil, nil
	}
	g.staged.taken = true
	g.disk.last, g.disk.lastTerm = g.staged.meta.index, g.staged.meta.term
	ops := []step.Op{
		{Kind: step.Set, Key: keyOf(g.cfg.Group, keyMeta), Value: g.staged.meta.encode()},
		dropEntries(g.cfg.Group, 0, maxIndex),
		dropChunks(g.cfg.Group, g.snap.meta.index),
	}
	if g.snap.recording != 0 {
		ops = append(ops, dropChunks(g.cfg.Group, g.snap.recording))
	}
	return ops, g.staged
}

// installed swaps the state once the snapshot is durable. It reports false where the group has halted.
func (g *Group) installed(s *staged, snapshot *raftpb.Snapshot) bool {
	if s.meta.index <= g.state.index {
		g.halt("snapshot at %d would take the state back", s.meta.index)
		return false
	}
	if err := g.tail.ApplySnapshot(proto.CloneOf(snapshot)); err != nil {
		g.halt("snapshot at %d: %v", s.meta.index, err)
		return false
	}
	g.state, g.staged = s.state, nil
	g.snap.meta, g.snap.since = s.meta, 0
	st := g.state
	g.out.Applied = append(g.out.Applied, Applied{
		Index: st.index, Epoch: st.epoch, Hash: st.hash, LogTimeNs: st.logNs, View: st.known.view, Installed: true,
	})
	g.counters.Installed++
	g.fact("snapshot-installed", st.index, "")
	g.answerReads()
	return true
}

// dropUnused forgets a staged snapshot that raft did not want: the log has caught up meanwhile.
func (g *Group) dropUnused() {
	if g.staged == nil || g.staged.taken {
		return
	}
	g.fact("snapshot-abandoned", g.staged.meta.index, "not needed any more")
	g.clean(g.staged.meta.index)
	g.staged = nil
}
