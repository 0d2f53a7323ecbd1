package geo

import "slices"

// span is a half-open interval of time in nanoseconds. Within a leg it counts from the leg's start.
type span struct{ lo, hi int64 }

// meet gives the common part; it is empty when lo >= hi.
func (s span) meet(o span) span { return span{max(s.lo, o.lo), min(s.hi, o.hi)} }

func (s span) empty() bool { return s.lo >= s.hi }

// leg is the straight way between two points of a path: x is longitude (unwrapped), y latitude, z altitude, dt how
// long it takes, t0 when it begins.
type leg struct {
	x0, y0, x1, y1 int64
	z0, z1         int64
	t0, dt         int64
	box            BBox
}

func newLeg(p, q Point4D) leg {
	d, _ := shortWay(p.Pos.LonE7, q.Pos.LonE7)
	l := leg{
		x0: int64(p.Pos.LonE7), y0: int64(p.Pos.LatE7),
		x1: int64(p.Pos.LonE7) + d, y1: int64(q.Pos.LatE7),
		z0: int64(p.Alt.Cm), z1: int64(q.Alt.Cm),
		t0: p.AtNs, dt: q.AtNs - p.AtNs,
	}
	l.box = BBox{min(l.y0, l.y1), min(l.x0, l.x1), max(l.y0, l.y1), max(l.x0, l.x1)}
	return l
}

// shift moves the leg by whole turns of longitude.
func (l leg) shift(turns int64) leg {
	l.x0 += turns * turnE7
	l.x1 += turns * turnE7
	l.box = l.box.shift(turns)
	return l
}

// between gives when the leg's altitude lies in lo <= z < hi.
func (l *leg) between(lo, hi int64) span {
	if lo >= hi {
		return span{}
	}
	switch {
	case l.z1 > l.z0:
		return span{l.climbTo(lo), l.climbTo(hi)}
	case l.z1 < l.z0:
		return span{l.sinkTo(hi), l.sinkTo(lo)}
	case lo <= l.z0 && l.z0 < hi:
		return span{0, l.dt}
	}
	return span{}
}

// climbTo gives when a climbing leg comes to z: 0 when it began above, dt when it ends below.
func (l *leg) climbTo(z int64) int64 {
	z = min(max(z, l.z0), l.z1)
	return partUp(l.dt, uint64(z-l.z0), uint64(l.z1-l.z0))
}

// sinkTo is climbTo for a sinking leg.
func (l *leg) sinkTo(z int64) int64 {
	z = min(max(z, l.z1), l.z0)
	return partUp(l.dt, uint64(l.z0-z), uint64(l.z0-l.z1))
}

// crossings is what insideSpans works with: times at which a leg changes sides, reused from leg to leg.
type crossings struct {
	at []int64
	// odd says whether the line of the leg has crossed the boundary an odd number of times before the leg begins.
	odd bool
	// onLine says that a vertex lies exactly on the line of the leg.
	onLine bool
	// tests counts blocks and edges looked at.
	tests int
}

// appendInside appends when the leg is inside the polygon, boundary included; the spans may overlap or touch.
// The leg must already be turned to where the polygon lies.
//
// A leg that comes near no edge, or does not move, is as its start is. Else the whole line through the leg is taken. Every vertex is on its left or on its right, and one exactly on it is first
// taken as left, then as right: that moves the line aside by less than anything, so that no pass meets a vertex or
// runs along an edge, and the two passes together see the interior on either side of every stretch of boundary.
func (v *Prepared) appendInside(l *leg, c *crossings, out []span) []span {
	if !v.mayCross(l, c) {
		if v.contains(l.x0, l.y0) {
			out = append(out, span{0, l.dt})
		}
		return out
	}
	v.cross(l, c, 1)
	out = c.appendSpans(l.dt, out)
	if c.onLine {
		v.cross(l, c, -1)
		out = c.appendSpans(l.dt, out)
	}
	return out
}

// mayCross reports whether some edge's box meets the leg's, for a leg that moves.
func (v *Prepared) mayCross(l *leg, c *crossings) bool {
	if l.x0 == l.x1 && l.y0 == l.y1 {
		c.tests += len(v.edges)
		return false
	}
	c.tests += len(v.blocks)
	for i := range v.blocks {
		if !v.blocks[i].overlaps(&l.box) {
			continue
		}
		edges := v.block(i)
		c.tests += len(edges)
		for j := range edges {
			if !edges[j].misses(&l.box) {
				return true
			}
		}
	}
	return false
}

// misses reports whether the edge's box and another have no point in common.
func (e *edge) misses(b *BBox) bool {
	return max(e.ax, e.bx) < b.MinLon || min(e.ax, e.bx) > b.MaxLon || max(e.ay, e.by) < b.MinLat || min(e.ay, e.by) > b.MaxLat
}

// cross finds the crossings of the leg's line with all edges, a vertex on the line counting as on the given side.
func (v *Prepared) cross(l *leg, c *crossings, onSide int) {
	c.at, c.odd, c.onLine = c.at[:0], false, false
	for i := range v.blocks {
		c.tests++
		if !v.blocks[i].meetsLine(l) {
			continue
		}
		edges := v.block(i)
		c.tests += len(edges)
		side := 0
		for j := range edges {
			e := &edges[j]
			if j == 0 || e.ax != edges[j-1].bx || e.ay != edges[j-1].by {
				side = c.side(l, e.ax, e.ay, onSide)
			}
			from := side
			if side = c.side(l, e.bx, e.by, onSide); side != from {
				c.cross(l, e)
			}
		}
	}
}

// side is the side of the leg's line on which a vertex counts.
func (c *crossings) side(l *leg, x, y int64, onSide int) int {
	s := turn(l.x0, l.y0, l.x1, l.y1, x, y)
	if s == 0 {
		c.onLine = true
		return onSide
	}
	return s
}

// cross notes where the leg's line meets an edge whose ends count on different sides of it.
func (c *crossings) cross(l *leg, e *edge) {
	// The line meets the edge at the share num/den of the leg.
	ns, num := cross(e.ax-l.x0, e.ay-l.y0, e.bx-e.ax, e.by-e.ay)
	ds, den := cross(l.x1-l.x0, l.y1-l.y0, e.bx-e.ax, e.by-e.ay)
	switch {
	case ns == -ds:
		c.odd = !c.odd
	case num <= den:
		c.at = append(c.at, partUp(l.dt, num, den))
	}
}

// appendSpans pairs the crossings of one pass.
func (c *crossings) appendSpans(dt int64, out []span) []span {
	slices.Sort(c.at)
	in, from := c.odd, int64(0)
	for _, t := range c.at {
		if in && from < t {
			out = append(out, span{from, t})
		}
		in, from = !in, t
	}
	if in && from < dt {
		out = append(out, span{from, dt})
	}
	return out
}

// meetsLine reports whether the box has a point on the line through the leg.
func (b *BBox) meetsLine(l *leg) bool {
	side := turn(l.x0, l.y0, l.x1, l.y1, b.MinLon, b.MinLat)
	return side == 0 ||
		side != turn(l.x0, l.y0, l.x1, l.y1, b.MaxLon, b.MinLat) ||
		side != turn(l.x0, l.y0, l.x1, l.y1, b.MaxLon, b.MaxLat) ||
		side != turn(l.x0, l.y0, l.x1, l.y1, b.MinLon, b.MaxLat)
}
