package predict

import (
	"cmp"
	"slices"

	"onevoice/feed"
	"onevoice/geo"
)

// Report is one position of an aircraft, as a sensor gave it.
type Report struct {
	Aircraft   string // who it is, for all reports of one flight the same: an ICAO address, the number of a track
	Callsign   string
	AtNs       int64 // time of track, UTC
	ReceivedNs int64 // when it came; at most Options.AheadNs before AtNs
	Pos        geo.LatLon
	Alt        geo.Altitude
	// GroundSpeedKt, TrackDeg and VerticalRateFpm are NaN where they are unknown.
	GroundSpeedKt, TrackDeg, VerticalRateFpm float64
}

// ReportOf is a row of a recording as a report.
func ReportOf(s *feed.Sample) Report {
	return Report{
		Aircraft: s.ICAO24, Callsign: s.Callsign, AtNs: s.AtNs, ReceivedNs: s.ReceivedNs, Pos: s.Pos, Alt: s.Alt,
		GroundSpeedKt: s.GroundSpeedKt, TrackDeg: s.TrackDeg, VerticalRateFpm: s.VerticalRateFpm,
	}
}

// compare orders reports by what they say; when they came is no part of it. NaN comes before all numbers.
func (r *Report) compare(o *Report) int {
	return cmp.Or(
		cmp.Compare(r.AtNs, o.AtNs), cmp.Compare(r.Pos.LatE7, o.Pos.LatE7), cmp.Compare(r.Pos.LonE7, o.Pos.LonE7),
		cmp.Compare(r.Alt.Cm, o.Alt.Cm), cmp.Compare(r.Alt.Ref, o.Alt.Ref),
		cmp.Compare(r.GroundSpeedKt, o.GroundSpeedKt), cmp.Compare(r.TrackDeg, o.TrackDeg), cmp.Compare(r.VerticalRateFpm, o.VerticalRateFpm),
	)
}

// fix is what is kept of a report.
type fix struct {
	Report
	place place
}

// track is what is known of one aircraft under one callsign, in the order of time, one fix a slot.
type track struct {
	key, callsign string
	fixes         []fix
	// box holds all fixes there ever were, in degrees.
	south, north, west, east float64
	// holds are those in fixes, where held says that they are known.
	holds []hold
	held  bool
}

func keyOf(aircraft, callsign string) string { return aircraft + "/" + callsign }

// take adds a report, and says whether it told anything.
func (t *track) take(r Report, slotNs int64) bool {
	slot := r.AtNs / slotNs
	at, same := slices.BinarySearchFunc(t.fixes, slot, func(f fix, slot int64) int { return cmp.Compare(f.AtNs/slotNs, slot) })
	n := fix{r, placeOf(r.Pos)}
	switch {
	case !same:
		t.fixes = slices.Insert(t.fixes, at, n)
	case t.fixes[at].compare(&r) >= 0:
		return false
	default:
		t.fixes[at] = n
	}
	t.held = false
	t.south, t.north = min(t.south, n.place.lat), max(t.north, n.place.lat)
	t.west, t.east = min(t.west, n.place.lon), max(t.east, n.place.lon)
	return true
}

// forget drops what is not after a time.
func (t *track) forget(untilNs int64) {
	n := 0
	for n < len(t.fixes) && t.fixes[n].AtNs <= untilNs {
		n++
	}
	t.fixes = slices.Delete(t.fixes, 0, n)
	t.held = t.held && n == 0
}

// between gives the fixes with fromNs <= time < toNs.
func (t *track) between(fromNs, toNs int64) []fix {
	first, _ := slices.BinarySearchFunc(t.fixes, fromNs, func(f fix, ns int64) int { return cmp.Compare(f.AtNs, ns) })
	last, _ := slices.BinarySearchFunc(t.fixes, toNs, func(f fix, ns int64) int { return cmp.Compare(f.AtNs, ns) })
	return t.fixes[first:max(first, last)]
}
