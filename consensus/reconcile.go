package consensus

import (
	"cmp"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/view"
	"onevoice/wire"
)

const (
	// nearLag is how many entries a learner may lack when it becomes a voter, and a voter when it is to lead: so few that it has them
	// within a round trip.
	nearLag = 100
	// handOverElections is after how many elections' times a leader that is to go tries again to hand over: raft gives up after one, in
	// which nothing is proposed.
	handOverElections = 5
)

// moving is what a leader knows of its steps towards the wish.
type moving struct {
	proposed bool  // one is in the log and not applied yet
	overNs   int64 // when it last handed over
}

// Wish says who shall be in this group. The driver hands in what is agreed, whenever that changes, on every server alike; only
// the leader acts, one step at a time. An older wish than the one held, or than the one that the members come from, has no effect.
func (g *Group) Wish(w view.Wish) {
	newer := w.Change > g.wish.Change || w.Change == g.wish.Change && g.wish.Keep && !w.Keep
	if g.halted != nil || !newer || len(w.Voters) == 0 {
		return
	}
	g.wish = view.Wish{Change: w.Change, Voters: slices.Clone(w.Voters), Learners: slices.Clone(w.Learners), Keep: w.Keep}
}

// reconcile proposes the next step from the members to the wish. Ticks are often enough, and keep it out of every other flush.
func (g *Group) reconcile() {
	m := &g.lead.moving
	if !g.ticked || !g.leads() || !g.lead.applied || m.proposed || g.stalled() {
		return
	}
	at := g.state.members.change
	if g.wish.Change == 0 || g.wish.Change < at || g.wish.Change == at && g.reached() {
		return // reached, or this server has not heard of what the group already moves to
	}
	s, ok := move{kind: markKind}, true
	if !g.reached() || g.wish.Keep {
		s, ok = g.nextMove()
	}
	if !ok {
		return
	}
	if s.server == g.cfg.Self {
		if g.now.MonoNs-m.overNs >= handOverElections*g.pace.electionNs() || m.overNs == 0 {
			m.overNs = g.now.MonoNs
			g.handOverToAny()
		}
		return
	}
	s.change, s.epoch = g.wish.Change, g.lead.epoch
	if g.rn.ProposeConfChange(s.raft()) != nil {
		return // dropped by raft, as while leadership is handed over
	}
	m.proposed = true
	g.fact("member-proposed", s.server, s.String())
}

// reached says whether the members are those of the wish. Only a step noted under the wish's own change makes that final: until
// then a leader that knows an older wish may still lead the group away from it. Where no step is needed, a mark is that note.
func (g *Group) reached() bool {
	m := &g.state.members
	return slices.Equal(m.voters, g.wish.Voters) && slices.Equal(m.learners, g.wish.Learners)
}

// nextMove is the next step to the wish: first who comes, then who becomes a voter, at last who goes, and the leader itself last of
// all. A step after which no majority is known to be alive waits.
func (g *Group) nextMove() (move, bool) {
	m, w, alive := &g.state.members, &g.wish, g.alive()
	for _, s := range append(slices.Clone(w.Voters), w.Learners...) {
		if !m.has(s) {
			return move{kind: raftpb.ConfChangeAddLearnerNode, server: s}, true
		}
	}
	waits := false
	for _, s := range w.Voters {
		if slices.Contains(m.voters, s) {
			continue
		}
		if g.caughtUp(s) && majority(with(m.voters, s), alive) {
			return move{kind: raftpb.ConfChangeAddNode, server: s}, true
		}
		waits = true
	}
	if w.Keep {
		return move{}, false
	}
	for _, s := range m.learners {
		if !slices.Contains(w.Voters, s) && !slices.Contains(w.Learners, s) {
			return move{kind: raftpb.ConfChangeRemoveNode, server: s}, true
		}
	}
	for _, s := range append(without(m.voters, g.cfg.Self), g.cfg.Self) {
		if !waits && slices.Contains(m.voters, s) && !slices.Contains(w.Voters, s) && majority(without(m.voters, s), alive) {
			return move{kind: raftpb.ConfChangeRemoveNode, server: s}, true
		}
	}
	return move{}, false
}

// alive are the members heard from within an election's time, this leader among them.
func (g *Group) alive() map[uint64]bool {
	alive := map[uint64]bool{g.cfg.Self: true}
	g.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if pr.RecentActive {
			alive[id] = true
		}
	})
	return alive
}

// majority says whether more than half of the voters are alive.
func majority(voters []uint64, alive map[uint64]bool) bool {
	n := 0
	for _, v := range voters {
		if alive[v] {
			n++
		}
	}
	return n > len(voters)/2
}

// caughtUp says whether a server was heard of and has nearly all of the log.
func (g *Group) caughtUp(server uint64) bool {
	caught := false
	g.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		caught = caught || id == server && g.near(&pr)
	})
	return caught
}

func (g *Group) near(pr *tracker.Progress) bool {
	last, _ := g.tail.LastIndex()
	return pr.State == tracker.StateReplicate && pr.RecentActive && pr.Match+nearLag >= last
}

// Transfer hands leadership to a voter, or with 0 to the one that is the most up to date of those that shall stay. It says whether
// it tries: false where this server does not lead or nobody can take over. It ends within an election's time, in which nothing is
// proposed; who leads then shows in Status.
func (g *Group) Transfer(to uint64) bool {
	defer func() { g.catch(recover()) }()
	if g.halted != nil || !g.leads() || to == g.cfg.Self {
		return false
	}
	if to == 0 {
		return g.handOverToAny()
	}
	if !slices.Contains(g.state.members.voters, to) || !g.caughtUp(to) {
		return false
	}
	g.rn.TransferLeader(to)
	return true
}

// handOver transfers leadership to the best of some voters that have nearly all of the log: nothing is proposed until raft gives up on
// one that lacks more, and where that one has a good clock as the only one, nobody else seeks to lead for a second after.
func (g *Group) handOver(among []uint64) bool {
	best, match := uint64(0), uint64(0)
	g.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		stays := g.wish.Change == 0 || slices.Contains(g.wish.Voters, id)
		if id == g.cfg.Self || pr.IsLearner || !g.near(&pr) || !stays || !slices.Contains(among, id) {
			return
		}
		if best == 0 || cmp.Or(cmp.Compare(match, pr.Match), cmp.Compare(id, best)) < 0 {
			best, match = id, pr.Match
		}
	})
	if best == 0 {
		return false
	}
	g.fact("hand-over", best, "")
	g.rn.TransferLeader(best)
	return true
}

// HandOver is Transfer to the most up-to-date of some voters.
func (g *Group) HandOver(among []uint64) bool {
	defer func() { g.catch(recover()) }()
	if g.halted != nil || !g.leads() {
		return false
	}
	good := slices.DeleteFunc(slices.Clone(among), func(s uint64) bool { return !slices.Contains(g.clocks.others, s) })
	return g.handOver(good) || g.handOver(among)
}

// handOverToAny transfers leadership to the best voter, if possible to one whose clock is good enough.
func (g *Group) handOverToAny() bool {
	return g.HandOver(g.Voters())
}

// applyMove applies a change of members. Raft is told of every one, of a refused one as of none, because it waits for the word. It
// was checked when proposed; here it is checked again, by the replicated state alone, on every replica alike.
func (g *Group) applyMove(e *raftpb.Entry) {
	if g.leads() && e.GetTerm() == g.lead.term {
		g.lead.moving.proposed = false
	}
	s, err := decodeMove(e)
	if isNewer(err) {
		g.halt("%w", err)
		return
	}
	g.advance()
	st := g.state
	next := st.members
	outcome := session.Outcome{Status: wire.OK}
	if err == nil && g.fenced(s.epoch) {
		outcome.Status = wire.Fenced
	}
	if err == nil && outcome.Status == wire.OK {
		next, err = st.members.after(s)
	}
	tell := &raftpb.ConfChange{Type: raftpb.ConfChangeAddNode.Enum(), NodeId: new(raft.None)}
	switch {
	case err != nil:
		outcome.Status = wire.Malformed
		g.fact("member-refused", s.server, err.Error())
	case outcome.Status == wire.Fenced:
	default:
		tell = s.raft()
		g.effect()
		g.fact(factOf(s.kind), s.server, s.String())
	}
	now := membersOf(g.rn.ApplyConfChange(tell), next.change)
	if !now.equal(next) {
		g.halt("members are %v, raft has %v", next, now)
		return
	}
	st.members = next
	var w codec.Writer
	next.append(&w)
	outcome.Result = w.B
	startResults(&g.apply.results, 1)
	addResult(&g.apply.results, &outcome)
	if !next.has(g.cfg.Self) && s.server == g.cfg.Self {
		g.fact("removed", st.index, "this server is no member of the group any more")
	}
}

func factOf(kind raftpb.ConfChangeType) string {
	switch kind {
	case raftpb.ConfChangeAddLearnerNode:
		return "member-added"
	case raftpb.ConfChangeAddNode:
		return "member-promoted"
	case raftpb.ConfChangeRemoveNode:
		return "member-removed"
	}
	return "members-as-wished"
}
