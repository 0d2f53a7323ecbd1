package sim

// way is one direction between two parties.
type way struct{ from, to *Party }

// startNetwork starts a fault of the network.
func (s *schedule) startNetwork(e *episode, victim *Party) {
	w := s.w
	w.counted(e.kind, victim)
	switch e.kind {
	case Lossy:
		w.lossy++
		e.undo = func() { w.lossy-- }
	case Lag:
		victim.lag++
		e.undo = func() { victim.lag-- }
	case Flap:
		s.flap(e, victim, s.others(victim)[0])
	default:
		s.cutAll(e, s.ways(e.kind, victim))
	}
}

// ways lists what a kind of partition cuts between servers, and what it cuts between clients and servers.
func (s *schedule) ways(kind Kind, victim *Party) []way {
	rest := s.others(victim)
	switch kind {
	case OneWay:
		return []way{{victim, rest[0]}}
	case Pair:
		return []way{{victim, rest[0]}, {rest[0], victim}}
	case Mute:
		return toward(nil, []*Party{victim}, rest)
	case Deaf:
		return toward(nil, rest, []*Party{victim})
	case Isolate:
		return s.parted([]*Party{victim}, rest)
	case Halves:
		k := 1 + s.rand.IntN(max(1, len(rest)/2))
		return s.parted(append([]*Party{victim}, rest[:k-1]...), rest[k-1:])
	case Star:
		var ways []way
		for i, p := range rest {
			ways = toward(ways, []*Party{p}, rest[i+1:])
			ways = toward(ways, rest[i+1:], []*Party{p})
		}
		return ways
	default: // Bridge, where the victim reaches both groups
		k := len(rest) / 2
		return toward(toward(nil, rest[:k], rest[k:]), rest[k:], rest[:k])
	}
}

// parted cuts two groups of servers apart, and puts some clients on one side.
func (s *schedule) parted(a, b []*Party) []way {
	ways := toward(toward(nil, a, b), b, a)
	for _, p := range s.w.parties {
		if p.server || !p.up || !chance(s.rand, s.w.params.ClientSidePpm) {
			continue
		}
		far := a
		if s.rand.IntN(2) == 0 {
			far = b
		}
		ways = toward(toward(ways, []*Party{p}, far), far, []*Party{p})
	}
	return ways
}

func toward(ways []way, from, to []*Party) []way {
	for _, f := range from {
		for _, t := range to {
			ways = append(ways, way{f, t})
		}
	}
	return ways
}

func (s *schedule) cutAll(e *episode, ways []way) {
	for _, c := range ways {
		s.w.cut(c.from, c.to)
	}
	e.undo = func() {
		for _, c := range ways {
			s.w.mend(c.from, c.to)
		}
	}
}

// flap cuts and mends a pair in turn until the fault ends.
func (s *schedule) flap(e *episode, a, b *Party) {
	isCut := false
	turn := func() {
		if isCut {
			s.w.mend(a, b)
			s.w.mend(b, a)
		} else {
			s.w.cut(a, b)
			s.w.cut(b, a)
		}
		isCut = !isCut
	}
	var next func()
	next = func() {
		if !e.over {
			turn()
			s.w.After(s.w.params.FlapNs, next)
		}
	}
	next()
	e.undo = func() {
		if isCut {
			turn()
		}
	}
}
