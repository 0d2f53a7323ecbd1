package consensus

import (
	"time"

	"onevoice/step"
)

// Admission keeps what is under way to what can be applied in time: a command that waits longer than its client does is work for
// nobody. The leader counts how fast commands go through while some always wait, and admits what goes through in admitNs. When half
// of that is under way, no client may hold more than its share. An entry takes what goes through in entryNs, so that those that
// follow, and heartbeats, do not wait for a huge one to be applied.
const (
	// admitNs is the longest wait that a command is admitted to: shorter than the time after which clients send it again.
	admitNs = int64(200 * time.Millisecond)
	entryNs = int64(20 * time.Millisecond)
	// paceNs is over how long the pace is measured.
	paceNs = int64(100 * time.Millisecond)
	// leastAdmitted may wait however slow the group is: a pace must be found, and a burst is no overload.
	leastAdmitted = 512
	// leastShare may wait for each client however many there are.
	leastShare = 8
	// leastEntry may go into one entry however slow the group is.
	leastEntry = 64
)

// admission is what a leader knows of its pace.
type admission struct {
	perSecond int64 // commands applied, 0 while unknown
	beganNs   int64 // of the time being measured
	applied   int64 // in it
	idle      bool  // the queue was empty in it, so the pace could be higher
	total     int   // commands under way, in the queue or in the log
	held      map[step.Address]int
}

func (a *admission) add(from step.Address) {
	if a.held == nil {
		a.held = map[step.Address]int{}
	}
	a.held[from]++
	a.total++
}

// done takes note of the commands of an entry that was applied.
func (a *admission) done(nowNs int64, waiters []waiter, left int) {
	for _, w := range waiters {
		if a.held[w.to]--; a.held[w.to] <= 0 {
			delete(a.held, w.to)
		}
	}
	a.total -= len(waiters)
	a.applied += int64(len(waiters))
	a.idle = a.idle || left == 0
	took := nowNs - a.beganNs
	if took < paceNs {
		return
	}
	pace := a.applied * int64(time.Second) / took
	switch {
	case a.beganNs == 0:
	case a.idle:
		a.perSecond = max(a.perSecond, pace)
	case a.perSecond == 0:
		a.perSecond = pace
	default:
		a.perSecond += (pace - a.perSecond) / 4
	}
	a.beganNs, a.applied, a.idle = nowNs, 0, false
}

// within is how many commands go through in a time: at least least, at most limit.
func (a *admission) within(ns int64, least, limit int) int {
	if a.perSecond == 0 {
		return limit
	}
	return min(limit, max(least, int(a.perSecond*(ns/int64(time.Millisecond))/1000)))
}

// entry is how many commands may go into one entry.
func (a *admission) entry() int { return a.within(entryNs, leastEntry, batchCommands) }

// admits says whether one more command of a client may be under way.
func (a *admission) admits(from step.Address, limit int) bool {
	most := a.within(admitNs, leastAdmitted, limit)
	switch {
	case a.total >= most:
		return false
	case a.total < most/2:
		return true
	}
	return a.held[from] < max(leastShare, most/max(1, len(a.held)))
}
