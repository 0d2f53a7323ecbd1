package airspace

import (
	"fmt"
	"time"

	"onevoice/airspace/past"
	"onevoice/internal/mutant"
	"onevoice/problem"
)

// Known is a known time, as of which a question is asked: an index of the log, or an instant of service time. The zero value is the
// present.
type Known struct {
	// Index is an index, 0 for none.
	Index uint64
	// AtNs is an instant, where Index is 0: as of the last entry at it or before.
	AtNs int64
}

// mark is an entry that changed something, and service time after it.
type mark struct {
	index uint64
	atNs  int64
}

// seal notes the entry that the machine was in, where it changed something.
func (m *Machine) seal() {
	s := &m.state
	if n := s.marks.Len(); m.changed && (n == 0 || s.marks.At(n-1).index < s.index) {
		s.marks.Push(mark{s.index, s.clock.nowNs})
	}
	m.changed = false
}

// Index is the entry that the state is as of. A state of the past is as of the last entry that changed something by then.
func (s *State) Index() uint64 { return s.index }

// Horizon is the earliest known time that questions may name: its index, and service time then. Both are 0 where nothing was ever
// known.
func (s *State) Horizon() (index uint64, atNs int64) {
	if s.marks.Len() == 0 {
		return 0, 0
	}
	first := s.marks.At(0)
	return first.index, first.atNs
}

// AsOf gives the airspace as it was known then, in constant time. Every question that it is asked is answered as of the last entry by
// then that changed something, which is its Index; its ServiceNs is service time after that entry. It is for questions only: Chunks is the
// present's.
//
// The error is a *problem.Error: Expired where that time is before the horizon, Invalid where it is after the state, whose future
// nobody knows.
func (s *State) AsOf(known Known) (*State, error) {
	if known == (Known{}) {
		return s, nil
	}
	i, p := s.markOf(known)
	if p != nil {
		return nil, p
	}
	then := *s
	if i < 0 { // nothing was ever known
		return &then, nil
	}
	at := s.marks.At(i)
	then.index, then.clock.nowNs = at.index, at.atNs
	if i < s.marks.Len()-1 && !mutant.On(mutant.PastIsPresent) {
		then.asOf = at.index
	}
	if set, ok := s.settingsPast.At(then.asOf); ok {
		then.settings = *set.Record
		then.clock.setAnchor(set.Record)
	}
	return &then, nil
}

// markOf finds the last mark by a known time, -1 where nothing was ever marked.
func (s *State) markOf(known Known) (int, *problem.Error) {
	value := exactly(known.AtNs)
	late, after := known.AtNs > s.clock.nowNs, func(k mark) bool { return k.atNs > known.AtNs }
	if known.Index > 0 {
		value = fmt.Sprint(known.Index)
		late, after = known.Index > s.index, func(k mark) bool { return k.index > known.Index }
	}
	i := s.marks.Search(after) - 1
	if mutant.On(mutant.ForgottenIsTold) {
		i = max(i, 0)
	}
	if !late && (i >= 0 || s.marks.Len() == 0) {
		return i, nil
	}
	first, firstNs := s.Horizon()
	p := &problem.Error{
		Kind: problem.Invalid, Op: "ask the past", Field: "known_at", Value: value,
		Allowed: fmt.Sprintf("index %d (%s) to %d (%s)", first, exactly(firstNs), s.index, exactly(s.clock.nowNs)),
	}
	if late {
		p.Detail = "that is in the future, of which nothing is known"
	} else {
		p.Kind, p.Detail = problem.Expired, "what was known then is no longer held"
	}
	return 0, p
}

// exactly spells an instant so that it can be asked for.
func exactly(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// presentOnly refuses a question of the past about what is not kept of it.
func (s *State) presentOnly(op string) error {
	if s.present() {
		return nil
	}
	return &problem.Error{
		Kind: problem.Invalid, Op: op, Field: "known_at", Value: fmt.Sprint(s.index), Allowed: "the present, of which alone this is held",
	}
}

// present reports whether the state is not one of the past.
func (s *State) present() bool { return s.asOf == past.Now }
