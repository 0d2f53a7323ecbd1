package crowd

import (
	"slices"

	"onevoice/ring"
)

const (
	// maxHistory and maxHistoryJoined bound the rolls that are kept for those who missed one, by their number and by who joined on them.
	maxHistory, maxHistoryJoined = 128, 4_096
	// maxFalls bounds the incarnations remembered that went; older ones are forgotten first.
	maxFalls = 4_096
	// maxCuts bounds the verdicts within limitNs: each takes one at least.
	maxCuts = MaxMembers
)

// State is an immutable crowd: a machine.Root.
type State struct {
	roll      Roll // the newest
	seed      ring.Seed
	drawnAtNs int64
	newest    uint64   // the newest incarnation given
	members   []Member // by ID
	joining   []Member // admitted, and not on a roll yet, by ID
	leaving   []Gone   // to be told on the next roll, by ID
	rollDueNs int64    // when that is, 0 where nothing waits for it
	lookNs    int64    // when what is reported must be looked at again, 0 for never
	suspects  []suspect
	held      int
	cuts      []cut  // within limitNs, oldest first
	falls     []fall // oldest first
	refused   Refused
	history   []Roll // oldest first, the newest roll last
}

// suspect is what is held against one member. Suspects are sorted by subject.
type suspect struct {
	subject uint64
	overNs  int64  // since when it has enough against it, 0 where it has not
	marks   []held // by reporter
}

// held is one report that stands.
type held struct {
	reporter uint64
	evidence Evidence
	atNs     int64 // when it was last said
}

// cut is a verdict: how many went by report, and when.
type cut struct {
	atNs  int64
	count int
}

// fall is an incarnation that went.
type fall struct {
	name string
	boot uint64
	why  Why
	atNs int64
}

// Refused counts marks that did not count.
type Refused struct {
	// Forged: the reporter is no member yet, or is none of the subject's observers, or named a roll that is not yet.
	Forged uint64
	// Old: as of a roll before the rings were drawn anew, or before its reporter stopped to be an observer.
	Old uint64
	// Down: the reporter is a member no more: its number was given, or lies below one that was.
	Down uint64
	// Late: the subject is a member no more, which is no fault of the reporter.
	Late uint64
}

// Roll is the newest roll; number 0 before there is one.
func (s *State) Roll() Roll { return s.roll }

// Members lists who is on the newest roll, by ID. Do not change it.
func (s *State) Members() []Member { return s.members }

// Refused counts reports that were refused.
func (s *State) Refused() Refused { return s.refused }

// Since lists the rolls after one, oldest first, for who missed them; false where they are not kept any more.
func (s *State) Since(number uint64) ([]Roll, bool) {
	if number == s.roll.Number {
		return nil, true
	}
	for i := range s.history {
		if s.history[i].Number == number+1 {
			return s.history[i:], true
		}
	}
	return nil, false
}

// named finds the present incarnation of a name, on the roll or not yet.
func (s *State) named(name string) (Member, bool) {
	same := func(m Member) bool { return m.Name == name }
	if i := slices.IndexFunc(s.joining, same); i >= 0 {
		return s.joining[i], true
	}
	for _, m := range s.members {
		if m.Name == name && !s.isLeaving(m.ID) {
			return m, true
		}
	}
	return Member{}, false
}

func (s *State) isLeaving(id uint64) bool {
	return slices.ContainsFunc(s.leaving, func(g Gone) bool { return g.ID == id })
}
