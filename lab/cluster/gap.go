package cluster

import (
	"fmt"
	"math/rand/v2"

	"onevoice/client/core"
	"onevoice/consensus"
	"onevoice/lab/sim"
	"onevoice/lab/toy"
	"onevoice/machine"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/view"
)

// gapGroup is the group of an experiment about gaps.
const gapGroup = 1

// GapOptions say which experiment to make.
type GapOptions struct {
	Seed    uint64
	Servers int
	// RoundNs is the round trip between any two, clients included, beside the ordinary noise of a hall; 0 for a hall.
	RoundNs int64
	// Fault is what happens to the leader: Crash, Pause, Mute, Deaf or Isolate; or Star, in which all servers reach only one that does
	// not lead. sim.Kind's others do nothing.
	Fault sim.Kind
	// Behind lets the centre of a star lack what was written in the last 40 ms.
	Behind bool
	// HandOver lets the leader hand over instead.
	HandOver bool
}

// Gap is what clients saw: the longest times between two answers, in nanoseconds of the world, and whether the server that led is
// still believed to.
type Gap struct {
	WriteNs, ReadNs int64
	Moved           bool
	// BoundNs and RoundNs are the detection bound and the round trip that the leader had found out before the fault.
	BoundNs, RoundNs int64
}

// gapRun is one experiment: a healthy cluster on a fast network, one client that writes and one that reads, each one request after
// the other, and one fault.
type gapRun struct {
	world   *sim.World
	roundNs int64
	hosts   []*sim.Party
	clients []*pulse
}

// pulse is a client that asks one request after the other and notes the longest time between two answers.
type pulse struct {
	run     *gapRun
	next    func(number uint64) (core.Ask, bool) // false: it asks nothing more
	core    *core.Core
	links   []dial
	out     core.Out
	open    bool
	asked   uint64
	lastNs  int64 // of the newest answer, by the world's clock
	longest int64
}

// RunGap makes one experiment.
func RunGap(o GapOptions) (Gap, error) {
	params := healthy(o.Servers)
	params.DelayMinNs += o.RoundNs / 2
	world, err := sim.New(sim.Options{Seed: o.Seed, Params: &params})
	if err != nil {
		return Gap{}, err
	}
	defer world.Close()
	r := &gapRun{world: world, roundNs: o.RoundNs}
	for k := range o.Servers {
		if err := r.add(uint64(k+1), o.Servers); err != nil {
			return Gap{}, err
		}
	}
	r.addPulses(o.Seed, o.Servers)
	return r.measure(o)
}

// healthy is a quick network with ordinary disks.
func healthy(servers int) sim.Params {
	return sim.Params{
		ServerCount: servers, DelayMinNs: 100_000, DelaySpreadNs: 150_000, InOrder: true, GonePpm: million, BurstPpm: million, BurstMost: 1,
		DiskMinNs: 80_000, DiskSpreadNs: 100_000, SaveSpreadNs: milliNs, WorkNs: 20_000, DriftPpm: 100,
	}
}

func (r *gapRun) add(self uint64, servers int) error {
	config := func(random *rand.Rand, boot int) replica.Config {
		g := consensus.Config{Group: gapGroup, Self: self, NewMachine: func() machine.Machine { return toy.New() }, Rand: random}
		for k := range servers {
			g.Voters = append(g.Voters, uint64(k+1))
		}
		return replica.Config{Self: self, Boot: uint64(boot), Groups: []consensus.Config{g}}
	}
	first, err := replica.Bootstrap(config(nil, 0))
	if err != nil {
		return err
	}
	r.hosts = append(r.hosts, r.world.AddServer(step.Address(self), first, func(b sim.Birth) (step.Machine, error) {
		return replica.Open(config(b.Rand, b.Boot), b.Scan)
	}))
	return nil
}

// measure waits for steady work, begins the fault some time later, and gives the longest gaps from then on.
func (r *gapRun) measure(o GapOptions) (Gap, error) {
	steady := func() bool {
		return r.clients[0].asked > 20 && r.clients[1].asked > 20
	}
	if most := 5*secNs + 60*o.RoundNs; !r.world.Run(most, steady) {
		return Gap{}, fmt.Errorf("cluster: seed %d: no steady work within %d ms", o.Seed, most/milliNs)
	}
	w := r.world
	w.Run(w.NowNs()+sim.Stream(o.Seed, "gap").Int64N(200*milliNs), nil)
	led := r.leader()
	if led == nil {
		return Gap{}, fmt.Errorf("cluster: seed %d: nobody leads", o.Seed)
	}
	for _, p := range r.clients {
		p.lastNs, p.longest = w.NowNs(), 0
	}
	d := led.Machine().(*replica.Node).Status().Detection
	g := Gap{BoundNs: d.BoundNs, RoundNs: d.RoundNs}
	switch {
	case o.HandOver:
		led.Machine().(*replica.Node).HandOver()
	case o.Fault == sim.Star:
		r.star(led, o.Behind)
	default:
		w.Strike(o.Fault, led)
	}
	w.Run(w.NowNs()+600*milliNs+15*o.RoundNs, nil)
	for i, longest := range []*int64{&g.WriteNs, &g.ReadNs} {
		p := r.clients[i]
		*longest = max(p.longest, w.NowNs()-p.lastNs)
	}
	now := r.leader()
	g.Moved = now != nil && now != led
	return g, nil
}

// star leaves only the links of a server that does not lead.
func (r *gapRun) star(led *sim.Party, behind bool) {
	centre := r.hosts[0]
	if centre == led {
		centre = r.hosts[1]
	}
	if behind {
		r.world.Strike(sim.Pause, centre)
		r.world.Run(r.world.NowNs()+40*milliNs, nil)
		r.world.Strike(sim.Star, centre)
		r.world.Resume(centre)
		return
	}
	r.world.Strike(sim.Star, centre)
}

// leader is who leads in the newest term.
func (r *gapRun) leader() *sim.Party {
	var led *sim.Party
	term := uint64(0)
	for _, p := range r.hosts {
		if !p.Up() {
			continue
		}
		s := p.Machine().(*replica.Node).Status().Groups[0]
		if s.Group == gapGroup && s.Role == consensus.RoleLeader && s.Term > term {
			led, term = p, s.Term
		}
	}
	return led
}

// Step implements step.Machine.
func (p *pulse) Step(now step.Now, in []step.Input, out *step.Out) {
	p.out.Reset()
	for _, i := range in {
		k := int(i.From) - 1
		switch {
		case i.Kind == step.Tick:
			p.dial(now, out)
			p.core.Tick(now.MonoNs, &p.out)
		case i.Kind == step.Gone:
			p.links[k] = dial{againNs: now.MonoNs + milliNs}
			p.core.Down(now.MonoNs, k, &p.out)
		case len(i.Bytes) == 0:
			p.links[k].up = true
			p.core.Up(now.MonoNs, k, view.Start{Server: uint64(k + 1)}, &p.out)
		default:
			p.core.Frame(now.MonoNs, k, i.Bytes, &p.out)
		}
	}
	p.work(now)
	for _, s := range p.out.Sends {
		out.Sends = append(out.Sends, step.Send{To: step.Address(s.Server + 1), Bytes: s.Frame})
	}
}

func (p *pulse) dial(now step.Now, out *step.Out) {
	for k := range p.links {
		if d := &p.links[k]; !d.up && now.MonoNs >= d.againNs {
			d.againNs = now.MonoNs + redialNs + 2*p.run.roundNs
			out.Sends = append(out.Sends, step.Send{To: step.Address(k + 1)})
		}
	}
}

// work takes answers, and asks the next request.
func (p *pulse) work(now step.Now) {
	for _, f := range p.out.Finished {
		p.open = false
		if f.Err == nil {
			at := p.run.world.NowNs()
			p.longest, p.lastNs = max(p.longest, at-p.lastNs), at
		}
	}
	if p.open {
		return
	}
	a, more := p.next(p.asked + 1)
	if !more {
		return
	}
	p.open = true
	p.asked++
	p.core.Ask(now.MonoNs, a, &p.out)
}

// addPulses adds a client that writes and one that reads.
func (r *gapRun) addPulses(seed uint64, servers int) {
	writes := func(number uint64) (core.Ask, bool) {
		c := toy.Command{Kind: toy.Add, Key: "r", Value: 1, ID: number}
		return core.Ask{Op: c.Encode()}, true
	}
	reads := func(uint64) (core.Ask, bool) {
		c := toy.Command{Kind: toy.Get, Key: "r"}
		return core.Ask{Query: true, Op: c.Encode()}, true
	}
	for i, next := range []func(uint64) (core.Ask, bool){writes, reads} {
		p := r.newPulse(gapGroup, servers, sim.Stream(seed, fmt.Sprintf("pulse %d", i)), next)
		r.clients = append(r.clients, p)
		r.world.AddClient(fmt.Sprintf("c%d", i), p)
	}
}

// newPulse is a client of a group on the first servers.
func (r *gapRun) newPulse(group uint32, servers int, random *rand.Rand, next func(uint64) (core.Ask, bool)) *pulse {
	cfg := core.Config{Group: group, Nearest: -1, Rand: random}
	for k := range servers {
		cfg.Servers = append(cfg.Servers, core.Server{Number: uint64(k + 1)})
	}
	return &pulse{run: r, next: next, links: make([]dial, servers), core: core.New(cfg)}
}
