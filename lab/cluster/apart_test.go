package cluster

import (
	"slices"
	"testing"

	"onevoice/consensus"
	"onevoice/lab/sim"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/view"
)

// The runs here have three servers, 1 to 3, and three oracles, 4 to 6.
const apartServers, apartOracles = 3, 3

func (r *obeyRun) oracles() []*sim.Party { return r.hosts[apartServers:] }

// decides is the oracle that leads the others in the newest term, nil for none.
func (r *obeyRun) decides() *sim.Party {
	var led *sim.Party
	term := uint64(0)
	for _, h := range r.oracles() {
		if !h.Up() {
			continue
		}
		g := h.Machine().(*replica.Node).Status().Groups[0]
		if g.Role == consensus.RoleLeader && g.Term > term {
			led, term = h, g.Term
		}
	}
	return led
}

func (r *obeyRun) standsAs(p *sim.Party, s view.Standing) func() bool {
	return func() bool {
		v := r.view()
		q, ok := v.Process(uint64(p.Addr()))
		return ok && q.Standing == s
	}
}

// lawful checks who is in which group.
func (r *obeyRun) lawful() {
	r.t.Helper()
	for _, h := range r.hosts {
		if !h.Up() {
			continue
		}
		for _, g := range h.Machine().(*replica.Node).Status().Groups {
			voters, learners := []uint64{1, 2, 3}, []uint64(nil)
			if g.Group == oracleGroup {
				voters, learners = []uint64{4, 5, 6}, voters
			} else if h.Addr() > apartServers {
				r.t.Errorf("oracle %d is in group %d", h.Addr(), g.Group)
			}
			if !slices.Equal(g.Voters, voters) || !slices.Equal(g.Learners, learners) {
				r.t.Errorf("server %d: group %d has %v and %v", h.Addr(), g.Group, g.Voters, g.Learners)
			}
		}
	}
}

// An oracle that stops, the one that decides too, is called down by those that are left, and nobody waits for it.
func TestAnOracleStops(t *testing.T) {
	for seed := range uint64(4) {
		r := newApartRun(t, seed, apartServers, apartOracles)
		led := r.decides()
		if led == nil {
			t.Fatalf("seed %d: no oracle decides", seed)
		}
		victim := r.oracles()[seed%3]
		r.quiet()
		r.world.Strike(sim.Pause, victim)
		r.until("it is down", r.standsAs(victim, view.Down))
		r.until("another decides", func() bool { d := r.decides(); return d != nil && (victim != led || d != led) })
		if r.gap() > 20*milliNs {
			t.Errorf("seed %d: clients of the servers waited %d ms for an oracle", seed, r.gap()/milliNs)
		}
		r.world.Resume(victim)
		r.until("it is up again", func() bool { return r.standing(view.Up) == len(r.hosts) })
		r.lawful()
		r.done()
		r.world.Close()
	}
}

// A server that stops is called down, and its group goes on.
func TestAServerBesideOraclesStops(t *testing.T) {
	for seed := range uint64(4) {
		r := newApartRun(t, seed, apartServers, apartOracles)
		led := r.leader()
		r.quiet()
		r.world.Strike(sim.Pause, led)
		r.until("it is down", r.standsAs(led, view.Down))
		r.until("another leads", func() bool { d := r.leader(); return d != nil && d != led })
		r.run(100 * milliNs)
		if r.gap() > 110*milliNs {
			t.Errorf("seed %d: a gap of %d ms", seed, r.gap()/milliNs)
		}
		r.world.Resume(led)
		r.until("it is up again", func() bool { return r.standing(view.Up) == len(r.hosts) })
		r.lawful()
		r.done()
		r.world.Close()
	}
}

// Without oracles no view is made, and the servers go on, with another leader too. Those that come back call down who has died.
func TestAllOraclesStop(t *testing.T) {
	for seed := range uint64(4) {
		r := newApartRun(t, seed, apartServers, apartOracles)
		for _, o := range r.oracles() {
			r.world.Strike(sim.Pause, o)
		}
		r.run(200 * milliNs)
		before := r.view().Number
		led := r.leader()
		r.quiet()
		r.world.Strike(sim.Pause, led)
		r.run(500 * milliNs)
		now := r.leader()
		if r.gap() > 110*milliNs || now == nil || now == led {
			t.Errorf("seed %d: a gap of %d ms, then %v leads", seed, r.gap()/milliNs, now)
		}
		if n := r.view().Number; n != before {
			t.Errorf("seed %d: view %d without oracles, it was %d", seed, n, before)
		}
		for _, o := range r.oracles() {
			r.world.Resume(o)
		}
		r.until("who stopped is down", r.standsAs(led, view.Down))
		r.world.Resume(led)
		r.until("all are up again", func() bool { return r.standing(view.Up) == len(r.hosts) })
		r.lawful()
		r.done()
		r.world.Close()
	}
}

// Oracles that are cut off from every server take nobody down, and nobody waits for them.
func TestOraclesAreCutOff(t *testing.T) {
	for seed := range uint64(4) {
		r := newApartRun(t, seed, apartServers, apartOracles)
		r.run(300 * milliNs)
		before := r.view().Number
		r.quiet()
		r.world.Part(r.hosts[:apartServers], r.oracles())
		r.run(secNs)
		for _, v := range r.views {
			if v.Number > before && slices.ContainsFunc(v.Processes, func(p view.Process) bool { return p.Standing == view.Down || p.Standing == view.Degraded }) {
				t.Errorf("seed %d: %+v", seed, v)
			}
		}
		if r.gap() > 20*milliNs {
			t.Errorf("seed %d: a gap of %d ms", seed, r.gap()/milliNs)
		}
		r.done()
		r.world.Close()
	}
}

// All lose power: the oracles elect and admit, and the servers answer, whoever is first.
func TestAllLosePowerBesideOracles(t *testing.T) {
	for seed := range uint64(4) {
		r := newApartRun(t, seed, apartServers, apartOracles)
		before, asked := len(r.views), r.clients[0].asked
		r.world.PowerCut(sim.Stream(seed, "power").Int64N(200*milliNs) + 1)
		from := r.world.NowNs()
		r.until("a write is acknowledged", func() bool { return r.clients[0].asked > asked+1 })
		took := r.world.NowNs() - from
		r.until("all are up again", func() bool { return len(r.views) > before && r.standing(view.Up) == len(r.hosts) })
		r.run(2 * secNs)
		if made := len(r.views) - before; took > 3*secNs || made > 18 {
			t.Errorf("seed %d: first write after %d ms, %d views", seed, took/milliNs, made)
		}
		r.lawful()
		r.done()
		r.world.Close()
	}
}

// An operator takes an oracle down, and a server: each ends and is back by itself.
func TestFencesBesideOracles(t *testing.T) {
	for seed := range uint64(4) {
		r := newApartRun(t, seed, apartServers, apartOracles)
		for _, victim := range []step.Address{1, 4} {
			v := r.view()
			p, _ := v.Process(uint64(victim))
			r.fence(p.PID)
			r.until("it is up again", func() bool {
				v := r.view()
				q, _ := v.Process(uint64(victim))
				return q.Boot > p.Boot && r.standing(view.Up) == len(r.hosts)
			})
		}
		r.lawful()
		r.done()
		r.world.Close()
	}
}
