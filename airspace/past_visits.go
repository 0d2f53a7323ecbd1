package airspace

import (
	"math"
	"slices"
)

// pastVisitsTo gives the first visits to a sector that were known then and hold no more, sorted, at most limit. It looks at each flight
// once that ever, as far back as is held, was to be in the sector about that time.
func (s *State) pastVisitsTo(sector string, fromNs, toNs int64, after Cursor, limit int) []Occupant {
	number, ok := s.pastNumbers.Get(sector)
	if !ok {
		return nil
	}
	first := firsts{limit: limit, most: math.MaxInt64}
	from := fromNs
	if after != (Cursor{}) {
		from = max(from, after.EnterNs)
	}
	begin := func(class int) int64 { return visitsFrom(class, from) }
	ascendClasses(s.pastVisits, firstRun(number), begin, func(v visit) bool {
		if v.enterNs >= toNs || v.enterNs > first.most {
			return false
		}
		f := s.trail(v.of.Flight.ID).at(s.asOf)
		if f == nil || v.leaveNs <= from {
			return true
		}
		for _, w := range f.Windows {
			if w.Sector == sector && w.EnterMinNs < toNs && w.LeaveMaxNs > fromNs && after.before(w.EnterMinNs, f.ID) {
				first.add(Occupant{&f.FlightRecord, w.Window})
			}
		}
		return true
	})
	return first.sorted()
}

// firsts keeps the first visits of those that it is given.
type firsts struct {
	list  []Occupant
	limit int
	// most is by when the last of the first enters, as far as that is known: who enters later is none of them.
	most int64
}

func (f *firsts) add(o Occupant) {
	if f.list = append(f.list, o); len(f.list) >= 2*f.limit {
		f.list = f.sorted()
		f.most = f.list[f.limit-1].Window.EnterMinNs
	}
}

func (f *firsts) sorted() []Occupant {
	slices.SortFunc(f.list, func(a, b Occupant) int { return compareOccupants(&a, &b) })
	return f.list[:min(len(f.list), f.limit)]
}

// nearThen appends the flights that were known then and hold no more, which share a tile with a place and meet its extent.
func (s *State) nearThen(list []*flight, tiles []uint64, e extent) []*flight {
	s.pastPlaces.find(tiles, &e, s.settings.CrossRefCm, func(_ uint32, at *placed) bool {
		if f := at.thing.(*trail).at(s.asOf); f != nil && f.BeginNs() <= e.endNs && f.EndNs() >= e.beginNs {
			list = append(list, f)
		}
		return true
	})
	return list
}
