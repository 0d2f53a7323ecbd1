package sim

// Strike begins one fault of a server at once, from outside of the schedule: Crash for good, Pause, Mute, Deaf or Isolate, the last three
// towards clients as well. It lasts until the world ends.
func (w *World) Strike(kind Kind, victim *Party) {
	w.counted(kind, victim)
	var rest []*Party
	for _, p := range w.parties {
		if p != victim {
			rest = append(rest, p)
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
	}
}

func (w *World) cutWays(ways []way) {
	for _, c := range ways {
		w.cut(c.from, c.to)
	}
}
