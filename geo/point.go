package geo

// Contains reports whether a position is inside the polygon or on its boundary; altitude is not looked at.
func (v *Prepared) Contains(p LatLon) bool {
	at := BBox{int64(p.LatE7), int64(p.LonE7), int64(p.LatE7), int64(p.LonE7)}
	first, last := v.box.turns(at)
	for k := first; k <= last; k++ {
		if v.contains(at.MinLon+k*turnE7, at.MinLat) {
			return true
		}
	}
	return false
}

// contains is Contains for a point already turned to where the polygon lies.
func (v *Prepared) contains(x, y int64) bool { return v.containsIn(x, y, new(int)) }

// containsIn adds to steps what it looks at.
func (v *Prepared) containsIn(x, y int64, steps *int) bool {
	if x < v.box.MinLon || x > v.box.MaxLon || y < v.box.MinLat || y > v.box.MaxLat {
		return false
	}
	odd := false
	*steps += len(v.blocks)
	for i := range v.blocks {
		b := &v.blocks[i]
		if x < b.MinLon || x > b.MaxLon || y > b.MaxLat {
			continue
		}
		*steps += blockEdges
		for _, e := range v.block(i) {
			above, on := e.above(x, y)
			if on {
				return true
			}
			odd = odd != above
		}
	}
	return odd
}

// above reports whether the edge crosses the vertical line through (x,y) above that point, counting its western end
// and not its eastern one, and whether the point lies on the edge.
func (e edge) above(x, y int64) (above, on bool) {
	if e.ax > e.bx {
		e = edge{e.bx, e.by, e.ax, e.ay}
	}
	if x < e.ax || x > e.bx {
		return false, false
	}
	if e.ax == e.bx {
		return false, y >= min(e.ay, e.by) && y <= max(e.ay, e.by)
	}
	side := turn(e.ax, e.ay, e.bx, e.by, x, y)
	return side < 0 && x < e.bx, side == 0
}

// sideOf gives the side of edge i on which the polygon lies: 1 north of it, -1 south, for an upright edge 1 east of it,
// -1 west; 0 when another edge of the polygon passes through its middle.
func (v *Prepared) sideOf(i int) int {
	e := v.edges[i]
	// The middle is a whole number in a plane of twice the scale. A ray leaves it northwards; for an upright edge the
	// axes are exchanged.
	lift := func(f edge) edge {
		if e.ax == e.bx {
			f = edge{f.ay, f.ax, f.by, f.bx}
		}
		return edge{2 * f.ax, 2 * f.ay, 2 * f.bx, 2 * f.by}
	}
	m := lift(e)
	x, y := (m.ax+m.bx)/2, (m.ay+m.by)/2
	side := -1
	for j, f := range v.edges {
		if j == i {
			continue
		}
		above, on := lift(f).above(x, y)
		if on {
			return 0
		}
		if above {
			side = -side
		}
	}
	return side
}

// IntersectsBox reports whether the closed polygon and a closed box have a point in common. It is exact.
func (v *Prepared) IntersectsBox(b BBox) bool {
	if b.MaxLat < v.box.MinLat || v.box.MaxLat < b.MinLat {
		return false
	}
	first, last := v.box.turns(b)
	for k := first; k <= last; k++ {
		c := b.shift(k)
		if v.edgeMeets(&c) || v.contains(c.MinLon, c.MinLat) {
			return true
		}
	}
	return false
}

// ContainsBox reports whether the polygon holds the whole of a closed box with no edge meeting it. It is exact.
func (v *Prepared) ContainsBox(b BBox) bool {
	first, last := v.box.turns(b)
	for k := first; k <= last; k++ {
		c := b.shift(k)
		if v.contains(c.MinLon, c.MinLat) && !v.edgeMeets(&c) {
			return true
		}
	}
	return false
}

func (v *Prepared) edgeMeets(b *BBox) bool {
	for i := range v.blocks {
		if !v.blocks[i].overlaps(b) {
			continue
		}
		for _, e := range v.block(i) {
			if e.meetsBox(b) {
				return true
			}
		}
	}
	return false
}

// meetsBox reports whether the edge has a point in the closed box.
func (e *edge) meetsBox(b *BBox) bool {
	if e.misses(b) {
		return false
	}
	side := turn(e.ax, e.ay, e.bx, e.by, b.MinLon, b.MinLat)
	return side == 0 ||
		side != turn(e.ax, e.ay, e.bx, e.by, b.MaxLon, b.MinLat) ||
		side != turn(e.ax, e.ay, e.bx, e.by, b.MaxLon, b.MaxLat) ||
		side != turn(e.ax, e.ay, e.bx, e.by, b.MinLon, b.MaxLat)
}
