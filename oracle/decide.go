package oracle

import (
	"cmp"
	"slices"

	"onevoice/internal/mutant"
	"onevoice/members"
	"onevoice/view"
)

// Times of the decision, in log time.
const (
	// unsettledNs is how long a process that is reported by some, but not by a majority, makes a decision about others wait: they may be
	// cut off together, and then one view says so.
	unsettledNs = int64(50_000_000)
	// gatherNs is how long one that a majority does not hear waits for those that are cut off with it, and were heard a tick later. Nobody
	// waits for the verdict: who leads is decided by the reports.
	gatherNs = int64(20_000_000)
	// holdNs is how long a server that was called down wrongly must be heard before it is up again: it doubles with each such fall
	// within memoryNs, up to mostHoldNs.
	holdNs     = int64(1_000_000_000)
	mostHoldNs = int64(60_000_000_000)
	memoryNs   = int64(600_000_000_000)
	// maxFalls bounds the falls remembered; older ones go first.
	maxFalls = 1_024
)

// turn is one entry at work on a copy of the state.
type turn struct {
	*State
	nowNs  int64 // log time
	place  uint64
	next   view.View // the processes as they will be
	change bool
	due    int64 // the log time at which to look again, 0 for none
}

// decide makes of the newest observation what it says, and a view of it where anything changes.
func (t *turn) decide() {
	t.forget()
	t.admit()
	t.hearOut()
	t.judge()
	t.raise()
	t.lead()
	t.dueNs = t.due
	if !t.change {
		return
	}
	n := t.view.Number + 1
	t.next.Number = n
	for i := range t.next.Processes {
		if p := &t.next.Processes[i]; p.Since == 0 {
			p.Since = n
		}
	}
	t.next.Hash = t.next.Chain(t.view.Hash)
	t.history = append(slices.Clone(t.history), Verdict{View: t.next, AtNs: t.nowNs, Observed: t.observed})
	if over := len(t.history) - maxHistory; over > 0 {
		t.history = t.history[over:]
	}
	t.view = t.next
}

// set gives a process a standing.
func (t *turn) set(p *view.Process, s view.Standing, why view.Evidence) {
	p.Standing, p.Why, p.Since = s, why, 0
	t.change = true
}

// forget drops the processes of servers that are no members any more, and old falls.
func (t *turn) forget() {
	before := len(t.next.Processes)
	t.next.Processes = slices.DeleteFunc(t.next.Processes, func(p view.Process) bool {
		v, ok := t.Server(p.Server)
		return !ok || v.Gone
	})
	t.change = t.change || len(t.next.Processes) != before
	t.falls = slices.DeleteFunc(slices.Clone(t.falls), func(f fall) bool { return t.nowNs-f.atNs >= memoryNs })
}

// admit makes an incarnation of each start that has not been seen before.
func (t *turn) admit() {
	for i, row := range t.observed.Rows {
		v, ok := t.Server(row.Server)
		if !ok || v.Gone || len(t.next.Processes) >= view.MaxProcesses {
			continue
		}
		at, found := slices.BinarySearchFunc(t.next.Processes, row.Server, func(p view.Process, s uint64) int { return cmp.Compare(p.Server, s) })
		if found && t.next.Processes[at].Boot >= row.Boot {
			if p := &t.next.Processes[at]; p.Boot == row.Boot && row.Last == view.NoEvidence {
				t.fell(p)
				if mutant.On(mutant.BackFromDown) && p.Standing == view.Down {
					t.set(p, view.Up, view.NoEvidence)
				}
			}
			continue
		}
		if found && row.Fell {
			t.fell(&t.next.Processes[at])
		}
		fresh := view.Process{PID: view.PID{Server: row.Server, Incarnation: t.place<<8 | uint64(i)}, Boot: row.Boot}
		t.hear(row.Server, 0)
		if found {
			t.next.Processes[at] = fresh
		} else {
			t.next.Processes = slices.Insert(t.next.Processes, at, fresh)
		}
		t.set(&t.next.Processes[at], view.Joining, view.NoEvidence)
	}
}

// fell notes, once, that an incarnation that is down went on: it was cut off or late, and not dead. Whom an operator has taken down is
// no such one.
func (t *turn) fell(p *view.Process) {
	if p.Standing != view.Down || p.Why == view.Killed || slices.ContainsFunc(t.falls, func(f fall) bool { return f.PID == p.PID }) {
		return
	}
	t.falls = append(t.falls, fall{p.PID, t.nowNs})
	if over := len(t.falls) - maxFalls; over > 0 {
		t.falls = t.falls[over:]
	}
}

// hearOut takes processes by their own word: who is about to end shall not lead, and who says that it has ended is down at once.
func (t *turn) hearOut() {
	for _, row := range t.observed.Rows {
		i, found := slices.BinarySearchFunc(t.next.Processes, row.Server, func(p view.Process, s uint64) int { return cmp.Compare(p.Server, s) })
		if !found || t.next.Processes[i].Boot != row.Boot {
			continue
		}
		switch p := &t.next.Processes[i]; {
		case p.Standing == view.Down:
		case row.Last != view.NoEvidence:
			t.condemn(p, row.Last)
		case row.Leaving && p.Standing != view.Leaving:
			t.set(p, view.Leaving, view.NoEvidence)
		}
	}
}

// need is how many voters are a majority of all, whatever their role.
func (t *turn) need() int {
	n := 0
	for _, v := range t.Servers() {
		if v.Wish == members.Voter {
			n++
		}
	}
	return n/2 + 1
}

func (t *turn) votes(server uint64) bool {
	v, ok := t.Server(server)
	return ok && v.Wish == members.Voter
}

// reports counts the voters that hold something against a process, what they hold, and how many hear it and hold nothing. A process says
// nothing about itself, and one that is down says nothing at all.
func (t *turn) reports(p *view.Process) (against int, why view.Evidence, hear int) {
	var kinds [view.LastEvidence + 1]int
	for _, row := range t.observed.Rows {
		switch {
		case row.Server == p.Server && !mutant.On(mutant.VictimReports), !t.votes(row.Server),
			t.view.Over(row.Server, row.Boot) && !mutant.On(mutant.DownedReports):
			continue
		}
		i, found := slices.BinarySearchFunc(row.Seen, p.Server, func(s Seen, server uint64) int { return cmp.Compare(s.Server, server) })
		switch {
		case !found || row.Seen[i].Boot > p.Boot:
		case row.Seen[i].Evidence != view.NoEvidence:
			against++
			kinds[row.Seen[i].Evidence]++
		case row.Seen[i].Boot == p.Boot:
			hear++
		}
	}
	for k, n := range kinds {
		if n > kinds[why] {
			why = view.Evidence(k)
		}
	}
	return against, why, hear
}

// judge takes down whom a majority reports, all of them in one view.
func (t *turn) judge() {
	var reported []int
	var why []view.Evidence
	waits := false
	var pending []suspect
	for i := range t.next.Processes {
		p := &t.next.Processes[i]
		if p.Standing == view.Down || p.Standing == view.Joining {
			continue // who is joining is not counted on, and only waits the longer
		}
		against, kind, _ := t.reports(p)
		if against == 0 {
			continue
		}
		s := t.suspectOf(p)
		pending = append(pending, s)
		settled := s.sinceNs + unsettledNs
		if against >= t.need() {
			reported, why = append(reported, i), append(why, kind)
			if settled = s.sinceNs; kind == view.Silent || kind == view.Deaf {
				settled += gatherNs
			}
		}
		if settled > t.nowNs {
			waits = true
			t.wakeAt(settled)
		}
	}
	t.suspects = pending
	if waits {
		return
	}
	for k, i := range slices.Backward(reported) { // where not all can go, the lower numbers stay
		t.condemn(&t.next.Processes[i], why[k])
	}
}

// condemn takes a process down, or only calls it degraded where no majority would be left.
func (t *turn) condemn(p *view.Process, why view.Evidence) {
	switch {
	case t.spares(p):
		t.set(p, view.Down, why)
	case p.Standing != view.Degraded || p.Why != why:
		t.set(p, view.Degraded, why)
	}
}

// raise calls up who is joining or degraded, is held to nothing, and is heard by a majority of the voters, itself counted among them, for
// as long as it must be.
func (t *turn) raise() {
	for i := range t.next.Processes {
		p := &t.next.Processes[i]
		if p.Standing != view.Joining && p.Standing != view.Degraded {
			continue
		}
		against, _, hear := t.reports(p)
		if t.votes(p.Server) {
			hear++
		}
		if against > 0 || hear < t.need() {
			t.hear(p.Server, 0)
			continue
		}
		since := t.heardSince(p.Server)
		if since == 0 {
			since = t.nowNs
			t.hear(p.Server, since)
		}
		if at := since + t.hold(p.Server); at > t.nowNs {
			t.wakeAt(at)
			continue
		}
		t.set(p, view.Up, view.NoEvidence)
	}
}

// hold is how long a server must be heard before it is up.
func (t *turn) hold(server uint64) int64 {
	hold := int64(0)
	for _, f := range t.falls {
		if f.Server == server {
			hold = min(max(2*hold, holdNs), mostHoldNs)
		}
	}
	return hold
}

// wakeAt asks to be looked at again at a log time.
func (t *turn) wakeAt(atNs int64) {
	if t.due == 0 || atNs < t.due {
		t.due = atNs
	}
}

// boundGrain is by how much the detection bound must change to be worth a view, lowerNs for how long it must have been too high.
const (
	boundGrain = int64(20_000_000)
	lowerNs    = int64(30_000_000_000)
)

// lead notes who leads, and the detection bound.
func (t *turn) lead() {
	for _, l := range t.observed.Leads {
		i, found := slices.BinarySearchFunc(t.next.Leads, l.Group, func(a view.Lead, g uint32) int { return cmp.Compare(a.Group, g) })
		switch {
		case found && l.Term > t.next.Leads[i].Term:
			t.next.Leads[i] = l
		case !found && len(t.next.Leads) < view.MaxLeads:
			t.next.Leads = slices.Insert(t.next.Leads, i, l)
		default:
			continue
		}
		t.change = true
	}
	t.bound()
}

// bound raises the detection bound at once, and lowers it when it has been too high for a while: a machine that is late now and then must not
// make a view each time.
func (t *turn) bound() {
	switch d := t.observed.BoundNs - t.view.BoundNs; {
	case d > -boundGrain && d < boundGrain:
		t.highNs = 0
	case d > 0:
		t.next.BoundNs, t.highNs, t.change = t.observed.BoundNs, 0, true
	case t.highNs == 0:
		t.highNs = t.nowNs
		t.wakeAt(t.nowNs + lowerNs)
	case t.nowNs-t.highNs >= lowerNs:
		t.next.BoundNs, t.highNs, t.change = t.observed.BoundNs, 0, true
	default:
		t.wakeAt(t.highNs + lowerNs)
	}
}
