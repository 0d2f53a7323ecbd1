package sim

import "onevoice/step"

// startProcess starts a fault of a server, its disk, its clock or a client. It says whether it did.
func (s *schedule) startProcess(e *episode, victim *Party) bool {
	w, p := s.w, &s.w.params
	switch e.kind {
	case Crash, Bounce, Pause, Slow, DiskError:
		if !s.mayStop(victim) {
			return false
		}
		w.counted(e.kind, victim)
	}
	switch e.kind {
	case Crash:
		w.crash(victim, !chance(s.rand, p.KeepPpm))
		w.restartLater(victim)
	case Power:
		return s.power(e)
	case Fire:
		if !s.w.Destroy(victim) {
			return false
		}
		w.counted(e.kind, nil)
	case Bounce:
		s.bounce(victim, 2+s.rand.IntN(4))
	case Ambush:
		w.counted(e.kind, nil)
		w.ambush++
		e.undo = func() { w.ambush-- }
	case Pause:
		w.pause(victim, spread(s.rand, p.PauseNs))
	case Slow:
		victim.slow = true
		e.undo = func() { victim.slow = false }
	case DiskError:
		victim.disk.broken = true
	case Stall:
		w.counted(e.kind, victim)
		victim.disk.stall = w.nowNs + spread(s.rand, p.StallNs)
	case Drift:
		w.counted(e.kind, victim)
		victim.clock.setRate(w.nowNs, between(s.rand, -p.DriftPpm, p.DriftPpm))
	case Jump:
		w.counted(e.kind, victim)
		victim.clock.wallNs += between(s.rand, -p.WallJumpNs, p.WallJumpNs)
	case Hangup:
		return s.hangup(e)
	default:
		return false
	}
	return true
}

// power crashes every server at one moment.
func (s *schedule) power(e *episode) bool {
	if s.w.params.SpareMajority && s.rand.IntN(4) > 0 {
		return false
	}
	s.w.counted(e.kind, nil)
	for _, q := range s.w.servers {
		s.w.crash(q, true)
		s.w.restartLater(q)
	}
	return true
}

// strike crashes a server that has just given its word, or, in an ambush, has heard of a durable write and sent what waited
// for it.
func (s *schedule) strike(p *Party, in []step.Input, promised bool) {
	if promised && chance(s.rand, s.w.params.PromisePpm) && p.up {
		s.w.counted(Promise, p)
		s.w.crash(p, true)
		s.soon(p)
		return
	}
	if s.w.ambush == 0 || !p.server || !p.up {
		return
	}
	for i := range in {
		if in[i].Kind == step.Done && chance(s.rand, s.w.params.AmbushPpm) {
			s.w.crash(p, true)
			s.soon(p)
			return
		}
	}
}

// soon starts a crashed server again within milliseconds.
func (s *schedule) soon(p *Party) {
	boot := p.boot
	s.w.After(spread(s.rand, s.w.params.BounceGapNs)/4, func() {
		if !p.up && p.boot == boot {
			p.begin()
		}
	})
}

// bounce crashes a server and starts it again at once, several times.
func (s *schedule) bounce(victim *Party, times int) {
	if times == 0 || !s.on {
		return
	}
	s.w.crash(victim, !chance(s.rand, s.w.params.KeepPpm))
	s.soon(victim)
	s.w.After(spread(s.rand, s.w.params.BounceGapNs), func() { s.bounce(victim, times-1) })
}

// pause stops a server's steps; its inputs wait.
func (w *World) pause(p *Party, lenNs int64) { p.pausedNs = max(p.pausedNs, w.nowNs+lenNs) }

// hangup closes all connections of one client, or tells two servers that the one between them is broken.
func (s *schedule) hangup(e *episode) bool {
	w := s.w
	if len(w.parties) == len(w.servers) {
		return false
	}
	i := s.rand.IntN(len(w.parties))
	client := w.parties[i]
	w.counted(e.kind, nil)
	if client.server {
		other := s.others(client)[0]
		client.give(step.Input{Kind: step.Gone, From: other.addr})
		other.give(step.Input{Kind: step.Gone, From: client.addr})
		return true
	}
	for _, c := range client.conns {
		if c != nil {
			w.hangUp(c)
		}
	}
	return true
}
