package airspace

import (
	"math"

	"github.com/tidwall/btree"

	"onevoice/airspace/control"
	"onevoice/airspace/index"
	"onevoice/airspace/past"
	"onevoice/geo"
	"onevoice/machine"
)

// State is the airspace as of one index. It is immutable: any number of goroutines may ask it, while the machine goes on.
type State struct {
	// index is the entry that it is as of. asOf is past.Now, or the index of the past as of which its questions are answered.
	index, asOf uint64
	settings    Settings
	clock       clock
	sectors     past.Table[*sector]
	// numbers says under which number a flight is in places: a new plan of a flight is a change in one place.
	numbers *btree.Map[string, uint32]
	// places holds the flights, and finds them; for sectors see ground.
	places places
	// visits holds every sector window.
	visits    *btree.BTreeG[visit]
	conflicts conflictTable
	// control is who controls what.
	control *control.Board
	levels  levelTable
	// stagings are the changes that are being made in steps, at most MaxStagings. The slice and what it points to never change.
	stagings []*staging
	// zones are found in places too; entries is how many visits flights have to all of them.
	zones   *btree.Map[string, *zone]
	entries int

	// trails says under which number the trail of a flight is in pastPlaces. That and pastVisits find trails, as places and visits
	// find flights; in pastVisits a sector has the same number from one staged change to the next, that of pastNumbers.
	trails          *btree.Map[string, uint32]
	pastPlaces      places
	pastVisits      *btree.BTreeG[visit]
	pastNumbers     *btree.Map[string, uint64]
	pastNumbersMade uint64
	// settingsSince is the entry since which the settings hold.
	settingsSince uint64
	settingsPast  past.Line[*Settings]
	// marks are the entries that changed something, from the horizon on; over is all that is past, in the order in which it was noted.
	marks past.Queue[mark]
	over  past.Queue[ended]
}

var _ machine.Root = (*State)(nil)

// sector is a sector with what is derived from it. It never changes.
type sector struct {
	SectorRecord
	// number is the machine's own name for it, and the visits to it are under that. It keeps it when it is replaced in one entry; a staged change
	// gives it another, so that the visits of before and of after do not meet.
	number  uint64
	volumes []*geo.Prepared
	blocks  []int // of edges, for each volume; what a leg near it costs
	tiles   []uint64
	// box and lowCm to highCm hold all volumes.
	box           geo.BBox
	lowCm, highCm int64
	// week are its weekly hours, phases when it has which volumes, where these have dates.
	week   []geo.Span
	phases []phase
}

func newSector(s Sector, v Version) *sector {
	n := &sector{SectorRecord: SectorRecord{s, v}}
	boxes := make([]geo.BBox, len(s.Volumes))
	for i, polygon := range s.Volumes {
		p := geo.Prepare(polygon)
		n.volumes = append(n.volumes, p)
		n.blocks = append(n.blocks, vertexCount(polygon)/16+16)
		boxes[i] = p.BBox()
	}
	n.tiles = index.Tiles(boxes, index.Coarse)
	n.box, n.lowCm, n.highCm = boxes[0], math.MaxInt64, math.MinInt64
	for i, v := range n.volumes {
		n.box = n.box.Union(boxes[i])
		low, high := bandCm(v.Band())
		n.lowCm, n.highCm = min(n.lowCm, low), max(n.highCm, high)
	}
	n.layTime()
	return n
}

// extent holds all of the sector from a time on until before another; it asks for flights.
func (n *sector) extent(fromNs, toNs int64) extent {
	e := extent{kind: ofFlight, beginNs: fromNs, endNs: toNs - 1}
	e.setBox(n.box)
	ref := n.volumes[0].Band().Floor.Ref
	for _, v := range n.volumes {
		if v.Band().Floor.Ref != ref {
			ref = 0
		}
	}
	e.setBand(n.lowCm, n.highCm-1, ref) // the ceiling is not in it
	return e
}

// flight is a flight with what is derived from it. It never changes.
type flight struct {
	FlightRecord
	// number is the machine's own name for it, which its next plan keeps. Another replica may have given it another one, so that
	// nothing that leaves the machine may depend on it.
	number uint32
	tiles  []uint64
	stays  []stay // one for each window
	needs  []need
	// next is what a staged change makes of it, nil where it makes nothing of it.
	next *coming
}

func (f *flight) covering() []uint64 { return f.tiles }

func newState(serviceNs, rateMilli int64) State {
	unlocked := btree.Options{NoLocks: true, Degree: 8} // small nodes, since each change after a root was made copies some
	s := State{
		asOf:     past.Now,
		settings: Settings{CrossRefCm: DefaultCrossRefCm, RetainNs: DefaultRetainNs, Separation: DefaultSeparation(), History: defaultHistory()},
		sectors:  past.NewTable[*sector](), numbers: btree.NewMap[string, uint32](0),
		trails: btree.NewMap[string, uint32](0), pastNumbers: btree.NewMap[string, uint64](0), pastPlaces: newPlaces(),
		visits: btree.NewBTreeGOptions(visit.before, unlocked), pastVisits: btree.NewBTreeGOptions(visit.before, unlocked),
		places: newPlaces(), zones: btree.NewMap[string, *zone](0),
		conflicts: newConflictTable(),
		levels:    newLevelTable(),
	}
	s.clock.anchorNs = min(max(serviceNs, 0), MaxServiceNs)
	s.clock.rateMilli = min(max(rateMilli, MinRateMilli), MaxRateMilli)
	return s
}

// copy gives a state that stays as it is while s goes on, in constant time. Copying a tree gives the writer's side a new
// owner number, so that it copies every node before it changes it; readers of the copy never look at that number.
func (s *State) copy() *State {
	c := *s
	c.sectors, c.numbers, c.zones = s.sectors.Copy(), s.numbers.Copy(), s.zones.Copy()
	c.visits, c.places, c.conflicts = s.visits.Copy(), s.places.copy(), s.conflicts.copy()
	c.control = new(s.control.Copy())
	c.levels = s.levels.copy()
	c.trails, c.pastVisits, c.pastPlaces, c.pastNumbers = s.trails.Copy(), s.pastVisits.Copy(), s.pastPlaces.copy(), s.pastNumbers.Copy()
	c.marks, c.over = s.marks.Copy(), s.over.Copy()
	return &c
}

// ServiceNs is service time at the state's index, in nanoseconds UTC.
func (s *State) ServiceNs() int64 { return s.clock.nowNs }

// Settings are the settings at the state's index.
func (s *State) Settings() Settings {
	set := s.settings
	set.ServiceAnchorLogNs, set.ServiceAnchorNs, set.RateMilli = s.clock.anchorLogNs, s.clock.anchorNs, s.clock.rateMilli
	return set
}

// Sector gives one sector.
func (s *State) Sector(id string) (*SectorRecord, bool) {
	if found, ok := s.sectors.Get(id, s.asOf); ok {
		return &found.SectorRecord, true
	}
	return nil, false
}

// Sectors lists sectors by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *State) Sectors(after string, limit int) []*SectorRecord {
	return page(after, limit, func(add func(string, *SectorRecord) bool) {
		s.sectors.Ascend(after, s.asOf, func(id string, v past.Version[*sector]) bool { return add(id, &v.Record.SectorRecord) })
	})
}

// SectorCount is how many sectors there are now, whatever the state is as of.
func (s *State) SectorCount() int { return s.sectors.Len() }

// Flight gives one flight.
func (s *State) Flight(id string) (*FlightRecord, bool) {
	if found := s.flight(id); found != nil {
		return s.record(found), true
	}
	return nil, false
}

// flight is nil where there is none.
func (s *State) flight(id string) *flight {
	if number, ok := s.numbers.Get(id); ok {
		if f := s.flightAt(number); f.Since <= s.asOf {
			return f
		}
	}
	if s.present() {
		return nil
	}
	return s.trail(id).at(s.asOf)
}

// flightAt gives the flight with a number.
func (s *State) flightAt(number uint32) *flight { return s.places.get(number).(*flight) }

// Flights lists flights by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *State) Flights(after string, limit int) []*FlightRecord {
	return page(after, limit, func(add func(string, *FlightRecord) bool) {
		if s.present() {
			s.numbers.Ascend(after, func(id string, n uint32) bool { return add(id, s.record(s.flightAt(n))) })
			return
		}
		past.Union(s.numbers, s.trails, after, func(id string) bool {
			f := s.flight(id)
			return f == nil || add(id, s.record(f))
		})
	})
}

// FlightCount is how many flights are held now, whatever the state is as of.
func (s *State) FlightCount() int { return s.numbers.Len() }

// page lists what follows after of what ascend gives in the order of identifiers.
func page[R any](after string, limit int, ascend func(add func(id string, record R) bool)) []R {
	var list []R
	limit = min(limit, MaxPage)
	if limit <= 0 {
		return nil
	}
	ascend(func(id string, record R) bool {
		if id != after {
			list = append(list, record)
		}
		return len(list) < limit
	})
	return list
}
