package consensus

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/step"
)

// canvassTicks are the shortest pause before a campaign's requests are sent again; up to as many more are chance, so that two
// campaigns do not stay in step.
const canvassTicks = 2

// canvass repeats what a campaign asks. Raft asks for a vote once, and where that is lost it waits for an election's whole time;
// with links that come and go the next question then falls into the next cut as often as not. Asking again changes nothing: a
// repeated vote is the same vote, and a network may double messages anyway.
type canvass struct {
	asks  []*raftpb.Message // of the campaign under way, one for each voter asked
	dueNs int64
}

// note keeps a request for a vote; it takes the place of those of an earlier campaign.
func (g *Group) note(m *raftpb.Message) {
	if m.GetType() != raftpb.MsgPreVote && m.GetType() != raftpb.MsgVote {
		return
	}
	c := &g.canvass
	c.asks = slices.DeleteFunc(c.asks, func(o *raftpb.Message) bool {
		return o.GetType() != m.GetType() || o.GetTerm() != m.GetTerm() || o.GetTo() == m.GetTo()
	})
	c.asks = append(c.asks, m)
	c.dueNs = g.nextCanvass()
}

func (g *Group) nextCanvass() int64 {
	return g.now.MonoNs + step.TickNs*(canvassTicks+g.cfg.Rand.Int64N(canvassTicks+1))
}

// canvassAgain repeats the requests of a campaign that is not decided.
func (g *Group) canvassAgain() {
	c := &g.canvass
	switch {
	case g.role != raft.StatePreCandidate && g.role != raft.StateCandidate:
		c.asks = nil
	case g.now.MonoNs >= c.dueNs:
		c.dueNs = g.nextCanvass()
		for _, m := range c.asks {
			g.transmit(m)
		}
	}
}
