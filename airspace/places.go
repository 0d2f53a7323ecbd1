package airspace

import (
	"onevoice/airspace/index"
	"onevoice/geo"
)

// places is where everything that has a place, a height and a time is found: in the state, what there is; whoever keeps what was holds
// another one.
//
// A thing filed has a number of this replica's own, small and used again: it must decide nothing that leaves the machine. Filing costs a
// few entries of the index (one for each tile and slot, of 24 bytes) and 64 bytes of the table; a move that stays in its tiles and slots costs
// one place of the table; a search costs by what it finds, about 50 ns for each thing in the tiles and slots asked for. A copy is made in
// constant time and may be searched by any number of goroutines.
type places struct {
	index *index.Index
	table index.Table[placed]
	// free are numbers that are no longer in use; those from next on were never used.
	free spare
	next uint32
}

// thing is what can be filed.
type thing interface {
	// covering is the tiles under which it is filed, as index.Tiles makes them. It must never change.
	covering() []uint64
}

// kinds is a set of kinds of thing, a bit for each.
type kinds uint8

// The kinds of thing.
const (
	// ofPath is a flight with a path.
	ofPath kinds = 1 << iota
	// ofVolume is a flight of one volume, which is in all of the altitudes and times of its extent.
	ofVolume
	// ofVolumes is a flight of several.
	ofVolumes
	// ofZone is a zone.
	ofZone
	ofFlight = ofPath | ofVolume | ofVolumes
)

// extent is a box, altitudes and a time that hold all of a thing or a question: what does not meet it has nothing to do with the thing. All
// ends are in it.
type extent struct {
	beginNs, endNs int64
	south, north   int32 // 1e-7 degree
	west           int32
	width          uint32 // of longitudes, eastwards from west
	lowCm, highCm  int32
	ref            geo.Ref // of the altitudes; 0 where there are several
	kind           kinds   // of a thing: its own; of a question: those asked for
}

// placed is a thing as the table holds it: who passes over many need not look into each.
type placed struct {
	extent
	thing thing
}

func newPlaces() places { return places{index: index.New()} }

// copy gives places of its own with the same things, in constant time. It belongs to the goroutine that changes p.
func (p *places) copy() places {
	c := *p
	c.index, c.table = p.index.Copy(), p.table.Copy()
	return c
}

// file puts a thing in and gives its number.
func (p *places) file(t thing, e extent) uint32 {
	number := p.free.take(p.next)
	p.next = max(p.next, number+1)
	p.table.Set(number, placed{e, t})
	p.index.Insert(number, e.time(), t.covering())
	return number
}

// move puts a thing in the place of the one with that number. What stays in its tiles and slots leaves the index alone.
func (p *places) move(number uint32, t thing, e extent) {
	old := p.table.Get(number)
	p.table.Set(number, placed{e, t})
	p.index.Move(number, old.time(), old.thing.covering(), e.time(), t.covering())
}

// renew puts a thing in the place of the one with that number, of the same extent and covering.
func (p *places) renew(number uint32, t thing) {
	at := p.table.Get(number)
	at.thing = t
	p.table.Set(number, at)
}

// remove takes out the thing with that number, which may be given to another.
func (p *places) remove(number uint32) {
	old := p.table.Get(number)
	p.table.Set(number, placed{})
	p.index.Remove(number, old.time(), old.thing.covering())
	p.free.give(number)
}

// get gives the thing with that number.
func (p *places) get(number uint32) thing { return p.table.Get(number).thing }

// find calls yield with each thing, once and as it stands in the table, in no order that means anything, that shares a tile with those given and whose extent meets e, until
// yield wants no more. Altitudes of different references meet when they are within crossRefCm.
func (p *places) find(tiles []uint64, e *extent, crossRefCm int32, yield func(number uint32, at *placed) bool) {
	p.index.Search(tiles, e.time(), func(number uint32) bool {
		at := p.table.At(number)
		return !at.meets(e, crossRefCm) || yield(number, at)
	})
}

func (e *extent) time() index.Time { return index.Time{FirstNs: e.beginNs, LastNs: e.endNs} }

// meets reports whether two extents have something in common; false for sure, true where a closer look is needed.
func (e *extent) meets(o *extent, crossRefCm int32) bool {
	if e.beginNs > o.endNs || o.beginNs > e.endNs || e.south > o.north || o.south > e.north || e.kind&o.kind == 0 {
		return false
	}
	slack := int64(0)
	if e.ref != o.ref || e.ref == 0 {
		slack = int64(crossRefCm)
	}
	if int64(e.lowCm) > int64(o.highCm)+slack || int64(o.lowCm) > int64(e.highCm)+slack {
		return false
	}
	const turn = 3_600_000_000
	east := int64(o.west) - int64(e.west) // from e's west to o's
	if east < 0 {
		east += turn
	}
	return east <= int64(e.width) || turn-east <= int64(o.width)
}

// box is the box of a thing, all of it in latitudes that there are.
func (e *extent) box() geo.BBox {
	return geo.BBox{MinLat: int64(e.south), MinLon: int64(e.west), MaxLat: int64(e.north), MaxLon: int64(e.west) + int64(e.width)}
}

// widen makes an extent hold another one too.
func (e *extent) widen(o *extent) {
	e.beginNs, e.endNs = min(e.beginNs, o.beginNs), max(e.endNs, o.endNs)
	e.south, e.north = min(e.south, o.south), max(e.north, o.north)
	e.lowCm, e.highCm, e.kind = min(e.lowCm, o.lowCm), max(e.highCm, o.highCm), e.kind|o.kind
	if e.ref != o.ref {
		e.ref = 0
	}
	const turn = 3_600_000_000
	east := int64(o.west) - int64(e.west)
	if east < 0 {
		east += turn
	}
	fromOwn := max(int64(e.width), east+int64(o.width))
	fromOther := max(int64(o.width), turn-east+int64(e.width))
	if fromOther < fromOwn && east > 0 {
		e.west, fromOwn = o.west, fromOther
	}
	e.width = uint32(min(fromOwn, turn))
}

// setBox takes a box, whose longitudes may lie outside the turn.
func (e *extent) setBox(b geo.BBox) {
	const half, turn, quarter = 1_800_000_000, 3_600_000_000, 900_000_000
	e.south, e.north = int32(max(b.MinLat, -quarter)), int32(min(b.MaxLat, quarter))
	e.width = uint32(min(b.MaxLon-b.MinLon, turn))
	west := (b.MinLon + half) % turn
	if west < 0 {
		west += turn
	}
	e.west = int32(west - half)
}

// setBand takes altitudes, which may go beyond what an altitude can be.
func (e *extent) setBand(lowCm, highCm int64, ref geo.Ref) {
	e.lowCm, e.highCm, e.ref = int32(max(lowCm, -geo.UnlimitedCm)), int32(min(highCm, geo.UnlimitedCm)), ref
}
