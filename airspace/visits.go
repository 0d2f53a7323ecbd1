package airspace

import (
	"cmp"
	"math"
	"math/bits"

	"onevoice/geo"
	"onevoice/problem"
)

// visit is one sector window in the tree that Who asks. They are sorted by sector, then by class of length, then by
// entry and flight, so that those which may meet a time are found without looking at all that began before it: one of
// class c is shorter than 2^(c+30) ns, so it began less than that before the time.
type visit struct {
	SectorWindow
	flight *FlightRecord
	class  uint8
}

// shortestClassBits makes class 0 hold all visits under about a second.
const shortestClassBits = 30

func classOf(lengthNs int64) uint8 { return uint8(bits.Len64(uint64(lengthNs) >> shortestClassBits)) }

func visitsBefore(a, b visit) bool {
	if c := cmp.Compare(a.Sector, b.Sector); c != 0 {
		return c < 0
	}
	if a.class != b.class {
		return a.class < b.class
	}
	if a.EnterMinNs != b.EnterMinNs {
		return a.EnterMinNs < b.EnterMinNs
	}
	return a.flight.ID < b.flight.ID
}

func visitOf(f *FlightRecord, w SectorWindow) visit {
	return visit{w, f, classOf(w.LeaveMaxNs - w.EnterMinNs)}
}

// Occupant is one visit of a flight to a sector or volume.
type Occupant struct {
	// Flight is shared by all roots: never change it.
	Flight *FlightRecord
	Window geo.Window
}

// Who lists the visits to a sector that may meet [fromNs, toNs): those that may begin before toNs and may end after
// fromNs. They are sorted by (EnterMinNs, flight) and begin after the cursor; there are at most limit, which is 1 to
// MaxPage. A page of limit visits may have a next one, after the Cursor of its last.
//
// The error is a *problem.Error: NotFound for an unknown sector, never an empty list. The cost grows with the answer.
func (s *State) Who(sector string, fromNs, toNs int64, after Cursor, limit int) ([]Occupant, error) {
	if p := checkSpan("who", sector, fromNs, toNs, limit); p != nil {
		return nil, p
	}
	found, ok := s.sectors.Get(sector)
	if !ok {
		return nil, notFound("who", sector, "sector")
	}
	return merge(s.visitRuns(found.ID, fromNs, toNs, after, limit), limit), nil
}

func checkSpan(op, subject string, fromNs, toNs int64, limit int) *problem.Error {
	c := checker{op: op, subject: subject}
	if fromNs >= toNs {
		c.fail(problem.Invalid, "to", instant(toNs), "after from, "+instant(fromNs))
	}
	c.number("limit", int64(limit), 1, MaxPage)
	return c.found
}

// visitRuns gives the visits of each class that meet the time, sorted, up to limit of each.
func (s *State) visitRuns(sector string, fromNs, toNs int64, after Cursor, limit int) [][]Occupant {
	var runs [][]Occupant
	pivot := visit{SectorWindow: SectorWindow{Sector: sector}, flight: new(FlightRecord)}
	for more := true; more; {
		more = false
		class := pivot.class
		pivot.EnterMinNs = visitsFrom(class, fromNs, after)
		var run []Occupant
		s.visits.Ascend(pivot, func(v visit) bool {
			switch {
			case v.Sector != sector:
				return false
			case v.class != class:
				// Nothing more of this class: go on with the next that there is.
				pivot.class, more = v.class, true
				return false
			case v.EnterMinNs >= toNs || len(run) == limit:
				pivot.class, more = class+1, true
				return false
			case v.LeaveMaxNs > fromNs && after.before(v.EnterMinNs, v.flight.ID):
				run = append(run, Occupant{v.flight, v.Window})
			}
			return true
		})
		if run != nil {
			runs = append(runs, run)
		}
	}
	return runs
}

// visitsFrom is where a scan of one class begins.
func visitsFrom(class uint8, fromNs int64, after Cursor) int64 {
	first := int64(math.MinInt64)
	if length := class + shortestClassBits; length < 63 && fromNs >= first+1<<length {
		first = fromNs - 1<<length
	}
	if after != (Cursor{}) {
		first = max(first, after.EnterNs)
	}
	return first
}

// before reports whether a place in a list comes after the cursor.
func (c Cursor) before(enterNs int64, flight string) bool {
	if c == (Cursor{}) {
		return true
	}
	return c.EnterNs < enterNs || c.EnterNs == enterNs && c.Flight < flight
}

// merge takes the first of sorted runs, at most limit.
func merge(runs [][]Occupant, limit int) []Occupant {
	if len(runs) == 1 {
		return runs[0]
	}
	total := 0
	for _, r := range runs {
		total += len(r)
	}
	list := make([]Occupant, 0, min(total, limit))
	for len(list) < cap(list) {
		least := -1
		for i, r := range runs {
			if len(r) > 0 && (least < 0 || compareOccupants(&r[0], &runs[least][0]) < 0) {
				least = i
			}
		}
		list = append(list, runs[least][0])
		runs[least] = runs[least][1:]
	}
	return list
}

// compareOccupants orders a list: by entry, then by flight.
func compareOccupants(a, b *Occupant) int {
	if a.Window.EnterMinNs != b.Window.EnterMinNs {
		return cmp.Compare(a.Window.EnterMinNs, b.Window.EnterMinNs)
	}
	return cmp.Compare(a.Flight.ID, b.Flight.ID)
}
