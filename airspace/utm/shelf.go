package utm

import (
	"bytes"

	"github.com/tidwall/btree"

	"onevoice/airspace/index"
)

// shelf holds the entities of one kind. Each has a number of the replica's own, by which the index of cells and times finds it: nothing that leaves
// the machine depends on numbers.
type shelf struct {
	numbers *btree.BTreeG[numbered]
	near    *index.Index
	places  index.Table[place]
	next    uint32
	spare   *spareNumber
}

type numbered struct {
	id     ID
	number uint32
}

func (n numbered) before(o numbered) bool { return bytes.Compare(n.id[:], o.id[:]) < 0 }

// spareNumber is a number that is no longer in use, and those below it. Copies share it.
type spareNumber struct {
	number uint32
	below  *spareNumber
}

// place is an entity with what dismisses it, and its notification index, which changes without the entity.
type place struct {
	entity             *Entity
	beginNs, endNs     int64
	floorCm, ceilingCm int32
	notified           uint32
}

func newShelf() shelf {
	return shelf{numbers: btree.NewBTreeGOptions(numbered.before, btree.Options{NoLocks: true, Degree: 8}), near: index.New()}
}

func (s *shelf) copy() shelf {
	c := *s
	c.numbers, c.near, c.places = s.numbers.Copy(), s.near.Copy(), s.places.Copy()
	return c
}

func (s *shelf) get(id ID) (place, bool) {
	n, ok := s.numbers.Get(numbered{id: id})
	if !ok {
		return place{}, false
	}
	return s.places.Get(n.number), true
}

func (x *Extent) time() index.Time { return index.Time{FirstNs: x.BeginNs, LastNs: x.EndNs - 1} }

// put gives an entity its place, instead of the one of before; its notification index stays.
func (s *shelf) put(e *Entity, notified uint32) {
	n, had := s.numbers.Get(numbered{id: e.ID})
	if had {
		was := &s.places.At(n.number).entity.Extent
		s.near.Move(n.number, was.time(), was.Cells, e.Extent.time(), e.Extent.Cells)
	} else {
		n = numbered{e.ID, s.next}
		if s.spare != nil {
			n.number, s.spare = s.spare.number, s.spare.below
		} else {
			s.next++
		}
		s.numbers.Set(n)
		s.near.Insert(n.number, e.Extent.time(), e.Extent.Cells)
	}
	x := &e.Extent
	s.places.Set(n.number, place{e, x.BeginNs, x.EndNs, x.FloorCm, x.CeilingCm, notified})
}

func (s *shelf) remove(e *Entity) {
	n, _ := s.numbers.Delete(numbered{id: e.ID})
	s.near.Remove(n.number, e.Extent.time(), e.Extent.Cells)
	s.places.Set(n.number, place{})
	s.spare = &spareNumber{n.number, s.spare}
}

// search finds what is relevant to an extent and has not ended, in no order that means anything.
func (s *shelf) search(x *Extent, nowNs int64, yield func(number uint32, at *place)) {
	from := max(x.BeginNs, nowNs)
	if from >= x.EndNs {
		return
	}
	s.near.Search(x.Cells, index.Time{FirstNs: from, LastNs: x.EndNs - 1}, func(number uint32) bool {
		at := s.places.At(number)
		if at.beginNs < x.EndNs && at.endNs > from && at.floorCm < x.CeilingCm && at.ceilingCm > x.FloorCm {
			yield(number, at)
		}
		return true
	})
}
