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
	v := new(Prepared)
	v.lay(p)
	v.order = make([]int32, len(v.edges))
	for i := range v.order {
		v.order[i] = int32(i)
	}
	slices.SortFunc(v.order, func(i, j int32) int { return v.edges[i].key().compare(v.edges[j].key()) })
	return v
}

// PrepareAll makes the volumes of a sector ready, at least one, with the box that holds them.
func PrepareAll(list []Polygon) (volumes []*Prepared, box BBox) {
	for i, p := range list {
		volumes = append(volumes, Prepare(p))
		if i == 0 {
			box = volumes[0].BBox()
		}
		box = box.Union(volumes[i].BBox())
	}
	return volumes, box
}

// Draft makes polygons ready one after the other, in the memory of the one before. What it gives is good for everything but Windows.
type Draft struct{ v Prepared }

// Lay makes a polygon ready, as Prepare does, until the next Lay.
func (d *Draft) Lay(p Polygon) *Prepared {
	d.v.lay(p)
	return &d.v
}

// lay makes it the polygon, but for order.
func (v *Prepared) lay(p Polygon) {
	v.band, v.floor, v.ceil, v.box = p.Band, int64(p.Band.Floor.Cm), int64(p.Band.Ceiling.Cm), emptyBox()
	if p.Band.Ceiling.Cm == UnlimitedCm {
		v.ceil = math.MaxInt64
	}
	v.edges, v.blocks = v.edges[:0], v.blocks[:0]
	for i, r := range p.Rings {
		if len(r) == 0 {
			continue
		}
		begin := len(v.edges)
		v.edges = appendRing(v.edges, r)
		if i > 0 {
			turnInto(v.edges[begin:], v.box)
		}
		for _, e := range v.edges[begin:] {
			v.box.add(e.ax, e.ay)
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

// appendRing lays a ring out in the plane, each vertex the shorter way from the one before it, and the last edge to where the first began.
func appendRing(edges []edge, r Ring) []edge {
	x := int64(r[0].LonE7)
	for i, p := range r {
		e := edge{ax: x, ay: int64(p.LatE7)}
		if i+1 < len(r) {
			d, _ := shortWay(p.LonE7, r[i+1].LonE7)
			x += d
			e.bx, e.by = x, int64(r[i+1].LatE7)
		} else {
			e.bx, e.by = int64(r[0].LonE7), int64(r[0].LatE7)
		}
		edges = append(edges, e)
	}
	return edges
}

// turnInto moves a hole by whole turns so that it begins within the turn that begins at the outer ring's western end.
func turnInto(edges []edge, outer BBox) {
	west := edges[0].ax
	for _, e := range edges {
		west = min(west, e.ax)
	}
	k := floorTurns(west - outer.MinLon)
	for i := range edges {
		edges[i].ax -= k * turnE7
		edges[i].bx -= k * turnE7
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
