package cluster

import (
	"fmt"

	"onevoice/airspace"
	"onevoice/geo"
)

const (
	zoneIDs     = 3
	combinedIDs = 2
)

func (w *airspaceWork) zoneID() string { return fmt.Sprintf("Z%d", w.rand.IntN(zoneIDs)) }

// zoneCommand puts a zone, or removes one.
func (w *airspaceWork) zoneCommand() airspace.Command {
	id := w.zoneID()
	if w.rand.IntN(8) == 0 {
		return airspace.RemoveZone{ID: id, If: w.precondition(id)}
	}
	z := airspace.Zone{ID: id, Kind: pick(w.rand, airspace.ZoneClosed, airspace.ZoneClosed, airspace.ZoneLimit, airspace.ZoneNotice)}
	if z.Kind == airspace.ZoneLimit {
		z.Limit = airspace.Limit{AtOnce: 1 + w.rand.IntN(2), PerHour: w.rand.IntN(3)}
	}
	for range 1 + w.rand.IntN(2) {
		from := w.instant()
		z.Volumes = append(z.Volumes, airspace.Volume4D{Area: w.rectangle(), FromNs: from, ToNs: from + 20*minuteNs + w.rand.Int64N(120*minuteNs)})
	}
	return airspace.PutZone{Zone: z, If: w.precondition(id)}
}

func (w *airspaceWork) zoneQuestion() airspace.Query {
	id := w.zoneID()
	if w.rand.IntN(4) == 0 {
		return airspace.ZoneQuery{ID: id}
	}
	from := w.instant()
	return airspace.BreachQuery{Zone: id, FromNs: from, ToNs: from + 1 + w.rand.Int64N(90*minuteNs), Limit: 1000}
}

// rectangle is a volume somewhere in four degrees by four, below or above a level.
func (w *airspaceWork) rectangle() geo.Polygon {
	south, west := w.rand.Int32N(3*degreeE7), w.rand.Int32N(3*degreeE7)
	north, east := south+1+w.rand.Int32N(degreeE7), west+1+w.rand.Int32N(degreeE7)
	ring := geo.Ring{{LatE7: south, LonE7: west}, {LatE7: south, LonE7: east}, {LatE7: north, LonE7: east}, {LatE7: north, LonE7: west}}
	band := geo.Band{Floor: geo.Altitude{Ref: geo.RefSTD}, Ceiling: geo.FlightLevel(pick(w.rand, 100, 400))}
	if w.rand.IntN(3) == 0 {
		band = geo.Band{Floor: geo.Altitude{Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: 500_000, Ref: geo.RefAMSL}}
	}
	return geo.Polygon{Rings: []geo.Ring{ring}, Band: band}
}

// anySector is a sector, now and then one that others are combined into.
func (w *airspaceWork) anySector() string {
	if w.rand.IntN(8) == 0 {
		return fmt.Sprintf("C%d", w.rand.IntN(combinedIDs))
	}
	return w.sectorID()
}

// isCombined says whether a sector is one of those that nothing but combining and splitting changes.
func isCombined(id string) bool { return id[:min(1, len(id))] == "C" }

// combinedID numbers commands that combine and split: of their events, which are of several sectors, the one of that into which they do.
func combinedID(v airspace.Version) uint64 { return 1<<63 | versionID(v) }

// combining makes one sector of two for a while, or splits one.
func (w *airspaceWork) combining() airspace.Command {
	into := fmt.Sprintf("C%d", w.rand.IntN(combinedIDs))
	if w.rand.IntN(3) == 0 {
		return airspace.SplitSector{ID: into, AtNs: pick(w.rand, 0, w.instant()), If: w.precondition(into)}
	}
	parts := w.rand.Perm(sectorIDs)[:2]
	from := w.instant()
	return airspace.CombineSectors{
		Into: into, Parts: []string{fmt.Sprintf("S%d", parts[0]), fmt.Sprintf("S%d", parts[1])},
		FromNs: from, ToNs: from + 1 + w.rand.Int64N(120*minuteNs), If: w.precondition(into),
	}
}
