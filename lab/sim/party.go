package sim

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime/debug"

	"onevoice/step"
)

// Birth is what a server's machine is built from, at its first start and after each crash.
type Birth struct {
	// Scan yields what the disk holds, as step's drivers do.
	Scan func(prefix []byte) iter.Seq2[[]byte, []byte]
	// Rand is a random stream of this server and start alone.
	Rand *rand.Rand
	// Boot counts the starts from 1.
	Boot int
	// Now is the time on the server's clocks.
	Now step.Now
}

// Factory builds the machine of a server.
type Factory func(Birth) (step.Machine, error)

// Party is one process of the world: a server or a client.
type Party struct {
	w       *World
	index   int
	name    string
	addr    step.Address // a client has one per connection instead
	server  bool
	factory Factory
	machine step.Machine
	rand    *rand.Rand
	clock   clock
	disk    disk
	links   []*link
	conns   []*conn // of a client, by server index

	boot      int
	up        bool
	lost      bool  // destroyed with its disk
	pausedNs  int64 // no step before this moment
	slow      bool
	lag       int // lag faults going on
	inbox     []step.Input
	ticking   bool // a tick waits in the inbox
	scheduled bool
	out       step.Out
}

// inboxMost bounds what waits for one party; what comes on top is lost, as a full socket loses it.
const inboxMost = 20_000

// Name is the party's name in traces.
func (p *Party) Name() string { return p.name }

// Addr is the address of a server.
func (p *Party) Addr() step.Address { return p.addr }

// Up says whether a server runs; a paused one does.
func (p *Party) Up() bool { return p.up }

// Machine is what runs in the party now; nil while a server is down.
func (p *Party) Machine() step.Machine { return p.machine }

// Now is the time on the party's clocks.
func (p *Party) Now() step.Now { return p.clock.now(p.w.nowNs) }

// Lost says whether a server is destroyed for ever.
func (p *Party) Lost() bool { return p.lost }

// begin builds the machine and lets it tick.
func (p *Party) begin() {
	if p.lost {
		return
	}
	p.boot++
	p.up = true
	if p.factory != nil {
		birth := Birth{Scan: p.disk.scan, Boot: p.boot, Now: p.Now()}
		birth.Rand = Stream(p.w.seed, fmt.Sprintf("machine %s %d", p.name, p.boot))
		machine, err := p.build(birth)
		if err != nil {
			p.up = false
			p.w.broken(p, "start", err)
			return
		}
		p.machine = machine
	}
	p.w.trace.note(p.w.nowNs, "%s starts, boot %d", p.name, p.boot)
	p.later(between(p.rand, 0, step.TickNs), p.tick)
}

func (p *Party) build(b Birth) (m step.Machine, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return p.factory(b)
}

// later runs f after some world time unless the party has stopped by then.
func (p *Party) later(afterNs int64, f func()) {
	boot := p.boot
	p.w.queue.push(p.w.nowNs+max(afterNs, 0), func() {
		if p.up && p.boot == boot {
			f()
		}
	})
}

func (p *Party) tick() {
	if !p.ticking {
		p.ticking = true
		p.give(step.Input{Kind: step.Tick})
	}
	p.later(p.clock.worldNs(step.TickNs), p.tick)
}

// give puts an input into the inbox and plans a Step.
func (p *Party) give(in step.Input) {
	if !p.up || len(p.inbox) >= inboxMost && in.Kind == step.Frame {
		return
	}
	p.inbox = append(p.inbox, in)
	p.plan(false)
}

func (p *Party) plan(again bool) {
	if p.scheduled {
		return
	}
	p.scheduled = true
	var wait int64
	if !again {
		wait = spread(p.rand, p.w.params.WorkNs)
	}
	if p.slow {
		wait += spread(p.rand, p.w.params.SlowNs)
	}
	p.later(max(wait, p.pausedNs-p.w.nowNs), p.run)
}

// run gives the machine what waits, all at once or a part.
func (p *Party) run() {
	p.scheduled = false
	if p.w.nowNs < p.pausedNs {
		p.plan(true)
		return
	}
	n := len(p.inbox)
	if n == 0 {
		return
	}
	if !chance(p.rand, p.w.params.BurstPpm) {
		n = min(n, 1+p.rand.IntN(p.w.params.BurstMost))
	}
	in := p.inbox[:n:n]
	for i := range in {
		p.ticking = p.ticking && in[i].Kind != step.Tick
	}
	p.inbox = p.inbox[n:]
	if len(p.inbox) > 0 {
		p.plan(true)
	} else {
		p.inbox = nil
	}
	p.step(in)
}

func (p *Party) step(in []step.Input) {
	now := p.Now()
	p.w.trace.stepped(p.w.nowNs, p, now, in)
	p.w.count.Steps++
	p.out.Reset()
	if err := p.call(now, in); err != nil {
		p.w.crash(p, false)
		p.w.broken(p, "panic", err)
		return
	}
	p.w.trace.out(p.w.nowNs, p, &p.out)
	promised := p.server && p.w.faults.on && p.w.hooks.Promised != nil && p.w.hooks.Promised(p, &p.out)
	p.w.obey(p, &p.out)
	p.w.faults.strike(p, in, promised)
}

func (p *Party) call(now step.Now, in []step.Input) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	p.machine.Step(now, in, &p.out)
	return nil
}
