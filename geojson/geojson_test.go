package geojson

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/web/api"
)

var rewrite = flag.Bool("rewrite", false, "write the golden file anew")

const (
	square = `{"type":"Polygon","coordinates":[[[8,46],[9,46],[9,47],[8,47],[8,46]]]}`
	height = `"floor":{"value":355,"unit":"FL","ref":"STD"},"ceiling":"unlimited"`
	times  = `"from":"2018-08-01T05:00:00Z","to":"2018-08-01T08:00:00Z"`
)

func read[T any](t testing.TB, text string) *T {
	t.Helper()
	into := new(T)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
	return into
}

func sector(t testing.TB) *api.Sector {
	return read[api.Sector](t, `{"id":"LSAZM5","name":"Zurich upper 5","version":"3.2","volumes":[{"polygon":`+square+`,`+height+`},
		{"polygon":`+square+`,"floor":{"value":1000,"unit":"ft","ref":"AMSL"},"ceiling":{"value":355,"unit":"FL","ref":"STD"},"from":"2018-08-01T05:00:00Z"}]}`)
}

func zone(t testing.TB) *api.Zone {
	return read[api.Zone](t, `{"id":"U1","kind":"limit","name":"Thun","owner":"CAA","remarks":"shooting","limit":{"at_once":2},"version":"17.0","volumes":[
		{"polygon":`+square+`,`+height+`,`+times+`},{"polygon":`+square+`,"floor":{"value":12.5,"unit":"m","ref":"WGS84"},"ceiling":{"value":400,"unit":"FL","ref":"STD"},`+times+`}]}`)
}

func collect(t *testing.T, features ...[]Feature) []byte {
	t.Helper()
	var b bytes.Buffer
	c, err := Begin(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range features {
		if err := c.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWritten holds one thing of each kind against a golden file.
func TestWritten(t *testing.T) {
	path := read[api.Flight](t, `{"id":"SWR1-4b1-1","callsign":"SWR1","from":"LSZH","to":"LSGG","version":"7.0","path":[
		{"position":[8.5,47.4],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":"2018-08-01T10:55:00Z"},
		{"position":[6.1,46.2],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":"2018-08-01T11:25:00Z"}],
		"windows":[{"sector":"LSAZM5","enters_earliest":"2018-08-01T11:00:10Z","enters_latest":"2018-08-01T11:00:10Z","leaves_earliest":"2018-08-01T11:10:00Z","leaves_latest":"2018-08-01T11:12:00Z","sure":true}]}`)
	drone := read[api.Flight](t, `{"id":"DRONE","callsign":"","from":"","to":"","version":"8.0","volumes":[{"polygon":`+square+`,`+height+`,`+times+`}]}`)
	conflict := read[api.Conflict](t, `{"a":{"flight":"4b1-1","callsign":"SWR1"},"b":{"flight":"4b2-1"},"spans":[{"from":"2018-08-01T11:20:00Z","to":"2018-08-01T11:20:10Z"},{"from":"2018-08-01T11:21:00Z","to":"2018-08-01T11:21:10Z"}],
		"closest":{"time":"2018-08-01T11:21:05Z","position":[8,47],"lateral":{"value":2.29,"unit":"NM"},"vertical":{"value":900,"unit":"ft"}},"sectors":["LSAZM5"],"since":"7.0"}`)
	got := collect(t, OfSector(sector(t)), OfZone(zone(t)), OfFlight(path), OfFlight(drone), OfConflict(conflict))
	const golden = "testdata/written.geojson"
	if *rewrite {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
	}
	if !json.Valid(got) || !json.Valid(collect(t)) {
		t.Error("it is no JSON")
	}
}

// TestZonesComeBack reads what was written.
func TestZonesComeBack(t *testing.T) {
	want := []api.Zone{*zone(t), *read[api.Zone](t, `{"id":"R6","kind":"closed","volumes":[{"polygon":`+square+`,`+height+`,`+times+`}]}`)}
	got, err := ReadZones(bytes.NewReader(collect(t, OfZone(&want[0]), OfZone(&want[1]))))
	want[0].Version = ""
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, got\n%+v\nwant\n%+v", err, got, want)
	}
}

// TestSectorsComeBack reads what was written where heights are flight levels, as a file of sectors.
func TestSectorsComeBack(t *testing.T) {
	s := sector(t)
	if _, report, err := feed.ReadSectors(bytes.NewReader(collect(t, OfSector(s)))); err != nil || report.Good != 1 || len(report.Defects) != 1 || report.Defects[0].Field != "floor" {
		t.Errorf("with a floor that is no flight level: %v, %+v", err, report)
	}
	s.Volumes = s.Volumes[:1]
	got, report, err := feed.ReadSectors(bytes.NewReader(collect(t, OfSector(s))))
	if err != nil || len(report.Defects) > 0 || len(got) != 1 {
		t.Fatalf("%v, %+v, %+v", err, report, got)
	}
	back := api.FromSector(&airspace.SectorRecord{Sector: got[0]})
	if s.Version = ""; back.ID != s.ID || back.Name != s.Name || !reflect.DeepEqual(back.Volumes, s.Volumes) {
		t.Errorf("got\n%+v\nwant\n%+v", back, s)
	}
}

func TestWrongZones(t *testing.T) {
	const good = `{"zone":"Z","kind":"closed","fl_min":0,"fl_max":100,` + times + `}`
	collection := func(properties, geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":` + geometry + `,"properties":` + properties + `}]}`
	}
	if zones, err := ReadZones(strings.NewReader(collection(good, square))); err != nil || len(zones) != 1 || zones[0].Volumes[0].Ceiling.String() != "FL100" {
		t.Fatalf("%v, %+v", err, zones)
	}
	for text, says := range map[string]string{
		`{"type":"Feature"}`: `type is "Feature"`,
		`{`:                  "unexpected end",
		collection(strings.Replace(good, `"zone":"Z",`, "", 1), square):                    `feature 1: zone is "" and kind "closed"`,
		collection(strings.Replace(good, `"fl_min":0,`, "", 1), square):                    "neither floor nor fl_min",
		collection(strings.Replace(good, `"fl_max":100`, `"fl_max":1000`, 1), square):      "fl_max is 1000, allowed: a flight level from 0 to 999",
		collection(strings.Replace(good, `"from":"2018-08-01T05:00:00Z",`, "", 1), square): "no from or no to",
		collection(good, `{"type":"Point","coordinates":[8,46]}`):                          "Polygon",
		collection(good, `null`): "polygon",
	} {
		if _, err := ReadZones(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

// FuzzReadZones: what is read can be written and read again.
func FuzzReadZones(f *testing.F) {
	f.Add(`{"type":"FeatureCollection","features":[{"geometry":` + square + `,"properties":{"zone":"Z","kind":"closed","fl_min":0,"fl_max":100,` + times + `}}]}`)
	f.Add(`{"type":"FeatureCollection","features":[null,{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		zones, err := ReadZones(strings.NewReader(text))
		if err != nil {
			return
		}
		var all [][]Feature
		for i := range zones {
			all = append(all, OfZone(&zones[i]))
		}
		again, err := ReadZones(bytes.NewReader(collect(t, all...)))
		if err != nil || !reflect.DeepEqual(again, zones) {
			t.Errorf("%v\n%+v\n%+v", err, zones, again)
		}
	})
}
