package geo

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
)

// Separation is what two flights must keep between them: they are too close while they are less than LateralCm apart over
// ground and, at the same instant, less than VerticalCm in altitude. With either at 0 nothing is too close.
type Separation struct{ LateralCm, VerticalCm int32 }

// MaxSeparationCm bounds a lateral separation: 100 NM. A vertical one is bounded by MaxVerticalCm.
const MaxSeparationCm = 18_520_000

// Validate refuses a negative or too large separation with a *FieldError.
func (s Separation) Validate() error {
	if s.LateralCm < 0 || s.LateralCm > MaxSeparationCm {
		return &FieldError{"separation.lateralCm", fmt.Sprint(s.LateralCm), fmt.Sprintf("0 to %d cm", MaxSeparationCm)}
	}
	if s.VerticalCm < 0 || s.VerticalCm > MaxVerticalCm {
		return &FieldError{"separation.verticalCm", fmt.Sprint(s.VerticalCm), fmt.Sprintf("0 to %d cm", MaxVerticalCm)}
	}
	return nil
}

// Most gives the larger of two separations, each distance for itself.
func (s Separation) Most(o Separation) Separation {
	return Separation{max(s.LateralCm, o.LateralCm), max(s.VerticalCm, o.VerticalCm)}
}

// Span is the instants FromNs <= t < ToNs, in nanoseconds UTC.
type Span struct{ FromNs, ToNs int64 }

// Approach is when two plans are too close, and where they are closest.
type Approach struct {
	// Spans are when they are too close: in order, apart, 1 to MaxApproachSpans.
	Spans []Span
	// AtNs is the closest point of approach: the instant of the smallest lateral distance among those at which the flights
	// are too near in altitude, the first of equals. Pos lies in the middle between the two then.
	AtNs int64
	Pos  LatLon
	// LateralCm and VerticalCm are how far apart they are at AtNs. The first is never more than the true distance.
	LateralCm, VerticalCm int32
}

const (
	// MaxApproachSpans bounds the spans of one Approach; what would go beyond it is joined to the last.
	MaxApproachSpans = 8
	// pieceE7 is the latitude in which one cosine serves: a sixteenth of a degree, 7 km.
	pieceE7 = degE7 / 16
	// maxPieces bounds the pieces that the legs of two paths are cut into, a few ms of work; beyond it legs stay whole,
	// and distances come out shorter than they need be.
	maxPieces = 1 << 13
	// roundMm is how much distances may be wrong by in coordinates and lengths that were rounded; it is taken to the safe side.
	roundMm = 20
)

// Meeting finds the Approach of two paths. Who asks for many keeps one and saves its memory; the zero value is ready for
// use, by one goroutine.
//
// Between points both paths are straight in longitude and latitude, and even in time. Distances are taken in a plane in which
// they come out at or below the true ones on WGS84, as DESIGN.md says.
type Meeting struct {
	a, b     leg
	sep      Separation
	vertical int64 // the largest difference of altitude that is too close
	reach    int64 // of the separation, in 1e-7 degree of latitude
	spans    []span
	best     nearest
	pieces   int
	steps    int
}

// nearest is the closest point of approach so far.
type nearest struct {
	mm         int64
	atNs       int64
	pos        LatLon
	verticalCm int64
}

// Begin forgets the paths before.
func (m *Meeting) Begin() {
	m.spans, m.pieces, m.steps = m.spans[:0], 0, 0
	m.best = nearest{mm: math.MaxInt64}
}

// Steps is what the work since Begin came to: about one for each pair of legs that were under way at once.
func (m *Meeting) Steps() int { return m.steps }

// Add looks at two paths in the instants from <= t < to, with a separation that holds then. The paths must have passed
// ValidatePath. Where they have different altitude references, crossRefCm is added to the vertical separation.
func (m *Meeting) Add(a, b []Point4D, fromNs, toNs int64, sep Separation, crossRefCm int32) {
	if sep.LateralCm <= 0 || sep.VerticalCm <= 0 {
		return
	}
	m.sep, m.vertical, m.reach = sep, int64(sep.VerticalCm)-1, reach(sep.LateralCm)+2
	if a[0].Alt.Ref != b[0].Alt.Ref {
		m.vertical += int64(crossRefCm)
	}
	lo := max(fromNs, a[0].AtNs, b[0].AtNs)
	hi := min(toNs, a[len(a)-1].AtNs, b[len(b)-1].AtNs)
	if lo >= hi {
		return
	}
	i, j := legAt(a, lo), legAt(b, lo)
	for lo < hi {
		end := min(a[i].AtNs, b[j].AtNs, hi)
		m.steps++
		if !m.apart(&a[i-1], &a[i], &b[j-1], &b[j]) {
			m.a, m.b = newLeg(a[i-1], a[i]), newLeg(b[j-1], b[j])
			m.legs(span{lo, end})
		}
		if lo = end; lo < hi {
			i, j = next(a, i, lo), next(b, j, lo)
		}
	}
}

// legAt finds the end of the leg that is flown at an instant within the path.
func legAt(path []Point4D, ns int64) int {
	return 1 + sort.Search(len(path)-2, func(i int) bool { return path[i+1].AtNs > ns })
}

// next is the leg after i where that one is over.
func next(path []Point4D, i int, ns int64) int {
	if path[i].AtNs == ns {
		i++
	}
	return i
}

// apart is the quickest look at two legs: altitudes and latitudes that keep their distance.
func (m *Meeting) apart(p, q, r, s *Point4D) bool {
	return between(int64(p.Alt.Cm), int64(q.Alt.Cm), int64(r.Alt.Cm), int64(s.Alt.Cm)) > m.vertical ||
		between(int64(p.Pos.LatE7), int64(q.Pos.LatE7), int64(r.Pos.LatE7), int64(s.Pos.LatE7)) > m.reach
}

// between is the distance between the ranges from p to q and from r to s, negative where they overlap.
func between(p, q, r, s int64) int64 {
	return max(min(p, q)-max(r, s), min(r, s)-max(p, q))
}

// at gives the coordinate that goes from v to w along the leg, rounded to the nearest whole number, at an instant of it.
func (l *leg) at(v, w, ns int64) int64 {
	switch {
	case v == w || ns <= l.t0:
		return v
	case ns >= l.t0+l.dt:
		return w
	}
	q, r := part(max(w-v, v-w), uint64(ns-l.t0), uint64(l.dt))
	if r >= uint64(l.dt)-r {
		q++
	}
	if w < v {
		return v - q
	}
	return v + q
}

func (l *leg) lat(ns int64) int64 { return l.at(l.y0, l.y1, ns) }
func (l *leg) lon(ns int64) int64 { return l.at(l.x0, l.x1, ns) }
func (l *leg) alt(ns int64) int64 { return l.at(l.z0, l.z1, ns) }

// when gives the part of s, outwards to whole nanoseconds, in which what goes evenly from v to w stays within most of 0.
func when(s span, v, w, most int64) span {
	l := leg{dt: s.hi - s.lo}
	t, ok := l.within(v, w-v, -most, most)
	if !ok {
		return span{}
	}
	return span{s.lo + t.lo, s.lo + t.hi}
}

// legs looks at a time in which each flight is on one leg.
func (m *Meeting) legs(s span) {
	if s = when(s, m.b.alt(s.lo)-m.a.alt(s.lo), m.b.alt(s.hi)-m.a.alt(s.hi), m.vertical); s.empty() {
		return
	}
	south, north := m.a.lat(s.lo), m.a.lat(s.hi)
	if s = when(s, m.b.lat(s.lo)-south, m.b.lat(s.hi)-north, m.reach); s.empty() {
		return
	}
	south, north = m.a.lat(s.lo), m.a.lat(s.hi)
	n := (max(north-south, south-north) + pieceE7 - 1) / pieceE7
	if n = min(max(n, 1), int64(maxPieces-m.pieces)); n < 1 {
		n = 1
	}
	dt := s.hi - s.lo
	for k := range n {
		piece := span{s.lo + partDown(dt, uint64(k), uint64(n)), s.lo + partDown(dt, uint64(k+1), uint64(n))}
		if !piece.empty() {
			m.piece(piece)
		}
	}
	m.pieces += int(n)
}

// piece looks at a time in which latitudes change so little that one scale serves.
func (m *Meeting) piece(s span) {
	g := m.scaleOf(s)
	from, to := m.b.lon(s.lo)-m.a.lon(s.lo), m.b.lon(s.hi)-m.a.lon(s.hi)
	first := -floorTurns(g.reachLon + max(from, to))
	last := floorTurns(g.reachLon - min(from, to))
	for k := first; k <= last; k++ {
		if t := when(s, from+k*turnE7, to+k*turnE7, g.reachLon); !t.empty() {
			m.exact(t, k*turnE7, g)
		}
	}
}

// scale is the plane of one piece: how long a unit of latitude and of longitude is, and how many units of longitude the
// separation reaches.
type scale struct {
	latMicroCm, lonMicroCm int64
	cosQ24                 int64
	reachLon               int64
}

// scaleOf makes the plane in which distances come out at or below the true ones: the cosine is taken further from the
// equator than a way no longer than the separation between the two flights can lead, the radii of the ellipsoid nearest to it.
func (m *Meeting) scaleOf(s span) scale {
	far, near := int64(0), int64(quarterE7)
	lats := [...]int64{m.a.lat(s.lo), m.a.lat(s.hi), m.b.lat(s.lo), m.b.lat(s.hi)}
	for _, lat := range lats {
		far, near = max(far, lat, -lat), min(near, max(lat, -lat))
	}
	if min(lats[0], lats[1], lats[2], lats[3]) < 0 && max(lats[0], lats[1], lats[2], lats[3]) > 0 {
		near = 0
	}
	cos := cosDown(near) + 64
	sin2 := max(oneQ30-cos*cos>>30-1, 0)
	// Radii grow with the square of the sine, and more than evenly: the tangent at the equator is below them.
	return scale{
		latMicroCm: latUnitMicroCm + 11_103*sin2>>30,
		lonMicroCm: 1_113_194 + 3_726*sin2>>30,
		cosQ24:     cosDown(far+m.reach) >> 6,
		reachLon:   reachLon(m.reach, far),
	}
}

// mm lays the way from one flight to the other out in the plane, in millimetres.
func (g *scale) mm(lon, lat int64) vec {
	return vec{lon * g.lonMicroCm / 100_000 * g.cosQ24 / (1 << 24), lat * g.latMicroCm / 100_000}
}

// exact looks at a time in which the flights are near enough for small numbers; turn is what to add to the difference of
// their longitudes.
func (m *Meeting) exact(s span, turn int64, g scale) {
	p := g.mm(m.b.lon(s.lo)-m.a.lon(s.lo)+turn, m.b.lat(s.lo)-m.a.lat(s.lo))
	q := g.mm(m.b.lon(s.hi)-m.a.lon(s.hi)+turn, m.b.lat(s.hi)-m.a.lat(s.hi))
	d, p, r, halved := vec{q.x - p.x, q.y - p.y}, vec{-p.x, -p.y}, int64(m.sep.LateralCm)*10+roundMm, 0
	for !small(d, p, vec{r, 0}) {
		d, p, r, halved = d.half(), p.half(), r/2+2, halved+1
	}
	l := leg{dt: s.hi - s.lo}
	t, ok := l.nearPoint(d, p, r)
	if !ok || t.empty() {
		return
	}
	m.steps += 4
	m.spans = gather(m.spans, s.lo, t)
	m.closest(s, turn, d, p, halved)
}

// closest notes where the point that goes along d comes closest to p, if it is closer than any before.
func (m *Meeting) closest(s span, turn int64, d, p vec, halved int) {
	a, b := d.dot(d), d.dot(p)
	at, square := s.lo, uint64(p.dot(p))
	switch {
	case b >= a && a > 0:
		at = s.hi
		e := vec{d.x - p.x, d.y - p.y}
		square = uint64(e.dot(e))
	case b > 0:
		at = s.lo + partDown(s.hi-s.lo, uint64(b), uint64(a))
		hi, lo := mul128(d.wedge(p), d.wedge(p))
		square, _ = bits.Div64(uint64(hi), lo, uint64(a)) // below the square of p, so that it fits
	}
	mm := max(rootDown(square)<<halved-roundMm<<halved, 0)
	if mm >= m.best.mm {
		return
	}
	apart := m.b.lon(at) - m.a.lon(at) + turn
	m.best = nearest{mm: mm, atNs: at, pos: LatLon{
		LatE7: int32((m.a.lat(at) + m.b.lat(at)) / 2),
		LonE7: int32(floorMod(m.a.lon(at)+apart/2+halfE7) - halfE7),
	}}
	up := m.b.alt(at) - m.a.alt(at)
	m.best.verticalCm = min(max(up, -up), m.vertical)
}

// Approach gives what was found since Begin; false when the plans are never too close.
func (m *Meeting) Approach() (Approach, bool) {
	if len(m.spans) == 0 {
		return Approach{}, false
	}
	list := join(m.spans)
	if n := len(list); n > MaxApproachSpans {
		list[MaxApproachSpans-1].hi = list[n-1].hi
		list = list[:MaxApproachSpans]
	}
	found := Approach{
		AtNs: m.best.atNs, Pos: m.best.pos, LateralCm: int32(m.best.mm / 10), VerticalCm: int32(m.best.verticalCm),
		Spans: make([]Span, len(list)),
	}
	for i, s := range list {
		found.Spans[i] = Span{s.lo, s.hi}
		if found.AtNs == s.hi {
			found.AtNs-- // the end is no longer in the span
		}
	}
	return found, true
}

// PathAt gives where a path is at an instant, to the nearest 1e-7 degree and centimetre; before its begin and after its end it is where it
// begins and ends. The path must have passed ValidatePath.
func PathAt(path []Point4D, ns int64) Point4D {
	ns = min(max(ns, path[0].AtNs), path[len(path)-1].AtNs)
	i := legAt(path, ns)
	l := newLeg(path[i-1], path[i])
	return Point4D{
		Pos: LatLon{LatE7: int32(l.lat(ns)), LonE7: int32(floorMod(l.lon(ns)+halfE7) - halfE7)},
		Alt: Altitude{int32(l.alt(ns)), path[0].Alt.Ref}, AtNs: ns,
	}
}
