package sim

// Strike begins one fault of a server at once, from outside of the schedule: Crash for good, Pause, Mute, Deaf or Isolate, the last three
// towards clients as well; or Star, where it is the one that all other servers reach and nobody else is. It lasts until the world
// ends or Mend, a Pause until Resume.
func (w *World) Strike(kind Kind, victim *Party) {
	w.counted(kind, victim)
	switch kind {
	case Crash:
		w.crash(victim, false)
	case Pause:
		w.pause(victim, 1<<60)
	default:
		for _, c := range w.strikes(kind, victim) {
			w.cut(c.from, c.to)
		}
	}
}

// Mend ends a Strike that cut links.
func (w *World) Mend(kind Kind, victim *Party) {
	for _, c := range w.strikes(kind, victim) {
		w.mend(c.from, c.to)
	}
}

// strikes are the ways that a Strike cuts.
func (w *World) strikes(kind Kind, victim *Party) []way {
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
	case Mute:
		return mute
	case Deaf:
		return deaf
	case Isolate:
		return append(mute, deaf...)
	case Star:
		var all []way
		for i, p := range servers {
			all = append(all, append(toward(nil, []*Party{p}, servers[i+1:]), toward(nil, servers[i+1:], []*Party{p})...)...)
		}
		return all
	}
	return nil
}

// Resume ends a Pause: what has come meanwhile is taken.
func (w *World) Resume(p *Party) {
	p.pausedNs = 0
	if p.up && p.scheduled {
		p.later(0, p.run)
	}
}

// Part cuts every link between two lists of parties, for good.
func (w *World) Part(a, b []*Party) {
	for _, c := range toward(toward(nil, a, b), b, a) {
		w.cut(c.from, c.to)
	}
}
