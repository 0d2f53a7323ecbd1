package consensus

import (
	"fmt"

	"onevoice/codec"
	"onevoice/internal/mutant"
	"onevoice/view"
)

// known is a view as far as a group obeys it: the starts of servers that are over. A group has its own, agreed in its own log, and so
// obeys at one index everywhere.
type known struct {
	view   view.Number
	floors []view.Start
}

func (k known) append(w *codec.Writer) {
	w.U64(uint64(k.view))
	view.AppendFloors(w, k.floors)
}

func readKnown(r *codec.Reader) known { return known{view.Number(r.U64()), view.ReadFloors(r)} }

// Obey hands in the newest view. Where this server leads, the group obeys it from an entry of the log on: then nothing takes effect any more
// that a start proposes which is over.
func (g *Group) Obey(v *view.View) {
	if v.Number > g.obeyed.view {
		g.obeyed = known{v.Number, v.Floors()}
	}
}

// newest is what the next entry can say of views.
func (g *Group) newest() known {
	if g.obeyed.view > g.state.known.view {
		return g.obeyed
	}
	return g.state.known
}

// proposeView brings a newer view into the log. What is proposed after it counts with it.
func (g *Group) proposeView() {
	if g.obeyed.view <= g.lead.known {
		return
	}
	b := g.queue.get()
	appendView(&b.payload, g.lead.epoch, g.stamp(), g.obeyed)
	if g.proposeOwn(b) {
		g.lead.known = g.obeyed.view
		g.lead.epoch.View = g.state.base + g.obeyed.view
	}
}

// know takes a newer view; an older one says nothing.
func (s *state) know(k known) {
	if k.view > s.known.view {
		s.known = k
	}
}

// beginEpoch takes the entry of a new leader; false where that was taken down.
func (s *state) beginEpoch(p *payload, term uint64) bool {
	s.know(p.known)
	if s.over(p.leader, p.boot) {
		return false
	}
	s.leader, s.boot = p.leader, p.boot
	s.epoch = view.Epoch{View: s.base + s.known.view, Term: term}
	return true
}

// moveEpoch takes the entry of a view.
func (s *state) moveEpoch(p *payload) {
	s.know(p.known)
	s.epoch.View = s.base + s.known.view
}

// over says whether the start of a server that proposes has been taken down.
func (s *state) over(server, boot uint64) bool {
	return view.Over(s.known.floors, server, boot) && !mutant.On(mutant.IgnoreVerdict)
}

// fenced says whether an entry proposed under an epoch has no effect: it is another one, or whoever leads in it was taken down.
func (g *Group) fenced(epoch view.Epoch) bool {
	s := g.state
	if epoch == s.epoch && !s.over(s.leader, s.boot) || mutant.On(mutant.IgnoreEpoch) {
		return false
	}
	g.fact("fenced", s.index, fmt.Sprintf("%v, at %v of server %d", epoch, s.epoch, s.leader))
	return true
}

// effect notes who has proposed the entry that takes effect.
func (g *Group) effect() { g.apply.by = view.Start{Server: g.state.leader, Boot: g.state.boot} }

// Over says that this start of the server was taken down, as far as this group has applied: it must end.
func (g *Group) Over() bool { return g.state.over(g.cfg.Self, g.cfg.Boot) }

// applyLead begins an epoch, unless who leads was taken down: then the one before goes on, and nobody proposes in it.
func (g *Group) applyLead(p *payload) {
	s := g.state
	if !s.beginEpoch(p, s.term) {
		g.advance()
		g.fact("lead-refused", p.leader, "")
		return
	}
	g.effect()
	g.startEntry(p.logNs)
	g.fact("epoch", uint64(s.epoch.View), s.epoch.String())
	if g.leads() && s.term == g.lead.term {
		g.lead.applied, g.lead.epoch, g.lead.known = true, s.epoch, s.known.view
		g.fact("lead-applied", uint64(s.epoch.View), "")
	}
}

// applyView lets the group obey a view: the epoch goes on with it, under the same leader.
func (g *Group) applyView(p *payload) {
	if g.fenced(p.epoch) {
		g.advance()
		return
	}
	s := g.state
	s.moveEpoch(p)
	g.effect()
	g.startEntry(p.logNs)
	g.fact("view", uint64(s.known.view), s.epoch.String())
}
