package api

import (
	"testing"

	"onevoice/airspace"
	"onevoice/geo"
)

// TestForecastEncoders holds what is written by hand against what encoding/json writes.
func TestForecastEncoders(t *testing.T) {
	c := &airspace.Conflict{A: "f", B: "g", Sectors: []string{"S", "T"}, Since: airspace.Version{Index: 7}, Approach: geo.Approach{
		Spans: []geo.Span{{FromNs: 1, ToNs: 2}, {FromNs: 3, ToNs: 4}}, AtNs: 3, Pos: geo.LatLon{LatE7: 1, LonE7: -2}, LateralCm: 185_200, VerticalCm: 3048,
	}}
	want := Conflict{
		A: ConflictFlight{"f", "C"}, B: ConflictFlight{Flight: "g"}, Spans: []Span{{1, 2}, {3, 4}},
		Closest: Closest{3, Position(c.Pos), 185_200, 3048}, Sectors: []string{"S", "T"}, Since: "7.0",
	}
	page := airspace.Conflicts{List: []airspace.Encounter{{Conflict: c, CallsignA: "C"}}, Next: &airspace.ConflictCursor{FromNs: 1, A: "f", B: "g"}, Computing: true}
	same(t, "conflicts", AppendConflicts(nil, 1, 2, 3, &page), Conflicts{At: 1, From: 2, To: 3, Conflicts: []Conflict{want}, Computing: true, Next: "1_f+g"})
	if back, ok := ParseConflictCursor("1_f+g"); !ok || back != *page.Next {
		t.Errorf("cursor %+v, %v", back, ok)
	}
	for _, bad := range []string{"", "1_f", "x_f+g", "1_f+", "1f+g"} {
		if _, ok := ParseConflictCursor(bad); ok {
			t.Errorf("%q is a cursor", bad)
		}
	}
	want.A.Callsign = ""
	same(t, "event", AppendEvent(nil, &airspace.Event{Kind: airspace.ConflictFound, ID: "f+g", Version: c.Since, Detail: c}), Event{Kind: "conflict-found", ID: "f+g", Version: "7.0", Conflict: &want})

	counts := airspace.Capacity{OccupancyWarn: 1, OccupancyAlert: 2, EntriesWarn: 3, EntriesAlert: 4}
	bucket := airspace.Bucket{Entries: 1, HourEntries: 2, Peak: 3, SurePeak: 4, Level: airspace.LevelAlert}
	shown := Bucket{From: 600e9, Entries: 1, HourEntries: 2, Peak: 3, SurePeak: 4, Level: "alert"}
	load := airspace.Load{Sector: "S", Capacity: counts, FromNs: 600e9, ToNs: 1200e9, BucketNs: 600e9, Buckets: []airspace.Bucket{bucket}}
	same(t, "load", AppendLoad(nil, &load), Load{"S", Capacity(counts), 600e9, 1200e9, 600e9, []Bucket{shown}})
	level := WatchedLevel{airspace.SectorLevel{Sector: "S", FromNs: 600e9, Since: c.Since}, bucket, counts}
	same(t, "levels", AppendLevels(nil, []WatchedLevel{level}, true, "n"), Levels{[]SectorLevel{{"S", shown, Capacity(counts), "7.0"}}, true, "n"})
	same(t, "load event", AppendEvent(nil, &airspace.Event{Kind: airspace.CapacityAlert, ID: "S", Version: c.Since, Detail: &airspace.BucketLoad{FromNs: 600e9, BucketNs: 600e9, Bucket: bucket}}),
		Event{Kind: "capacity-alert", ID: "S", Version: "7.0", Load: &shown})
	s := airspace.SectorRecord{Sector: airspace.Sector{ID: "S", Volumes: []geo.Polygon{}, Separation: geo.Separation{LateralCm: 185_200, VerticalCm: 3048}, Capacity: counts}, Version: c.Since}
	same(t, "sector", AppendSector(nil, &s), FromSector(&s))
}
