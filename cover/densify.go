package cover

import (
	"math"
	"slices"

	"onevoice/geo"
)

const (
	// strayM is how far a straight edge may be from the geodesic where that is measured; 1 m is allowed anywhere.
	strayM = 0.5
	// lookM is how far apart at most the places are where an edge is measured, so that no bend hides between them.
	lookM = 250_000
	// maxHalvings ends the halving at a few metres, as it is needed beside a pole.
	maxHalvings = 22
)

// GreatCircle adds points to a filed path so that its straight legs stay within 1 m of the shortest ways between the
// points given. Time and altitude change evenly with the way; points that would fall on the nanosecond of another are
// left out. A leg of half a turn of longitude stays as it is, for geo.ValidatePath to refuse; so is, at
// geo.MaxPathPoints + 1 points, a path that would become longer than allowed, which ends there.
func GreatCircle(path []geo.Point4D) []geo.Point4D {
	out := make([]geo.Point4D, 0, len(path))
	for i, p := range path {
		if i > 0 {
			out = appendLeg(out, path[i-1], p)
		}
		if len(out) > geo.MaxPathPoints {
			return out
		}
		out = append(out, p)
	}
	return out
}

// appendLeg appends the points between a and b.
func appendLeg(out []geo.Point4D, a, b geo.Point4D) []geo.Point4D {
	last := a.AtNs
	for _, c := range cuts(a.Pos, b.Pos, geo.MaxPathPoints+1-len(out)) {
		at := a.AtNs + int64(math.Round(c.part*float64(b.AtNs-a.AtNs)))
		if at <= last || at >= b.AtNs {
			continue
		}
		climbed := math.Round(c.part * (float64(b.Alt.Cm) - float64(a.Alt.Cm)))
		out = append(out, geo.Point4D{Pos: c.pos, Alt: geo.Altitude{Cm: a.Alt.Cm + int32(climbed), Ref: a.Alt.Ref}, AtNs: at})
		last = at
	}
	return out
}

// DensifyRing adds vertices so that edges that are straight in longitude and latitude stay within 1 m of the shortest
// ways between the vertices given. An edge gets the same vertices from either end, so that neighbours still meet. An
// edge of half a turn of longitude stays as it is, for geo.Polygon.Validate to refuse; so is, at geo.MaxVertices + 1
// vertices, a ring that would become longer than allowed, which ends there.
func DensifyRing(r geo.Ring) geo.Ring {
	out := make(geo.Ring, 0, len(r))
	for i, p := range r {
		if len(out) > geo.MaxVertices {
			return out
		}
		out = append(out, p)
		for _, c := range cuts(p, r[(i+1)%len(r)], geo.MaxVertices+1-len(out)) {
			out = append(out, c.pos)
		}
	}
	return out
}

// cut is a point to add between two, part of the way from the first.
type cut struct {
	pos  geo.LatLon
	part float64
}

// cuts gives the points to add strictly between a and b, at most room of them.
func cuts(a, b geo.LatLon, room int) []cut {
	if a.LonE7 > b.LonE7 || a.LonE7 == b.LonE7 && a.LatE7 > b.LatE7 {
		list := cuts(b, a, room)
		slices.Reverse(list)
		for i := range list {
			list[i].part = 1 - list[i].part
		}
		return list
	}
	if int64(b.LonE7)-int64(a.LonE7) == 180e7 {
		return nil
	}
	g, ok := between(placeOf(a), placeOf(b))
	if !ok {
		return cutOpposite(a, b, room)
	}
	h := halver{way: g, room: room}
	h.halve(a, b, 0, 1, maxHalvings)
	return h.out
}

// cutOpposite is cuts for places nearly opposite each other: by way of the middle on a sphere, for which the shortest
// ways are found.
func cutOpposite(a, b geo.LatLon, room int) []cut {
	m := positionOf(middle(placeOf(a), placeOf(b)))
	out := cuts(a, m, room)
	for i := range out {
		out[i].part /= 2
	}
	if len(out) < room {
		out = append(out, cut{m, 0.5})
	}
	for _, c := range cuts(m, b, room-len(out)) {
		out = append(out, cut{c.pos, 0.5 + c.part/2})
	}
	return out
}

// halver cuts one geodesic in halves until each piece is straight enough.
type halver struct {
	way  course
	room int
	out  []cut
}

func (h *halver) halve(p, q geo.LatLon, from, to float64, left int) {
	if left == 0 || len(h.out) >= h.room || !h.strays(p, q, from, to) {
		return
	}
	mid := (from + to) / 2
	m := positionOf(h.way.at(mid * h.way.distance))
	if m == p || m == q {
		return
	}
	h.halve(p, m, from, mid, left-1)
	if len(h.out) < h.room {
		h.out = append(h.out, cut{m, mid})
	}
	h.halve(m, q, mid, to, left-1)
}

// strays reports whether a straight edge leaves a piece of the geodesic too far. It looks at the quarters at least: an
// edge across the equator bends to both sides and is right in the middle.
func (h *halver) strays(p, q geo.LatLon, from, to float64) bool {
	pieces := 4 * math.Ceil((to-from)*h.way.distance/(4*lookM))
	for i := 1.0; i < pieces; i++ {
		part := from + i/pieces*(to-from)
		if fromEdge(h.way.at(part*h.way.distance), placeOf(p), placeOf(q)) > strayM {
			return true
		}
	}
	return false
}

// fromEdge gives the distance in metres from a place to the straight edge between two others, all near one another,
// as in the plane.
func fromEdge(at, p, q place) float64 {
	cos := math.Cos(at.lat)
	flat := func(o place) (x, y float64) {
		return semiMajor * cos * math.Remainder(o.lon-at.lon, 2*math.Pi), semiMajor * (o.lat - at.lat)
	}
	px, py := flat(p)
	dx := semiMajor * cos * math.Remainder(q.lon-p.lon, 2*math.Pi)
	dy := semiMajor * (q.lat - p.lat)
	s := 0.0
	if d := dx*dx + dy*dy; d > 0 {
		s = min(max(-(px*dx+py*dy)/d, 0), 1)
	}
	return math.Hypot(px+s*dx, py+s*dy)
}

// placeOf and positionOf turn whole units into radians and back, longitudes from -180 up to, not including, 180.
func placeOf(p geo.LatLon) place {
	return place{lat: float64(p.LatE7) * (math.Pi / 180e7), lon: float64(p.LonE7) * (math.Pi / 180e7)}
}

func positionOf(p place) geo.LatLon {
	lon := int64(math.Round(math.Remainder(p.lon, 2*math.Pi) * (180e7 / math.Pi)))
	if lon >= 180e7 {
		lon -= 360e7
	}
	return geo.LatLon{LatE7: int32(math.Round(p.lat * (180e7 / math.Pi))), LonE7: int32(lon)}
}
