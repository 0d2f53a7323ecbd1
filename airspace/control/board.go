package control

import (
	"cmp"

	"github.com/tidwall/btree"

	"onevoice/view"
)

// Board is who controls what as of one index. A Copy is immutable: any number of goroutines may ask it.
type Board struct {
	positions        *btree.Map[string, *Position]
	flights, sectors *btree.Map[string, *Record]
	// links finds records by position and by addressee.
	links *btree.BTreeG[link]
	// epoch is that of the newest entry and nowNs its log time. No lease or offer ends before its whole time has passed since renewedNs.
	epoch            view.Epoch
	nowNs, renewedNs int64
}

// link is one way to a record: of is the position or sector.
type link struct {
	kind   linkKind
	thing  Thing
	of, id string
}

type linkKind uint8

const (
	linkHas        linkKind = 1 // of a position to what it has
	linkToPosition linkKind = 2 // to what is addressed to it
	linkToSector   linkKind = 3 // of a sector to what is addressed to it
)

func (l link) before(o link) bool {
	return cmp.Or(cmp.Compare(l.kind, o.kind), cmp.Compare(l.thing, o.thing), cmp.Compare(l.of, o.of), cmp.Compare(l.id, o.id)) < 0
}

func newBoard() Board {
	unlocked := btree.Options{NoLocks: true, Degree: 8} // small nodes, since each change after a copy copies some
	return Board{
		positions: btree.NewMap[string, *Position](8), flights: btree.NewMap[string, *Record](8), sectors: btree.NewMap[string, *Record](8),
		links: btree.NewBTreeGOptions(link.before, unlocked),
	}
}

// Copy gives a state that stays as it is while s goes on, in constant time.
func (s *Board) Copy() Board {
	c := *s
	c.positions, c.flights, c.sectors, c.links = s.positions.Copy(), s.flights.Copy(), s.sectors.Copy(), s.links.Copy()
	return c
}

func (s *Board) of(t Thing) *btree.Map[string, *Record] {
	if t == Sector {
		return s.sectors
	}
	return s.flights
}

// Record is that of a flight or sector: where nobody has acted yet, that of a flight that is pre-active and a sector that is uncontrolled.
// Whether there is such a flight or sector it does not know.
func (s *Board) Record(t Thing, id string) Record {
	if r, ok := s.of(t).Get(id); ok {
		return s.asOf(r)
	}
	if t == Sector {
		return Record{Thing: Sector, ID: id, State: Uncontrolled}
	}
	return Record{Thing: Flight, ID: id, State: PreActive}
}

// Recorded counts the records there are.
func (s *Board) Recorded(t Thing) int { return s.of(t).Len() }

// asOf is a record with the end of its offer as it stands.
func (s *Board) asOf(r *Record) Record {
	n := *r
	if n.State == Handoff {
		n.EndsNs = s.ends(r.EndsNs, r.TimeoutMs)
	}
	return n
}

// ends is when a lease or an offer ends: not before its whole time has passed since the servers were away.
func (s *Board) ends(ns, lengthMs int64) int64 { return max(ns, s.renewedNs+lengthMs*msNs) }

// Position gives one position; false where it is not signed on and has nothing.
func (s *Board) Position(id string) (Position, bool) {
	p, ok := s.positions.Get(id)
	if !ok {
		return Position{ID: id}, false
	}
	return s.standing(p), true
}

// standing is a position with the end of its lease as it stands.
func (s *Board) standing(p *Position) Position {
	n := *p
	if n.Attended() {
		n.EndsNs = s.ends(p.EndsNs, p.LeaseMs)
	}
	return n
}

// Attended says whether somebody has signed a position on.
func (s *Board) Attended(position string) bool {
	p, _ := s.positions.Get(position)
	return p.Attended()
}

// Positions lists positions by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *Board) Positions(after string, limit int) []Position {
	var list []Position
	limit = min(limit, MaxPage)
	s.positions.Ascend(after, func(id string, p *Position) bool {
		if id != after && len(list) < limit {
			list = append(list, s.standing(p))
		}
		return len(list) < limit
	})
	return list
}

// PositionCount is how many positions are signed on or have something.
func (s *Board) PositionCount() int { return s.positions.Len() }

// Sectors lists the sectors that a position works, by identifier.
func (s *Board) Sectors(position string) []string {
	return s.linked(linkHas, Sector, position, "", MaxPositionSectors)
}

// linked lists what links of a kind lead to, from the first above after.
func (s *Board) linked(kind linkKind, t Thing, of, after string, limit int) []string {
	var list []string
	if limit <= 0 {
		return nil
	}
	s.links.Ascend(link{kind, t, of, after}, func(l link) bool {
		if l.kind != kind || l.thing != t || l.of != of {
			return false
		}
		if l.id != after {
			list = append(list, l.id)
		}
		return len(list) < limit
	})
	return list
}

// has says whether a position has a flight or sector.
func (s *Board) has(position string) bool {
	return len(s.linked(linkHas, Flight, position, "", 1)) > 0 || len(s.linked(linkHas, Sector, position, "", 1)) > 0
}

// Receiver is the position that a record is addressed to, as it stands now; empty for nobody.
func (s *Board) Receiver(r *Record) string {
	if r.To.Sector == "" {
		return r.To.Position
	}
	if to, ok := s.sectors.Get(r.To.Sector); ok {
		return to.Position
	}
	return ""
}
