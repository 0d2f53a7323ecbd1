package consensus

import (
	"slices"

	"go.etcd.io/raft/v3"

	"onevoice/step"
	"onevoice/wire"
)

// sending is what a leader knows of the followers that fetch its snapshot, and the chunks being read for them.
type sending struct {
	to    []fetch
	reads []chunkRead
}

type fetch struct {
	peer   uint64
	lastNs int64 // when it was last offered or asked for anything
}

type chunkRead struct {
	token step.Token
	to    uint64
	get   wire.SnapshotGet
}

func (s *sending) fetching() bool { return len(s.to) > 0 }

func (s *sending) touch(peer uint64, nowNs int64) {
	for i := range s.to {
		if s.to[i].peer == peer {
			s.to[i].lastNs = nowNs
			return
		}
	}
	s.to = append(s.to, fetch{peer: peer, lastNs: nowNs})
}

// sendFailed tells raft that a follower gave up its snapshot, so that it is offered one again.
func (g *Group) sendFailed(peer uint64) {
	n := len(g.peers.to)
	g.peers.to = slices.DeleteFunc(g.peers.to, func(f fetch) bool { return f.peer == peer })
	if len(g.peers.to) < n {
		g.rn.ReportSnapshot(peer, raft.SnapshotFailure)
	}
}

// expireSends gives up followers that have not asked for a while: they are done, or gone. Raft needs no word of
// success, it learns of it from the follower's next answer; a failure reported to it after that has no effect.
func (g *Group) expireSends() {
	for _, f := range slices.Clone(g.peers.to) {
		if g.now.MonoNs-f.lastNs >= sendTimeoutNs {
			g.sendFailed(f.peer)
		}
	}
}

// SnapshotGet answers a follower that fetches this server's snapshot, from disk. A snapshot that has been replaced is
// answered with an empty chunk: the follower then waits for the next offer.
func (g *Group) SnapshotGet(from uint64, m wire.SnapshotGet) {
	defer func() { g.catch(recover()) }()
	if g.halted != nil || from == g.cfg.Self || !g.state.members.has(from) {
		return
	}
	if m.Index != g.snap.meta.index || m.Chunk >= g.snap.meta.chunks { // the latter says that what came is no good there
		g.sendChunk(from, m, nil)
		g.sendFailed(from)
		return
	}
	if g.leads() {
		g.peers.touch(from, g.now.MonoNs)
	}
	if len(g.peers.reads) >= maxServing {
		return
	}
	r := chunkRead{token: g.disk.next(), to: from, get: m}
	g.peers.reads = append(g.peers.reads, r)
	g.out.Reads = append(g.out.Reads, step.Read{Token: r.token, Key: keyOf(g.cfg.Group, keyChunk, m.Index, m.Chunk)})
}

func (g *Group) sendChunk(to uint64, get wire.SnapshotGet, chunk []byte) {
	m := wire.SnapshotChunk{Index: get.Index, Chunk: get.Chunk, Bytes: chunk}
	g.frame(to, m.Encode(g.cfg.Group, g.state.epoch))
}

// doneRead sends a chunk that was read. One that is gone by now was deleted after a newer snapshot.
func (g *Group) doneRead(token step.Token, value []byte) {
	i := slices.IndexFunc(g.peers.reads, func(r chunkRead) bool { return r.token == token })
	if i < 0 {
		g.halt("token %d was reported done, which is not on its way or not its turn", token)
		return
	}
	r := g.peers.reads[i]
	g.peers.reads = slices.Delete(g.peers.reads, i, i+1)
	if value != nil {
		if _, err := unseal(stateVersion, value); err != nil {
			g.halt("snapshot %d, chunk %d on disk: %v", r.get.Index, r.get.Chunk, err)
			return
		}
	}
	g.sendChunk(r.to, r.get, value)
}
