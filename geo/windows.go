package geo

import "math"

const (
	// MaxWindows bounds the visits of one flight to one sector; no aircraft enters a sector so often. What would go
	// beyond it is joined to the last window, so that the may-be part stays complete.
	MaxWindows = 1_000
	// maxTests bounds the edges looked at in one call, so that no plan can hold up a replica: about 0.3 s. A path and a
	// sector of 10,000 points each that cross as a real route and a real border do take half of it.
	maxTests = 16 << 20
	// nearTests is how many such looks one measuring of distance counts for.
	nearTests = 16
	// maxSpans bounds the pieces kept in one call, about 4 MB.
	maxSpans = 1 << 18
)

// Windows gives the visits of a path to a sector, which is the union of its volumes: in order, apart from one another,
// those that touch joined. The path must have passed ValidatePath, the uncertainty its Validate, the volumes those of
// their polygons.
//
// The flight may be inside while it is within u.LateralCm of a volume's area and within u.VerticalCm of its band; it
// surely is inside while it is in the area, in the band with that much to spare, and no boundary of the sector is
// within u.LateralCm. An edge which two volumes of the sector have in common, from end to end and from either side, is
// no boundary of it. u.TimeNs then makes may-be times longer and sure times shorter at both ends. Where the path and a
// band have different altitude references, crossRefCm is added to u.VerticalCm.
//
// Rounding is stated at the head of the package. A touch at a single instant is no visit. Distances under lateral
// uncertainty are held against a plane that makes them up to about 1.5 % too short, more for legs and edges that both
// span several degrees of latitude: to the safe side for both parts of a window.
//
// The work is bounded. A path that meets the sector's edges so often that more than 16 million edges would be looked
// at gets one window over its whole time, in which nothing is sure.
func Windows(path []Point4D, u Uncertainty, vols []*Prepared, crossRefCm int32) []Window {
	return new(Walk).Append(nil, path, u, vols, crossRefCm)
}

// Walk is what Windows works with. Who asks for many windows keeps one and saves its memory, some kilobytes and never more than 10 MB.
// The zero value is ready for use, by one goroutine.
type Walk struct{ last walk }

// Append appends to list what Windows gives.
func (s *Walk) Append(list []Window, path []Point4D, u Uncertainty, vols []*Prepared, crossRefCm int32) []Window {
	w := newWalk(path, u, vols, crossRefCm)
	w.may, w.sure, w.near, w.inside, w.crossings.at = s.last.may[:0], s.last.sure[:0], s.last.near[:0], s.last.inside[:0], s.last.crossings.at[:0]
	list = w.run(list)
	w.path, w.vols = nil, nil
	s.last = w
	return list
}

// run appends the windows of the walk.
func (w *walk) run(list []Window) []Window {
	for _, v := range w.vols {
		if !w.volume(v) {
			end := w.path[len(w.path)-1].AtNs + w.u.TimeNs
			begin := w.path[0].AtNs - w.u.TimeNs
			return append(list, Window{begin, end, begin, end})
		}
	}
	return w.appendWindows(list)
}

func satAdd(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	if b < 0 && a < math.MinInt64-b {
		return math.MinInt64
	}
	return a + b
}

// walk is one call of Windows; its lists may have been used by the one before.
type walk struct {
	path     []Point4D
	u        Uncertainty
	vols     []*Prepared
	crossRef int64

	box        BBox // of the path, grown by the lateral reach
	zMin, zMax int64
	r, rLon    int64 // the lateral reach in 1e-7 degree of latitude, and of longitude anywhere along the path

	// may and sure are when the flight is inside some volume; near is when a boundary of the sector is too near to be
	// sure. In nanoseconds UTC, in no order.
	may, sure, near []span
	inside          []span // of one leg and volume, reused
	crossings       crossings
	limit           int // of tests
}

func newWalk(path []Point4D, u Uncertainty, vols []*Prepared, crossRefCm int32) walk {
	w := walk{path: path, u: u, vols: vols, crossRef: int64(crossRefCm), limit: maxTests}
	b := PathBBox(path)
	w.r = reach(u.LateralCm)
	w.rLon = reachLon(w.r, max(-b.MinLat, b.MaxLat))
	w.box = b.grow(w.r, w.rLon)
	w.zMin, w.zMax = math.MaxInt64, math.MinInt64
	for _, p := range path {
		w.zMin, w.zMax = min(w.zMin, int64(p.Alt.Cm)), max(w.zMax, int64(p.Alt.Cm))
	}
	return w
}

// slack is how much the altitudes of path and volume may part.
func (w *walk) slack(v *Prepared) int64 {
	if w.path[0].Alt.Ref == v.band.Floor.Ref {
		return int64(w.u.VerticalCm)
	}
	return int64(w.u.VerticalCm) + w.crossRef
}

// wide and narrow give when a leg may be, and surely is, within the band of a volume.
func (w *walk) wide(l *leg, v *Prepared) span {
	s := w.slack(v)
	return l.between(v.floor-s, satAdd(v.ceil, s))
}

func (w *walk) narrow(l *leg, v *Prepared) span {
	s := w.slack(v)
	ceil := v.ceil
	if ceil != math.MaxInt64 {
		ceil -= s
	}
	return l.between(v.floor+s, ceil)
}

// volume walks the path through one volume; false when the work is out of bounds.
func (w *walk) volume(v *Prepared) bool {
	s := w.slack(v)
	if w.zMax < v.floor-s || w.zMin >= satAdd(v.ceil, s) || !w.box.Meets(v.box) {
		return true
	}
	for i := 1; i < len(w.path); i++ {
		p, q := &w.path[i-1], &w.path[i]
		if w.apart(p, q, v, s) {
			continue
		}
		l := newLeg(*p, *q)
		grown := l.box.grow(w.r, w.rLon)
		first, last := v.box.turns(grown)
		if first > last {
			continue
		}
		may := w.wide(&l, v)
		if may.empty() {
			continue
		}
		sure := w.narrow(&l, v)
		for k := first; k <= last; k++ {
			turned := l.shift(k)
			w.leg(&turned, v, may, sure)
		}
		if w.crossings.tests > w.limit || len(w.may)+len(w.sure)+len(w.near) > maxSpans {
			return false
		}
	}
	return true
}

// apart is the quickest look at a leg: latitudes and altitudes that do not meet.
func (w *walk) apart(p, q *Point4D, v *Prepared, slack int64) bool {
	south, north := int64(min(p.Pos.LatE7, q.Pos.LatE7)), int64(max(p.Pos.LatE7, q.Pos.LatE7))
	if north+w.r < v.box.MinLat || south-w.r > v.box.MaxLat {
		return true
	}
	low, high := int64(min(p.Alt.Cm, q.Alt.Cm)), int64(max(p.Alt.Cm, q.Alt.Cm))
	return high < v.floor-slack || low >= satAdd(v.ceil, slack)
}

// leg gathers the spans of one leg and one volume, which lie alike on the globe's turns.
func (w *walk) leg(l *leg, v *Prepared, may, sure span) {
	w.inside = v.appendInside(l, &w.crossings, w.inside[:0])
	for _, s := range w.inside {
		w.may = gather(w.may, l.t0, s.meet(may))
		w.sure = gather(w.sure, l.t0, s.meet(sure))
	}
	if w.r != 0 {
		w.edges(l, v, may, sure)
	}
}

// edges gathers when one leg is near the edges of one volume, as long as there is anything left to gather.
func (w *walk) edges(l *leg, v *Prepared, may, sure span) {
	grown := l.box.grow(w.r, w.rLon)
	mayLeft, sureLeft := true, !sure.empty()
	for i := range v.blocks {
		w.crossings.tests++
		if !v.blocks[i].overlaps(&grown) {
			continue
		}
		edges := v.block(i)
		w.crossings.tests += len(edges)
		for j := range edges {
			if edges[j].misses(&grown) {
				continue
			}
			w.crossings.tests += nearTests
			s := l.near(&edges[j], w.r)
			w.may = gather(w.may, l.t0, s.meet(may))
			mayLeft = mayLeft && s.meet(may) != may
			if s = s.meet(sure); sureLeft && !s.empty() {
				sureLeft = w.nearBoundary(l, v, i*blockEdges+j, s) != sure
			}
			if !mayLeft && !sureLeft {
				return
			}
		}
	}
}

// nearBoundary notes that edge i of volume v is too near during s, except while another volume has the same edge from
// the other side and holds the flight's altitude as surely: then it is no boundary of the sector. It gives a span that
// was noted.
func (w *walk) nearBoundary(l *leg, v *Prepared, i int, s span) span {
	rest := [2]span{s}
	key, side := v.edges[i].key(), 0
	for _, o := range w.vols {
		if w.crossings.tests++; w.crossings.tests > w.limit {
			break
		}
		if o == v {
			continue
		}
		twin := o.twin(key)
		if twin < 0 {
			continue
		}
		covered := w.narrow(l, o)
		if covered.empty() {
			continue
		}
		if side == 0 {
			side = v.sideOf(i)
		}
		w.crossings.tests += len(v.edges) + len(o.edges)
		if side*o.sideOf(twin) != -1 {
			continue
		}
		rest = cut(rest, covered)
	}
	for _, s := range rest {
		w.near = gather(w.near, l.t0, s)
	}
	return rest[0]
}

// cut takes c away from two spans. When that would leave three, one of them stays whole: it is to the safe side to
// keep too much.
func cut(rest [2]span, c span) [2]span {
	for i, s := range rest {
		before, after := span{s.lo, min(s.hi, c.lo)}, span{max(s.lo, c.hi), s.hi}
		switch {
		case before.empty():
			rest[i] = after
		case after.empty():
			rest[i] = before
		case rest[1-i].empty():
			return [2]span{before, after}
		}
	}
	return rest
}
