package predict

import (
	"math"

	"onevoice/geo"
)

const (
	thinM  = 100.0 // how far a path may be from one with all its points
	thinCm = 1_500 // and how far in altitude
)

// thinned leaves out points that lie where the leg past them is at their time.
func thinned(path []geo.Point4D) []geo.Point4D {
	if len(path) < 3 {
		return path
	}
	out := path[:1:1]
	for from := 0; from < len(path)-1; {
		to := from + 1
		for to+1 < len(path) && straight(path[from:to+2]) {
			to++
		}
		out = append(out, path[to])
		from = to
	}
	return out
}

func straight(leg []geo.Point4D) bool {
	a, b := &leg[0], &leg[len(leg)-1]
	all := placeOf(a.Pos).to(placeOf(b.Pos))
	for _, q := range leg[1 : len(leg)-1] {
		part := float64(q.AtNs-a.AtNs) / float64(b.AtNs-a.AtNs)
		off := placeOf(a.Pos).add(all.times(part)).distance(placeOf(q.Pos))
		high := float64(q.Alt.Cm-a.Alt.Cm) - part*float64(b.Alt.Cm-a.Alt.Cm)
		if off > thinM || math.Abs(high) > thinCm {
			return false
		}
	}
	return true
}
