package airspace

import (
	"cmp"
	"math"

	"github.com/tidwall/btree"

	"onevoice/airspace/index"
	"onevoice/geo"
	"onevoice/machine"
)

// State is the airspace as of one index. It is immutable: any number of goroutines may ask it, while the machine goes on.
type State struct {
	settings Settings
	clock    clock
	sectors  *btree.Map[string, *sector]
	flights  *btree.Map[string, *flight]
	// visits holds every sector window, ends every flight by its end.
	visits *btree.BTreeG[visit]
	ends   *btree.BTreeG[end]
	// flightTiles finds flights by place; for sectors see ground.
	flightTiles *index.Index
}

var _ machine.Root = (*State)(nil)

// sector is a sector with what is derived from it. It never changes.
type sector struct {
	SectorRecord
	volumes []*geo.Prepared
	blocks  []int // of edges, for each volume; what a leg near it costs
	tiles   []uint64
	// box and lowCm to highCm hold all volumes.
	box           geo.BBox
	lowCm, highCm int64
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
	n.tiles = index.Tiles(boxes)
	n.box, n.lowCm, n.highCm = boxes[0], math.MaxInt64, math.MinInt64
	for i, v := range n.volumes {
		n.box = n.box.Union(boxes[i])
		low, high := bandCm(v.Band())
		n.lowCm, n.highCm = min(n.lowCm, low), max(n.highCm, high)
	}
	return n
}

// flight is a flight with what is derived from it. It never changes.
type flight struct {
	FlightRecord
	tiles []uint64
}

// placeGrainNs rounds the times of flights in the index outwards, to some 73 minutes, so that a plan which moves by minutes leaves its
// entries as they are. Who asks the index looks at the flight's own times next.
const placeGrainNs = int64(1) << 42

// place is where and when a flight is, roughly.
func (f *flight) place() index.Place {
	return index.Place{Cells: f.tiles, FromNs: f.beginNs() &^ (placeGrainNs - 1), ToNs: f.EndNs() | (placeGrainNs - 1)}
}

// end orders flights by when they are over.
type end struct {
	ns int64
	id string
}

func endsBefore(a, b end) bool {
	return cmp.Or(cmp.Compare(a.ns, b.ns), cmp.Compare(a.id, b.id)) < 0
}

func newState(serviceNs, rateMilli int64) State {
	unlocked := btree.Options{NoLocks: true, Degree: 16} // small nodes, since each change after a root was made copies some
	s := State{
		settings: Settings{CrossRefCm: DefaultCrossRefCm, RetainNs: DefaultRetainNs},
		sectors:  btree.NewMap[string, *sector](0), flights: btree.NewMap[string, *flight](0),
		visits: btree.NewBTreeGOptions(visitsBefore, unlocked), ends: btree.NewBTreeGOptions(endsBefore, unlocked),
		flightTiles: index.New(),
	}
	s.clock.anchorNs = min(max(serviceNs, 0), MaxServiceNs)
	s.clock.rateMilli = min(max(rateMilli, MinRateMilli), MaxRateMilli)
	return s
}

// copy gives a state that stays as it is while s goes on, in constant time. Copying a tree gives the writer's side a new
// owner number, so that it copies every node before it changes it; readers of the copy never look at that number.
func (s *State) copy() *State {
	c := *s
	c.sectors, c.flights = s.sectors.Copy(), s.flights.Copy()
	c.visits, c.ends = s.visits.Copy(), s.ends.Copy()
	c.flightTiles = s.flightTiles.Copy()
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
	if found, ok := s.sectors.Get(id); ok {
		return &found.SectorRecord, true
	}
	return nil, false
}

// Sectors lists sectors by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *State) Sectors(after string, limit int) []*SectorRecord {
	return page(s.sectors, after, limit, func(n *sector) *SectorRecord { return &n.SectorRecord })
}

// SectorCount is how many sectors there are.
func (s *State) SectorCount() int { return s.sectors.Len() }

// Flight gives one flight.
func (s *State) Flight(id string) (*FlightRecord, bool) {
	if found, ok := s.flights.Get(id); ok {
		return &found.FlightRecord, true
	}
	return nil, false
}

// Flights lists flights by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *State) Flights(after string, limit int) []*FlightRecord {
	return page(s.flights, after, limit, func(f *flight) *FlightRecord { return &f.FlightRecord })
}

// FlightCount is how many flights are held.
func (s *State) FlightCount() int { return s.flights.Len() }

// page lists what follows after in the order of identifiers.
func page[V, R any](from *btree.Map[string, V], after string, limit int, record func(V) R) []R {
	var list []R
	limit = min(limit, MaxPage)
	if limit <= 0 {
		return nil
	}
	from.Ascend(after, func(id string, v V) bool {
		if id != after {
			list = append(list, record(v))
		}
		return len(list) < limit
	})
	return list
}
