package api

import (
	"fmt"

	"onevoice/cover"
	"onevoice/geo"
)

// Position is [longitude, latitude] in JSON, in degrees, kept to 1e-7 degree.
type Position geo.LatLon

const (
	degreePlaces = 7
	quarterE7    = 900_000_000
	halfE7       = 1_800_000_000
	allowedLon   = "a longitude from -180 to 180 degrees"
	allowedLat   = "a latitude from -90 to 90 degrees"
)

// MarshalJSON writes [longitude, latitude].
func (p Position) MarshalJSON() ([]byte, error) { return p.appendJSON(nil), nil }

// UnmarshalJSON reads [longitude, latitude].
func (p *Position) UnmarshalJSON(b []byte) error {
	r := newReader("read a position", b)
	*p = r.position()
	return r.finish()
}

func (p Position) appendJSON(b []byte) []byte {
	b = appendScaled(append(b, '['), int64(p.LonE7), degreePlaces)
	b = appendScaled(append(b, ','), int64(p.LatE7), degreePlaces)
	return append(b, ']')
}

// position takes [longitude, latitude]; 180 degrees is -180.
func (r *reader) position() Position {
	var p Position
	n := 0
	r.array(3, func(i int) {
		n++
		switch i {
		case 0:
			p.LonE7 = int32(r.number(degreePlaces, -halfE7, halfE7, allowedLon))
		case 1:
			p.LatE7 = int32(r.number(degreePlaces, -quarterE7, quarterE7, allowedLat))
		default:
			r.refuse(r.here(), "[longitude, latitude]", "altitudes stand in fields of their own, with unit and reference")
		}
	})
	if !r.failed() && n < 2 {
		r.refuse(fmt.Sprintf("%d numbers", n), "[longitude, latitude]", "")
	}
	if p.LonE7 == halfE7 {
		p.LonE7 = -halfE7
	}
	return p
}

// Polygon is an area by closed rings, each of whose last position repeats its first; the first ring is the outer one, the
// others are holes. In JSON it is a GeoJSON Polygon, except that edges go the shorter way round, so that a ring may cross
// the antimeridian.
type Polygon [][]Position

// MarshalJSON writes a GeoJSON geometry.
func (p Polygon) MarshalJSON() ([]byte, error) { return p.appendJSON(nil), nil }

// UnmarshalJSON reads a GeoJSON geometry of type Polygon.
func (p *Polygon) UnmarshalJSON(b []byte) error {
	r := newReader("read a polygon", b)
	*p = r.polygon()
	return r.finish()
}

func (p Polygon) appendJSON(b []byte) []byte {
	b = append(b, `{"type":"Polygon","coordinates":[`...)
	for i, ring := range p {
		b = append(comma(b, i), '[')
		for j, at := range ring {
			b = at.appendJSON(comma(b, j))
		}
		b = append(b, ']')
	}
	return append(b, "]}"...)
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

// maxRings bounds the rings of one polygon: its vertices are bounded, and a ring has three.
const maxRings = geo.MaxVertices / 3

func (r *reader) polygon() Polygon {
	var p Polygon
	var kind string
	r.object(func(key []byte) bool {
		switch string(key) {
		case "type":
			if kind = r.str(32); kind != "Polygon" {
				r.refuse(kind, "Polygon", "")
			}
		case "coordinates":
			r.array(maxRings, func(int) { p = append(p, r.ring()) })
		default:
			return false
		}
		return true
	})
	r.need("type", kind != "")
	r.need("coordinates", len(p) > 0)
	return p
}

// ring takes a closed ring: at least four positions, the last of which repeats the first.
func (r *reader) ring() []Position {
	var ring []Position
	r.array(geo.MaxVertices+1, func(int) { ring = append(ring, r.position()) })
	switch n := len(ring); {
	case r.failed():
	case n < 4:
		r.refuse(fmt.Sprintf("%d positions", n), "at least 4 positions, the last repeating the first", "")
	case ring[0] != ring[n-1]:
		r.refuse("not closed: it begins at "+text(ring[0])+" and ends at "+text(ring[n-1]), "a closed ring, its last position repeating the first", "")
	}
	return ring
}

func text(p Position) string { return string(p.appendJSON(nil)) }

// need refuses the object just read where a field is missing.
func (r *reader) need(field string, there bool) {
	if !there && !r.failed() {
		r.refuseIn(field, "missing", "a value")
	}
}

// Circle is an area by its centre and radius.
type Circle struct {
	Center Position `json:"center"`
	Radius Length   `json:"radius"`
}

func (r *reader) circle() Circle {
	var c Circle
	var center, radius bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "center":
			c.Center, center = r.position(), true
		case "radius":
			c.Radius, radius = r.length(cover.MinCircleCm, MaxRadiusCm), true
		default:
			return false
		}
		return true
	})
	r.need("center", center)
	r.need("radius", radius)
	return c
}

// MaxRadiusCm bounds a circle: 500 km, wider than any flight information region needs.
const MaxRadiusCm = 50_000_000
