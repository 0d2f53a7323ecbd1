package airspace

import (
	"errors"
	"slices"
	"testing"

	"onevoice/geo"
	"onevoice/problem"
)

// longPath is one of many short legs along a parallel at FL050.
func longPath(points int) []geo.Point4D {
	path := make([]geo.Point4D, points)
	for i := range path {
		path[i] = geo.Point4D{Pos: geo.LatLon{LatE7: 470_000_000, LonE7: 80_000_000 + int32(i)}, Alt: geo.FlightLevel(50), AtNs: startNs + int64(i)*second}
	}
	return path
}

// TestTooMuchWorkIsRefusedWhateverComesLast: flights are found in no order that means anything, so that it must not matter whether the one
// that takes too many steps is near the volume.
func TestTooMuchWorkIsRefusedWhateverComesLast(t *testing.T) {
	far := &flight{FlightRecord: FlightRecord{Flight: Flight{ID: "far", Path: longPath(1001)}}}
	asked := newSector(Sector{Volumes: []geo.Polygon{square(deg(10), deg(10), deg(11), deg(11), 0, 100)}}, Version{})
	s := newState(0, DefaultRateMilli)
	_, err := s.appendVisits(nil, asked, slices.Repeat([]*flight{far}, MaxWork/1000), startNs, startNs+second)
	if wrong := (*problem.Error)(nil); !errors.As(err, &wrong) || wrong.Kind != problem.TooLarge {
		t.Errorf("over %d steps: %v, want it to be too large", MaxWork, err)
	}
}

// TestTouchesMissesNothingWhenItStops: what was not looked at may be touched.
func TestTouchesMissesNothingWhenItStops(t *testing.T) {
	east, north := longPath(2), geo.LatLon{LatE7: deg(49), LonE7: deg(10)}
	east[1].Pos.LonE7 = deg(10)
	var o outline
	o.lay(&Flight{Path: append(east, geo.Point4D{Pos: north, Alt: geo.FlightLevel(50), AtNs: startNs + 3600*second})})
	beside := square(deg(48), deg(8), deg(49), deg(9), 0, 100)
	crossed := square(deg(46), deg(8), deg(48), deg(9), 0, 100)
	work := MaxWork
	if n := newSector(Sector{Volumes: []geo.Polygon{beside, crossed}}, Version{}); !o.touches(n, 0, &work) {
		t.Error("a flight that crosses a volume does not touch it")
	}
}
