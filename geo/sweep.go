package geo

import (
	"cmp"
	"slices"
	"sort"
)

// crossing finds two edges that cross, or that lie on one another for more than a point; touching at a point is
// neither. A line sweeps from west to east over the edges and keeps those under it in order from south to north; only
// neighbours in that order are compared, for the two of the westernmost crossing must become neighbours before it
// (M. Shamos, D. Hoey, "Geometric intersection problems", FOCS 1976). An upright edge counts as leaning a little, its
// southern end first.
func crossing(edges []edge) (i, j int, bad bool) {
	s := sweep{segs: make([]edge, len(edges))}
	events := make([]event, 0, 2*len(edges))
	for i, e := range edges {
		if after(e.ax, e.ay, e.bx, e.by) {
			e = edge{e.bx, e.by, e.ax, e.ay}
		}
		s.segs[i] = e
		events = append(events, event{e.ax, e.ay, true, int32(i)}, event{e.bx, e.by, false, int32(i)})
	}
	slices.SortFunc(events, event.compare)
	for _, ev := range events {
		if ev.start {
			i, j, bad = s.insert(ev.seg)
		} else {
			i, j, bad = s.remove(ev.seg)
		}
		if bad {
			return min(i, j), max(i, j), true
		}
	}
	return 0, 0, false
}

// event is an end of a segment, in the order the line meets them; ends come before starts at the same point, so that
// segments which only touch there are never under the line together.
type event struct {
	x, y  int64
	start bool
	seg   int32
}

func (a event) compare(b event) int {
	if c := cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)); c != 0 {
		return c
	}
	if a.start != b.start {
		if b.start {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.seg, b.seg)
}

// after reports whether a point comes after another under the sweeping line.
func after(ax, ay, bx, by int64) bool { return ax > bx || ax == bx && ay > by }

// sweep holds all segments, each from west to east, and those under the line from south to north. A sorted slice is
// quick enough: at 10,000 edges moving its tail costs less than the comparisons.
type sweep struct {
	segs  []edge
	under []int32
}

func (s *sweep) insert(seg int32) (i, j int, bad bool) {
	at := s.place(seg)
	s.under = slices.Insert(s.under, at, seg)
	if i, j, bad = s.test(at-1, at); bad {
		return i, j, bad
	}
	return s.test(at, at+1)
}

func (s *sweep) remove(seg int32) (i, j int, bad bool) {
	at := s.place(seg)
	if at == len(s.under) || s.under[at] != seg {
		at = slices.Index(s.under, seg)
	}
	s.under = slices.Delete(s.under, at, at+1)
	return s.test(at-1, at)
}

// place gives the number of segments under the line that lie south of seg.
func (s *sweep) place(seg int32) int {
	e := &s.segs[seg]
	return sort.Search(len(s.under), func(k int) bool { return s.under[k] == seg || s.segs[s.under[k]].order(e) >= 0 })
}

// test compares the segments at two places under the line.
func (s *sweep) test(a, b int) (i, j int, bad bool) {
	if a < 0 || b >= len(s.under) {
		return 0, 0, false
	}
	e, f := s.under[a], s.under[b]
	return int(e), int(f), s.segs[e].crosses(&s.segs[f])
}

// order is -1 when e lies south of f where both are under the line, 1 when north of it, 0 when on it.
func (e *edge) order(f *edge) int {
	if after(e.ax, e.ay, f.ax, f.ay) {
		return -f.order(e)
	}
	side := turn(e.ax, e.ay, e.bx, e.by, f.ax, f.ay)
	if side == 0 {
		side = turn(e.ax, e.ay, e.bx, e.by, f.bx, f.by)
	}
	return -side
}

// crosses reports whether two segments, both from west to east, cross or share more than a point.
func (e *edge) crosses(f *edge) bool {
	a := turn(e.ax, e.ay, e.bx, e.by, f.ax, f.ay)
	b := turn(e.ax, e.ay, e.bx, e.by, f.bx, f.by)
	if a == 0 && b == 0 {
		return after(e.bx, e.by, f.ax, f.ay) && after(f.bx, f.by, e.ax, e.ay)
	}
	if a*b >= 0 {
		return false
	}
	c := turn(f.ax, f.ay, f.bx, f.by, e.ax, e.ay)
	d := turn(f.ax, f.ay, f.bx, f.by, e.bx, e.by)
	return c*d < 0
}
