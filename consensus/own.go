package consensus

import (
	"onevoice/consensus/session"
	"onevoice/step"
	"onevoice/wire"
)

// ownSession is the number under which the driver's own commands stand in the log. No session has it, and no client may name it.
const ownSession = ^uint64(0)

// nobody is who waits for a command of the driver's own.
const nobody step.Address = 0

// Propose puts a command of the driver's own into the log, where this server leads: without session and answer, and done twice where it is
// proposed twice. False says that it is not on its way.
func (g *Group) Propose(op []byte) bool {
	c := wire.Command{Session: ownSession, Op: op}
	if !g.Leads() || len(op) > wire.MaxCommandBytes || !g.queue.pace.admits(nobody, g.cfg.Limits.QueueCommands) ||
		g.queue.bytes+len(op) > g.cfg.Limits.QueueBytes {
		return false
	}
	g.queue.add(waiter{to: nobody}, &c)
	return true
}

// Leads says whether this server leads the group, its first entry is applied, and what it proposes takes effect.
func (g *Group) Leads() bool { return g.halted == nil && g.leads() && g.lead.applied && !g.Over() }

// applyOwn runs such a command. Its result goes into the chain hash alone.
func (g *Group) applyOwn(at session.Place, q *session.Request) session.Outcome {
	result := g.state.machine.Apply(g.state.at(g.cfg.Group, at.Sub), q.Op, g.apply.emit)
	return session.Outcome{Status: wire.OK, Place: at, Result: result}
}
