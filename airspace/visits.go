package airspace

import (
	"cmp"
	"math"
	"math/bits"

	"github.com/tidwall/btree"

	"onevoice/geo"
	"onevoice/problem"
)

// visit is one sector window in the tree that Who asks. They are sorted by run, which is a sector and a class of length, then by
// entry and flight, so that those which may meet a time are found without looking at all that began before it: one of
// class c is shorter than 2^(c+30) ns, so it began less than that before the time.
type visit struct {
	run              run
	enterNs, leaveNs int64
	of               *Occupant
}

// run is the number of a sector and a class of length.
type run uint64

const (
	// classBits is how many bits of a run are its class.
	classBits = 6
	// shortestClassBits makes class 0 hold all visits under about a second.
	shortestClassBits = 30
)

func runOf(sector uint64, w geo.Window) run { return firstRun(sector) + classOf(w) }

// classOf is the class of a window's length.
func classOf(w geo.Window) run {
	return run(bits.Len64(uint64(w.LeaveMaxNs-w.EnterMinNs) >> shortestClassBits))
}

// firstRun is the one of the sector's shortest visits.
func firstRun(sector uint64) run { return run(sector << classBits) }

func (r run) sector() uint64 { return uint64(r >> classBits) }

func (r run) class() int { return int(r % (1 << classBits)) }

func (v visit) before(o visit) bool {
	if v.run != o.run {
		return v.run < o.run
	}
	if v.enterNs != o.enterNs {
		return v.enterNs < o.enterNs
	}
	return v.of.Flight.ID < o.of.Flight.ID
}

// stay is what a flight keeps of a window, for as long as it is in the tree.
type stay struct {
	Occupant
	run run
}

func (s *stay) visit() visit {
	return visit{s.run, s.Window.EnterMinNs, s.Window.LeaveMaxNs, &s.Occupant}
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
	found, ok := s.sectors.Get(sector, s.asOf)
	if !ok {
		return nil, notFound("who", sector, "sector")
	}
	list := merge(s.runs(found, fromNs, toNs, after, limit), limit)
	if s.telling() != nil {
		for i := range list {
			list[i].Flight = s.record(s.flight(list[i].Flight.ID))
		}
	}
	return list, nil
}

func checkSpan(op, subject string, fromNs, toNs int64, limit int) *problem.Error {
	c := checker{op: op, subject: subject}
	if fromNs >= toNs {
		c.fail(problem.Invalid, "to", instant(toNs), "after from, "+instant(fromNs))
	}
	c.number("limit", int64(limit), 1, MaxPage)
	return c.found
}

// runs gives the visits to a sector that meet the time, in several lists that are sorted, up to limit in each.
func (s *State) runs(sector *sector, fromNs, toNs int64, after Cursor, limit int) [][]Occupant {
	runs := visitRuns(s.visits, firstRun(sector.number), s.asOf, fromNs, toNs, after, limit)
	if !s.present() {
		if was := s.pastVisitsTo(sector.ID, fromNs, toNs, after, limit); len(was) > 0 {
			runs = append(runs, was)
		}
	}
	return runs
}

// visitRuns gives the visits of each class, from a sector's first run on, that meet the time and were known then, sorted, up to limit of each.
func visitRuns(tree *btree.BTreeG[visit], of run, asOf uint64, fromNs, toNs int64, after Cursor, limit int) [][]Occupant {
	var runs [][]Occupant
	last := run(0)
	begin := func(class int) int64 {
		first := visitsFrom(class, fromNs)
		if after != (Cursor{}) {
			first = max(first, after.EnterNs)
		}
		return first
	}
	ascendClasses(tree, of, begin, func(v visit) bool {
		n := len(runs) - 1
		if v.enterNs >= toNs || n >= 0 && last == v.run && len(runs[n]) == limit {
			return false
		}
		if v.leaveNs <= fromNs || !after.before(v.enterNs, v.of.Flight.ID) || v.of.Flight.Since > asOf {
			return true
		}
		if n < 0 || last != v.run {
			runs, last = append(runs, nil), v.run
			n++
		}
		runs[n] = append(runs[n], *v.of)
		return true
	})
	return runs
}

// ascendClasses gives the visits to a sector, class by class, in each those from an entry on, until yield wants no more of the class.
func ascendClasses(visits *btree.BTreeG[visit], of run, begin func(class int) int64, yield func(visit) bool) {
	pivot := visit{run: of, of: &Occupant{Flight: new(FlightRecord)}}
	end := pivot.run + 1<<classBits
	for more := true; more; {
		more = false
		asked := pivot.run
		pivot.enterNs = begin(asked.class())
		visits.Ascend(pivot, func(v visit) bool {
			if v.run != asked {
				// Nothing more of this class: go on with the next that there is.
				pivot.run, more = v.run, v.run < end
				return false
			}
			if yield(v) {
				return true
			}
			pivot.run, more = asked+1, asked+1 < end
			return false
		})
	}
}

// visitsFrom is when the first visits of a class began that are not over at a time.
func visitsFrom(class int, fromNs int64) int64 {
	first := int64(math.MinInt64)
	if length := class + shortestClassBits; length < 63 && fromNs >= first+1<<length {
		first = fromNs - 1<<length
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
