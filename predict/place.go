package predict

import (
	"math"

	"onevoice/geo"
)

// place is a position in degrees.
type place struct{ lat, lon float64 }

const (
	metresPerDegree = 111_194.93 // of a great circle on the mean sphere
	radians         = math.Pi / 180
	metresPerSecond = 1852.0 / 3600 // a knot
)

func placeOf(p geo.LatLon) place { return place{float64(p.LatE7) * 1e-7, float64(p.LonE7) * 1e-7} }

// position is p as the airspace writes it.
func (p place) position() geo.LatLon {
	lon := math.Mod(p.lon+540, 360) - 180
	return geo.LatLon{
		LatE7: int32(math.Round(max(-90, min(90, p.lat)) * 1e7)),
		LonE7: min(int32(math.Round(lon*1e7)), 180e7-1),
	}
}

// vector is a way on the ground, in metres to the east and to the north.
type vector struct{ east, north float64 }

// to is the way from p to q, on the plane that touches the earth halfway: within 1 m in 1,000 over some hundred kilometres.
func (p place) to(q place) vector {
	lon := q.lon - p.lon
	if lon > 180 {
		lon -= 360
	} else if lon < -180 {
		lon += 360
	}
	return vector{lon * metresPerDegree * math.Cos((p.lat+q.lat)/2*radians), (q.lat - p.lat) * metresPerDegree}
}

// add is where the way v leads from p.
func (p place) add(v vector) place {
	lat := p.lat + v.north/metresPerDegree
	return place{lat, p.lon + v.east/(metresPerDegree*math.Max(math.Cos((p.lat+lat)/2*radians), 0.01))}
}

func (v vector) length() float64         { return math.Hypot(v.east, v.north) }
func (v vector) times(f float64) vector  { return vector{v.east * f, v.north * f} }
func (v vector) plus(o vector) vector    { return vector{v.east + o.east, v.north + o.north} }
func (v vector) dot(o vector) float64    { return v.east*o.east + v.north*o.north }
func (v vector) cross(o vector) float64  { return v.east*o.north - v.north*o.east }
func (v vector) bearing() float64        { return math.Mod(math.Atan2(v.east, v.north)/radians+360, 360) }
func (p place) distance(q place) float64 { return p.to(q).length() }
func heading(deg, metres float64) vector {
	return vector{math.Sin(deg*radians) * metres, math.Cos(deg*radians) * metres}
}

// turn is by how much one must turn from a bearing to another, -180 to 180 degrees, right is positive.
func turn(from, to float64) float64 { return math.Mod(to-from+540, 360) - 180 }
