package crowd

import (
	"cmp"
	"slices"
)

// take brings one member's report into what is held, and counts what of it is refused.
func (t *turn) take(r Report) {
	for _, m := range r.Marks {
		if !t.refuses(r, m) {
			t.mark(r.Reporter, m)
		}
	}
}

// refuses says whether a mark does not count, and counts it then.
func (t *turn) refuses(r Report, m Mark) bool {
	if _, known := find(t.members, r.Reporter); !known {
		if _, joins := find(t.joining, r.Reporter); !joins && r.Reporter <= t.newest {
			t.refused.Down++
		} else {
			t.refused.Forged++
		}
		return true
	}
	switch _, known := find(t.members, m.Subject); {
	case r.Roll > t.roll.Number:
		t.refused.Forged++
	case r.Roll < t.roll.Drawn:
		t.refused.Old++
	case !known:
		t.refused.Late++
	case slices.Contains(t.observers(m.Subject), r.Reporter):
		return false
	case r.Roll < t.roll.Number:
		t.refused.Old++
	default:
		t.refused.Forged++
	}
	return true
}

// mark holds something against a member, or nothing any more.
func (t *turn) mark(reporter uint64, m Mark) {
	i, known := slices.BinarySearchFunc(t.suspects, m.Subject, func(s suspect, id uint64) int { return cmp.Compare(s.subject, id) })
	if !known && m.Evidence == Nothing {
		return
	}
	t.own()
	if !known {
		t.suspects = slices.Insert(t.suspects, i, suspect{subject: m.Subject})
	}
	s := &t.suspects[i]
	s.marks = slices.Clone(s.marks)
	at, found := slices.BinarySearchFunc(s.marks, reporter, func(h held, id uint64) int { return cmp.Compare(h.reporter, id) })
	switch {
	case m.Evidence == Nothing && found:
		s.marks = slices.Delete(s.marks, at, at+1)
	case m.Evidence == Nothing:
	case found:
		s.marks[at].evidence, s.marks[at].atNs = m.Evidence, t.nowNs
	default:
		s.marks = slices.Insert(s.marks, at, held{reporter, m.Evidence, t.nowNs})
	}
}

// own makes the list of suspects ours to change.
func (t *turn) own() {
	if !t.copied {
		t.suspects, t.copied = slices.Clone(t.suspects), true
	}
}

// judge lets go of what is too old, and gives whom the rule takes down now.
func (t *turn) judge() []Gone {
	t.own()
	bound := BoundNs(len(t.members))
	tallies := make([]tally, 0, len(t.suspects))
	kept := t.suspects[:0]
	expires := int64(0)
	for _, s := range t.suspects {
		if s.marks = t.fresh(s.marks, evidenceBounds*bound); len(s.marks) == 0 {
			continue
		}
		y := tally{subject: s.subject, observers: t.observers(s.subject), overNs: s.overNs}
		silent := 0
		for _, h := range s.marks {
			y.against = append(y.against, h.reporter)
			if h.evidence == Silent {
				silent++
			}
			if at := h.atNs + evidenceBounds*bound; expires == 0 || at < expires {
				expires = at
			}
		}
		y.silent = 2*silent > len(s.marks)
		tallies, kept = append(tallies, y), append(kept, s)
	}
	t.suspects = kept
	j := judge(tallies, t.nowNs, bound, t.left(), t.freeNs())
	for i, y := range tallies {
		t.suspects[i].overNs = y.overNs
	}
	t.held, t.lookNs = j.held, j.lookNs
	if expires != 0 && (t.lookNs == 0 || expires < t.lookNs) {
		t.lookNs = expires
	}
	return t.sentence(j.cut, tallies)
}

// fresh are the marks that are younger than an age.
func (t *turn) fresh(marks []held, ageNs int64) []held {
	return slices.DeleteFunc(slices.Clone(marks), func(h held) bool { return t.nowNs-h.atNs >= ageNs })
}

// sentence is what a roll says of those who go, and counts them towards the limit.
func (t *turn) sentence(cutIDs []uint64, tallies []tally) []Gone {
	var gone []Gone
	for i := range tallies {
		y := &tallies[i]
		if slices.Contains(cutIDs, y.subject) && !t.isLeaving(y.subject) {
			gone = append(gone, Gone{ID: y.subject, Why: Reported, Against: uint8(len(y.against)), Observers: uint8(len(y.observers))})
		}
	}
	if len(gone) > 0 {
		t.cuts = append(slices.Clone(t.cuts), cut{t.nowNs, len(gone)})
	}
	return gone
}

// left is how many may still go by report now.
func (t *turn) left() int {
	t.cuts = slices.DeleteFunc(slices.Clone(t.cuts), func(c cut) bool { return t.nowNs-c.atNs >= limitNs })
	left := limit(len(t.members))
	for _, c := range t.cuts {
		left -= c.count
	}
	return max(left, 0)
}

// freeNs is when the limit lets more go than now, 0 where nothing counts towards it.
func (t *turn) freeNs() int64 {
	if len(t.cuts) == 0 {
		return 0
	}
	return t.cuts[0].atNs + limitNs
}

// keepSuspects drops, after a change of members or of rings, whoever is no member, and what was said by who is no observer.
func (t *turn) keepSuspects() {
	if len(t.suspects) == 0 {
		return
	}
	t.own()
	kept := t.suspects[:0]
	for _, s := range t.suspects {
		observers := t.observers(s.subject) // none for who is no member
		s.marks = slices.DeleteFunc(slices.Clone(s.marks), func(h held) bool { return !slices.Contains(observers, h.reporter) })
		if len(s.marks) > 0 {
			kept = append(kept, s)
		}
	}
	t.suspects = kept
}
