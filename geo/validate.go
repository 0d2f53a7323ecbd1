package geo

import "fmt"

// Validate refuses, with a *FieldError, a polygon that is not: a band in order; 1 ring or more of at least 3 vertices,
// 3 to MaxVertices together, in range; no vertex equal to the next; every edge less than 180 degrees of longitude; no
// ring round a pole, and all of it within less than 360 degrees of longitude; no two edges that cross or lie on one
// another; every hole inside the outer ring. Rings may touch themselves and one another at single points. A polygon
// across the antimeridian is as good as any other.
//
// It takes n log n comparisons, and tens of milliseconds at MaxVertices.
func (p Polygon) Validate() error {
	if e := p.Band.check("band"); e != nil {
		return e
	}
	total := 0
	for _, r := range p.Rings {
		total += len(r)
	}
	if len(p.Rings) == 0 || total > MaxVertices {
		return &FieldError{"rings", fmt.Sprintf("%d rings of %d vertices", len(p.Rings), total),
			fmt.Sprintf("1 ring or more, 3 to %d vertices together", MaxVertices)}
	}
	for i, r := range p.Rings {
		if e := r.check(); e != nil {
			return e.under(fmt.Sprintf("rings[%d]", i))
		}
	}
	return nilOr(p.checkPlane())
}

// check looks at one ring by itself.
func (r Ring) check() *FieldError {
	if len(r) < 3 {
		return &FieldError{"", fmt.Sprintf("%d vertices", len(r)), "at least 3 vertices"}
	}
	round := int64(0)
	prev := r[len(r)-1]
	for i, p := range r {
		e := p.check("")
		if e == nil {
			e = p.checkEdge(prev)
		}
		if e != nil {
			return e.under(fmt.Sprintf("[%d]", i))
		}
		d, _ := shortWay(prev.LonE7, p.LonE7)
		round += d
		prev = p
	}
	if round != 0 {
		return &FieldError{"", "a ring round a pole", "a ring that does not go round a pole; cut it along a meridian into two volumes"}
	}
	return nil
}

// checkEdge looks at the edge that comes to p from the vertex before it.
func (p LatLon) checkEdge(prev LatLon) *FieldError {
	if p == prev {
		return &FieldError{"", p.String(), "a vertex that differs from the one before it; do not repeat the first at the end"}
	}
	if _, ok := shortWay(prev.LonE7, p.LonE7); !ok {
		return &FieldError{".lon", degrees(int64(p.LonE7)), "less than 180 degrees from the vertex before it"}
	}
	return nil
}

// checkPlane looks at all rings laid out in the plane.
func (p Polygon) checkPlane() *FieldError {
	v := Prepare(p)
	if v.box.MaxLon-v.box.MinLon >= turnE7 {
		return &FieldError{"rings", degrees(v.box.MaxLon-v.box.MinLon) + " degrees of longitude",
			"less than 360 degrees; cut it along a meridian into two volumes"}
	}
	if i, j, bad := crossing(v.edges); bad {
		return &FieldError{p.edgeName(i), "crossed or overlaid by " + p.edgeName(j), "edges that do not cross or lie on one another"}
	}
	return p.checkHoles()
}

func (p Polygon) checkHoles() *FieldError {
	if len(p.Rings) == 1 {
		return nil
	}
	outer := Prepare(Polygon{Rings: p.Rings[:1], Band: p.Band})
	for i, r := range p.Rings[1:] {
		for j, at := range r {
			if !outer.Contains(at) {
				return &FieldError{fmt.Sprintf("rings[%d][%d]", i+1, j), at.String(), "a vertex of a hole, inside the outer ring"}
			}
		}
	}
	return nil
}

// edgeName gives the path of an edge, named by its first vertex, from its number over all rings.
func (p Polygon) edgeName(i int) string {
	for ring, r := range p.Rings {
		if i < len(r) {
			return fmt.Sprintf("rings[%d][%d] %s", ring, i, r[i])
		}
		i -= len(r)
	}
	return "rings"
}
