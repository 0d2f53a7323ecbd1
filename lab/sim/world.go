package sim

import (
	crand "crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"onevoice/internal/realm"
	"onevoice/step"
)

// Options say which world to make.
type Options struct {
	// Seed decides everything.
	Seed uint64
	// Params overrides what the seed would draw.
	Params *Params
	// Off switches kinds of fault off, to shrink a failing run.
	Off KindSet
	// Long lets ten times as much happen as in a usual world, for one that goes on for minutes.
	Long bool
	// Text gets a readable trace; nil for none.
	Text io.Writer
	// Hooks look on.
	Hooks Hooks
}

// Hooks are called by the world as things happen. They must draw from no random stream but their own.
type Hooks struct {
	// Stepped is called after each Step of a server, before its outputs are taken.
	Stepped func(p *Party, out *step.Out)
	// Saved is called for each save with the hash over its chunks.
	Saved func(p *Party, prefix []byte, sum [sha256.Size]byte)
	// Role names a server's role, such as "leader", for aiming faults and counting them.
	Role func(p *Party) string
	// Promised says whether what a server sends now holds its word, so that forgetting it would be grave.
	Promised func(p *Party, out *step.Out) bool
	// MayLose says whether a server may be destroyed with its disk; nil spares a majority of all servers.
	MayLose func(p *Party) bool
	// Anew says whether a machine that stopped by itself only wants to be started anew, as a process whose supervisor does that.
	Anew func(p *Party, why error) bool
	// Broken reports what no fault explains: a machine that stopped by itself, panicked or would not start, or, with p nil, a world
	// that goes on without end.
	Broken func(p *Party, what string, err error)
}

// ErrLive is returned by New while another world lives in the process.
var ErrLive = errors.New("sim: another world lives in this process; crypto/rand.Reader can follow only one seed at a time")

var live atomic.Bool

// World is one simulated world. It is used by one goroutine.
type World struct {
	seed    uint64
	params  Params
	off     KindSet
	hooks   Hooks
	trace   *trace
	queue   queue
	nowNs   int64
	servers []*Party // those that are not retired
	byAddr  map[step.Address]*Party
	parties []*Party
	conns   []*conn
	netRand *rand.Rand
	faults  schedule
	calm    bool // no colours any more
	// healedNs is when every fault was ended.
	healedNs int64
	lossy    int // lossy faults going on
	ambush   int // ambushes going on
	bounds   bounds
	stopped  bool
	count    Counters
	reader   io.Reader // crypto/rand.Reader as it was
}

// New makes an empty world at time 0. Close it, or no other can live in this process.
func New(o Options) (*World, error) {
	if err := realm.EnterSim(); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	if !live.CompareAndSwap(false, true) {
		return nil, ErrLive
	}
	w := &World{seed: o.Seed, off: o.Off, hooks: o.Hooks, trace: newTrace(o.Text), reader: crand.Reader, bounds: worldBounds}
	if o.Long {
		w.bounds = w.bounds.times(10)
	}
	if o.Params != nil {
		w.params = *o.Params
	} else {
		w.params = Draw(o.Seed)
	}
	w.params.without(o.Off)
	w.netRand = Stream(o.Seed, "net")
	w.byAddr = map[step.Address]*Party{}
	w.count.Faults = map[string]map[string]int{}
	w.faults.init(w)
	crand.Reader = source(o.Seed, "crypto")
	return w, nil
}

// Close gives crypto/rand.Reader back and lets the next world live.
func (w *World) Close() {
	if w.reader != nil {
		crand.Reader = w.reader
		w.reader = nil
		live.Store(false)
	}
}

// Params are the properties of this world.
func (w *World) Params() Params { return w.params }

// NowNs is world time in nanoseconds since the beginning.
func (w *World) NowNs() int64 { return w.nowNs }

// Servers lists the servers in the order they were added.
func (w *World) Servers() []*Party { return w.servers }

// TraceHash is the SHA-256 over everything so far.
func (w *World) TraceHash() [sha256.Size]byte { return w.trace.hash() }

// Note puts a line into the trace.
func (w *World) Note(format string, args ...any) { w.trace.note(w.nowNs, format, args...) }

// After runs f after some world time.
func (w *World) After(afterNs int64, f func()) { w.queue.push(w.nowNs+max(afterNs, 0), f) }

// AddServer adds a server, its disk holding what first writes, and starts it.
func (w *World) AddServer(addr step.Address, first []step.Op, f Factory) *Party {
	p := w.add(fmt.Sprintf("n%d", addr))
	p.addr, p.server, p.factory = addr, true, f
	p.disk.first = 1
	apply(&p.disk.safe, first)
	w.servers = append(w.servers, p)
	w.byAddr[addr] = p
	p.begin()
	return p
}

// Retire takes a server away for ever, because nobody counts on it any more: faults aim at it no longer.
func (w *World) Retire(p *Party) {
	if !slices.Contains(w.servers, p) {
		return
	}
	w.crash(p, true)
	w.trace.note(w.nowNs, "%s is retired", p.name)
	p.lost, p.disk = true, disk{}
	w.servers = slices.DeleteFunc(w.servers, func(q *Party) bool { return q == p })
}

// AddClient adds a client that runs m: its frames go to the addresses of servers and come from there.
func (w *World) AddClient(name string, m step.Machine) *Party {
	p := w.add(name)
	p.machine = m
	p.begin()
	return p
}

// RemoveClient ends a client; servers notice that its connections are gone, or never.
func (w *World) RemoveClient(p *Party) {
	w.trace.note(w.nowNs, "%s leaves", p.name)
	for _, c := range p.conns {
		if c != nil && !c.closed && chance(w.netRand, w.params.GonePpm) {
			w.closeConn(c)
		}
	}
	p.up, p.machine, p.inbox = false, nil, nil
}

func (w *World) add(name string) *Party {
	p := &Party{w: w, index: len(w.parties), name: name, rand: Stream(w.seed, "party "+name)}
	d, skew := w.params.DriftPpm, w.params.WallSkewNs
	p.clock = clock{ratePpm: between(p.rand, -d, d), wallNs: between(p.rand, -skew/2, skew/2)}
	if w.off.Has(Drift) {
		p.clock.ratePpm = 0
	}
	w.parties = append(w.parties, p)
	return p
}

func (w *World) server(addr step.Address) *Party {
	return w.byAddr[addr]
}

// Run lets the world go on until done says so or untilNs is reached, and says whether done did.
func (w *World) Run(untilNs int64, done func() bool) bool {
	for {
		if done != nil && done() {
			return true
		}
		if len(w.queue.heap) == 0 || w.queue.heap[0].atNs > untilNs {
			w.nowNs = max(w.nowNs, untilNs)
			return false
		}
		if what := w.bounds.over(&w.count); what != "" && !w.stopped {
			w.exhaust(what)
		}
		if w.stopped {
			return false
		}
		w.count.Events++
		e := w.queue.pop()
		w.nowNs = e.atNs
		e.run()
	}
}

// broken reports what no fault explains.
func (w *World) broken(p *Party, what string, err error) {
	w.trace.note(w.nowNs, "%s broken: %s", p.name, what)
	if w.hooks.Broken != nil {
		w.hooks.Broken(p, what, err)
	}
}
