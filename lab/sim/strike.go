package sim

// Strike begins one fault of a server at once, from outside of the schedule: Crash for good, Pause, Mute, Deaf or Isolate, the last three
// towards clients as well; or Star, where it is the one that all other servers reach and nobody else is. It lasts until the world
// ends, a Pause until Resume.
func (w *World) Strike(kind Kind, victim *Party) {
	w.counted(kind, victim)
	var rest, servers []*Party
	for _, p := range w.parties {
		if p == victim {
			continue
		}
		if rest = append(rest, p); p.server {
			servers = append(servers, p)
		}
	}
	mute, deaf := toward(nil, []*Party{victim}, rest), toward(nil, rest, []*Party{victim})
	switch kind {
	case Crash:
		w.crash(victim, false)
	case Pause:
		w.pause(victim, 1<<60)
	case Mute:
		w.cutWays(mute)
	case Deaf:
		w.cutWays(deaf)
	case Isolate:
		w.cutWays(append(mute, deaf...))
	case Star:
		for i, p := range servers {
			w.cutWays(append(toward(nil, []*Party{p}, servers[i+1:]), toward(nil, servers[i+1:], []*Party{p})...))
		}
	}
}

// Resume ends a Pause: what has come meanwhile is taken.
func (w *World) Resume(p *Party) {
	p.pausedNs = 0
	if p.up && p.scheduled {
		p.later(0, p.run)
	}
}

func (w *World) cutWays(ways []way) {
	for _, c := range ways {
		w.cut(c.from, c.to)
	}
}
