package store_test

import (
	"bytes"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/cryptotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/consensus"
	"onevoice/lab/toy"
	"onevoice/machine"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/store"
	"onevoice/view"
	"onevoice/wire"
)

// The cycle is what a server's disk goes through: bootstrap, starts, votes, log entries small and large, saved snapshots,
// a truncated log, a snapshot taken over from a leader, entries replaced by another leader's. Server 3 has a real store;
// servers 1 and 2 hold theirs in memory.

const (
	cycleGroup = 7
	cycleUser  = step.MaxServer + 1
	tested     = 3
)

func cycleConfig(self uint64, seed uint64) replica.Config {
	return replica.Config{Self: self, Groups: []consensus.Config{{
		Group: cycleGroup, Self: self, Voters: []uint64{1, 2, 3}, Rand: rand.New(rand.NewPCG(seed, self)),
		NewMachine: func() machine.Machine { return toy.New() },
		Limits:     consensus.Limits{SnapshotEntries: 12, KeepEntries: 6},
	}}}
}

// content is a disk in memory.
type content map[string][]byte

func (c content) apply(ops []step.Op) {
	for _, op := range ops {
		switch op.Kind {
		case step.Set:
			c[string(op.Key)] = bytes.Clone(op.Value)
		case step.Delete:
			delete(c, string(op.Key))
		case step.DeleteRange:
			maps.DeleteFunc(c, func(k string, _ []byte) bool { return k >= string(op.Key) && k < string(op.Value) })
		}
	}
}

func (c content) save(s step.Save) {
	maps.DeleteFunc(c, func(k string, _ []byte) bool { return bytes.HasPrefix([]byte(k), s.Prefix) })
	number := uint64(0)
	for chunk := range s.Chunks {
		c[string(wireNumber(s.Prefix, number))] = bytes.Clone(chunk)
		number++
	}
}

func wireNumber(prefix []byte, n uint64) []byte {
	key := bytes.Clone(prefix)
	for shift := 56; shift >= 0; shift -= 8 {
		key = append(key, byte(n>>shift))
	}
	return key
}

func (c content) scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(c)) {
			if bytes.HasPrefix([]byte(k), prefix) && !yield([]byte(k), bytes.Clone(c[k])) {
				return
			}
		}
	}
}

// party is one server of the cycle.
type party struct {
	number uint64
	node   *replica.Node
	disk   content      // nil where there is a store
	store  *store.Store // of the tested one
	inbox  []step.Input
	cut    bool
}

// cycle is three servers in step: each moment every one gets a tick and what has come.
type cycle struct {
	t       testing.TB
	now     step.Now
	parties []*party
	asked   uint64

	mu      sync.Mutex // of what follows, which a crash point reads on a goroutine of the store
	started []content  // the tested disk after each of its writes
	synced  int        // how many of them were acknowledged, in order
	others  [2]content // what servers 1 and 2 hold
	boot    uint64     // the newest start that was acknowledged
}

// newCycle is before the tested server's first start.
func newCycle(t testing.TB) *cycle {
	cryptotest.SetGlobalRandom(t.(*testing.T), 3) // raft draws its election time-outs from it
	c := &cycle{t: t, now: step.Now{MonoNs: 1, WallNs: 1e18}}
	for n := uint64(1); n <= 3; n++ {
		p := &party{number: n}
		if n != tested {
			p.disk = content{}
			p.disk.apply(first(t, n))
			c.open(p, p.disk.scan)
		}
		c.parties = append(c.parties, p)
	}
	c.started = []content{{}}
	c.started[0].apply(first(t, tested))
	c.share()
	return c
}

func first(t testing.TB, n uint64) []step.Op {
	t.Helper()
	ops, err := replica.Bootstrap(cycleConfig(n, 0))
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

func (c *cycle) open(p *party, scan func([]byte) iter.Seq2[[]byte, []byte]) {
	c.t.Helper()
	var err error
	if p.node, err = replica.Open(cycleConfig(p.number, uint64(c.now.MonoNs)), scan); err != nil {
		c.t.Fatalf("server %d: %v", p.number, err)
	}
	p.inbox = nil
}

// start starts the tested server from its store.
func (c *cycle) start(fs vfs.FS, dir string) {
	c.t.Helper()
	s, err := store.OpenFS(fs, dir)
	if err != nil {
		c.t.Fatal(err)
	}
	p := c.parties[tested-1]
	p.store = s
	c.mu.Lock()
	c.boot = s.Identity().Boot
	c.mu.Unlock()
	c.open(p, s.Scan)
}

// stop closes the tested server's store in peace.
func (c *cycle) stop() {
	c.t.Helper()
	p := c.parties[tested-1]
	if err := p.store.Close(); err != nil {
		c.t.Fatal(err)
	}
	p.node, p.store = nil, nil
}

// share copies what servers 1 and 2 hold for the crash points.
func (c *cycle) share() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.others {
		c.others[i] = maps.Clone(c.parties[i].disk)
	}
}

// run lets so many moments of 10 ms pass.
func (c *cycle) run(moments int) {
	for range moments {
		c.now.MonoNs += step.TickNs
		c.now.WallNs += step.TickNs
		for _, p := range c.parties {
			if p.node != nil {
				c.step(p)
			}
		}
		c.share()
	}
}

func (c *cycle) step(p *party) {
	in := append([]step.Input{{Kind: step.Tick}}, p.inbox...)
	p.inbox = nil
	var out step.Out
	p.node.Step(c.now, in, &out)
	p.node.TakeApplied()
	if out.Halt != nil {
		c.t.Fatalf("server %d: %v", p.number, out.Halt)
	}
	if p.store != nil {
		c.useStore(p, &out)
	} else {
		p.useMemory(&out)
	}
	for _, s := range out.Sends {
		if s.To <= 3 {
			to := c.parties[s.To-1]
			if to.node != nil && !to.cut && !p.cut {
				to.inbox = append(to.inbox, step.Input{Kind: step.Frame, From: step.Address(p.number), Bytes: s.Bytes})
			}
		}
	}
}

func (p *party) done(token step.Token, value []byte, err error) {
	p.inbox = append(p.inbox, step.Input{Kind: step.Done, Token: token, Bytes: value, Err: err})
}

func (p *party) useMemory(out *step.Out) {
	for _, s := range out.Saves {
		p.disk.save(s)
	}
	for _, w := range out.Writes {
		p.disk.apply(w.Ops)
		p.done(w.Token, nil, nil)
	}
	for _, r := range out.Reads {
		p.done(r.Token, p.disk[string(r.Key)], nil)
	}
	for _, s := range out.Saves {
		p.done(s.Token, nil, nil)
	}
}

// useStore starts everything, then waits for all of it.
func (c *cycle) useStore(p *party, out *step.Out) {
	var mu sync.Mutex
	var all sync.WaitGroup
	report := func(token step.Token, value []byte, err error) {
		mu.Lock()
		defer mu.Unlock()
		p.done(token, value, err)
		all.Done()
	}
	all.Add(len(out.Saves) + len(out.Writes) + len(out.Reads))
	for _, s := range out.Saves {
		p.store.Save(s, func(err error) { report(s.Token, nil, err) })
	}
	for _, w := range out.Writes {
		c.mu.Lock()
		after := maps.Clone(c.started[len(c.started)-1])
		after.apply(w.Ops)
		c.started = append(c.started, after)
		number := len(c.started) - 1
		c.mu.Unlock()
		p.store.Write(w, func(err error) {
			if err == nil && w.Sync {
				c.mu.Lock()
				c.synced = number
				c.mu.Unlock()
			}
			report(w.Token, nil, err)
		})
	}
	for _, r := range out.Reads {
		p.store.Read(r, func(value []byte, err error) { report(r.Token, value, err) })
	}
	all.Wait()
}

// command gives every server a command; only the leader takes it. Its session is unknown, so it fills the log alone.
func (c *cycle) command(size int) {
	c.asked++
	cmd := wire.Command{Request: c.asked, Session: 999, Seq: 1, Op: bytes.Repeat([]byte{byte(c.asked)}, size)}
	if size == 0 {
		cmd = wire.Command{Request: c.asked} // opens a session: the state grows
	}
	for _, p := range c.parties {
		if p.node != nil {
			p.inbox = append(p.inbox, step.Input{Kind: step.Frame, From: cycleUser, Bytes: cmd.Encode(cycleGroup, view.Epoch{})})
		}
	}
}

func (c *cycle) leader() *party {
	for _, p := range c.parties {
		if p.node != nil && !p.cut && p.node.Status().Groups[0].Role == consensus.RoleLeader {
			return p
		}
	}
	return nil
}

// until runs until a condition holds.
func (c *cycle) until(what string, holds func() bool) {
	c.t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		c.run(1)
	}
	c.t.Fatalf("never: %s", what)
}

// load runs commands, one or two a moment.
func (c *cycle) load(n int) {
	for i := range n {
		c.command([]int{0, 100, 0, 9000, 0, 40_000}[i%6])
		c.run(1)
	}
}

// lead makes the tested server the leader.
func (c *cycle) lead() {
	c.until("server 3 leads", func() bool {
		l := c.leader()
		if l == nil || l.number == tested {
			return l != nil
		}
		l.cut = true
		c.run(60)
		l.cut = false
		return false
	})
}

// runAll is the whole cycle; the store was made in dir.
func (c *cycle) runAll(fs vfs.FS, dir string) {
	c.start(fs, dir)
	c.until("somebody leads", func() bool { return c.leader() != nil })
	c.load(8)
	three := c.parties[tested-1]
	three.cut = true // it falls behind, and needs a snapshot
	c.until("the others lead", func() bool { l := c.leader(); return l != nil && l.number != tested })
	c.load(30)
	three.cut = false
	c.until("the snapshot is taken over", func() bool { return three.node.Status().Groups[0].Counters.Installed > 0 })
	c.load(14)
	c.stop()
	c.start(fs, dir)
	c.lead()
	c.load(16)
	three.cut = true // what it leads into its log alone is replaced
	for range 4 {
		c.command(5000)
		c.step(three)
	}
	c.until("another leads", func() bool { return c.leader() != nil })
	c.load(3)
	three.cut = false
	c.load(14)
	c.stop()
	c.start(fs, dir)
	c.load(3)
}
