package geo

import (
	"cmp"
	"slices"
)

// gather appends s, counted from t0, unless it is empty; one that touches the last is joined to it.
func gather(list []span, t0 int64, s span) []span {
	if s.empty() {
		return list
	}
	s.lo += t0
	s.hi += t0
	if n := len(list); n > 0 && s.lo <= list[n-1].hi && s.hi >= list[n-1].lo {
		last := &list[n-1]
		last.lo, last.hi = min(last.lo, s.lo), max(last.hi, s.hi)
		return list
	}
	return append(list, s)
}

// join sorts spans and joins those that touch or overlap, in place.
func join(list []span) []span {
	if len(list) < 2 {
		return list
	}
	slices.SortFunc(list, func(a, b span) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi)) })
	out := list[:1]
	for _, s := range list[1:] {
		if last := &out[len(out)-1]; s.lo <= last.hi {
			last.hi = max(last.hi, s.hi)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// without takes the second list away from the first; both are joined.
func without(list, away []span) []span {
	if len(away) == 0 {
		return list
	}
	var out []span
	for _, s := range list {
		for len(away) > 0 && away[0].hi <= s.lo {
			away = away[1:]
		}
		for _, a := range away {
			if a.lo >= s.hi {
				break
			}
			if s.lo < a.lo {
				out = append(out, span{s.lo, a.lo})
			}
			s.lo = max(s.lo, a.hi)
		}
		if !s.empty() {
			out = append(out, s)
		}
	}
	return out
}

// appendWindows makes the answer of what was gathered.
func (w *walk) appendWindows(out []Window) []Window {
	if len(w.may) == 0 {
		return out
	}
	late := w.u.TimeNs
	may := join(w.may)
	if late != 0 {
		for i := range may {
			may[i].lo -= late
			may[i].hi += late
		}
		may = join(may)
	}
	if n := len(may); n > MaxWindows {
		may[MaxWindows-1].hi = may[n-1].hi
		may = may[:MaxWindows]
	}
	sure := without(join(w.sure), join(w.near))
	out = slices.Grow(out, len(may))
	for _, m := range may {
		n := 0
		for n < len(sure) && sure[n].lo < m.hi {
			n++
		}
		out = append(out, window(m, sure[:n], late))
		sure = sure[n:]
	}
	return out
}

// window finds the longest sure time in one visit.
func window(may span, sure []span, late int64) Window {
	best := span{may.hi, may.lo}
	for _, s := range sure {
		s.lo += late
		s.hi -= late
		if !s.empty() && (best.empty() || s.hi-s.lo > best.hi-best.lo) {
			best = s
		}
	}
	return Window{may.lo, best.lo, best.hi, may.hi}
}
