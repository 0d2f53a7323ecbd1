package crowd

const (
	// leastObservers is how many must look at a member for their opinion to decide anything: of two one would decide alone.
	leastObservers = 3
	// settleNs is for how long after the last of them came into sight of a verdict others may join it.
	settleNs = 50 * msNs
	// waitBounds is for how many detection bounds somebody who is reported by some, and not by enough, makes a verdict about others wait; patienceBounds
	// how long a verdict waits at the most, whatever others do.
	waitBounds, patienceBounds = 3, 4
	// evidenceBounds is after how many detection bounds a report counts no more.
	evidenceBounds = 2
	// limitNs is the time within which at most a fifth of the members, and always one, may go by report.
	limitNs    = 10_000 * msNs
	limitParts = 5
	// maxRounds bounds how often a verdict is looked at again after somebody was let go; then nobody goes until something else is reported.
	maxRounds = 64
)

// enough is H: how many of a member's distinct observers take it down. noise is L: fewer are an accident of their own links.
func enough(observers int) int { return (9*observers + 9) / 10 }
func noise(observers int) int  { return (3*observers + 9) / 10 }

// limit is how many of so many members may go by report within limitNs.
func limit(members int) int { return max(1, members/limitParts) }

// tally is what is held against one member.
type tally struct {
	subject   uint64
	observers []uint64 // sorted
	against   []uint64 // those of them who report it
	bandNs    int64    // since when they are too many for noise and too few for a verdict, 0 where they are not
	overNs    int64    // since when they are enough
}

// without counts observers and reporters, those left out that are to go themselves.
func (t *tally) without(leaving map[uint64]bool) (observers, against int) {
	for _, o := range t.observers {
		if !leaving[o] {
			observers++
		}
	}
	for _, o := range t.against {
		if !leaving[o] {
			against++
		}
	}
	return observers, against
}

// judgement is what follows from all tallies at one log time.
type judgement struct {
	cut []uint64 // sorted: they go on one roll
	// held counts those that would go too, did the limit not forbid it.
	held int
	// lookNs is the log time at which to look again though nothing comes, 0 for never.
	lookNs int64
}

// judge is the rule. It is a function of what it is given; bandNs and overNs of the tallies are brought up to date for the next time.
//
// The tallies are sorted by subject. It acts when somebody has enough against it and nobody stands between noise and enough, or has stood there for long: who fails together goes
// together. left is how many may go now, and freeNs when there may be more.
func judge(all []tally, nowNs, boundNs int64, left int, freeNs int64) judgement {
	over := verdicts(all)
	var j judgement
	var cut []uint64
	oldest := nowNs
	wait := int64(0)
	for i := range all {
		t := &all[i]
		until := int64(0)
		switch {
		case over[t.subject]:
			if t.overNs == 0 {
				t.overNs = nowNs
			}
			t.bandNs = 0
			oldest = min(oldest, t.overNs)
			cut = append(cut, t.subject)
			until = t.overNs + settleNs
		case t.inBand(over):
			if t.bandNs == 0 {
				t.bandNs = nowNs
			}
			t.overNs = 0
			until = t.bandNs + waitBounds*boundNs
		default:
			t.bandNs, t.overNs = 0, 0
		}
		wait = max(wait, until)
	}
	if len(cut) == 0 {
		return j
	}
	if wait = min(wait, oldest+patienceBounds*boundNs); wait > nowNs {
		j.lookNs = wait
		return j
	}
	if j.held = max(len(cut)-left, 0); j.held > 0 {
		cut, j.lookNs = cut[:left], freeNs
	}
	j.cut = cut
	return j
}

// verdicts are the largest set that those outside of it agree on: enough of the observers that are not in it report each that is. Who is to go has
// no say about others: a bad link makes its owner report everybody, and a dead observer reports nobody. So it begins with all who are reported by
// most, and lets go of whom the others do not hold enough against.
func verdicts(all []tally) map[uint64]bool {
	over := map[uint64]bool{}
	for i := range all {
		if t := &all[i]; 2*len(t.against) > len(t.observers) {
			over[t.subject] = true
		}
	}
	for range maxRounds {
		var free []uint64
		for i := range all {
			t := &all[i]
			if d, a := t.without(over); over[t.subject] && (d < leastObservers || a < enough(d)) {
				free = append(free, t.subject)
			}
		}
		if len(free) == 0 {
			return over
		}
		for _, s := range free {
			delete(over, s)
		}
	}
	return nil
}

// inBand says that too many report the member for noise, though not enough.
func (t *tally) inBand(over map[uint64]bool) bool {
	d, a := t.without(over)
	return d >= leastObservers && a >= noise(d)
}
