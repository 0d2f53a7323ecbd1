package geo

import "math/bits"

// vec is a vector in the local plane of near: units of 1e-7 degree of latitude, halved as often as needed.
type vec struct{ x, y int64 }

func (a vec) dot(b vec) int64   { return a.x*b.x + a.y*b.y }
func (a vec) wedge(b vec) int64 { return a.x*b.y - a.y*b.x }

// near gives when the leg is within r of the edge: never less than the truth. The leg must already be turned to where
// the edge lies.
//
// Distances are taken in a plane where longitude is shortened by the cosine of the highest latitude that the two can
// come near each other at, and a unit is as short as a unit of latitude gets; so they come out at or below the true
// ones. Rounding of coordinates is made good by three units more of r.
func (l *leg) near(e *edge, r int64) span {
	lo := max(l.box.MinLat, min(e.ay, e.by)-r)
	hi := min(l.box.MaxLat, max(e.ay, e.by)+r)
	if lo > hi {
		return span{}
	}
	c := cosDown(max(r-lo, hi+r))
	d := vec{(l.x1 - l.x0) * c >> 30, l.y1 - l.y0}
	a := vec{(e.ax - l.x0) * c >> 30, e.ay - l.y0}
	b := vec{(e.bx - l.x0) * c >> 30, e.by - l.y0}
	r += 3
	for !small(d, a, b, vec{r, 0}) {
		d, a, b, r = d.half(), a.half(), b.half(), r/2+4
	}
	s, ok := l.nearPoint(d, a, r)
	if t, also := l.nearPoint(d, b, r); also {
		s, ok = hull(s, ok, t), true
	}
	if t, also := l.nearSide(d, a, vec{b.x - a.x, b.y - a.y}, r); also {
		s, ok = hull(s, ok, t), true
	}
	if !ok {
		return span{}
	}
	return s
}

func hull(s span, ok bool, t span) span {
	if !ok {
		return t
	}
	return span{min(s.lo, t.lo), max(s.hi, t.hi)}
}

func (a vec) half() vec { return vec{a.x >> 1, a.y >> 1} }

// small reports whether all coordinates are within 2^28, so that products of products fit in 128 bits.
func small(vs ...vec) bool {
	const limit = 1 << 28
	for _, v := range vs {
		if uint64(v.x+limit)|uint64(v.y+limit) >= 2*limit {
			return false
		}
	}
	return true
}

// nearPoint gives when the point s*d, s going from 0 to 1 along the leg, is within r of p.
func (l *leg) nearPoint(d, p vec, r int64) (span, bool) {
	a, b, c := d.dot(d), d.dot(p), p.dot(p)-r*r
	if a == 0 {
		return span{0, l.dt}, c <= 0
	}
	// a*s*s - 2*b*s + c <= 0 between the roots (b -+ sqrt(b*b - a*c)) / a.
	bh, bl := mul128(b, b)
	ah, al := mul128(a, c)
	lo, borrow := bits.Sub64(bl, al, 0)
	hi := bh - ah - int64(borrow)
	if hi < 0 {
		return span{}, false
	}
	q := int64(rootUp(uint64(hi), lo))
	return l.share(b-q, b+q, a)
}

// nearSide gives when the point s*d lies beside the edge from p along e, no further than r from it.
func (l *leg) nearSide(d, p, e vec, r int64) (span, bool) {
	if e == (vec{}) {
		return span{}, false
	}
	length := int64(rootUp(0, uint64(e.dot(e))))
	along, ok := l.within(-p.dot(e), d.dot(e), 0, e.dot(e))
	if !ok {
		return span{}, false
	}
	aside, ok := l.within(-p.wedge(e), d.wedge(e), -r*length, r*length)
	s := along.meet(aside)
	return s, ok && s.lo <= s.hi
}

// within gives when lo <= u + s*v <= hi.
func (l *leg) within(u, v, lo, hi int64) (span, bool) {
	switch {
	case v > 0:
		return l.share(lo-u, hi-u, v)
	case v < 0:
		return l.share(u-hi, u-lo, -v)
	}
	return span{0, l.dt}, lo <= u && u <= hi
}

// share gives the time from lo/den to hi/den of the leg, rounded outwards and cut to the leg; false when none of it is
// in the leg.
func (l *leg) share(lo, hi, den int64) (span, bool) {
	if hi < 0 || lo > den || lo > hi {
		return span{}, false
	}
	return span{
		partDown(l.dt, uint64(max(lo, 0)), uint64(den)),
		partUp(l.dt, uint64(min(hi, den)), uint64(den)),
	}, true
}
