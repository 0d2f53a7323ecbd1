package consensus

import "go.etcd.io/raft/v3/raftpb"

// stuckNs is how old the oldest write of a server may grow before it says that it is stuck: see Stuck.
const stuckNs = stallNs * 3 / 10

// hold is a promise to take no entries from a server for a while.
type hold struct {
	from    uint64
	untilNs int64
}

// LogEnd is the term and index of the last entry of this server's log, those included whose write is not done: votes are given by it.
func (g *Group) LogEnd() (term, index uint64) { return g.disk.lastTerm, g.disk.last }

// Term is raft's term as this server knows it.
func (g *Group) Term() uint64 { return g.term }

// Fit says whether this server's clock is good enough to lead.
func (g *Group) Fit() bool { return !g.clocks.unfit }

// Stuck says that the disk has not completed a write for 150 ms, as of a monotonic time.
func (g *Group) Stuck(nowNs int64) bool { return g.writeAge(nowNs) >= stuckNs }

// Slow says that it has not for half of that: who is slow itself cannot tell whose fault it is that another one is stuck.
func (g *Group) Slow(nowNs int64) bool { return g.writeAge(nowNs) >= stuckNs/2 }

// writeAge is how old the oldest write is that is not done.
func (g *Group) writeAge(nowNs int64) int64 {
	if len(g.disk.pending) == 0 {
		return 0
	}
	return nowNs - g.disk.pending[0].atNs
}

// Campaign makes this server ask for votes at once, under the next term: without raft's time-out, without asking beforehand, and of
// voters who hear a leader too. The driver calls it where a majority reports the leader; an election decides as always.
func (g *Group) Campaign() {
	defer func() { g.catch(recover()) }()
	if g.halted != nil || g.leads() {
		return
	}
	g.fact("campaign", g.term, "the leader is reported")
	// To itself, and so of no term: raft takes it as the word of a leader that hands over.
	_ = g.rn.Step(&raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum(), To: new(g.cfg.Self), From: new(g.cfg.Self)})
}

// Hold makes this server take no entries from another until a monotonic time: what it has told of its log stays true.
func (g *Group) Hold(from uint64, untilNs int64) { g.hold = hold{from, untilNs} }

// holds says whether a message brings entries that are not taken now.
func (g *Group) holds(m *raftpb.Message) bool {
	return m.GetType() == raftpb.MsgApp && m.GetFrom() == g.hold.from && g.now.MonoNs < g.hold.untilNs
}

// Number is the group's number.
func (g *Group) Number() uint32 { return g.cfg.Group }
