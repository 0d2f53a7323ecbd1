package sim

// Counters say what happened in a world, for coverage tables.
type Counters struct {
	// Faults counts episodes by kind and by the role of the victim ("" where there is none).
	Faults map[string]map[string]int
	// Frames sent and their Bytes, and of them lost by chance, doubled, delayed by a spike, sent into a cut, and held there for later.
	Frames, Bytes, Lost, Doubled, Spikes, Cut, Held int
	// Writes and Saves started, Syncs done, Stalls by chance, batches lost in crashes.
	Writes, Saves, Syncs, Stalls, LostBatches int
	// Crashes of servers, Halts by their own decision, Anew of them to be started again by their supervisor, connections ended.
	Crashes, Halts, Anew, Hangups int
	// Steps of all machines, and Events of the world: everything that had a moment of its own.
	Steps, Events int
}

// Counters says what has happened so far.
func (w *World) Counters() Counters { return w.count }

func (w *World) counted(k Kind, victim *Party) {
	role := ""
	if victim != nil && w.hooks.Role != nil {
		role = w.hooks.Role(victim)
	}
	byRole := w.count.Faults[k.String()]
	if byRole == nil {
		byRole = map[string]int{}
		w.count.Faults[k.String()] = byRole
	}
	byRole[role]++
}
