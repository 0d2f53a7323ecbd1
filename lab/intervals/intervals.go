// Package intervals holds sector windows against intervals that other software computed from the same recording, sample by
// sample. It is a laboratory.
package intervals

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"onevoice/geo"
)

// Visit names what an interval is about.
type Visit struct{ ICAO24, Callsign, Sector string }

// String names the visit for people.
func (v Visit) String() string { return v.ICAO24 + " " + v.Callsign + " in " + v.Sector }

// Interval is a flight in a sector from its first to its last sample there, nanoseconds UTC.
type Interval struct{ FirstNs, LastNs int64 }

// The comparison's tolerances, which follow from a recording that has one sample every 10 s.
const (
	second = int64(time.Second)
	// longNs is how long an interval must be to have to be found.
	longNs = 30 * second
	// edgeNs is how far entry and exit may lie apart.
	edgeNs = 15 * second
	// joinNs: intervals parted by no more may be one, for a single sample outside parts them.
	joinNs = 20 * second
	// stepNs is the recording's step: a window that is shorter may lie between samples.
	stepNs = 10 * second
)

// Read takes the expected intervals: CSV with the columns icao24, callsign, sector, first_inside, last_inside.
func Read(in io.Reader) (map[Visit][]Interval, error) {
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("expected intervals: %d rows: %w", len(rows), err)
	}
	all := map[Visit][]Interval{}
	for i, r := range rows[1:] {
		first, err1 := time.Parse(time.RFC3339, r[3])
		last, err2 := time.Parse(time.RFC3339, r[4])
		if err := cmp.Or(err1, err2); err != nil {
			return nil, fmt.Errorf("expected intervals: row %d: %w", i+2, err)
		}
		v := Visit{r[0], r[1], r[2]}
		all[v] = append(all[v], Interval{first.UnixNano(), last.UnixNano()})
	}
	return all, nil
}

// Outcome counts a comparison.
type Outcome struct {
	Expected     int // intervals expected
	LongFound    int // of those over 30 s, found with both ends within 15 s
	ShortFound   int
	ShortMissed  int // listed, no failures
	Windows      int // windows compared
	Between      int // windows under 10 s that no sample saw: listed, no failures
	Open         int // windows still open at the recording's end
	Failures     []string
	Listed       []string // what is listed
	SamplesIn    int      // samples well inside a window that the expected intervals have as well
	Contradicted int      // samples well inside a window that the expected intervals do not have
}

// String sums the comparison up.
func (o Outcome) String() string {
	return fmt.Sprintf("%d intervals expected: %d over 30 s found, %d shorter found, %d shorter not found; %d windows: %d under 10 s between samples, "+
		"%d open at the end; %d samples well inside windows agree, %d contradict; %d failures",
		o.Expected, o.LongFound, o.ShortFound, o.ShortMissed, o.Windows, o.Between, o.Open, o.SamplesIn, o.Contradicted, len(o.Failures))
}

// Compare holds windows against what is expected. samples are the times of each flight's samples, by a Visit without
// sector; endNs is the recording's last sample.
func Compare(expected map[Visit][]Interval, windows map[Visit][]geo.Window, samples map[Visit][]int64, endNs int64) Outcome {
	var o Outcome
	visits := maps.Clone(windows)
	for v := range expected {
		if _, there := visits[v]; !there {
			visits[v] = nil
		}
	}
	for _, v := range slices.SortedFunc(maps.Keys(visits), func(a, b Visit) int { return cmp.Compare(a.String(), b.String()) }) {
		o.visit(v, expected[v], windows[v], samples[Visit{v.ICAO24, v.Callsign, ""}], endNs)
	}
	return o
}

func (o *Outcome) visit(v Visit, want []Interval, got []geo.Window, samples []int64, endNs int64) {
	o.Expected += len(want)
	o.Windows += len(got)
	found := spans(got)
	either := append(slices.Clone(found), join(found)...)
	joined := join(want)
	for _, w := range want {
		hit := slices.ContainsFunc(either, w.near) || partOf(w, joined, either)
		switch long := w.LastNs-w.FirstNs > longNs; {
		case long && hit:
			o.LongFound++
		case long:
			o.Failures = append(o.Failures, fmt.Sprintf("%s: expected %s, windows %s", v, show([]Interval{w}), show(found)))
		case hit:
			o.ShortFound++
		default:
			o.ShortMissed++
			o.Listed = append(o.Listed, fmt.Sprintf("%s: short interval %s, windows %s", v, show([]Interval{w}), show(found)))
		}
	}
	for _, w := range found {
		o.window(v, w, joined, samples, endNs)
	}
}

// window asks whether the recording contradicts a window.
func (o *Outcome) window(v Visit, w Interval, want []Interval, samples []int64, endNs int64) {
	inside := func(atNs int64) bool {
		return slices.ContainsFunc(want, func(i Interval) bool { return i.FirstNs-stepNs <= atNs && atNs <= i.LastNs+stepNs })
	}
	met := slices.ContainsFunc(want, func(i Interval) bool { return w.FirstNs <= i.LastNs+stepNs && i.FirstNs-stepNs <= w.LastNs })
	switch {
	case w.LastNs >= endNs:
		o.Open++
		o.Listed = append(o.Listed, fmt.Sprintf("%s: window %s is open at the end", v, show([]Interval{w})))
		return // what is expected ends with the recording, so an open interval is not in it
	case !met && w.LastNs-w.FirstNs < stepNs:
		o.Between++
		o.Listed = append(o.Listed, fmt.Sprintf("%s: window %s lies between samples", v, show([]Interval{w})))
	case !met:
		o.Failures = append(o.Failures, fmt.Sprintf("%s: window %s is in no expected interval", v, show([]Interval{w})))
	}
	for _, at := range samples {
		switch well := w.FirstNs+edgeNs < at && at < w.LastNs-edgeNs; {
		case well && inside(at):
			o.SamplesIn++
		case well:
			o.Contradicted++
			o.Failures = append(o.Failures, fmt.Sprintf("%s: window %s, but the sample at %s is outside", v, show([]Interval{w}), clock(at)))
		}
	}
}

func (i Interval) near(o Interval) bool {
	return abs(i.FirstNs-o.FirstNs) <= edgeNs && abs(i.LastNs-o.LastNs) <= edgeNs
}

// partOf says whether an interval is part of several that are found as one window.
func partOf(w Interval, joined, found []Interval) bool {
	return slices.ContainsFunc(joined, func(j Interval) bool {
		return j.FirstNs <= w.FirstNs && w.LastNs <= j.LastNs && slices.ContainsFunc(found, j.near)
	})
}

func spans(windows []geo.Window) []Interval {
	var all []Interval
	for _, w := range windows {
		all = append(all, Interval{w.EnterMinNs, w.LeaveMaxNs})
	}
	slices.SortFunc(all, func(a, b Interval) int { return cmp.Compare(a.FirstNs, b.FirstNs) })
	return all
}

func join(parts []Interval) []Interval {
	var all []Interval
	for _, p := range parts {
		if n := len(all); n > 0 && p.FirstNs-all[n-1].LastNs <= joinNs {
			all[n-1].LastNs = max(all[n-1].LastNs, p.LastNs)
			continue
		}
		all = append(all, p)
	}
	return all
}

func abs(v int64) int64 { return max(v, -v) }

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format("15:04:05.000") }

func show(all []Interval) string {
	text := ""
	for _, i := range all {
		text += "[" + clock(i.FirstNs) + ".." + clock(i.LastNs) + "]"
	}
	return text
}
