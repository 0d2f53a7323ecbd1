package oracle

import (
	"cmp"
	"slices"

	"onevoice/crowd"
	"onevoice/lease"
	"onevoice/members"
	"onevoice/view"
)

// maxHistory bounds the views whose evidence is kept.
const maxHistory = 128

// State is an immutable picture of the membership and of who is up: a machine.Root. What package members says of it holds here too.
type State struct {
	*members.State
	crowd    *crowd.State
	view     view.View
	observed Observation
	suspects []suspect // by server
	heard    []heard   // by server
	falls    []fall    // in the order in which they came
	history  []Verdict // oldest first
	dueNs    int64
	highNs   int64 // since when the view's detection bound is higher than it need be, 0 where it is not
	leases   *lease.State
}

// suspect is a process that some report, and since when.
type suspect struct {
	server, boot uint64
	sinceNs      int64
}

// heard is since when a server that is not up is heard by a majority without a break, 0 where it is not.
type heard struct {
	server  uint64
	sinceNs int64
}

// fall is a moment at which an incarnation was heard after it had gone down.
type fall struct {
	view.PID
	atNs int64
}

// Verdict is a view with what led to it.
type Verdict struct {
	View view.View
	// AtNs is the log time of the entry that made it, nanoseconds UTC.
	AtNs int64
	// Observed is what the servers reported then.
	Observed Observation
}

// Leases are the locks.
func (s *State) Leases() *lease.State { return s.leases }

// View is the newest view; number 0 before there is one.
func (s *State) View() view.View { return s.view }

// Crowd is the members that are no servers.
func (s *State) Crowd() *crowd.State { return s.crowd }

// Explain gives a view with what led to it; false where it is not held any more, or not yet made. The newest 128 are held.
func (s *State) Explain(n view.Number) (Verdict, bool) {
	for _, v := range s.history {
		if v.View.Number == n {
			return v, true
		}
	}
	return Verdict{}, false
}

// History lists the views that are held, oldest first. Do not change it.
func (s *State) History() []Verdict { return s.history }

// Differs says whether an observation says anything that the newest one in the log does not: it is worth an entry then.
func (s *State) Differs(o *Observation) bool {
	if d := o.BoundNs - s.observed.BoundNs; d >= boundGrain || d <= -boundGrain {
		return true
	}
	return !slices.EqualFunc(o.Rows, s.observed.Rows, func(a, b Row) bool {
		return a.Server == b.Server && a.Boot == b.Boot && a.Leaving == b.Leaving && a.Fell == b.Fell && a.Last == b.Last && slices.Equal(a.Seen, b.Seen)
	}) || !slices.Equal(o.Leads, s.observed.Leads)
}

// suspectOf is since when a process is reported: now, where it was not before.
func (t *turn) suspectOf(p *view.Process) suspect {
	for _, s := range t.suspects {
		if s.server == p.Server && s.boot == p.Boot {
			return s
		}
	}
	return suspect{p.Server, p.Boot, t.nowNs}
}

// heardSince is since when a server is heard without a break, 0 where it is not.
func (t *turn) heardSince(server uint64) int64 {
	for _, h := range t.heard {
		if h.server == server {
			return h.sinceNs
		}
	}
	return 0
}

// hear notes since when a server is heard.
func (t *turn) hear(server uint64, sinceNs int64) {
	t.heard = slices.DeleteFunc(slices.Clone(t.heard), func(h heard) bool {
		_, known := t.next.Process(h.server)
		return h.server == server || !known
	})
	i, _ := slices.BinarySearchFunc(t.heard, server, func(h heard, s uint64) int { return cmp.Compare(h.server, s) })
	t.heard = slices.Insert(t.heard, i, heard{server, sinceNs})
}
