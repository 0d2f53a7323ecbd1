package consensus

import (
	"bytes"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// leadership is what a leader knows about its own term.
type leadership struct {
	term      uint64
	proposed  bool        // its lead entry is in the log
	applied   bool        // and applied here: from now on commands are proposed
	epoch     view.Epoch  // the one under which the next entry will be applied
	known     view.Number // the newest view in its log
	stampNs   int64       // highest log time stamped so far
	stampedNs int64       // when that was, monotonic
	lastNs    int64       // when it last proposed, monotonic
	moving    moving
}

// waiter is who waits for a command.
type waiter struct {
	to      step.Address
	request uint64
}

// batch is an entry in the making or on its way. The encoded commands stand in payload, waiters[i] waits for the i-th.
type batch struct {
	payload codec.Writer
	waiters []waiter
}

// queue holds the commands of a leader: open ones in the order they came, then the proposed ones. Every entry of the
// leader's term, but raft's own empty one, stands in proposed until it is applied, in the order of the log: so
// the first of them is the next such entry, and waiters need no lookup.
type queue struct {
	early    []early // came before the leader's own entry was applied
	open     []*batch
	proposed []*batch
	free     []*batch
	commands int // in open
	bytes    int // in early and open
	pace     admission
}

// early is a command that came to a leader before it has applied what was in the log when it was elected: that command may be there already,
// put by the leader before, and is then answered without another round trip.
type early struct {
	from    step.Address
	command wire.Command
}

const maxFree = inFlight + 2

func (q *queue) get() *batch {
	if n := len(q.free); n > 0 {
		b := q.free[n-1]
		q.free = q.free[:n-1]
		return b
	}
	return &batch{}
}

func (q *queue) release(b *batch) {
	if b == nil || len(q.free) >= maxFree || cap(b.payload.B) > 2*batchBytes {
		return
	}
	b.payload.B, b.waiters = b.payload.B[:0], b.waiters[:0]
	q.free = append(q.free, b)
}

func (q *queue) add(w waiter, c *wire.Command) {
	size := mostCommand + len(c.Op)
	b := (*batch)(nil)
	if n := len(q.open); n > 0 {
		b = q.open[n-1]
	}
	if b == nil || len(b.waiters) >= q.pace.entry() || len(b.payload.B)+size > batchBytes && len(b.waiters) > 0 {
		b = q.get()
		startCommands(&b.payload)
		q.open = append(q.open, b)
	}
	before := len(b.payload.B)
	appendCommand(&b.payload, c)
	b.waiters = append(b.waiters, w)
	q.pace.add(w.to)
	q.commands++
	q.bytes += len(b.payload.B) - before
}

// taken moves the first open batch to the proposed ones.
func (q *queue) taken() {
	b := q.open[0]
	n := copy(q.open, q.open[1:])
	q.open[n] = nil
	q.open = q.open[:n]
	q.commands -= len(b.waiters)
	q.bytes -= len(b.payload.B) - commandsHeader
	q.proposed = append(q.proposed, b)
}

func (q *queue) waiting() int {
	n := len(q.early) + q.commands
	for _, b := range q.proposed {
		n += len(b.waiters)
	}
	return n
}

// Command takes a client's command. The answer comes as an Output.Reply, perhaps much later: at once where this server
// does not lead or a queue is full, else when the command is applied or leadership is lost. The command is copied.
//
// A retry of what is applied already is answered from the applied table without going through the log. That is safe on any
// server, also on a leader that is deposed and does not know it: what is applied is committed, and its outcome is final.
// A refusal is not final in this sense, so refusals always come from the log.
func (g *Group) Command(from step.Address, c wire.Command) {
	if g.halted != nil {
		return
	}
	switch {
	case g.role != raft.StateLeader:
		g.reply(from, wire.Reply{Request: c.Request, Status: wire.NotLeader, Index: g.state.index})
		return
	case c.Session == ownSession:
		g.reply(from, wire.Reply{Request: c.Request, Status: wire.Malformed})
		return
	case len(c.Op) > wire.MaxCommandBytes:
		g.reply(from, wire.Reply{Request: c.Request, Status: wire.TooLarge})
		return
	}
	if o, ok := g.stored(&c); ok {
		g.counters.Duplicates++
		g.reply(from, wire.Reply{
			Request: c.Request, Status: o.Status, Index: o.Index, Sub: o.Sub, LogTimeNs: o.LogTimeNs, Result: o.Result,
		})
		return
	}
	switch {
	case !g.queue.pace.admits(from, g.cfg.Limits.QueueCommands) || g.queue.bytes+len(c.Op) > g.cfg.Limits.QueueBytes ||
		len(g.queue.early) >= g.cfg.Limits.QueueCommands:
		g.counters.Overloaded++
		g.reply(from, wire.Reply{Request: c.Request, Status: wire.Overloaded})
	case !g.lead.applied:
		c.Op = bytes.Clone(c.Op)
		if c.Key != nil {
			c.Key = new(*c.Key)
		}
		g.queue.early = append(g.queue.early, early{from, c})
		g.queue.bytes += len(c.Op)
	default:
		g.queue.add(waiter{to: from, request: c.Request}, &c)
	}
}

// takeEarly takes the commands again that came too early.
func (g *Group) takeEarly() {
	all := g.queue.early
	g.queue.early = nil
	for _, e := range all {
		g.queue.bytes -= len(e.command.Op)
		g.Command(e.from, e.command)
	}
}

// stored is the outcome of a command that is applied already.
func (g *Group) stored(c *wire.Command) (session.Outcome, bool) {
	if !g.state.sessions.Holds(c.Session, c.Seq) {
		return session.Outcome{}, false
	}
	var w codec.Writer
	appendCommand(&w, c)
	q := session.Request{Session: c.Session, Seq: c.Seq, Acked: c.Acked, Op: c.Op, Image: w.B[3*8:]}
	return g.state.sessions.Find(&q)
}

func (g *Group) leads() bool { return g.role == raft.StateLeader }

// follow takes note of raft's role and leader.
func (g *Group) follow(s *raft.SoftState) {
	if g.leader != s.Lead {
		g.leader = s.Lead
		g.reads.askAgain()
	}
	led := g.leads()
	g.role = s.RaftState
	if led && (!g.leads() || g.lead.term != g.term) {
		g.stepDown()
		led = false
	}
	if g.leads() && !led {
		g.lead = leadership{term: g.term}
		g.fact("leader", g.term, "")
	}
}

// stepDown answers everybody who waits: whether their commands will be applied is open.
func (g *Group) stepDown() {
	g.fact("stepped-down", g.lead.term, "")
	for _, batches := range [][]*batch{g.queue.proposed, g.queue.open} {
		for _, b := range batches {
			for _, w := range b.waiters {
				g.reply(w.to, wire.Reply{Request: w.request, Status: wire.NotLeader, Index: g.state.index})
			}
		}
	}
	for _, e := range g.queue.early {
		g.reply(e.from, wire.Reply{Request: e.command.Request, Status: wire.NotLeader, Index: g.state.index})
	}
	g.queue = queue{}
	g.lead = leadership{}
}

// propose puts what is queued into the log, as far as few own entries are on their way.
func (g *Group) propose() {
	if !g.leads() {
		return
	}
	if !g.lead.proposed {
		g.proposeLead()
	}
	if !g.lead.applied {
		return
	}
	g.takeEarly()
	if g.snap.since > maxLogBytes {
		return
	}
	g.proposeView()
	for len(g.queue.open) > 0 && len(g.queue.proposed) < inFlight {
		b := g.queue.open[0]
		finishCommands(b.payload.B, g.lead.epoch, g.stamp(), len(b.waiters))
		if g.rn.Propose(b.payload.B) != nil {
			return // dropped by raft, as while its own limit of uncommitted bytes is reached
		}
		g.queue.taken()
		g.lead.lastNs = g.now.MonoNs
		g.counters.Proposed++
	}
	if len(g.queue.proposed) == 0 && g.timeIsDue() {
		g.proposeTime()
	}
}

// stamp is the log time of the next entry: the leader's time of day. Where that lies behind log time, as after a leader whose clock
// was ahead, log time goes on at half its pace until it is reached; what counts in log time must not stand still. A leader
// whose clock is not good enough goes on from log time at the pace of its monotonic clock. Only where there is no log time yet does
// it begin one.
func (g *Group) stamp() int64 {
	l := &g.lead
	passed := int64(0)
	if l.stampedNs != 0 {
		passed = max(g.now.MonoNs-l.stampedNs, 0)
	}
	l.stampedNs = g.now.MonoNs
	l.stampNs = max(l.stampNs, g.state.logNs)
	switch {
	case l.stampNs == 0:
		l.stampNs = g.now.WallNs
	case g.clocks.unfit:
		l.stampNs += passed
	default:
		l.stampNs = max(l.stampNs+passed/2, g.now.WallNs)
	}
	return l.stampNs
}

func (g *Group) proposeLead() {
	b := g.queue.get()
	appendLead(&b.payload, g.state.epoch, g.stamp(), g.cfg.Self, g.cfg.Boot, g.newest())
	g.lead.proposed = g.proposeOwn(b)
}

// leadEntry proposes the lead entry as soon as raft makes this server the leader, and gives it as it stands in the log; nil where it does not
// follow the entries of a Ready. Raft's empty entry is the last of them, and on its way to the others already in messages of that Ready;
// until one is answered raft sends no more to its receiver, and the lead entry would be a round trip later.
func (g *Group) leadEntry(entries []*raftpb.Entry) *raftpb.Entry {
	if !g.leads() || g.lead.proposed || len(entries) == 0 {
		return nil
	}
	g.proposeLead()
	if !g.lead.proposed {
		return nil
	}
	empty := entries[len(entries)-1]
	return &raftpb.Entry{Term: new(g.lead.term), Index: new(empty.GetIndex() + 1), Data: g.queue.proposed[0].payload.B}
}

// along adds an entry to a message that ends just before it.
func along(m *raftpb.Message, e *raftpb.Entry) *raftpb.Message {
	if n := len(m.GetEntries()); e != nil && n > 0 && m.GetEntries()[n-1].GetIndex()+1 == e.GetIndex() {
		m.Entries = append(slices.Clip(m.Entries), e)
	}
	return m
}

// timeIsDue says whether an entry is wanted only to let time pass.
func (g *Group) timeIsDue() bool {
	stamp := g.stamp()
	due := func(atNs int64) bool { return atNs != 0 && atNs <= stamp }
	return g.now.MonoNs-g.lead.lastNs >= timeEntryNs || due(g.state.machine.DueNs()) || due(g.state.sessions.DueNs())
}

func (g *Group) proposeTime() {
	b := g.queue.get()
	startCommands(&b.payload)
	finishCommands(b.payload.B, g.lead.epoch, g.stamp(), 0)
	g.proposeOwn(b)
}

func (g *Group) proposeOwn(b *batch) bool {
	if g.rn.Propose(b.payload.B) != nil {
		g.queue.release(b)
		return false
	}
	g.queue.proposed = append(g.queue.proposed, b)
	g.lead.lastNs = g.now.MonoNs
	return true
}

// ownBatch is the batch of an entry that this server proposed in the term that it leads, nil for any other entry and for a
// change of members, which nobody waits for.
func (g *Group) ownBatch(e *raftpb.Entry) (own *batch, ok bool) {
	if !g.leads() || e.GetTerm() != g.lead.term || len(e.GetData()) == 0 || e.GetType() != raftpb.EntryNormal {
		return nil, true
	}
	if len(g.queue.proposed) == 0 || !bytes.Equal(g.queue.proposed[0].payload.B, e.GetData()) {
		g.halt("entry %d of the term that this server leads is not the one it proposed", e.GetIndex())
		return nil, false
	}
	q := &g.queue
	own = q.proposed[0]
	n := copy(q.proposed, q.proposed[1:])
	q.proposed[n] = nil
	q.proposed = q.proposed[:n]
	return own, true
}
