package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"onevoice/client/core"
	"onevoice/consensus"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
	"onevoice/lab/toy"
	"onevoice/machine"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/view"
)

// obeyRun is a healthy cluster with an oracle on a fast network, and clients that write and read all the time.
type obeyRun struct {
	gapRun
	t     *testing.T
	court *judge.Court
	views []view.View
	fell  map[step.Address]bool
	boots map[step.Address]int
}

const oracleGroup = 2

func newObeyRun(t *testing.T, seed uint64, servers int) *obeyRun {
	return newApartRun(t, seed, servers, 0)
}

// newApartRun is one with oracles of their own, numbered after the servers.
func newApartRun(t *testing.T, seed uint64, servers, oracles int) *obeyRun {
	r := &obeyRun{t: t, court: judge.NewCourt(), fell: map[step.Address]bool{}, boots: map[step.Address]int{}}
	params := healthy(servers + oracles)
	world, err := sim.New(sim.Options{Seed: seed, Params: &params, Long: true, Hooks: sim.Hooks{
		Stepped: r.stepped, Anew: r.anew, Broken: func(p *sim.Party, what string, err error) { t.Errorf("%v %s: %v", p, what, err) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	r.world = world
	for k := range servers + oracles {
		r.addServer(uint64(k+1), servers, oracles)
	}
	r.addPulses(seed, servers)
	r.until("everybody is up", func() bool {
		return r.standing(view.Up) == servers+oracles && r.leader() != nil && r.clients[0].asked > 20
	})
	return r
}

func (r *obeyRun) addServer(self uint64, servers, oracles int) {
	genesis := members.Genesis{Groups: []uint32{gapGroup, oracleGroup}}
	var full, apart []uint64
	for k := range servers + oracles {
		number, name := uint64(k+1), fmt.Sprintf("n%d", k+1)
		genesis.Servers = append(genesis.Servers, members.Server{Number: number, Name: name, HTTP: name + ":1", Peer: name + ":2", Oracle: k >= servers})
		if k < servers {
			full = append(full, number)
		} else {
			apart = append(apart, number)
		}
	}
	own := consensus.Config{Group: oracleGroup, Self: self, Voters: full, NewMachine: func() machine.Machine { return oracle.New(genesis) }}
	if oracles > 0 {
		own.Voters, own.Learners = apart, full
	}
	config := func(random *rand.Rand, boot int) replica.Config {
		own.Rand = random
		c := replica.Config{Self: self, Boot: uint64(boot), Fell: r.fell[step.Address(self)], Membership: oracleGroup}
		if self <= uint64(servers) {
			c.Groups = append(c.Groups, consensus.Config{
				Group: gapGroup, Self: self, Voters: full, Rand: random, NewMachine: func() machine.Machine { return toy.New() },
			})
		}
		c.Groups = append(c.Groups, own)
		return c
	}
	first, err := replica.Bootstrap(config(nil, 0))
	if err != nil {
		r.t.Fatal(err)
	}
	r.hosts = append(r.hosts, r.world.AddServer(step.Address(self), first, func(b sim.Birth) (step.Machine, error) {
		c := config(b.Rand, b.Boot)
		r.fell[step.Address(self)], r.boots[step.Address(self)] = false, b.Boot
		return replica.Open(c, b.Scan)
	}))
}

func (r *obeyRun) stepped(p *sim.Party, _ *step.Out) {
	node := p.Machine().(*replica.Node)
	applied := node.TakeApplied()
	for _, a := range applied {
		for _, b := range a.Events {
			if a.Group != oracleGroup {
				break
			}
			e, is, err := oracle.DecodeEvent(b)
			if err != nil {
				r.t.Error(err)
			}
			if is {
				r.court.View(p.Name(), e.View)
				if n := len(r.views); n == 0 || e.View.Number > r.views[n-1].Number {
					r.views = append(r.views, e.View)
				}
			}
		}
	}
	for _, a := range applied {
		r.court.Applied(p.Name(), r.boots[p.Addr()], a.Group, judge.Applied{Index: a.Index, Epoch: a.Epoch, Hash: a.Hash, LogTimeNs: a.LogTimeNs,
			Events: a.Events, Installed: a.Installed, By: a.By, View: a.View})
	}
}

func (r *obeyRun) anew(p *sim.Party, why error) bool {
	var d *replica.Downed
	if !errors.As(why, &d) {
		return false
	}
	r.fell[p.Addr()] = true
	return true
}

func (r *obeyRun) until(what string, done func() bool) {
	r.t.Helper()
	if !r.world.Run(r.world.NowNs()+5*secNs, done) || r.world.Stopped() {
		r.t.Fatalf("never: %s; the view is %+v", what, r.view())
	}
}

func (r *obeyRun) run(ns int64) {
	if r.world.Run(r.world.NowNs()+ns, nil); r.world.Stopped() {
		r.t.FailNow()
	}
}

// view is the newest that was made.
func (r *obeyRun) view() view.View {
	if len(r.views) == 0 {
		return view.View{}
	}
	return r.views[len(r.views)-1]
}

func (r *obeyRun) standing(s view.Standing) int {
	n := 0
	for _, p := range r.view().Processes {
		if p.Standing == s {
			n++
		}
	}
	return n
}

// done fails the test for every law that was broken.
func (r *obeyRun) done() {
	r.t.Helper()
	for _, v := range r.court.Violations() {
		r.t.Error(v)
	}
}

// quiet forgets the gaps so far.
func (r *obeyRun) quiet() {
	for _, p := range r.clients {
		p.lastNs, p.longest = r.world.NowNs(), 0
	}
}

// gap is the longest time that any client waited since.
func (r *obeyRun) gap() int64 {
	longest := int64(0)
	for _, p := range r.clients {
		longest = max(longest, p.longest, r.world.NowNs()-p.lastNs)
	}
	return longest
}

// A verdict against a healthy leader that goes on talking: it ends, is back by itself, up within 2 s, and nothing that it proposed
// after the view was applied has taken effect (S3, which the court judges).
func TestAHealthyLeaderIsTakenDown(t *testing.T) {
	for seed := range uint64(4) {
		r := newObeyRun(t, seed, 3+2*int(seed%2))
		led := r.leader()
		r.quiet()
		for _, q := range r.view().Processes {
			if q.Server == uint64(led.Addr()) {
				r.fence(q.PID)
			}
		}
		if r.standing(view.Down) != 1 {
			t.Fatalf("seed %d: nobody is down: %+v", seed, r.view())
		}
		from := r.world.NowNs()
		r.until("it is up again", func() bool { return r.standing(view.Up) == len(r.hosts) })
		t.Logf("seed %d: up again after %.0f ms, the longest gap was %.1f ms", seed, float64(r.world.NowNs()-from)/1e6, float64(r.gap())/1e6)
		if r.world.NowNs()-from > 2*secNs {
			t.Errorf("seed %d: it took %d ms", seed, (r.world.NowNs()-from)/milliNs)
		}
		if r.gap() > 110*milliNs {
			t.Errorf("seed %d: a gap of %d ms", seed, r.gap()/milliNs)
		}
		r.done()
		r.world.Close()
	}
}

// fence has an operator take a process down.
func (r *obeyRun) fence(p view.PID) {
	op := oracle.Fence{Server: p.Server, Incarnation: p.Incarnation}.Encode()
	o := r.newPulse(oracleGroup, len(r.hosts), sim.Stream(p.Incarnation, "order"), func(number uint64) (core.Ask, bool) {
		return core.Ask{Op: op}, number == 1
	})
	r.world.AddClient("operator", o)
	r.until("the operator is answered", func() bool { return o.asked == 1 && !o.open })
}

// V4: a link that flaps for a minute costs two views at most. Only the first goes on for the whole minute.
func TestAFlappingLink(t *testing.T) {
	for seed, flap := range []struct {
		kind                 sim.Kind
		cutNs, wholeNs, long int64
		most                 view.Number
	}{
		{sim.Isolate, 50 * milliNs, 50 * milliNs, 60 * secNs, 2}, {sim.Isolate, 90 * milliNs, 40 * milliNs, 4 * secNs, 2}, {sim.Isolate, 200 * milliNs, 200 * milliNs, 4 * secNs, 2},
		{sim.Deaf, 50 * milliNs, 50 * milliNs, 4 * secNs, 3}, // where nobody reports it for a second it is up
		{sim.Deaf, 150 * milliNs, 60 * milliNs, 4 * secNs, 2}, {sim.Mute, 100 * milliNs, 100 * milliNs, 4 * secNs, 2},
	} {
		r := newObeyRun(t, uint64(seed), 3)
		victim := r.idle()
		for _, p := range r.clients {
			p.open = true // nobody asks anything more
		}
		before := r.view().Number
		for from := r.world.NowNs(); r.world.NowNs()-from < flap.long; {
			r.world.Strike(flap.kind, victim)
			r.run(flap.cutNs)
			r.world.Mend(flap.kind, victim)
			r.run(flap.wholeNs)
		}
		n := r.view().Number - before
		t.Logf("%v, %d ms cut and %d ms whole for %d s: %d views", flap.kind, flap.cutNs/milliNs, flap.wholeNs/milliNs, flap.long/secNs, n)
		if n > flap.most {
			t.Errorf("%v, %d ms cut and %d ms whole: %d views", flap.kind, flap.cutNs/milliNs, flap.wholeNs/milliNs, n)
			for _, v := range r.views {
				if v.Number > before && v.Number < before+8 {
					t.Logf("%+v led %+v", v.Processes, v.Leads)
				}
			}
		}
		r.until("it is up again", func() bool { return r.standing(view.Up) == 3 })
		r.done()
		r.world.Close()
	}
}

// idle is a server that leads nothing.
func (r *obeyRun) idle() *sim.Party {
	for _, h := range r.hosts {
		leads := func(g consensus.Status) bool { return g.Role == consensus.RoleLeader }
		if !slices.ContainsFunc(h.Machine().(*replica.Node).Status().Groups, leads) {
			return h
		}
	}
	return nil // not with three servers and two groups
}

// Servers that stop together go in one view, and the clients go on.
func TestOneCut(t *testing.T) {
	for seed := range uint64(4) {
		r := newObeyRun(t, seed, 5)
		r.quiet()
		before := len(r.views)
		stopped := []*sim.Party{r.hosts[seed%5], r.hosts[(seed+1)%5]}
		for _, h := range stopped {
			r.world.Strike(sim.Pause, h)
		}
		r.until("two are down", func() bool { return r.standing(view.Down) == 2 })
		cuts := 0
		for i := before; i < len(r.views); i++ {
			if r.downs(i) > r.downs(i-1) {
				cuts++
			}
		}
		if cuts != 1 {
			t.Errorf("seed %d: they went in %d views", seed, cuts)
		}
		r.run(300 * milliNs)
		if r.gap() > 150*milliNs {
			t.Errorf("seed %d: a gap of %d ms", seed, r.gap()/milliNs)
		}
		for _, h := range stopped {
			r.world.Resume(h)
		}
		r.until("all are up again", func() bool { return r.standing(view.Up) == 5 })
		r.done()
		r.world.Close()
	}
}

func (r *obeyRun) downs(i int) int {
	return len(slices.DeleteFunc(slices.Clone(r.views[i].Processes), func(p view.Process) bool { return p.Standing != view.Down }))
}

// All servers lose power: they elect and admit one another by themselves, and answer, without a storm of verdicts.
func TestAllLosePower(t *testing.T) {
	for seed := range uint64(4) {
		r := newObeyRun(t, seed, 3+2*int(seed%2))
		before := len(r.views)
		asked := r.clients[0].asked
		r.world.PowerCut(sim.Stream(seed, "power").Int64N(200*milliNs) + 1)
		from := r.world.NowNs()
		r.until("a write is acknowledged", func() bool { return r.clients[0].asked > asked+1 })
		took := r.world.NowNs() - from
		r.until("all are up again", func() bool {
			return len(r.views) > before && r.standing(view.Up) == len(r.hosts)
		})
		r.run(2 * secNs)
		t.Logf("seed %d: first write after %d ms, %d views", seed, took/milliNs, len(r.views)-before)
		if took > 3*secNs || len(r.views)-before > 12 {
			t.Errorf("seed %d: first write after %d ms, %d views", seed, took/milliNs, len(r.views)-before)
		}
		r.done()
		r.world.Close()
	}
}

// Who reports a leader takes nothing from it for a while: a deaf leader goes on appending.
func TestAReportIsAPromise(t *testing.T) {
	held := uint64(0)
	for seed := range uint64(6) {
		r := newObeyRun(t, seed, 3)
		r.world.Strike(sim.Deaf, r.leader())
		r.run(150 * milliNs)
		for _, h := range r.hosts {
			if h.Up() {
				for _, g := range h.Machine().(*replica.Node).Status().Groups {
					held += g.Counters.Held
				}
			}
		}
		r.done()
		r.world.Close()
	}
	if held == 0 {
		t.Error("nobody held back anything")
	}
}
