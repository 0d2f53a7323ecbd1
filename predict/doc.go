// Package predict follows live positions beside a feed: for each agreed flight it says how it will most likely go on, which
// sector windows that gives, and which of them moved so far that the agreed plan should be amended.
// It is quiet and no replicated state: it only proposes, in floating point, and what is agreed is what the airspace makes
// of a proposal.
//
// What is known is a function of the set of reports of the last hours, not of the order in which they came: reports are held by
// the time of track, at most one for each span of SlotNs, and what is older than KeepNs before the newest is forgotten.
// Nothing predicted at a moment looks at a report that came later.
package predict

import "time"

// Options are the limits and tolerances of a Predictor; the zero value of none of them is useful: begin with Defaults.
type Options struct {
	// ToleranceNs is how far a sector window may move before that is proposed.
	ToleranceNs int64
	// KeepNs is how long reports are kept, counted back from the newest time of track. Routes are learned from them.
	KeepNs int64
	// SlotNs is the span of time of which one report of an aircraft is kept, the last.
	SlotNs int64
	// AheadNs is how far a time of track may lie after the time received; what is further ahead is refused.
	AheadNs int64
	// SilentNs is after how long without a report a flight is silent.
	SilentNs int64
	// LateralM and VerticalFt are how far a flight may be from its agreed plan before it deviates.
	LateralM, VerticalFt float64
	// EveryNs is the least time between two proposals for one flight.
	EveryNs int64
	// MaxProposals bounds what one Step proposes; the rest waits for the next.
	MaxProposals int
	// MaxAircraft bounds the aircraft held; where there are more, reports of new ones are refused.
	MaxAircraft int
	// Holding is whether holding patterns are recognised; without it a turning aircraft is taken to fly on to its destination.
	Holding bool
}

// Defaults are for a feed of radar or ADS-B positions every few seconds.
func Defaults() Options {
	return Options{
		ToleranceNs: int64(15 * time.Second), KeepNs: int64(6 * time.Hour), SlotNs: int64(10 * time.Second), AheadNs: int64(10 * time.Second),
		SilentNs: int64(time.Minute), LateralM: 5 * 1852, VerticalFt: 300, EveryNs: int64(30 * time.Second),
		MaxProposals: 200, MaxAircraft: 20_000, Holding: true,
	}
}
