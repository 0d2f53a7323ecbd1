package consensus

import (
	"fmt"
	"iter"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/internal/mutant"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// Group is one replicated log with its machine. One goroutine calls it. After a Halt its methods do nothing.
type Group struct {
	cfg    Config
	rn     *raft.RawNode
	tail   *raft.MemoryStorage // the durable part of the log, changed only when a write is done
	state  *state
	now    step.Now
	ticked bool
	pace   pace

	out    *Output // where results go now: early between flushes
	early  Output
	halted error

	role    raft.StateType
	term    uint64
	leader  uint64
	lead    leadership
	canvass canvass
	hold    hold
	queue   queue
	wish    view.Wish
	obeyed  known // the newest view that was handed in
	reads   reads
	disk    writer
	snap    snapshots
	pull    *pull
	staged  *staged
	peers   sending
	apply   applier

	clocks    clocks
	published Published
	counters  Counters
}

func newGroup(cfg Config, d *disk) (*Group, error) {
	tail, err := d.tail()
	if err != nil {
		return nil, fmt.Errorf("consensus: open group %d: %w", cfg.Group, err)
	}
	last, lastTerm := d.last()
	g := &Group{
		cfg: cfg, tail: tail, state: d.state,
		term: d.hard.term,
		disk: writer{hard: d.hard, written: d.hard, last: last, lastTerm: lastTerm},
		snap: snapshots{meta: d.meta},
	}
	g.out = &g.early
	g.apply.emit = func(event []byte) { g.apply.events = append(g.apply.events, event) }
	g.reads.boot = cfg.Rand.Uint64()
	if err := g.start(); err != nil {
		return nil, err
	}
	g.clean(d.stray...)
	return g, nil
}

// start makes the raft node; its panics over a store that Open's checks let through become an error.
func (g *Group) start() (err error) {
	defer func() {
		g.catch(recover())
		err = g.halted
	}()
	g.rn, err = raft.NewRawNode(g.raftConfig(g.state.index))
	if err != nil {
		g.halt("raft: %v", err)
	}
	return nil
}

// halt stops the group for good. The first evidence counts.
func (g *Group) halt(format string, args ...any) {
	if g.halted == nil {
		g.halted = fmt.Errorf("consensus: group %d on server %d at index %d, term %d: "+format,
			append([]any{g.cfg.Group, g.cfg.Self, g.state.index, g.term}, args...)...)
	}
}

// Tick says that step.TickNs have passed.
func (g *Group) Tick(now step.Now) {
	defer func() { g.catch(recover()) }()
	if g.halted != nil {
		return
	}
	g.now, g.ticked = now, true
	if g.stalled() {
		// A leader that heartbeats while its disk hangs would lead for ever and answer nobody.
		g.fact("disk-stalled", uint64(g.disk.pending[0].token), "")
		return
	}
	if g.pace.due() {
		g.rn.Tick()
	}
}

// Unreachable says that the connection to a server broke: what was on its way may be lost.
func (g *Group) Unreachable(peer uint64) {
	defer func() { g.catch(recover()) }()
	if g.halted != nil || peer == g.cfg.Self || !g.state.members.has(peer) {
		return
	}
	g.rn.ReportUnreachable(peer)
	g.sendFailed(peer)
}

// Done ends the write, read or save of that token. Writes end in the order in which they were handed out. An error halts
// the group: after a failed write nobody knows what is on the disk.
func (g *Group) Done(token step.Token, value []byte, err error) {
	defer func() { g.catch(recover()) }()
	switch {
	case g.halted != nil:
	case err != nil:
		g.halt("storage: %w", err)
	case g.disk.isNext(token):
		g.wrote(g.disk.pop())
	case token == g.snap.saving.token && token != 0:
		g.saved()
	default:
		g.doneRead(token, value)
	}
}

// Flush works off everything handed in since the last one and adds to out what follows from it.
func (g *Group) Flush(now step.Now, out *Output) {
	out.take(&g.early)
	g.out = out
	g.run(now)
	g.out = &g.early
	if g.halted != nil {
		facts := out.Facts
		out.Facts = nil
		out.Reset()
		out.Facts, out.Halt = facts, g.halted
	}
}

func (g *Group) run(now step.Now) {
	// Raft reports a broken invariant of its own by Logger.Panicf and counts on not returning; ours panics with a
	// private type, which ends here and in the other entry points. Any other panic is a fault in the program and goes on.
	defer func() { g.catch(recover()) }()
	if g.halted != nil {
		return
	}
	g.now = now
	if g.ticked {
		g.watchClocks()
		g.canvassAgain()
		g.expireQueries()
		g.expireSends()
	}
	g.loadNext()
	g.apply.bytes = 0
	for g.halted == nil {
		g.propose()
		g.reconcile()
		g.askReads()
		if !g.rn.HasReady() {
			break
		}
		if g.apply.bytes >= g.cfg.Limits.ApplyBytes {
			g.out.Again = true
			break
		}
		g.handle(g.rn.Ready())
	}
	if g.halted == nil {
		g.dropUnused()
		g.keepCommit()
		g.recordSaved()
		g.maybeSave()
		g.pullMore()
	}
	g.ticked = false
}

// handle works off one Ready.
func (g *Group) handle(rd raft.Ready) {
	if rd.HardState != nil && !raft.IsEmptyHardState(rd.HardState) {
		g.term = rd.GetTerm()
	}
	if rd.SoftState != nil {
		g.follow(rd.SoftState)
	}
	lead := g.leadEntry(rd.Entries)
	g.confirmReads(rd.ReadStates)
	var votes []*raftpb.Message
	for _, m := range rd.Messages {
		switch {
		case m.GetTo() == raft.LocalAppendThread:
			m.Responses = append(m.Responses, votes...)
			g.store(m, rd.MustSync)
		case m.GetTo() == raft.LocalApplyThread:
			if !g.applyAll(m) {
				return
			}
		case m.GetType() == raftpb.MsgVote:
			votes = append(votes, m) // raft's order: what is to be stored comes after them
		case m.GetType() == raftpb.MsgApp:
			g.send(along(m, lead))
		default:
			g.send(m)
		}
	}
}

// applyAll applies what is committed, and tells raft.
func (g *Group) applyAll(m *raftpb.Message) bool {
	for _, e := range m.GetEntries() {
		if mutant.On(mutant.ApplyBeforePersist) && e.GetIndex() <= g.state.index {
			continue
		}
		if !g.applyEntry(e) {
			return false
		}
	}
	g.answerReads()
	g.respond(m.GetResponses())
	return true
}

// respond delivers raft's responses, to itself or to peers.
func (g *Group) respond(messages []*raftpb.Message) {
	for _, m := range messages {
		if m.GetTo() != g.cfg.Self {
			g.send(m)
			continue
		}
		// Step refuses only what arrives too late, which is no fault.
		_ = g.rn.Step(m)
	}
}

// Published is the state at the last applied index.
func (g *Group) Published() Published {
	if g.published.Root == nil || g.published.Index != g.state.index {
		g.published = Published{
			Group: g.cfg.Group, Index: g.state.index, Epoch: g.state.epoch, Hash: g.state.hash,
			LogTimeNs: g.state.logNs, Version: g.state.version, Root: g.state.machine.Root(),
		}
	}
	return g.published
}

// Epoch is that of Published, without making the state.
func (g *Group) Epoch() view.Epoch { return g.state.epoch }

// StateChunks is the state at the last applied index as a snapshot stores it: equal on all replicas at equal index. The
// sequence may be read later and on any goroutine.
func (g *Group) StateChunks() iter.Seq[[]byte] { return g.state.root(g.cfg.Group).chunks() }

func (g *Group) fact(name string, value uint64, text string) {
	g.out.Facts = append(g.out.Facts, step.Fact{Name: name, Group: g.cfg.Group, Value: value, Text: text})
}

func (g *Group) reply(to step.Address, r wire.Reply) {
	if to == nobody {
		return
	}
	r.Server, r.Leader = g.cfg.Self, g.leader
	g.out.Replies = append(g.out.Replies, Reply{To: to, Reply: r})
}

// applyEarly is a planted bug: it applies entries when they are handed to the disk, neither durable nor committed.
func (g *Group) applyEarly(entries []*raftpb.Entry) {
	for _, e := range entries {
		if e.GetIndex() != g.state.index+1 || e.GetTerm() < g.state.term || e.GetType() != raftpb.EntryNormal || !g.applyEntry(e) {
			return
		}
	}
}

// expiryNs is the time by which sessions expire.
func (g *Group) expiryNs() int64 {
	if mutant.On(mutant.ExpiryByLocalClock) {
		return g.now.WallNs
	}
	return g.state.logNs
}
