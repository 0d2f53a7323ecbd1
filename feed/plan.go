package feed

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"onevoice/airspace"
	"onevoice/geo"
)

// PlanOptions say how a recording becomes filed plans. At the time of each sample the plan lies within LateralM and
// VerticalFt of it.
type PlanOptions struct {
	LateralM    float64
	VerticalFt  float64
	GapNs       int64 // a pause longer than this between two samples ends the plan and begins another
	Uncertainty geo.Uncertainty
}

// DefaultPlanOptions keeps well inside 100 m and 50 ft. Altitude is kept as recorded, for a cruise on the very level that
// parts two sectors would otherwise change sides; a pause of over a minute parts plans.
func DefaultPlanOptions() PlanOptions {
	return PlanOptions{LateralM: 50, VerticalFt: 0, GapNs: int64(time.Minute)}
}

// Plan is one filed plan made from a recording.
type Plan struct {
	Flight  airspace.Flight // without Cells, which whoever files it adds
	ICAO24  string
	Samples int // how many samples it stands for
}

// Plans groups samples, in the order of time, by aircraft and callsign, and thins each group. What cannot become a plan is added to
// the report: two samples of one flight at one time, a flight of a single sample.
func Plans(samples []Sample, o PlanOptions, report *Report) []Plan {
	groups := map[string][]Sample{}
	var order []string
	for _, s := range samples {
		key := s.ICAO24 + "/" + s.Callsign
		group, seen := groups[key]
		if !seen {
			order = append(order, key)
		}
		if n := len(group); n > 0 && group[n-1].AtNs == s.AtNs {
			report.reject(s, "time", "a second sample of this flight at this time")
			continue
		}
		groups[key] = append(group, s)
	}
	var plans []Plan
	for _, key := range order {
		for _, part := range splitAtGaps(groups[key], o.GapNs) {
			if len(part) < 2 {
				report.reject(part[0], "flight", "a single sample, no plan to make of it")
				continue
			}
			plans = append(plans, makePlan(part, o))
		}
	}
	slices.SortStableFunc(plans, func(a, b Plan) int {
		if d := a.Flight.Path[0].AtNs - b.Flight.Path[0].AtNs; d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(a.Flight.ID, b.Flight.ID)
	})
	return plans
}

// reject moves a sample that was counted as good to the bad ones.
func (r *Report) reject(s Sample, field, reason string) {
	r.Good--
	r.bad(Defect{Line: s.Line, Field: field, Value: s.ICAO24 + " " + s.Callsign, Reason: reason})
}

func splitAtGaps(group []Sample, gapNs int64) [][]Sample {
	var parts [][]Sample
	from := 0
	for i := 1; i <= len(group); i++ {
		// A plan has at most geo.MaxPathPoints; a longer one goes on in a second, sharing the sample where they part.
		full := i-from == geo.MaxPathPoints
		if i == len(group) || full || group[i].AtNs-group[i-1].AtNs > gapNs {
			parts = append(parts, group[from:i])
			from = i
			if full && i < len(group) && group[i].AtNs-group[i-1].AtNs <= gapNs {
				from = i - 1
			}
		}
	}
	return parts
}

func makePlan(part []Sample, o PlanOptions) Plan {
	first := part[0]
	name := strings.Map(idRune, first.Callsign)
	if name == "" {
		name = "NOCALL"
	}
	stamp := time.Unix(0, first.AtNs).UTC().Format("20060102T150405")
	flight := airspace.Flight{
		ID: fmt.Sprintf("%s-%s-%s", name, strings.Map(idRune, first.ICAO24), stamp), Callsign: first.Callsign,
		From: first.From, To: first.To, Uncertainty: o.Uncertainty,
	}
	for _, i := range thin(part, o) {
		flight.Path = append(flight.Path, geo.Point4D{Pos: part[i].Pos, Alt: part[i].Alt, AtNs: part[i].AtNs})
	}
	return Plan{Flight: flight, ICAO24: first.ICAO24, Samples: len(part)}
}

func idRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

// thin returns the indices of the samples that stay: from each one the leg goes on as long as every sample it passes over
// lies within the tolerance at its own time.
func thin(part []Sample, o PlanOptions) []int {
	keep := []int{0}
	for from := 0; from < len(part)-1; {
		to := from + 1
		for to+1 < len(part) && legHolds(part[from:to+2], o) {
			to++
		}
		keep = append(keep, to)
		from = to
	}
	return keep
}

func legHolds(leg []Sample, o PlanOptions) bool {
	for _, s := range leg[1 : len(leg)-1] {
		lateralM, verticalCm := Deviation(leg[0], leg[len(leg)-1], s)
		if lateralM > o.LateralM || verticalCm > o.VerticalFt*30.48 {
			return false
		}
	}
	return true
}

// Deviation is how far s lies from where the leg from a to b is at the time of s, in metres over ground and in centimetres of
// altitude.
func Deviation(a, b, s Sample) (lateralM, verticalCm float64) {
	part := float64(s.AtNs-a.AtNs) / float64(b.AtNs-a.AtNs)
	north := float64(s.Pos.LatE7-a.Pos.LatE7) - part*float64(b.Pos.LatE7-a.Pos.LatE7)
	east := float64(shortWay(s.Pos.LonE7, a.Pos.LonE7)) - part*float64(shortWay(b.Pos.LonE7, a.Pos.LonE7))
	const metresPerE7 = 0.0111319491
	lat := float64(s.Pos.LatE7) * 1e-7 * math.Pi / 180
	lateralM = math.Hypot(north*metresPerE7, east*metresPerE7*math.Cos(lat))
	verticalCm = math.Abs(float64(s.Alt.Cm-a.Alt.Cm) - part*float64(b.Alt.Cm-a.Alt.Cm))
	return lateralM, verticalCm
}

// shortWay is to minus from the short way round, in 1e-7 degrees.
func shortWay(to, from int32) int64 {
	d := int64(to) - int64(from)
	switch {
	case d >= 180e7:
		return d - 360e7
	case d < -180e7:
		return d + 360e7
	}
	return d
}
