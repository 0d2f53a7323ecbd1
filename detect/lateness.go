package detect

import "time"

// lateness remembers by how much ticks were late. Each class of a millisecond is counted, the last holds all that is over; when
// enough were counted all counts are halved, so that what is old fades.
type lateness struct {
	counts [lateClasses]int
	total  int
	told   int // all that were ever counted, up to youngTicks
	// p999 is what one in a thousand ticks is late by or more: the lower bound of its class. While few were counted it is the latest of them:
	// starting is when a busy machine is late, and a second time would be too late to learn it.
	p999 int64
}

const (
	lateClasses = 1001
	// lateTicks is when counts are halved: some twenty seconds of ticks.
	lateTicks = 2_000
	// youngTicks are few ticks.
	youngTicks = 300
	// lateShare is one in how many ticks may be later than what is told.
	lateShare = 1_000
)

func (l *lateness) add(lateNs int64) {
	l.told = min(l.told+1, youngTicks)
	class := min(max(lateNs, 0)/int64(time.Millisecond), lateClasses-1)
	l.counts[class]++
	if l.total++; l.total >= lateTicks {
		l.total = 0
		for i := range l.counts {
			l.counts[i] /= 2
			l.total += l.counts[i]
		}
	}
	l.p999 = l.find()
}

func (l *lateness) find() int64 {
	later := 0
	for class := lateClasses - 1; class > 0; class-- {
		if later += l.counts[class]; later*lateShare > max(l.total, lateShare) || l.told < youngTicks && later > 0 {
			return int64(class) * int64(time.Millisecond)
		}
	}
	return 0
}
