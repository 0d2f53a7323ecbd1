package predict

import (
	"math"

	"onevoice/airspace"
	"onevoice/geo"
)

// markOf says how a flight of which there are reports goes on, held against its plan as it was put.
func (p *Predictor) markOf(f *plan, fixes []fix, nowNs int64) airspace.Mark {
	last := fixes[len(fixes)-1].AtNs
	m := airspace.Mark{State: airspace.OnPlan, LastReportNs: last}
	if silentNs := last + p.o.SilentNs; nowNs > silentNs {
		m.State, m.SinceNs = airspace.Silent, silentNs
		return m
	}
	if p.deviates(f, &fixes[len(fixes)-1]) {
		m.State = airspace.Deviating
	}
	// It has been so since the first of the reports that say the same.
	for i := len(fixes) - 1; i >= 0 && p.deviates(f, &fixes[i]) == (m.State == airspace.Deviating); i-- {
		m.SinceNs = fixes[i].AtNs
	}
	return m
}

// deviates reports whether a fix is off the plan: farther to a side of every leg than LateralM, or farther above or below
// the nearest one than VerticalFt. When it is there is no matter.
func (p *Predictor) deviates(f *plan, at *fix) bool {
	nearest, high := math.Inf(1), 0.0
	for i := 1; i < len(f.filed); i++ {
		a, b := &f.filed[i-1], &f.filed[i]
		if off := fromLeg(placeOf(a.Pos), placeOf(b.Pos), at.place); off < nearest {
			nearest, high = off, fromBand(a, b, at)
		}
	}
	return nearest > p.o.LateralM || high > p.o.VerticalFt*30.48
}

// fromLeg is the distance of a place from a leg, in metres.
func fromLeg(a, b, q place) float64 {
	leg, way := a.to(b), a.to(q)
	length := leg.length()
	if length < 1 {
		return way.length()
	}
	part := max(0, min(1, leg.dot(way)/(length*length)))
	return way.plus(leg.times(-part)).length()
}

// fromBand is how far an altitude is from those of a leg, in centimetres; of different references nothing can be said.
func fromBand(a, b *geo.Point4D, at *fix) float64 {
	if at.Alt.Ref != a.Alt.Ref {
		return 0
	}
	low, high := min(a.Alt.Cm, b.Alt.Cm), max(a.Alt.Cm, b.Alt.Cm)
	return float64(max(0, low-at.Alt.Cm, at.Alt.Cm-high))
}
