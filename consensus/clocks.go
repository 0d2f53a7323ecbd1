package consensus

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// lastResortNs is how long a group may be without a leader before a server whose clock is not good enough asks for votes too: its log may
// be the only one long enough to win. It then leads without stamping the time of day, and hands over.
const lastResortNs = int64(time.Second)

// clocks is what the driver says of the servers' clocks.
type clocks struct {
	unfit      bool
	others     []uint64 // whose clocks are good enough
	leadlessNs int64    // since when no leader is known, monotonic; 0 while one is
	yieldedNs  int64    // when it last tried to hand over for its clock
}

// Voters are those that vote as of the last applied entry, sorted; do not change them.
func (g *Group) Voters() []uint64 { return g.state.members.voters }

// Learners are those that get the log and do not vote, likewise.
func (g *Group) Learners() []uint64 { return g.state.members.learners }

// Clocks says whether this server's clock is good enough to lead, and those of which others. One that is not good enough neither asks for
// votes nor is the first choice of who hands over; a leader hands over, and until somebody takes over its entries go on from the
// log time of before. Without a call every clock is good enough.
func (g *Group) Clocks(fit bool, others []uint64) {
	g.clocks.unfit = !fit
	g.clocks.others = append(g.clocks.others[:0], others...)
}

// watchClocks comes with each tick: it notes how long nobody leads, and hands over where this leader's clock is not good enough.
func (g *Group) watchClocks() {
	c := &g.clocks
	switch {
	case g.leader != 0:
		c.leadlessNs = 0
	case c.leadlessNs == 0:
		c.leadlessNs = g.now.MonoNs
	}
	if c.unfit && g.leads() && g.lead.applied && g.now.MonoNs-c.yieldedNs >= handOverElections*g.pace.electionNs() {
		c.yieldedNs = g.now.MonoNs
		if g.handOver(c.others) {
			g.fact("clock-unfit", g.term, "hands over")
		}
	}
}

// dissuaded says of a message that asks to lead that this server's clock speaks against it.
func (g *Group) dissuaded(m *raftpb.Message) bool {
	c := &g.clocks
	return c.unfit && m.GetType() == raftpb.MsgPreVote && (c.leadlessNs == 0 || g.now.MonoNs-c.leadlessNs < lastResortNs)
}
