package airspace

import (
	"math"
	"slices"

	"github.com/tidwall/btree"

	"onevoice/airspace/index"
	"onevoice/geo"
)

// zone is a zone with what is derived from it, and with the visits of flights to it. One that the state holds never changes: a change puts
// another in its place, whose trees share what is the same.
type zone struct {
	ZoneRecord
	// number is the replica's own name for it, as that of a flight.
	number uint32
	tiles  []uint64
	// pieces are the volumes, those of one time together.
	pieces []piece
	// pairs are the flights that may come inside, by identifier, nil where there is none; visits are theirs, entries how many.
	pairs   *btree.Map[string, *zonePair]
	visits  *btree.BTreeG[visit]
	entries int
}

// piece is the volumes of a zone that have one time.
type piece struct {
	fromNs, toNs int64
	place        *sector
}

// zonePair is what one flight has in a zone. It never changes.
type zonePair struct {
	flight *FlightRecord // as it was when the plan was put; only its plan and Version count
	stays  []stay        // sorted, 1 to MaxPairWindows
	over   []bool        // of a ZoneLimit: which of the stays are one too many
}

func newZone(rec ZoneRecord) *zone {
	z := &zone{ZoneRecord: rec}
	var areas []geo.Polygon
	done := make([]bool, len(rec.Volumes))
	for i, v := range rec.Volumes {
		areas = append(areas, v.Area)
		if done[i] {
			continue
		}
		p := piece{fromNs: v.FromNs, toNs: v.ToNs}
		var together []geo.Polygon
		for j := i; j < len(done); j++ {
			if o := &rec.Volumes[j]; o.FromNs == v.FromNs && o.ToNs == v.ToNs {
				done[j], together = true, append(together, o.Area)
			}
		}
		p.place = newSector(Sector{Volumes: together}, Version{})
		z.pieces = append(z.pieces, p)
	}
	boxes := make([]geo.BBox, len(areas))
	for i := range areas {
		boxes[i] = geo.Prepare(areas[i]).BBox()
	}
	z.tiles = index.Tiles(boxes, index.Coarse)
	return z
}

func (z *zone) covering() []uint64 { return z.tiles }

// extent holds all of the zone.
func (z *zone) extent() extent {
	e := extent{kind: ofZone, beginNs: z.BeginNs(), endNs: z.EndNs() - 1}
	box, low, high := z.pieces[0].place.box, int64(math.MaxInt64), int64(math.MinInt64)
	ref := z.Volumes[0].Area.Band.Floor.Ref
	for i := range z.Volumes {
		if z.Volumes[i].Area.Band.Floor.Ref != ref {
			ref = 0
		}
	}
	for _, p := range z.pieces {
		box = box.Union(p.place.box)
		low, high = min(low, p.place.lowCm), max(high, p.place.highCm)
	}
	e.setBox(box)
	e.setBand(low, high, ref)
	return e
}

// inherit takes over what flights have in the zone that this one replaces.
func (z *zone) inherit(old *zone) {
	z.Notifications, z.Checking, z.Checked = old.Notifications, old.Checking, old.Checked
	z.entries = old.entries
	z.own(old)
}

// renewed is a zone that can be changed until it is in the state, with everything of this one.
func (z *zone) renewed() *zone {
	n := *z
	n.own(z)
	return &n
}

// own takes copies of another zone's trees.
func (z *zone) own(old *zone) {
	if old.pairs != nil {
		z.pairs, z.visits = old.pairs.Copy(), old.visits.Copy()
	}
}

// of gives what a flight has in the zone, nil for nothing.
func (z *zone) of(flight string) *zonePair {
	if z.pairs == nil {
		return nil
	}
	p, _ := z.pairs.Get(flight)
	return p
}

// set puts what a flight has in the zone in the place of what it had; nil for nothing. The zone must be its own.
func (z *zone) set(flight string, p *zonePair) {
	if z.pairs == nil {
		z.pairs = btree.NewMap[string, *zonePair](8)
		z.visits = btree.NewBTreeGOptions(visit.before, btree.Options{NoLocks: true, Degree: 8})
	}
	if old := z.of(flight); old != nil {
		z.entries -= len(old.stays)
		for i := range old.stays {
			z.visits.Delete(old.stays[i].visit())
		}
		z.pairs.Delete(flight)
	}
	if p == nil {
		return
	}
	z.entries += len(p.stays)
	z.pairs.Set(flight, p)
	for i := range p.stays {
		z.visits.Set(p.stays[i].visit())
	}
}

// zoneRun is the first run of a zone's visits, which are in a tree of their own.
const zoneRun run = 0

func newZonePair(f *flight, windows []geo.Window) *zonePair {
	p := &zonePair{flight: &f.FlightRecord, stays: make([]stay, len(windows)), over: make([]bool, len(windows))}
	for i, w := range windows {
		p.stays[i] = stay{Occupant{p.flight, w}, zoneRun + classOf(w)}
	}
	return p
}

// breaching gives the visits of a pair that are breaches.
func (z *zone) breaching(p *zonePair) []geo.Window {
	if p == nil || z.Kind == ZoneNotice {
		return nil
	}
	var list []geo.Window
	for i := range p.stays {
		if z.Kind == ZoneClosed || p.over[i] {
			list = append(list, p.stays[i].Window)
		}
	}
	return list
}

// zonesNear lists the zones that a flight with these tiles and this extent may touch, and those that are being looked at and know of the
// flight from before, by identifier.
func (m *Machine) zonesNear(list []*zone, id string, tiles []uint64, e extent) []*zone {
	s := &m.state
	if s.zones.Len() == 0 {
		return nil
	}
	e.kind = ofZone
	// Whether references differ by little is for a closer look: a zone may know of a flight from when the rules were others.
	s.places.find(tiles, &e, MaxCrossRefCm, func(_ uint32, at *placed) bool {
		list = append(list, at.thing.(*zone))
		return true
	})
	m.checks.Scan(func(name string) bool {
		if z, _ := s.zones.Get(name); z.of(id) != nil {
			list = append(list, z)
		}
		return true
	})
	slices.SortFunc(list, compareZones)
	return slices.Compact(list)
}

// extentOf is the extent under which a flight is filed.
func (m *Machine) extentOf(f *flight) extent { return m.state.places.table.Get(f.number).extent }

// Zone gives one zone. The error is a *problem.Error: NotFound where there is none, Invalid in a state of the past.
func (s *State) Zone(id string) (*ZoneRecord, error) {
	if err := s.presentOnly("zone"); err != nil {
		return nil, err
	}
	if z, ok := s.zones.Get(id); ok {
		return &z.ZoneRecord, nil
	}
	return nil, notFound("zone", id, "zone")
}

// Zones lists zones by identifier, from the first above after, at most limit (cut to MaxPage). The error is a *problem.Error,
// Invalid in a state of the past.
func (s *State) Zones(after string, limit int) ([]*ZoneRecord, error) {
	if err := s.presentOnly("zones"); err != nil {
		return nil, err
	}
	return page(after, limit, func(add func(string, *ZoneRecord) bool) {
		s.zones.Ascend(after, func(id string, z *zone) bool { return add(id, &z.ZoneRecord) })
	}), nil
}

// ZoneCount is how many zones are held now, whatever the state is as of.
func (s *State) ZoneCount() int { return s.zones.Len() }
