package airspace

import (
	"slices"

	"onevoice/codec"
	"onevoice/geo"
)

// ZoneMention names a zone that a flight may be in.
type ZoneMention struct {
	Zone string
	// Index is the zone's Notifications after the event, 0 where it is not counted.
	Index uint64
}

// Extent holds where and when a flight may be: a box, altitudes and a time around all of its plan, with its uncertainty. All ends are in it.
type Extent struct {
	BeginNs, EndNs int64
	South, North   int32 // 1e-7 degree
	West           int32
	Width          uint32 // of longitudes, eastwards from West
	LowCm, HighCm  int32
	Ref            geo.Ref // of the altitudes; 0 where there are several
}

func (e extent) public() Extent {
	return Extent{BeginNs: e.beginNs, EndNs: e.endNs, South: e.south, North: e.north, West: e.west, Width: e.width, LowCm: e.lowCm, HighCm: e.highCm, Ref: e.ref}
}

// ofFlight says whether events of a kind tell of a flight that was put, got other windows or went.
func (k EventKind) ofFlight() bool {
	return k >= FlightPut && k <= FlightRewindowed || k == FlightProgress
}

func appendMoved(w *codec.Writer, e *Event) {
	w.Uvarint(uint64(len(e.Left)))
	for _, s := range e.Left {
		w.String(s)
	}
	w.Uvarint(uint64(len(e.Zones)))
	for _, z := range e.Zones {
		w.String(z.Zone)
		w.Uvarint(z.Index)
	}
	w.Uvarint(uint64(len(e.Extents)))
	for i := range e.Extents {
		x := &e.Extents[i]
		w.I64(x.BeginNs)
		w.I64(x.EndNs)
		w.I32(x.South)
		w.I32(x.North)
		w.I32(x.West)
		w.U32(x.Width)
		w.I32(x.LowCm)
		w.I32(x.HighCm)
		w.U8(uint8(x.Ref))
	}
}

func readMoved(r *codec.Reader, e *Event) {
	for range r.Count(maxCount, 1) {
		e.Left = append(e.Left, r.String(maxText))
	}
	for range r.Count(maxCount, 2) {
		e.Zones = append(e.Zones, ZoneMention{Zone: r.String(maxText), Index: r.Uvarint()})
	}
	for range r.Count(2, 41) {
		e.Extents = append(e.Extents, Extent{
			BeginNs: r.I64(), EndNs: r.I64(), South: r.I32(), North: r.I32(), West: r.I32(), Width: r.U32(), LowCm: r.I32(), HighCm: r.I32(), Ref: geo.Ref(r.U8()),
		})
	}
}

// left lists the sectors that a flight had windows in and has none in now, sorted.
func left(old, now []SectorWindow) []string {
	var list []string
	for _, w := range old {
		if !slices.ContainsFunc(now, func(o SectorWindow) bool { return o.Sector == w.Sector }) {
			list = append(list, w.Sector)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// flightEvent is an event of a flight; old or n is nil where there is none before or after it.
func (m *Machine) flightEvent(kind EventKind, old, n *flight, zones []zoned) Event {
	f := n
	if f == nil {
		f = old
	}
	e := Event{Kind: kind, ID: f.ID, Version: f.Version, Callsign: f.Callsign}
	if n != nil {
		e.Windows = n.Windows
	}
	if old != nil {
		e.Left = left(old.Windows, e.Windows)
		if old.next != nil {
			e.Left = left(slices.Concat(old.Windows, old.next.Windows), e.Windows)
		}
	}
	for _, z := range zones {
		e.Zones = append(e.Zones, ZoneMention{z.zone, z.index})
	}
	return e
}

// rewindowedEvent tells of other windows of the same plan, which no zone counts.
func (m *Machine) rewindowedEvent(old, n *flight) Event {
	e := m.flightEvent(FlightRewindowed, old, n, nil)
	e.Extents = []Extent{m.extentOf(n).public()}
	for _, z := range m.zonesNear(nil, n.ID, n.tiles, m.extentOf(n)) {
		if z.of(n.ID) != nil {
			e.Zones = append(e.Zones, ZoneMention{Zone: z.ID})
		}
	}
	return e
}
