package crowd

import "slices"

const (
	// leastObservers is how many must look at a member for their opinion to decide anything: of two one would decide alone.
	leastObservers = 3
	// settleNs is for how long after the last of them came into sight of a verdict others may join it.
	settleNs = 50 * msNs
	// silentBounds and lossyBounds are for how many detection bounds a verdict waits at the most for those that are reported by some, and not by
	// enough. Ten observers find silence within one period. A link that loses 30 % they find one by one: half of them after 32 probes, one
	// in a thousand only after 71. With half the patience two seeds of eight made two verdicts of what failed together.
	silentBounds, lossyBounds = 1, 6
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
	silent    bool     // most of those have heard nothing
	overNs    int64    // since when they are enough, 0 where they are not
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

// judge is the rule. It is a function of what it is given; overNs of the tallies is brought up to date for the next time.
//
// The tallies are sorted by subject. It acts when somebody has enough against it and nobody stands between noise and enough, or somebody has for
// long: who fails together goes together. left is how many may go now, and freeNs when there may be more.
func judge(all []tally, nowNs, boundNs int64, left int, freeNs int64) judgement {
	over := verdicts(all)
	var j judgement
	silent, lossy := class{mostNs: silentBounds * boundNs}, class{mostNs: lossyBounds * boundNs}
	band := false
	for i := range all {
		t := &all[i]
		switch {
		case !over[t.subject]:
			t.overNs = 0
			band = band || t.inBand(over)
			continue
		case t.overNs == 0:
			t.overNs = nowNs
		}
		if t.silent {
			silent.add(t)
		} else {
			lossy.add(t)
		}
	}
	var cut []uint64
	for _, c := range []*class{&silent, &lossy} {
		switch at := c.dueNs(band); {
		case len(c.subjects) == 0:
		case at <= nowNs:
			cut = append(cut, c.subjects...)
		case j.lookNs == 0 || at < j.lookNs:
			j.lookNs = at
		}
	}
	slices.Sort(cut)
	if j.held = max(len(cut)-left, 0); j.held > 0 {
		if cut = cut[:left]; j.lookNs == 0 || freeNs < j.lookNs {
			j.lookNs = freeNs
		}
	}
	j.cut = cut
	return j
}

// class is those that are to go for one kind of evidence.
type class struct {
	subjects          []uint64
	firstNs, newestNs int64
	mostNs            int64
}

func (c *class) add(t *tally) {
	if len(c.subjects) == 0 {
		c.firstNs = t.overNs
	}
	c.subjects = append(c.subjects, t.subject)
	c.firstNs, c.newestNs = min(c.firstNs, t.overNs), max(c.newestNs, t.overNs)
}

// dueNs is when they go: a moment after the newest came to it, and while others may come to it only after the most that they wait.
func (c *class) dueNs(band bool) int64 {
	most := c.firstNs + c.mostNs
	if band {
		return most
	}
	return min(most, c.newestNs+settleNs)
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
