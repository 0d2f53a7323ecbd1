package cluster

import (
	"slices"

	"onevoice/airspace"
	"onevoice/geo"
	"onevoice/lab/judge"
)

// picture is the airspace as the events of the log tell it, up to some index.
type picture struct {
	sectors map[string]airspace.Version
	flights map[string]plan
	zones   map[string]area
	control *judge.Control
	// pending are the sectors of which a change is staged, "" for the rules; open those whose change holds and has not been told to its end.
	pending, open map[string]bool
	// told are the flights of which something was said since the last such change: of the others it is not known what they have in what is open.
	told map[string]bool
	// marks are the entries that changed something.
	marks []moment
	facts map[string]int
}

// moment is an entry that changed something, and service time then.
type moment struct {
	index uint64
	atNs  int64
}

// last is the newest of them, zero where there is none.
func (p *picture) last() moment {
	if len(p.marks) == 0 {
		return moment{}
	}
	return p.marks[len(p.marks)-1]
}

type plan struct {
	version airspace.Version
	windows []airspace.SectorWindow
}

// area is a zone, with what breaches it, by flight.
type area struct {
	version  airspace.Version
	breaches map[string][]geo.Window
}

func newPicture(c *judge.Control, facts map[string]int) *picture {
	return &picture{
		sectors: map[string]airspace.Version{}, flights: map[string]plan{}, zones: map[string]area{}, control: c,
		pending: map[string]bool{}, open: map[string]bool{}, told: map[string]bool{}, facts: facts,
	}
}

// take hears an event of an entry.
func (p *picture) take(index uint64, event []byte) {
	e, err := airspace.DecodeEvent(event)
	if err != nil {
		return
	}
	if p.last().index != index {
		p.marks = append(p.marks, moment{index, e.ServiceNs})
	}
	p.control.Take(&e)
	p.step(&e)
	switch e.Kind {
	case airspace.SectorPut:
		if isCombined(e.ID) {
			p.facts["airspace: combined"]++
		}
		p.sectors[e.ID] = e.Version
	case airspace.SectorRemoved:
		delete(p.sectors, e.ID)
	case airspace.FlightPut, airspace.FlightRewindowed:
		p.flights[e.ID] = plan{e.Version, e.Windows}
		p.told[e.ID] = true
	case airspace.FlightCancelled, airspace.FlightExpired:
		delete(p.flights, e.ID)
	default:
		p.zone(&e)
	}
}

// step hears how far a staged change is.
func (p *picture) step(e *airspace.Event) {
	switch e.Kind {
	case airspace.SectorStaged:
		p.facts["airspace: staged"]++
		p.pending[e.ID] = true
	case airspace.SectorPut, airspace.SectorRemoved, airspace.SettingsChanged:
		if p.pending[e.ID] {
			delete(p.pending, e.ID)
			p.open[e.ID], p.told = true, map[string]bool{}
		}
	case airspace.SectorSettled:
		p.facts["airspace: settled"]++
		delete(p.open, e.ID)
	case airspace.SectorDropped:
		delete(p.pending, e.ID)
	}
}

func (p *picture) zone(e *airspace.Event) {
	switch e.Kind {
	case airspace.ZonePut:
		p.facts["airspace: zone"]++
		z := area{e.Version, p.zones[e.ID].breaches}
		if z.breaches == nil {
			z.breaches = map[string][]geo.Window{}
		}
		p.zones[e.ID] = z
	case airspace.ZoneRemoved, airspace.ZoneExpired:
		delete(p.zones, e.ID)
	case airspace.BreachFound:
		p.facts["airspace: breach"]++
		p.zones[e.ID].breaches[e.Detail.(*airspace.BreachDetail).Flight] = e.Detail.(*airspace.BreachDetail).Windows
	case airspace.BreachResolved:
		delete(p.zones[e.ID].breaches, e.Detail.(*airspace.BreachDetail).Flight)
	case airspace.ZoneChecked:
		if e.Version.Index != p.last().index {
			p.facts["airspace: zone checked later"]++
		}
	}
}

// sure leaves out the windows of which no event has said yet what becomes of them.
func (p *picture) sure(flight string, windows []airspace.SectorWindow) []airspace.SectorWindow {
	if len(p.open) == 0 || p.told[flight] {
		return windows
	}
	return slices.DeleteFunc(slices.Clone(windows), func(w airspace.SectorWindow) bool { return p.vague(flight, w.Sector) })
}

// vague says whether it is not known what a flight has in a sector.
func (p *picture) vague(flight, sector string) bool {
	return !p.told[flight] && (p.open[sector] || p.open[""])
}
