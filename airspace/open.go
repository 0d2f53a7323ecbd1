package airspace

import (
	"cmp"
	"slices"

	"onevoice/geo"
)

// phase is a time in which a sector has the same volumes.
type phase struct {
	geo.Span
	// of is the sector with only those.
	of *sector
}

// datesOf lists the instants at which a sector has other volumes than before, sorted.
func datesOf(s *Sector) []int64 {
	var list []int64
	for _, e := range s.Effective {
		list = append(list, e.FromNs, e.ToNs)
	}
	list = slices.DeleteFunc(list, func(ns int64) bool { return ns == everBefore || ns == everAfter })
	slices.Sort(list)
	return slices.Compact(list)
}

// layTime derives when the sector is where, which is none for one that is open and the same always.
func (n *sector) layTime() {
	if n.week = n.Hours.week(); len(n.Effective) == 0 {
		return
	}
	from := int64(everBefore)
	for _, to := range append(datesOf(&n.Sector), everAfter) {
		part := *n
		part.volumes, part.blocks = nil, nil
		for i, e := range n.Effective {
			if e.FromNs <= from && to <= e.ToNs {
				part.volumes, part.blocks = append(part.volumes, n.volumes[i]), append(part.blocks, n.blocks[i])
			}
		}
		if len(part.volumes) > 0 {
			n.phases = append(n.phases, phase{geo.Span{FromNs: from, ToNs: to}, &part})
		}
		from = to
	}
}

// timed reports whether the sector is not always the same.
func (n *sector) timed() bool { return len(n.Effective) > 0 || !n.Hours.always() }

// phasesOf lists its phases.
func (n *sector) phasesOf() []phase {
	if len(n.Effective) == 0 {
		return []phase{{Always(), n}}
	}
	return n.phases
}

// open reports whether the hours open the sector at an instant, and until when they say the same. It must lie within what plans may name.
func (n *sector) open(ns int64) (open bool, untilNs int64) {
	open, untilNs = !n.Hours.Shut, everAfter
	if len(n.Hours.Weekly) > 0 {
		open, untilNs = inWeek(n.week, ns)
	}
	closed := false
	for _, p := range n.Hours.Periods {
		switch {
		case ns < p.FromNs:
			untilNs = min(untilNs, p.FromNs)
		case ns >= p.ToNs:
		case p.Open:
			open, untilNs = true, min(untilNs, p.ToNs)
		default:
			closed, untilNs = true, min(untilNs, p.ToNs)
		}
	}
	return open && !closed, untilNs
}

// inWeek is open by the week alone.
func inWeek(week []geo.Span, ns int64) (open bool, untilNs int64) {
	at := (ns - mondayNs) % weekNs
	if at < 0 {
		at += weekNs
	}
	begin := ns - at
	for _, s := range week {
		if at < s.FromNs {
			return false, begin + s.FromNs
		}
		if at < s.ToNs {
			return true, begin + s.ToNs
		}
	}
	return false, begin + weekNs
}

// opened gives the times within a span at which the hours open the sector, in order, until yield wants no more. Neighbours may touch. It adds to
// work what it takes, and ends where that is too much.
func (n *sector) opened(within geo.Span, work *int, yield func(geo.Span) bool) {
	if n.Hours.always() && within.FromNs < within.ToNs {
		yield(within)
		return
	}
	for at := within.FromNs; at < within.ToNs && *work <= MaxWork; {
		*work += 4 + len(n.week) + len(n.Hours.Periods)
		open, until := n.open(at)
		until = min(until, within.ToNs)
		if open && !yield(geo.Span{FromNs: at, ToNs: until}) {
			return
		}
		at = until
	}
}

// timedWindows gives the windows of a flight in a sector that is not always the same: the flight may be inside at the instants at which it
// may be in one of the volumes that are there then, while the sector is open; it surely is inside at those at which it surely is in one of
// these. Each may-be time without a gap is a window, in which the longest sure time is kept.
func (t *tracer) timedWindows(f *Flight, s *sector, crossRefCm int32) []geo.Window {
	var may, sure []geo.Span
	flight := geo.Span{FromNs: f.BeginNs(), ToNs: f.EndNs()}
	for _, ph := range s.phasesOf() {
		if ph.FromNs >= flight.ToNs || ph.ToNs <= flight.FromNs {
			continue
		}
		t.work += len(f.Path) * len(ph.of.volumes)
		for _, w := range t.allTimes(f, ph.of, crossRefCm) {
			before := len(may)
			s.opened(meet(geo.Span{FromNs: w.EnterMinNs, ToNs: w.LeaveMaxNs}, ph.Span), &t.work, func(o geo.Span) bool {
				may = addSpan(may, o)
				if in := meet(o, geo.Span{FromNs: w.EnterMaxNs, ToNs: w.LeaveMinNs}); in.FromNs < in.ToNs {
					sure = addSpan(sure, in)
				}
				return len(may)-before <= MaxFlightWindows+1 // these are apart, whatever is found beside them: too many windows
			})
		}
	}
	may, sure = joinSpans(may), joinSpans(sure)
	list := make([]geo.Window, len(may))
	for i, m := range may {
		list[i] = geo.Window{EnterMinNs: m.FromNs, EnterMaxNs: m.ToNs, LeaveMinNs: m.FromNs, LeaveMaxNs: m.ToNs}
		best := int64(0)
		for len(sure) > 0 && sure[0].FromNs < m.ToNs {
			if length := sure[0].ToNs - sure[0].FromNs; length > best {
				best, list[i].EnterMaxNs, list[i].LeaveMinNs = length, sure[0].FromNs, sure[0].ToNs
			}
			sure = sure[1:]
		}
	}
	return list
}

func meet(a, b geo.Span) geo.Span {
	return geo.Span{FromNs: max(a.FromNs, b.FromNs), ToNs: min(a.ToNs, b.ToNs)}
}

// joinSpans sorts spans and joins those that touch or overlap, in place.
func joinSpans(list []geo.Span) []geo.Span {
	slices.SortFunc(list, func(a, b geo.Span) int { return cmp.Compare(a.FromNs, b.FromNs) })
	joined := list[:0]
	for _, s := range list {
		joined = addSpan(joined, s)
	}
	return joined
}

// addSpan appends a span that begins no earlier than the last one, or joins it to that where they touch or overlap.
func addSpan(list []geo.Span, s geo.Span) []geo.Span {
	if n := len(list); n > 0 && s.FromNs >= list[n-1].FromNs && s.FromNs <= list[n-1].ToNs {
		list[n-1].ToNs = max(list[n-1].ToNs, s.ToNs)
		return list
	}
	return append(list, s)
}

// OpenTimes lists the times in [fromNs, toNs) at which a sector is open and has a volume, in order and apart, at most limit of them (1 to
// MaxPage). None says that it is closed all the time: then nobody is looked for, and an empty answer of Who does not say that nobody flies there.
// The error is a *problem.Error: NotFound for an unknown sector.
func (s *State) OpenTimes(sector string, fromNs, toNs int64, limit int) ([]geo.Span, error) {
	if p := checkSpan("open times", sector, fromNs, toNs, limit); p != nil {
		return nil, p
	}
	n, ok := s.sectors.Get(sector, s.asOf)
	if !ok {
		return nil, notFound("open times", sector, "sector")
	}
	// Hours repeat; nothing is planned outside these.
	asked := meet(geo.Span{FromNs: fromNs, ToNs: toNs}, geo.Span{FromNs: geo.MinAtNs - geo.MaxTimeNs, ToNs: geo.MaxAtNs + geo.MaxTimeNs})
	var list []geo.Span
	for _, ph := range n.phasesOf() {
		n.opened(meet(asked, ph.Span), new(int), func(o geo.Span) bool {
			if k := len(list); k > 0 && list[k-1].ToNs == o.FromNs {
				list[k-1].ToNs = o.ToNs
				return true
			}
			if len(list) == limit {
				return false
			}
			list = append(list, o)
			return true
		})
	}
	return list, nil
}
