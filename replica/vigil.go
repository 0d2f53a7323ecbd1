package replica

import (
	"slices"

	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/detect"
	"onevoice/failover"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// vigil is what a node does about servers that seem not to be up: it tells the others what it hears, and asks for the lead where a
// majority reports who has it.
type vigil struct {
	detector *detect.Detector
	nowNs    int64
	contests []failover.Contest // by place among the groups
	said     []view.Evidence    // opinions as the last beat told them, by place among servers
	servers  []uint64           // the others, sorted
	due      bool               // a beat is to go out
	callers  []caller
	told     []lead // to clients, by place among the groups
}

// lead is who leads a group, and in which term.
type lead struct{ term, leader uint64 }

func newVigil(c Config) vigil {
	return vigil{
		detector: detect.New(c.Self, c.Boot), contests: make([]failover.Contest, len(c.Groups)), told: make([]lead, len(c.Groups)),
	}
}

// caller is a server that beats. It may know that this one belongs to the cluster when this one does not know it: who has just joined knows
// nobody, and whoever leads does not listen to it before it has said in which of its starts it is.
type caller struct {
	server  uint64
	untilNs int64
}

// maxCallers bounds those remembered: no more can be in a view.
const maxCallers = view.MaxProcesses

// called remembers who has sent a beat.
func (v *vigil) called(server uint64, nowNs int64) {
	v.callers = slices.DeleteFunc(v.callers, func(c caller) bool { return c.server == server || c.untilNs <= nowNs })
	if len(v.callers) < maxCallers {
		v.callers = append(v.callers, caller{server, nowNs + detect.MostBoundNs})
	}
}

// servers are all members of any group and all that beat, but this server, sorted.
func (n *Node) servers() []uint64 {
	var all []uint64
	for _, m := range n.members {
		all = append(append(all, m.group.Voters()...), m.group.Learners()...)
	}
	for _, c := range n.vigil.callers {
		if c.untilNs > n.vigil.nowNs {
			all = append(all, c.server)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s uint64) bool { return s == n.self })
}

// tick comes with each tick.
func (v *vigil) tick(servers []uint64) {
	if !slices.Equal(servers, v.servers) {
		v.detector.SetServers(servers)
		v.servers, v.said = servers, make([]view.Evidence, len(servers))
	}
	v.detector.Tick()
	v.due = true
}

// beat takes another server's beat.
func (n *Node) beat(from step.Address, body *codec.Reader, relayed bool) error {
	b, err := wire.ReadBeat(body)
	if err != nil {
		return err
	}
	n.vigil.called(uint64(from), n.vigil.nowNs)
	n.vigil.detector.Heard(uint64(from), b, relayed)
	return nil
}

// keepVigil follows all that came with a step: opinions that have changed, elections that are wanted.
func (n *Node) keepVigil(now step.Now, out *step.Out) {
	v := &n.vigil
	for i, s := range v.servers {
		opinion := v.detector.Opinion(s)
		if opinion == v.said[i] {
			continue
		}
		fresh := v.said[i] == view.NoEvidence
		v.said[i] = opinion
		out.Facts = append(out.Facts, step.Fact{Name: "opinion", Value: s, Text: opinion.String()})
		if fresh && n.leads(s) {
			n.promise(now, s)
			v.due = true // the others are waiting for it
		}
	}
	if v.due {
		n.observe(now)
	}
	if v.detector.Calm() {
		clear(v.contests)
		return
	}
	for i := range n.members {
		if v.contests[i].Next(n.situation(now, n.members[i].group)) {
			n.members[i].group.Campaign()
		}
	}
}

// roundNs is the round trip between those voters of a group who are to replace a server.
func (n *Node) roundNs(g *consensus.Group, without uint64) int64 {
	return n.vigil.detector.MajorityRoundNs(g.Voters(), without)
}

// setPace lets a group's own timers follow the round trip: to those who would replace the leader, and to the leader itself, whose heartbeats
// come at its own pace.
func (n *Node) setPace(g *consensus.Group) {
	leader := g.Leader()
	g.SetRound(max(n.roundNs(g, leader), n.vigil.detector.RoundNs(leader)))
}

// leads says whether a server leads any group, as far as is known.
func (n *Node) leads(server uint64) bool {
	return slices.ContainsFunc(n.members, func(m member) bool { return m.group.Leader() == server })
}

// promise holds back the entries of a leader that is reported.
func (n *Node) promise(now step.Now, server uint64) {
	for _, m := range n.members {
		if m.group.Leader() == server {
			m.group.Hold(server, now.MonoNs+failover.PromiseNs(n.roundNs(m.group, server)))
		}
	}
}

// sendBeat sends the beat that is due. It comes last in a step: what a report tells of a log includes what came before the report with the
// same step, or the promise to take no more would not hold.
func (n *Node) sendBeat(now step.Now, out *step.Out) {
	if n.vigil.due && len(n.vigil.servers) > 0 {
		b := n.myBeat(now)
		out.Sends = append(out.Sends, n.toAll(b.Encode())...)
	}
	n.vigil.due = false
}

// toAll addresses a frame to every other server.
func (n *Node) toAll(frame []byte) []step.Send {
	var all []step.Send
	for _, s := range n.vigil.servers {
		all = append(all, step.Send{To: step.Address(s), Bytes: frame})
	}
	return all
}

// myBeat is what this server tells the others now.
func (n *Node) myBeat(now step.Now) wire.Beat {
	b := n.vigil.detector.Beat()
	for _, m := range n.members {
		g := m.group
		b.Stuck = b.Stuck || g.Stuck(now.MonoNs)
		term, index := g.LogEnd()
		b.Logs = append(b.Logs, wire.LogEnd{Group: m.number, Term: g.Term(), Leader: g.Leader(), LastTerm: term, LastIndex: index})
	}
	b.Leaving, b.Fell = n.leaving, n.fell
	b.Fit = !b.Stuck && n.members[0].group.Fit() && n.mayLead()
	return b
}

// mayLead says whether this server's standing lets it lead.
func (n *Node) mayLead() bool {
	p, ok := n.oracle.view.Process(n.self)
	return !n.leaving && (!ok || p.Standing != view.Degraded)
}

// situation is what this server knows of a group.
func (n *Node) situation(now step.Now, g *consensus.Group) failover.Situation {
	d := n.vigil.detector
	term, index := g.LogEnd()
	self := failover.Voter{Server: n.self, LastTerm: term, LastIndex: index, Fit: g.Fit() && !g.Stuck(now.MonoNs) && n.mayLead()}
	s := failover.Situation{NowNs: now.MonoNs, Self: self, Voters: len(g.Voters()), Leader: g.Leader(), Term: g.Term()}
	for _, v := range g.Voters() {
		if v == n.self {
			s.Heard = append(s.Heard, self)
		} else if end, fit, known := d.Log(v, g.Number()); known {
			s.Heard = append(s.Heard, failover.Voter{Server: v, LastTerm: end.LastTerm, LastIndex: end.LastIndex, Fit: fit})
		}
	}
	s.RoundNs = func(suspect uint64) int64 { return n.roundNs(g, suspect) }
	s.Against = func(suspect uint64) []failover.Voter {
		return slices.DeleteFunc(slices.Clone(s.Heard), func(v failover.Voter) bool {
			if v.Server == n.self {
				return d.Opinion(suspect) == view.NoEvidence
			}
			return !d.Reports(v.Server, suspect)
		})
	}
	return s
}

// tellClients tells every client who leads, where that has changed.
func (n *Node) tellClients(out *step.Out) {
	for i, m := range n.members {
		now := lead{m.group.Term(), m.group.Leader()}
		if now == n.vigil.told[i] || now.leader == 0 {
			continue
		}
		n.vigil.told[i] = now
		news := wire.News{Term: now.term, Leader: now.leader}
		out.Casts = append(out.Casts, news.Encode(m.number, m.group.Epoch()))
	}
}
