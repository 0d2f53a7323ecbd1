package geo

import "fmt"

// Ring is a closed line given by its vertices; the last is joined to the first and is not a copy of it. Edges are
// straight in longitude and latitude and go the shorter way round, less than 180 degrees of longitude.
type Ring []LatLon

// MaxVertices bounds the vertices of one polygon, all rings together: what the UTM standards allow for one intent.
const MaxVertices = 10_000

// Polygon is one volume of a sector: an area between two altitudes. The first ring is the outer one, the others are
// holes in it; a point is inside by the even-odd rule over all rings. Either winding is accepted.
type Polygon struct {
	Rings []Ring
	Band  Band
}

// MaxPathPoints bounds the points of one path.
const MaxPathPoints = 10_000

const (
	// MinAtNs is the earliest instant a path may name: 1970-01-01T00:00:00Z.
	MinAtNs = 0
	// MaxAtNs is the latest instant a path may name: 2200-01-01T00:00:00Z. It leaves room to add uncertainties.
	MaxAtNs = 7_258_118_400_000_000_000
)

// Point4D is one point of a plan: where an aircraft is at an instant. Between two points longitude (the shorter way
// round), latitude and altitude change evenly with time.
type Point4D struct {
	Pos  LatLon
	Alt  Altitude
	AtNs int64
}

const (
	// MaxLateralCm bounds the lateral uncertainty: 100 km.
	MaxLateralCm = 10_000_000
	// MaxVerticalCm bounds the vertical uncertainty: 10 km.
	MaxVerticalCm = 1_000_000
	// MaxTimeNs bounds the uncertainty in time: one day.
	MaxTimeNs = 86_400_000_000_000
)

// Uncertainty is how far a flight may be from its plan, as half-widths that are never negative: to either side, up or
// down, early or late.
type Uncertainty struct {
	LateralCm, VerticalCm int32
	TimeNs                int64
}

// Validate refuses a negative or too large uncertainty with a *FieldError.
func (u Uncertainty) Validate() error {
	checks := []struct {
		field  string
		v, max int64
		unit   string
	}{
		{"uncertainty.lateralCm", int64(u.LateralCm), MaxLateralCm, "cm"},
		{"uncertainty.verticalCm", int64(u.VerticalCm), MaxVerticalCm, "cm"},
		{"uncertainty.timeNs", u.TimeNs, MaxTimeNs, "ns"},
	}
	for _, c := range checks {
		if c.v < 0 || c.v > c.max {
			return &FieldError{c.field, fmt.Sprint(c.v), fmt.Sprintf("0 to %d %s", c.max, c.unit)}
		}
	}
	return nil
}

// Window is one visit of a flight to a sector, in nanoseconds UTC. The flight may be inside in
// [EnterMinNs, LeaveMaxNs) and at no instant outside it. It surely is inside in [EnterMaxNs, LeaveMinNs) when
// EnterMaxNs < LeaveMinNs; otherwise it is not sure that it comes inside at all, and then EnterMaxNs is LeaveMaxNs
// and LeaveMinNs is EnterMinNs. Where a visit holds several sure intervals the longest is named, the earliest of
// equals.
type Window struct{ EnterMinNs, EnterMaxNs, LeaveMinNs, LeaveMaxNs int64 }

// Sure reports whether the flight surely comes inside.
func (w Window) Sure() bool { return w.EnterMaxNs < w.LeaveMinNs }

// checkPoint checks a point by itself; its relation to its neighbours is ValidatePath's.
func (p Point4D) check(field string) *FieldError {
	if e := p.Pos.check(field); e != nil {
		return e
	}
	if e := p.Alt.check(field + ".alt"); e != nil {
		return e
	}
	if p.AtNs < MinAtNs || p.AtNs > MaxAtNs {
		return &FieldError{field + ".at", fmt.Sprint(p.AtNs), fmt.Sprintf("%d to %d ns (1970 to 2200)", int64(MinAtNs), int64(MaxAtNs))}
	}
	return nil
}

// ValidatePath refuses, with a *FieldError, a path that is not 2 to MaxPathPoints points in range, with times strictly
// increasing, one altitude reference from end to end, and legs of less than 180 degrees of longitude.
func ValidatePath(path []Point4D) error {
	if len(path) < 2 || len(path) > MaxPathPoints {
		return &FieldError{"points", fmt.Sprintf("%d points", len(path)), fmt.Sprintf("2 to %d points", MaxPathPoints)}
	}
	for i, p := range path {
		e := p.check("")
		if e == nil && i > 0 {
			e = p.checkAfter(path[i-1])
		}
		if e != nil {
			return e.under(fmt.Sprintf("points[%d]", i))
		}
	}
	return nil
}

// checkAfter checks what a point must keep to towards the one before it.
func (p Point4D) checkAfter(q Point4D) *FieldError {
	if p.AtNs <= q.AtNs {
		return &FieldError{".at", fmt.Sprint(p.AtNs), fmt.Sprintf("after the point before it, %d ns", q.AtNs)}
	}
	if p.Alt.Ref != q.Alt.Ref {
		return &FieldError{".alt.ref", p.Alt.Ref.String(), "one reference along the path, " + q.Alt.Ref.String()}
	}
	if _, ok := shortWay(q.Pos.LonE7, p.Pos.LonE7); !ok {
		return &FieldError{".lon", degrees(int64(p.Pos.LonE7)), "less than 180 degrees from the point before it"}
	}
	return nil
}
