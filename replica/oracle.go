package replica

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"onevoice/consensus"
	"onevoice/oracle"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// Oracle is the part of a Membership that decides who is up.
type Oracle interface {
	// View is the newest view.
	View() view.View
	// Differs says whether an observation is worth an entry.
	Differs(o *oracle.Observation) bool
}

// sayAgainNs is when an observation that was proposed, and does not show, is proposed again.
const sayAgainNs = int64(50 * time.Millisecond)

// obedience is what a node knows of the oracle's views, and has told it.
type obedience struct {
	view   view.View // the newest, number 0 for none
	said   []byte    // the observation proposed last
	saidNs int64
	late   uint64 // frames of starts that are over
}

// Downed is the end of a start of a server that was taken down: the process must end, and a new start of it be made. Whoever holds the
// view listens to this one no more.
type Downed struct {
	Server, Boot uint64
	// View is the one that says so, where this server has it; Why is its reason.
	View view.Number
	Why  view.Evidence
	// By is who has told it, where it has not.
	By uint64
}

// Error says what has happened, and what follows.
func (d *Downed) Error() string {
	how := fmt.Sprintf("by view %d: %s", d.View, d.Why)
	if d.By != 0 {
		how = fmt.Sprintf("as server %d says", d.By)
	}
	return fmt.Sprintf("start %d of server %d was taken down, %s; the next start takes its place", d.Boot, d.Server, how)
}

// obey takes the oracle's newest view, where there is one.
func (n *Node) obey(out *step.Out) {
	o, ok := n.agreed.(Oracle)
	if !ok {
		return
	}
	v := o.View()
	if v.Number == n.oracle.view.Number {
		return
	}
	n.adopt(v)
	out.Again = true // the groups bring it into their logs
	out.Casts = append(out.Casts, wire.EncodeView(&v))
	out.Facts = append(out.Facts, step.Fact{Name: "view-obeyed", Group: n.membership, Value: uint64(v.Number)})
}

// adopt makes a view the one that is obeyed.
func (n *Node) adopt(v view.View) {
	n.oracle.view = v
	n.vigil.detector.Obey(&v)
	for _, m := range n.members {
		m.group.Obey(&v)
	}
}

// downed is why this start must end, nil where it need not.
func (n *Node) downed() *Downed {
	d := &Downed{Server: n.self, Boot: n.boot, View: n.oracle.view.Number}
	if n.oracle.view.Over(n.self, n.boot) {
		p, _ := n.oracle.view.Process(n.self)
		if d.Why = p.Why; p.Boot > n.boot {
			d.Why = view.Restarted
		}
		return d
	}
	if d.By = n.vigil.detector.Told(); d.By != 0 {
		return d
	}
	if slices.ContainsFunc(n.members, func(m member) bool { return m.group.Over() }) {
		d.By = n.self
		return d
	}
	return nil
}

// late counts a frame of a start that is over, and says whether this is one. Its beats are heard: by them a next start is known, and this
// one told.
func (n *Node) late(from step.Address, kind wire.Kind) bool {
	if from > step.MaxServer || kind == wire.KindBeat || !n.vigil.detector.Over(uint64(from)) {
		return false
	}
	n.oracle.late++
	return true
}

// observe brings what this server hears to the oracle's log, where it leads that and anything is new.
func (n *Node) observe(now step.Now) {
	o, ok := n.agreed.(Oracle)
	g := n.group(n.membership)
	if !ok || !g.Leads() {
		return
	}
	seen := n.observation(now)
	if !o.Differs(&seen) {
		return
	}
	op := seen.Encode()
	if bytes.Equal(op, n.oracle.said) && now.MonoNs-n.oracle.saidNs < sayAgainNs {
		return
	}
	if g.Propose(op) {
		n.oracle.said, n.oracle.saidNs = op, now.MonoNs
	}
}

// observation is what all servers say that are heard.
func (n *Node) observation(now step.Now) oracle.Observation {
	o := oracle.Observation{BoundNs: n.vigil.detector.BoundNs()}
	own := n.myBeat(now)
	o.Rows = append(o.Rows, row(n.self, &own))
	leads := leadsOf(nil, &own)
	for _, s := range n.vigil.servers {
		if b, heard := n.vigil.detector.Said(s); heard {
			o.Rows = append(o.Rows, row(s, &b))
			leads = leadsOf(leads, &b)
		}
	}
	slices.SortFunc(o.Rows, func(a, b oracle.Row) int { return cmp.Compare(a.Server, b.Server) })
	o.Leads = leads
	return o
}

// row is what a server says of itself and the others.
func row(server uint64, b *wire.Beat) oracle.Row {
	r := oracle.Row{Server: server, Boot: b.Boot, Leaving: b.Leaving, Fell: b.Fell, Last: b.Last}
	for _, h := range b.Heard {
		r.Seen = append(r.Seen, oracle.Seen{Server: h.Server, Boot: h.Boot, Evidence: h.Evidence})
	}
	return r
}

// leadsOf adds what a server says of who leads: the newest term counts.
func leadsOf(leads []view.Lead, b *wire.Beat) []view.Lead {
	for _, l := range b.Logs {
		if l.Leader == 0 {
			continue
		}
		i, found := slices.BinarySearchFunc(leads, l.Group, func(a view.Lead, g uint32) int { return cmp.Compare(a.Group, g) })
		switch said := (view.Lead{Group: l.Group, Term: l.Term, Server: l.Leader}); {
		case !found:
			leads = slices.Insert(leads, i, said)
		case l.Term > leads[i].Term:
			leads[i] = said
		}
	}
	return leads
}

// View is the newest view that this server obeys; number 0 for none.
func (n *Node) View() view.View { return n.oracle.view }

// Farewell is the last beat of this start, to everybody.
func (n *Node) Farewell(why view.Evidence) []step.Send {
	b := n.vigil.detector.Beat()
	b.Leaving, b.Last = true, why
	return n.toAll(b.Encode())
}

// HandOver makes this server give up what it leads, each group to its most up-to-date voter that is not about to end too, and says
// of how many groups somebody else can take over. The driver calls it before a stop, until it says 0 or patience ends; each attempt takes a tick and
// a round trip. From then on this server seeks no lead.
func (n *Node) HandOver() int {
	n.leaving = true
	led := 0
	for _, m := range n.members {
		if m.group.HandOver(n.staying(m.group)) {
			led++
		}
	}
	return led
}

// staying are the voters of a group that are heard and not about to end.
func (n *Node) staying(g *consensus.Group) []uint64 {
	return slices.DeleteFunc(slices.Clone(g.Voters()), func(s uint64) bool {
		b, heard := n.vigil.detector.Said(s)
		return !heard || b.Leaving || n.vigil.detector.Over(s)
	})
}
