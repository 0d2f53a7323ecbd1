package airspace

import (
	"slices"

	"onevoice/geo"
)

// Filter says which events of a stream are wanted: those that match each of its lists that is not empty, and of a list any one. What an event
// matches by is in the event, so that every server lets the same pass, however far it has come.
//
// An event of a flight matches by what the flight was before it as well: who watches a sector is told of the flight that leaves it.
type Filter struct {
	Kinds []EventKind
	// Flights match what is about them: plans, conflicts, breaches, control.
	Flights []string
	// Sectors match themselves, the flights that have or had a window in one, their conflicts and loads.
	Sectors []string
	// Zones match themselves, their breaches, and the flights that may be or may have been in one.
	Zones []string
	// Volumes match flights by Extent, so that what passes may be a flight that only comes near. A zone of kind ZoneNotice is exact.
	Volumes []FilterVolume
}

// FilterVolume is a box and a band.
type FilterVolume struct {
	South, North int32  // 1e-7 degree
	West         int32  // 1e-7 degree
	Width        uint32 // of longitudes, eastwards from West, 1e-7 degree
	// Low and High bound the altitudes; where Ref is 0 all match, and so do all that are measured from something else.
	LowCm, HighCm int32
	Ref           geo.Ref
}

// Matches says whether an event is wanted.
func (f *Filter) Matches(e *Event) bool {
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind):
		return false
	case len(f.Flights) > 0 && !f.anyFlight(e):
		return false
	case len(f.Sectors) > 0 && !f.anySector(e):
		return false
	case len(f.Zones) > 0 && !f.anyZone(e):
		return false
	}
	return len(f.Volumes) == 0 || slices.ContainsFunc(f.Volumes, func(v FilterVolume) bool { return slices.ContainsFunc(e.Extents, v.meets) })
}

// Empty says whether all events are wanted.
func (f *Filter) Empty() bool {
	return len(f.Kinds)+len(f.Flights)+len(f.Sectors)+len(f.Zones)+len(f.Volumes) == 0
}

func (f *Filter) anyFlight(e *Event) bool {
	wanted := func(id string) bool { return slices.Contains(f.Flights, id) }
	switch d := e.Detail.(type) {
	case *Conflict:
		return wanted(d.A) || wanted(d.B)
	case *BreachDetail:
		return wanted(d.Flight)
	}
	return (e.Kind.ofFlight() || e.Kind == FlightControl) && wanted(e.ID)
}

func (f *Filter) anySector(e *Event) bool {
	wanted := func(id string) bool { return slices.Contains(f.Sectors, id) }
	switch e.Kind {
	case SectorPut, SectorRemoved, SectorStaged, SectorSettled, SectorDropped, SectorControl, CapacityWarn, CapacityAlert, CapacityOK:
		return wanted(e.ID)
	}
	if d, is := e.Detail.(*Conflict); is && slices.ContainsFunc(d.Sectors, wanted) {
		return true
	}
	return slices.ContainsFunc(e.Windows, func(w SectorWindow) bool { return wanted(w.Sector) }) || slices.ContainsFunc(e.Left, wanted)
}

func (f *Filter) anyZone(e *Event) bool {
	if e.Kind.zoneWord() != "" {
		return slices.Contains(f.Zones, e.ID)
	}
	return slices.ContainsFunc(e.Zones, func(z ZoneMention) bool { return slices.Contains(f.Zones, z.Zone) })
}

// meets says whether an extent has something in common with the volume; true where that is not known.
func (v FilterVolume) meets(x Extent) bool {
	asked := extent{beginNs: x.BeginNs, endNs: x.EndNs, south: v.South, north: v.North, west: v.West, width: v.Width, lowCm: -geo.UnlimitedCm, highCm: geo.UnlimitedCm, kind: ofFlight}
	if v.Ref != 0 && v.Ref == x.Ref {
		asked.lowCm, asked.highCm = v.LowCm, v.HighCm
	}
	asked.ref = x.Ref
	given := extent{beginNs: x.BeginNs, endNs: x.EndNs, south: x.South, north: x.North, west: x.West, width: x.Width, lowCm: x.LowCm, highCm: x.HighCm, ref: x.Ref, kind: ofFlight}
	return given.meets(&asked, 0)
}

// ParseEventKind reads a kind's word.
func ParseEventKind(word string) (EventKind, bool) {
	for k := EventKind(1); k != 0; k++ {
		if w := k.word(); w != "" && w == word {
			return k, true
		}
	}
	return 0, false
}
