package geo

// Meets reports whether the areas of two polygons, boundaries included, have a point in common; altitudes are not looked at. It is exact.
// It adds to steps the blocks and edges that it looks at; where these become more than most it stops, and says true.
func (v *Prepared) Meets(o *Prepared, steps *int, most int) bool {
	if !v.box.Meets(o.box) {
		return false
	}
	first, last := v.box.turns(o.box)
	for k := first; k <= last; k++ {
		if v.edgesMeet(o, k, steps, most) || v.holdsRing(o, k, steps, most) || o.holdsRing(v, -k, steps, most) {
			return true
		}
	}
	return false
}

// edgesMeet reports whether an edge has a point in common with one of another polygon moved by whole turns.
func (v *Prepared) edgesMeet(o *Prepared, turns int64, steps *int, most int) bool {
	for j := range o.blocks {
		b := o.blocks[j].shift(turns)
		if *steps++; !b.overlaps(&v.box) {
			continue
		}
		*steps += len(v.blocks)
		for i := range v.blocks {
			if !v.blocks[i].overlaps(&b) {
				continue
			}
			if *steps > most || v.blockMeets(i, o.block(j), turns, steps) {
				return true
			}
		}
	}
	return false
}

// blockMeets holds the edges of a block against others moved by whole turns.
func (v *Prepared) blockMeets(i int, others []edge, turns int64, steps *int) bool {
	edges := v.block(i)
	for _, f := range others {
		f.ax += turns * turnE7
		f.bx += turns * turnE7
		fb := BBox{min(f.ay, f.by), min(f.ax, f.bx), max(f.ay, f.by), max(f.ax, f.bx)}
		if *steps++; !v.blocks[i].overlaps(&fb) {
			continue
		}
		*steps += len(edges)
		for j := range edges {
			if e := &edges[j]; !e.misses(&fb) && e.touches(&f) {
				return true
			}
		}
	}
	return false
}

// touches reports whether two edges whose boxes overlap have a point in common: neither lies on one side of the line through the other.
func (e *edge) touches(f *edge) bool {
	if turn(e.ax, e.ay, e.bx, e.by, f.ax, f.ay)*turn(e.ax, e.ay, e.bx, e.by, f.bx, f.by) > 0 {
		return false
	}
	return turn(f.ax, f.ay, f.bx, f.by, e.ax, e.ay)*turn(f.ax, f.ay, f.bx, f.by, e.bx, e.by) <= 0
}

// holdsRing reports whether a ring of another polygon moved by whole turns, none of whose edges meets one of this polygon, lies inside: then all of
// it does, so that one vertex tells.
func (v *Prepared) holdsRing(o *Prepared, turns int64, steps *int, most int) bool {
	for i, e := range o.edges {
		if i > 0 && o.edges[i-1].bx == e.ax && o.edges[i-1].by == e.ay {
			continue
		}
		if *steps > most || v.containsIn(e.ax+turns*turnE7, e.ay, steps) {
			return true
		}
	}
	return false
}

// BBox gives the box of the outer ring.
func (p Polygon) BBox() BBox {
	b := emptyBox()
	lon := int64(p.Rings[0][0].LonE7)
	for i, at := range p.Rings[0] {
		if i > 0 {
			d, _ := shortWay(p.Rings[0][i-1].LonE7, at.LonE7)
			lon += d
		}
		b.add(lon, int64(at.LatE7))
	}
	return b
}
