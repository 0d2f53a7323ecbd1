package sim

import (
	"math/rand/v2"
)

// schedule starts faults and ends them.
type schedule struct {
	w      *World
	rand   *rand.Rand
	active []*episode
	on     bool
}

// episode is one fault going on.
type episode struct {
	kind Kind
	undo func()
	over bool
}

func (s *schedule) init(w *World) { s.w, s.rand = w, Stream(w.seed, "faults") }

// StartFaults begins the phase with faults.
func (w *World) StartFaults() {
	w.faults.on = true
	for kind, on := range w.params.colours() {
		if on && !w.off.Has(kind) {
			w.counted(kind, nil)
		}
	}
	w.After(w.params.CalmNs, w.faults.next)
}

// Heal ends every fault, for good: servers run, disks work, frames arrive, both at an ordinary speed. Clocks keep the rate they
// have.
func (w *World) Heal() {
	w.trace.note(w.nowNs, "healed")
	w.faults.on, w.calm = false, true
	w.params.soothe()
	for _, e := range w.faults.active {
		e.end()
	}
	w.faults.active = nil
	w.renew()
	for _, p := range w.servers {
		p.slow, p.pausedNs = false, 0
		w.healDisk(p)
		if p.up && p.scheduled {
			p.later(0, p.run)
		}
		if p.disk.broken {
			w.crash(p, true)
		}
		if !p.up {
			p.begin()
		}
	}
}

// PowerCut crashes every server at once, losing unsynced writes, and starts all of them again after downNs.
func (w *World) PowerCut(downNs int64) {
	for _, p := range w.servers {
		w.crash(p, true)
		boot := p.boot
		w.After(downNs, func() {
			if !p.up && p.boot == boot {
				p.begin()
			}
		})
	}
}

// Destroy ends a server and its disk for ever, unless no majority would be left. It says whether it did.
func (w *World) Destroy(p *Party) bool {
	left := 0
	for _, q := range w.servers {
		if q != p && !q.lost {
			left++
		}
	}
	if may := w.hooks.MayLose; p.lost || may == nil && left <= len(w.servers)/2 || may != nil && !may(p) {
		return false
	}
	w.crash(p, true)
	w.trace.note(w.nowNs, "%s is destroyed with its disk", p.name)
	p.lost, p.disk = true, disk{}
	return true
}

// Rebuild restarts a server, as for another build of its program, while there are faults and the server may stop. It says whether
// it does.
func (w *World) Rebuild(p *Party, downNs int64) bool {
	if w.off.Has(Upgrade) || !w.faults.on || !w.faults.mayStop(p) {
		return false
	}
	w.counted(Upgrade, p)
	w.crash(p, false)
	w.Revive(p, downNs)
	return true
}

// Revive starts a server some time later if it is still down then.
func (w *World) Revive(p *Party, afterNs int64) {
	boot := p.boot
	w.After(afterNs, func() {
		if !p.up && p.boot == boot {
			p.begin()
		}
	})
}

func (e *episode) end() {
	if !e.over {
		e.over = true
		if e.undo != nil {
			e.undo()
		}
	}
}

// next starts one fault, perhaps, and plans the one after it.
func (s *schedule) next() {
	if !s.on {
		return
	}
	p := &s.w.params
	kind, victim, lenNs := s.draw(), s.victim(), spread(s.rand, p.FaultLenNs)
	going := s.active[:0]
	for _, e := range s.active {
		if !e.over {
			going = append(going, e)
		}
	}
	s.active = going
	if kind < episodes && len(s.active) < p.MostAtOnce && !s.w.off.Has(kind) {
		s.start(kind, victim, lenNs)
	}
	s.w.After(spread(s.rand, p.FaultGapNs), s.next)
}

// draw picks a kind by weight; episodes where every weight is zero.
func (s *schedule) draw() Kind {
	sum := 0
	for _, weight := range s.w.params.Weights[:episodes] {
		sum += weight
	}
	if sum == 0 {
		return episodes
	}
	n := s.rand.IntN(sum)
	for kind, weight := range s.w.params.Weights[:episodes] {
		if n -= weight; n < 0 {
			return Kind(kind)
		}
	}
	return episodes
}

// victim picks a server, often a leader.
func (s *schedule) victim() *Party {
	w := s.w
	chosen := w.servers[s.rand.IntN(len(w.servers))]
	if !chance(s.rand, w.params.LeaderPpm) || w.hooks.Role == nil {
		return chosen
	}
	for _, p := range w.servers {
		if p.up && w.hooks.Role(p) == "leader" {
			return p
		}
	}
	return chosen
}

func (s *schedule) start(kind Kind, victim *Party, lenNs int64) {
	e := &episode{kind: kind}
	from := s.w.nowNs
	if kind >= OneWay && kind <= Lag {
		s.startNetwork(e, victim)
	} else if !s.startProcess(e, victim) {
		return
	}
	s.w.trace.note(from, "fault %s, victim %s, for %d us", kind, victim.name, lenNs/microNs)
	if e.undo != nil {
		s.active = append(s.active, e)
		s.w.After(lenNs, e.end)
	}
}

// others are the servers except p, in a random order.
func (s *schedule) others(p *Party) []*Party {
	var rest []*Party
	for _, i := range s.rand.Perm(len(s.w.servers)) {
		if q := s.w.servers[i]; q != p {
			rest = append(rest, q)
		}
	}
	return rest
}

// mayStop says whether p may go down: with SpareMajority only while more than half of the others run.
func (s *schedule) mayStop(p *Party) bool {
	running := 0
	for _, q := range s.w.servers {
		if q != p && q.up && q.pausedNs <= s.w.nowNs {
			running++
		}
	}
	return p.up && (!s.w.params.SpareMajority || running > len(s.w.servers)/2)
}
