package geo

import (
	"cmp"
	"math"
	"slices"
)

// edge is one side of a ring in unwrapped longitudes (x) and latitudes (y), 1e-7 degree.
type edge struct{ ax, ay, bx, by int64 }

// blockEdges is how many consecutive edges share one box, so that far parts of a large ring are passed over together.
const blockEdges = 16

// Prepared is a polygon made ready for fast tests. It never changes and may be shared.
type Prepared struct {
	band        Band
	floor, ceil int64
	box         BBox
	edges       []edge
	blocks      []BBox
	// order lists the edges sorted by their two ends, to find the edge another volume has in common with this one.
	order []int32
}

// Prepare makes a polygon ready. The polygon must have passed Validate; of one that has not, the answers mean
// nothing.
func Prepare(p Polygon) *Prepared {
	v := &Prepared{band: p.Band, floor: int64(p.Band.Floor.Cm), ceil: int64(p.Band.Ceiling.Cm), box: emptyBox()}
	if p.Band.Ceiling.Cm == UnlimitedCm {
		v.ceil = math.MaxInt64
	}
	for i, r := range p.Rings {
		pts := unwrap(r)
		if i > 0 {
			turnInto(pts, v.box)
		}
		for j, a := range pts {
			b := pts[(j+1)%len(pts)]
			v.box.add(a.x, a.y)
			v.edges = append(v.edges, edge{a.x, a.y, b.x, b.y})
		}
	}
	for at := range slices.Chunk(v.edges, blockEdges) {
		b := emptyBox()
		for _, e := range at {
			b.add(e.ax, e.ay)
			b.add(e.bx, e.by)
		}
		v.blocks = append(v.blocks, b)
	}
	v.order = make([]int32, len(v.edges))
	for i := range v.order {
		v.order[i] = int32(i)
	}
	slices.SortFunc(v.order, func(i, j int32) int { return v.edges[i].key().compare(v.edges[j].key()) })
	return v
}

// Band gives the altitudes of the volume.
func (v *Prepared) Band() Band { return v.band }

// BBox gives the box of the polygon.
func (v *Prepared) BBox() BBox { return v.box }

// block gives the edges that share box i.
func (v *Prepared) block(i int) []edge {
	return v.edges[i*blockEdges : min((i+1)*blockEdges, len(v.edges))]
}

// xy is an unwrapped vertex.
type xy struct{ x, y int64 }

// unwrap lays a ring out in the plane, each vertex the shorter way from the one before it.
func unwrap(r Ring) []xy {
	pts := make([]xy, len(r))
	for i, p := range r {
		pts[i] = xy{int64(p.LonE7), int64(p.LatE7)}
		if i > 0 {
			d, _ := shortWay(r[i-1].LonE7, p.LonE7)
			pts[i].x = pts[i-1].x + d
		}
	}
	return pts
}

// turnInto moves a hole by whole turns so that it begins within the turn that begins at the outer ring's western end.
func turnInto(pts []xy, outer BBox) {
	west := pts[0].x
	for _, p := range pts {
		west = min(west, p.x)
	}
	k := floorTurns(west - outer.MinLon)
	for i := range pts {
		pts[i].x -= k * turnE7
	}
}

// edgeKey names an edge by its ends, the same for both directions and any whole turn.
type edgeKey struct{ ax, ay, bx, by int64 }

func (e edge) key() edgeKey {
	a := xy{floorMod(e.ax), e.ay}
	b := xy{floorMod(e.bx), e.by}
	if a.x > b.x || a.x == b.x && a.y > b.y {
		a, b = b, a
	}
	return edgeKey{a.x, a.y, b.x, b.y}
}

func (k edgeKey) compare(o edgeKey) int {
	return cmp.Or(cmp.Compare(k.ax, o.ax), cmp.Compare(k.ay, o.ay), cmp.Compare(k.bx, o.bx), cmp.Compare(k.by, o.by))
}

func floorMod(x int64) int64 { return x - floorTurns(x)*turnE7 }

// twin finds the edge with the same ends, or -1.
func (v *Prepared) twin(k edgeKey) int {
	i, ok := slices.BinarySearchFunc(v.order, k, func(i int32, k edgeKey) int { return v.edges[i].key().compare(k) })
	if !ok {
		return -1
	}
	return int(v.order[i])
}
