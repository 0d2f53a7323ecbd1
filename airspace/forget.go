package airspace

import (
	"onevoice/machine"
)

// History is how much of the past is held. What is beyond is forgotten, the oldest first, at the same entry on every replica.
type History struct {
	// SpanNs is for how long, in service time: 0 to MaxHistoryNs.
	SpanNs int64
	// Records is how many past records there may be, and how many entries are told apart: 0 to MaxHistoryRecords.
	Records int64
	// Bytes bounds about how much memory the past records take, by what they hold: 0 to MaxHistoryBytes.
	Bytes int64
}

func defaultHistory() History {
	return History{SpanNs: DefaultHistoryNs, Records: DefaultHistoryRecords, Bytes: DefaultHistoryBytes}
}

// forgetDelayNs is for how long what is beyond the span may stay where nothing else makes an entry.
const forgetDelayNs = 60 * int64(1e9)

// forgetNs is the log time at which there is something to forget.
func (m *Machine) forgetNs() int64 {
	s := &m.state
	switch {
	case s.forgettable(0):
		return s.clock.reaches(s.clock.nowNs)
	case s.marks.Len() > 1:
		return s.clock.reaches(s.marks.At(1).atNs + s.settings.History.SpanNs + forgetDelayNs)
	}
	return 0
}

// forget moves the horizon, and then forgets what ended before it, at most MaxForgotten records.
func (m *Machine) forget(machine.At, machine.Emit) {
	s := &m.state
	s.moveHorizon()
	n := 0
	for n < MaxForgotten && s.forgettable(n) {
		e := s.over.At(n)
		for _, kind := range memories() {
			if kind.kind == e.record.pastKind() {
				kind.forget(m, e.record.pastName(), e.until)
			}
		}
		n++
	}
	s.over.Drop(n)
}

// forgettable reports whether the n-th of the past records was noted by the horizon, so that no question finds it.
func (s *State) forgettable(n int) bool {
	return n < s.over.Len() && s.marks.Len() > 0 && s.over.At(n).noted <= s.marks.At(0).index
}

// moveHorizon moves the horizon to where history ends by its span and size.
func (s *State) moveHorizon() {
	n, h := s.marks.Len(), &s.settings.History
	if n == 0 {
		return
	}
	end := s.clock.nowNs - h.SpanNs
	most := max(s.marks.Search(func(k mark) bool { return k.atNs > end })-1, n-1-int(h.Records))
	if noted := s.overSize(); noted > 0 {
		most = max(most, s.marks.Search(func(k mark) bool { return k.index >= noted }))
	}
	s.marks.Drop(min(max(most, 0), n-1))
}

// overSize is the entry that noted the last past record that is too many, 0 where none is.
func (s *State) overSize() uint64 {
	n, h := s.over.Len(), &s.settings.History
	if n == 0 {
		return 0
	}
	first, last := s.over.At(0), s.over.At(n-1)
	excess := n - int(h.Records)
	if last.sum-first.sum+int64(first.record.pastBytes()) > h.Bytes {
		excess = max(excess, 1+s.over.Search(func(e ended) bool { return last.sum-e.sum <= h.Bytes }))
	}
	if excess <= 0 {
		return 0
	}
	return s.over.At(excess - 1).noted
}
