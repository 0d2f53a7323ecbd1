package cover

import (
	"fmt"
	"math"

	"onevoice/geo"
)

const (
	// MinCircleCm is the smallest radius of a circle that Circle takes: 1 m.
	MinCircleCm = 100
	// MaxCircleCm is the largest radius of a circle that Circle takes: 1,000 km.
	MaxCircleCm = 100_000_000

	// maxCircleLat keeps circles off the poles, round which no polygon may go.
	maxCircleLat = 89.0
	// shortestDegreeM is a degree of latitude where it is shortest.
	shortestDegreeM = 110_574.0
)

const (
	// outM is how far the middles of the edges stand outside the circle if edges were geodesics.
	outM = 0.25
	// bowM is how far a straight edge may be from its geodesic. With the rounding of the vertices, 0.01 m, it is less
	// than outM.
	bowM = 0.2
	// cornerM is how far the vertices stand further out than the middles of the edges. The sum of all is below 1 m.
	cornerM = 0.45
)

// Circle gives a polygon that holds every place within radiusCm of the centre, by the shortest way on the WGS84
// ellipsoid, and none more than 1 m further. It refuses, with a *geo.FieldError, a centre out of range, a radius
// outside MinCircleCm..MaxCircleCm, a circle that comes within one degree of a pole or needs more than
// geo.MaxVertices vertices (a very large one at a high latitude), and a band out of order.
func Circle(center geo.LatLon, radiusCm int64, band geo.Band) (geo.Polygon, error) {
	if err := center.Validate(); err != nil {
		return geo.Polygon{}, err
	}
	if radiusCm < MinCircleCm || radiusCm > MaxCircleCm {
		return geo.Polygon{}, wrong("radius", metres(radiusCm), metres(MinCircleCm)+" to "+metres(MaxCircleCm))
	}
	radiusM := float64(radiusCm) / 100
	highest := math.Abs(float64(center.LatE7))/1e7 + (radiusM+1)/shortestDegreeM
	if highest > maxCircleLat {
		return geo.Polygon{}, wrong("radius", fmt.Sprintf("%s, to latitude %.4f", metres(radiusCm), highest),
			fmt.Sprintf("a circle between latitudes -%g and %g", maxCircleLat, maxCircleLat))
	}
	n := corners(radiusM, highest*math.Pi/180)
	if n > geo.MaxVertices {
		return geo.Polygon{}, wrong("radius", metres(radiusCm), fmt.Sprintf("a circle that %d vertices describe to within 1 m", geo.MaxVertices))
	}
	// The vertices of a polygon whose edges touch a circle of radius r from outside stand at r/cos(pi/n).
	out := (radiusM + outM) / math.Cos(math.Pi/float64(n))
	ring := make(geo.Ring, n)
	for i := range ring {
		ring[i] = positionOf(course{from: placeOf(center), azimuth: 2 * math.Pi * float64(i) / float64(n)}.at(out))
	}
	p := geo.Polygon{Rings: []geo.Ring{ring}, Band: band}
	return p, p.Validate()
}

// corners gives how many vertices keep to cornerM and bowM for a circle that comes up to a latitude. The vertices
// stand r/cos(pi/n) - r, about r*(pi/n)^2/2, further out; a straight edge of length d at latitude f bows by about
// d^2/(8*R)*tan f.
func corners(radiusM, highest float64) int {
	byCorner := math.Pi * math.Sqrt(radiusM/(2*cornerM))
	longest := math.Sqrt(8 * semiMajor * bowM / math.Tan(highest))
	byBow := 2 * math.Pi * radiusM / longest
	return int(math.Ceil(max(16, byCorner+1, byBow+1)))
}
