package cover

import "math"

// The WGS84 ellipsoid in metres.
const (
	semiMajor  = 6_378_137.0
	flattening = 1 / 298.257223563
	semiMinor  = semiMajor * (1 - flattening)
)

// place is a position in radians.
type place struct{ lat, lon float64 }

// course is the beginning of a geodesic: where, in which direction (radians from north, clockwise), and how far it
// goes in metres.
type course struct {
	from              place
	azimuth, distance float64
}

// series is the constants of a geodesic by its greatest latitude: T. Vincenty, "Direct and inverse solutions of
// geodesics on the ellipsoid with application of nested equations", Survey Review 23 (1975), formulas 3, 4 and 10.
type series struct{ a, b, c float64 }

func newSeries(cosSqAlpha float64) series {
	u := cosSqAlpha * (semiMajor*semiMajor - semiMinor*semiMinor) / (semiMinor * semiMinor)
	return series{
		a: 1 + u/16384*(4096+u*(-768+u*(320-175*u))),
		b: u / 1024 * (256 + u*(-128+u*(74-47*u))),
		c: flattening / 16 * cosSqAlpha * (4 + flattening*(4-3*cosSqAlpha)),
	}
}

// bend is the correction of the arc sigma, formula 6.
func (s series) bend(sigma, cos2m float64) float64 {
	sin, cos := math.Sincos(sigma)
	return s.b * sin * (cos2m + s.b/4*(cos*(2*cos2m*cos2m-1)-s.b/6*cos2m*(4*sin*sin-3)*(4*cos2m*cos2m-3)))
}

// twist is the correction of the longitude, formula 11.
func (s series) twist(sigma, sinAlpha, cos2m float64) float64 {
	sin, cos := math.Sincos(sigma)
	return (1 - s.c) * flattening * sinAlpha * (sigma + s.c*sin*(cos2m+s.c*cos*(2*cos2m*cos2m-1)))
}

// maxRounds bounds Vincenty's iterations; where they converge they do within ten.
const maxRounds = 100

// at gives the place at a distance along the geodesic: Vincenty's direct solution.
func (g course) at(distance float64) place {
	sinAz, cosAz := math.Sincos(g.azimuth)
	sinU, cosU := math.Sincos(math.Atan((1 - flattening) * math.Tan(g.from.lat)))
	sinAlpha := cosU * sinAz
	s := newSeries(1 - sinAlpha*sinAlpha)
	first := math.Atan2(sinU, cosU*cosAz)
	straight := distance / (semiMinor * s.a)
	sigma, cos2m := straight, 0.0
	for range maxRounds {
		cos2m = math.Cos(2*first + sigma)
		next := straight + s.bend(sigma, cos2m)
		if math.Abs(next-sigma) < 1e-13 {
			sigma = next
			break
		}
		sigma = next
	}
	sin, cos := math.Sincos(sigma)
	across := sinU*sin - cosU*cos*cosAz
	lat := math.Atan2(sinU*cos+cosU*sin*cosAz, (1-flattening)*math.Hypot(sinAlpha, across))
	lambda := math.Atan2(sin*sinAz, cosU*cos-sinU*sin*cosAz)
	return place{lat, g.from.lon + lambda - s.twist(sigma, sinAlpha, cos2m)}
}

// between gives the geodesic from one place to another: Vincenty's inverse solution. It is false for places nearly
// opposite each other on the globe, where the solution does not settle.
func between(p, q place) (course, bool) {
	sinU1, cosU1 := math.Sincos(math.Atan((1 - flattening) * math.Tan(p.lat)))
	sinU2, cosU2 := math.Sincos(math.Atan((1 - flattening) * math.Tan(q.lat)))
	l := math.Remainder(q.lon-p.lon, 2*math.Pi)
	lambda := l
	for range maxRounds {
		sinL, cosL := math.Sincos(lambda)
		sin := math.Hypot(cosU2*sinL, cosU1*sinU2-sinU1*cosU2*cosL)
		if sin == 0 {
			return course{from: p}, true
		}
		cos := sinU1*sinU2 + cosU1*cosU2*cosL
		sigma := math.Atan2(sin, cos)
		sinAlpha := cosU1 * cosU2 * sinL / sin
		cosSq := 1 - sinAlpha*sinAlpha
		cos2m := 0.0
		if cosSq > 1e-15 { // else the geodesic is the equator
			cos2m = cos - 2*sinU1*sinU2/cosSq
		}
		s := newSeries(cosSq)
		next := l + s.twist(sigma, sinAlpha, cos2m)
		if math.Abs(next-lambda) < 1e-13 {
			azimuth := math.Atan2(cosU2*sinL, cosU1*sinU2-sinU1*cosU2*cosL)
			return course{p, azimuth, semiMinor * s.a * (sigma - s.bend(sigma, cos2m))}, true
		}
		lambda = next
	}
	return course{}, false
}

// middle gives the place half way between two on a sphere.
func middle(p, q place) place {
	sinP, cosP := math.Sincos(p.lat)
	sinQ, cosQ := math.Sincos(q.lat)
	sinL, cosL := math.Sincos(q.lon - p.lon)
	x, y := cosP+cosQ*cosL, cosQ*sinL
	return place{math.Atan2(sinP+sinQ, math.Hypot(x, y)), p.lon + math.Atan2(y, x)}
}
