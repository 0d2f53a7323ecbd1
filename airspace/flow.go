package airspace

import (
	"cmp"
	"math"
	"slices"
	"time"

	"onevoice/geo"
)

// Flow is the traffic over one edge of the graph of sectors in a time: flights that go from one to the next, that come in from outside all
// sectors, or that leave them.
type Flow struct {
	// From and To are sectors; one of them may be empty, for what is outside.
	From, To string
	// Count is how many times it was flown: a flight that comes back counts again.
	Count int
	// FirstNs and LastNs are the earliest and the latest beginning of those, of the entry or, to the outside, of the leaving.
	FirstNs, LastNs int64
	Lateness
}

// Lateness is how much later than their first plans flights do a thing: those on which somebody has reported, the others are unknown.
type Lateness struct {
	// Known is how many of Count it is known of; where it is 0 the rest says nothing.
	Known int
	// MeanNs is rounded down to the microsecond, WorstNs the greatest; early is negative. More than MaxLateNs either way counts as that.
	MeanNs, WorstNs int64
}

// MaxLateNs bounds the lateness of one flight, so that sums fit: a day.
const MaxLateNs = int64(24 * time.Hour)

// FlowSlackNs is how far apart a leaving and an entry may be that are one crossing: borders that should meet are often drawn apart.
const FlowSlackNs = int64(10 * time.Second)

// feeder is which earlier visit a flight comes from when it enters the i-th sector of windows; -1 from outside. Of those whose leaving
// meets the entry it is the newest; where there is none, the newest in which the flight still is.
func feeder(windows []SectorWindow, i int) int {
	v := &windows[i]
	from, handed := -1, false
	for k := range windows[:i] {
		u := &windows[k]
		switch {
		case u.LeaveMaxNs+FlowSlackNs >= v.EnterMinNs && u.LeaveMinNs <= v.EnterMaxNs+FlowSlackNs:
			from, handed = k, true
		case !handed && u.LeaveMaxNs > v.EnterMaxNs:
			from = k
		}
	}
	return from
}

// goesOut says whether a flight is in no sector after the i-th.
func goesOut(windows []SectorWindow, i int) bool {
	u := &windows[i]
	return !slices.ContainsFunc(windows, func(v SectorWindow) bool {
		return v.EnterMinNs <= u.LeaveMaxNs+FlowSlackNs && v.LeaveMaxNs > u.LeaveMaxNs
	}) && !slices.ContainsFunc(windows[i+1:], func(v SectorWindow) bool { return v.LeaveMaxNs == u.LeaveMaxNs })
}

// lateness is how much later than first planned a flight enters its i-th sector, or leaves it; false where it is unknown. Where the plan
// goes to the sector more than once it is by the nearest.
func lateness(f *FlightRecord, i int, leaving bool) (int64, bool) {
	if f.Progress == nil {
		return 0, false
	}
	now, found, best := middle(f.Windows[i].Window, leaving), false, int64(0)
	for _, filed := range f.FiledWindows() {
		if filed.Sector != f.Windows[i].Sector {
			continue
		}
		late := now - middle(filed.Window, leaving)
		if !found || max(late, -late) < max(best, -best) {
			best, found = late, true
		}
	}
	return min(max(best, -MaxLateNs), MaxLateNs), found
}

// middle is the middle of an entry or of a leaving.
func middle(w geo.Window, leaving bool) int64 {
	a, b := w.EnterMinNs, w.EnterMaxNs
	if leaving {
		a, b = w.LeaveMinNs, w.LeaveMaxNs
	}
	return a + (b-a)/2
}

// FlowPlace is a place in a list of flows, which is sorted by the sector at which a flow is found; there what comes in is before what goes out, and each
// by the other sector. The zero value begins it.
type FlowPlace struct {
	Sector string
	Out    bool
	Other  string
}

// endOfFlows is the place after all that is found at a sector: no identifier is above its Other.
func endOfFlows(sector string) FlowPlace { return FlowPlace{sector, true, "~"} }

// Valid says whether a page can end there.
func (p FlowPlace) Valid() bool {
	return ValidID(p.Sector) && (p.Other == "" || ValidID(p.Other)) || p == endOfFlows(p.Sector) && ValidID(p.Sector)
}

// Compare is negative where p comes before o, zero where they are the same, positive where p comes after o.
func (p FlowPlace) Compare(o FlowPlace) int {
	out := 0
	if p.Out != o.Out {
		out = -1
		if p.Out {
			out = 1
		}
	}
	return cmp.Or(cmp.Compare(p.Sector, o.Sector), out, cmp.Compare(p.Other, o.Other))
}

// flows adds up the edges found at one sector.
type flows struct {
	sector string
	list   []foundFlow
	at     map[FlowPlace]int // place in list
}

type foundFlow struct {
	FlowPlace
	Flow
	sumUs int64
}

// add counts one crossing, of the flight's i-th window.
func (g *flows) add(p FlowPlace, f *FlightRecord, i int, leaving bool) {
	k, ok := g.at[p]
	if !ok {
		n := foundFlow{FlowPlace: p, Flow: Flow{From: p.Other, To: p.Sector, FirstNs: math.MaxInt64, LastNs: math.MinInt64}}
		if p.Out {
			n.From, n.To = p.Sector, p.Other
		}
		k = len(g.list)
		g.list, g.at[p] = append(g.list, n), k
	}
	e := &g.list[k]
	at := f.Windows[i].EnterMinNs
	if leaving {
		at = f.Windows[i].LeaveMinNs
	}
	e.Count++
	e.FirstNs, e.LastNs = min(e.FirstNs, at), max(e.LastNs, at)
	if late, known := lateness(f, i, leaving); known {
		if e.Known++; e.Known == 1 || late > e.WorstNs {
			e.WorstNs = late
		}
		e.sumUs += floorDiv(late, 1000)
	}
}

// sorted gives what was found.
func (g *flows) sorted() []foundFlow {
	for i := range g.list {
		if e := &g.list[i]; e.Known > 0 {
			e.MeanNs = floorDiv(e.sumUs, int64(e.Known)) * 1000
		}
	}
	slices.SortFunc(g.list, func(a, b foundFlow) int { return a.Compare(b.FlowPlace) })
	return g.list
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
