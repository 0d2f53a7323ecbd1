package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"onevoice/airspace"
	"onevoice/geo"
	"onevoice/problem"
)

// records are a sector and a flight with something of everything.
func records() (*airspace.SectorRecord, *airspace.FlightRecord) {
	ring := geo.Ring{{LatE7: 470000000, LonE7: 80000000}, {LatE7: 470000001, LonE7: 90000000}, {LatE7: 479999999, LonE7: -1800000000}}
	band := geo.Band{Floor: geo.Altitude{Cm: 152400, Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: 300012, Ref: geo.RefAMSL}}
	s := &airspace.SectorRecord{Version: airspace.Version{Index: 17, Sub: 3}}
	s.ID, s.Name = "LSAZM5", "Zürich <upper> & \"more\"\u2028\x01"
	s.Volumes = []geo.Polygon{{Rings: []geo.Ring{ring, ring}, Band: band}, {Rings: []geo.Ring{ring}, Band: geo.Band{Floor: geo.FlightLevel(245), Ceiling: geo.FlightLevel(999)}}}
	f := &airspace.FlightRecord{Version: airspace.Version{Index: 1<<64 - 1}}
	f.ID, f.Callsign, f.From, f.To = "4b1805:1", "SWR1", "LSZH", ""
	f.Path = []geo.Point4D{
		{Pos: geo.LatLon{LatE7: -1, LonE7: -10}, Alt: geo.Altitude{Cm: -100, Ref: geo.RefWGS84}, AtNs: 1_533_099_600_000_000_001},
		{Pos: geo.LatLon{LatE7: 900000000, LonE7: 1799999999}, Alt: geo.Altitude{Cm: 30480, Ref: geo.RefWGS84}, AtNs: 1_533_099_700_500_000_000},
	}
	f.Uncertainty = geo.Uncertainty{LateralCm: 185200, VerticalCm: 9144, TimeNs: 1_500_000_000}
	f.Windows = []airspace.SectorWindow{{Sector: "LSAZM5", Window: geo.Window{EnterMinNs: -1, EnterMaxNs: 2e9, LeaveMinNs: 3e9, LeaveMaxNs: 4e9}}}
	return s, f
}

// same checks that an appending writer gives what encoding/json gives, and that it reads back.
func same[T any](t *testing.T, what string, got []byte, want T) {
	t.Helper()
	plain, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if what != "sector" && string(got) != string(plain) { // names are escaped further than encoding/json does
		t.Errorf("%s:\n got %s\nwant %s", what, got, plain)
	}
	var back T
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatalf("%s: %v in %s", what, err, got)
	}
	if !reflect.DeepEqual(back, want) {
		t.Errorf("%s reads back as\n     %+v\nwant %+v", what, back, want)
	}
}

// TestPlanIsItsOwnBody reads back what AppendFlight makes of a plan that nobody has put yet.
func TestPlanIsItsOwnBody(t *testing.T) {
	_, f := records()
	f.Path[0].AtNs -= f.Path[0].AtNs % 1000 // microseconds are what a body can say
	plan := airspace.FlightRecord{Flight: f.Flight}
	same(t, "plan", AppendFlight(nil, &plan), FromFlight(&plan))
	if back, err := ReadFlight(f.ID, AppendFlight(nil, &plan)); err != nil || !reflect.DeepEqual(back, f.Flight) {
		t.Errorf("%v: reads back as\n     %+v\nwant %+v", err, back, f.Flight)
	}
}

// drone is a plan of volumes, all valid, in times that a body can say.
func drone() airspace.Flight {
	s, _ := records()
	at := airspace.Volume4D{FromNs: 1_533_099_600_000_001_000, ToNs: 1_533_099_700_500_000_000}
	at.Area = geo.Polygon{Band: s.Volumes[0].Band, Rings: []geo.Ring{{{LatE7: 470000000, LonE7: 80000000}, {LatE7: 470000000, LonE7: 80000010}, {LatE7: 470000010, LonE7: 80000010}}}}
	later := at
	later.FromNs, later.ToNs = at.ToNs, at.ToNs+1000
	return airspace.Flight{ID: "d", Callsign: "DRONE", Volumes: []airspace.Volume4D{at, later}}
}

func TestVolumesAreTheirOwnBody(t *testing.T) {
	f := drone()
	plan := airspace.FlightRecord{Flight: f}
	same(t, "volumes", AppendFlight(nil, &plan), FromFlight(&plan))
	body := string(AppendFlight(nil, &plan))
	back, err := ReadFlight(f.ID, []byte(body))
	if err != nil || !reflect.DeepEqual(back, f) {
		t.Errorf("%v: reads back as\n     %+v\nwant %+v", err, back, f)
	}
	out := FromFlight(&plan)
	if int64(out.Begins()) != f.BeginNs() || int64(out.Ends()) != f.EndNs() {
		t.Errorf("from %v to %v", out.Begins(), out.Ends())
	}
	for _, c := range []struct{ field, old, with string }{
		{"volumes", `"volumes"`, `"path":[],"volumes"`},
		{"volumes", `"volumes"`, `"legs":"great-circle","volumes"`},
		{"volumes", body[strings.Index(body, `"volumes"`):], `"volumes":[]}`},
		{"uncertainty", `"volumes"`, `"uncertainty":{"lateral":{"value":1,"unit":"m"},"vertical":{"value":0,"unit":"m"},"time":{"value":0,"unit":"s"}},"volumes"`},
		{"volumes[0].to", `2018-08-01T05:01:40.5Z`, `2018-08-01T05:00:00Z`},
		{"volumes[0].from", `"from":"2018-08-01T05:00:00.000001Z"`, `"edges":"straight"`},
		{"volumes[0].height", `"floor"`, `"height":1,"floor"`},
		{"volumes[0].ceiling", `"ceiling":{"value":3000.12`, `"ceiling":{"value":1000`},
		{"volumes[0].polygon.coordinates[0]", `[8,47],[8.000001,47],[8.000001,47.000001],[8,47]`, `[8,47],[8.000002,47],[8.000001,47],[8,47]`},
	} {
		changed := strings.Replace(body, c.old, c.with, 1)
		if changed == body {
			t.Fatalf("no %s in %s", c.old, body)
		}
		_, err := ReadFlight(f.ID, []byte(changed))
		if p := (*problem.Error)(nil); !errors.As(err, &p) || p.Kind != problem.Invalid || !strings.HasPrefix(p.Field, c.field) {
			t.Errorf("%s for %s: %v", c.with, c.old, err)
		}
	}
}

func TestAnswersAreTheirTypesInJSON(t *testing.T) {
	s, f := records()
	same(t, "sector", AppendSector(nil, s), FromSector(s))
	same(t, "flight", AppendFlight(nil, f), FromFlight(f))
	same(t, "flights", AppendFlights(nil, []*airspace.FlightRecord{f, f}, "n"), Flights{[]Flight{FromFlight(f), FromFlight(f)}, "n"})
	same(t, "no flights", AppendFlights(nil, nil, ""), Flights{Flights: []Flight{}})
	same(t, "no sectors", AppendSectors(nil, nil, ""), Sectors{Sectors: []Sector{}})
	w := f.Windows[0].Window
	presence := Presence{f.ID, f.Callsign, f.From, f.To, f.Version.String(), "pre-active", "", false, FromWindow(w)}
	page := Page{Sector: "S", State: airspace.New().State(), At: 1e9, From: 2e9, To: 3e9, Visits: []airspace.Occupant{{Flight: f, Window: w}, {Flight: f, Window: w}}, Next: "-1_f", Closed: true}
	same(t, "page", AppendPage(nil, &page), Presences{"S", 1e9, 2e9, 3e9, []Presence{presence, presence}, true, "-1_f"})
	page = Page{At: 1e9, From: 2e9, To: 3e9}
	same(t, "empty page", AppendPage(nil, &page), Presences{At: 1e9, From: 2e9, To: 3e9, Flights: []Presence{}})
	res := airspace.Result{Version: airspace.Version{Index: 7}, ServiceNs: 5, Windows: f.Windows, Rewindowed: 3, Staged: true}
	same(t, "written", AppendWritten(nil, "F", &res), Written{"F", "7.0", 5, FromWindows(f.Windows), 3, true})
	res.Windows = nil
	same(t, "set", AppendWritten(nil, "", &res), Written{Version: "7.0", ServiceTime: 5, Rewindowed: 3, Staged: true})
	e := airspace.Event{Kind: airspace.FlightPut, ID: "F", Version: airspace.Version{Index: 7, Sub: 1}, Callsign: "C", Windows: f.Windows, ServiceNs: 9}
	same(t, "event", AppendEvent(nil, &e), Event{Kind: "flight-put", ID: "F", Version: "7.1", Callsign: "C", ServiceTime: 9, Windows: FromWindows(f.Windows)})
	e.Left, e.Zones = []string{"A", "B"}, []airspace.ZoneMention{{Zone: "N", Index: 7}, {Zone: "Z"}}
	same(t, "event that moves", AppendEvent(nil, &e), Event{Kind: "flight-put", ID: "F", Version: "7.1", Callsign: "C", ServiceTime: 9, Windows: FromWindows(f.Windows),
		Left: e.Left, Zones: []ZoneMention{{"N", 7}, {Zone: "Z"}}})
	e = airspace.Event{Kind: airspace.BreachFound, ID: "Z", Version: airspace.Version{Index: 7, Sub: 1}, ServiceNs: 9, Detail: &airspace.BreachDetail{Flight: "F", Windows: []geo.Window{f.Windows[0].Window}}}
	same(t, "breach", AppendEvent(nil, &e), Event{Kind: "breach-found", ID: "Z", Version: "7.1", ServiceTime: 9, Breach: &ZoneBreach{"F", []Window{FromWindow(f.Windows[0].Window)}}})
	e = airspace.Event{ID: "F", Version: airspace.Version{Index: 7, Sub: 1}, Callsign: "C", Windows: f.Windows, ServiceNs: 9}
	mark := airspace.Mark{State: airspace.Deviating, SinceNs: 3, LastReportNs: 4, SpreadNs: 5e9}
	e.Kind, e.Detail = airspace.FlightProgress, &mark
	same(t, "progress event", AppendEvent(nil, &e), Event{Kind: "flight-progress", ID: "F", Version: "7.1", Callsign: "C", ServiceTime: 9, Windows: FromWindows(f.Windows), Progress: &Progress{State: "deviating", Since: 3, LastReport: 4, Spread: 5e9}})
	reported := *f
	reported.Progress = &airspace.Progress{Mark: mark, Filed: f.Windows}
	same(t, "flight with progress", AppendFlight(nil, &reported), FromFlight(&reported))
	report := airspace.ReportProgress{ID: "F", Mark: mark, Path: f.Path}
	if body, err := json.Marshal(FromReport(&report)); err != nil {
		t.Error(err)
	} else if read, err := ReadProgress("F", body); err != nil || !reflect.DeepEqual(read, report) {
		t.Errorf("report %+v, read as %+v, %v", report, read, err)
	}
	same(t, "settings event", AppendEvent(nil, &airspace.Event{Kind: airspace.SettingsChanged}), Event{Kind: "settings", Version: "0.0"})
	same(t, "service time", AppendServiceTime(nil, 8, &airspace.Settings{RateMilli: 2500, Version: e.Version}), ServiceTime{8, "2.5", "7.1"})
	same(t, "rules", AppendRules(nil, &airspace.Settings{CrossRefCm: 30_000, RetainNs: 6e11, Separation: geo.Separation{LateralCm: 926_000, VerticalCm: 30_480}, Version: e.Version}),
		Rules{30_000, 6e11, Separation{926_000, 30_480}, "7.1"})
	track := Track{ID: "a", Position: Position(f.Path[0].Pos), Time: 7}
	same(t, "bare track", AppendTrack(nil, &track), track)
	track.Callsign, track.Altitude, track.TrackDeg, track.GroundSpeedKt, track.VerticalRateFpm = "C", new(Altitude(geo.FlightLevel(10))), new(0.05), new(1e4), new(-1.0)
	same(t, "track", AppendTrack(nil, &track), track)
}

// What a client sends is what it read, without what answers add.
func TestAnswersCanBeSentBack(t *testing.T) {
	s, f := records()
	s.Volumes[0].Rings = s.Volumes[0].Rings[:1]
	for i := range s.Volumes {
		s.Volumes[i].Rings[0][2].LonE7 = 85000000
	}
	s.Effective = make([]geo.Span, len(s.Volumes))
	for i := range s.Effective {
		s.Effective[i] = airspace.Always()
	}
	s.Effective[0] = geo.Span{FromNs: airspace.Always().FromNs, ToNs: 9e9}
	s.Hours = airspace.Hours{
		Weekly:  []airspace.Shift{{Days: 0b1000011, FromMin: 22*60 + 5, ToMin: 24 * 60}, {Days: 1, FromMin: 0, ToMin: 1}},
		Periods: []airspace.Period{{Span: geo.Span{FromNs: 5e9, ToNs: airspace.Always().ToNs}, Into: "C"}, {Span: geo.Span{FromNs: 1e9, ToNs: 2e9}, Open: true}},
	}
	same(t, "sector with times", AppendSector(nil, s), FromSector(s))
	staged := airspace.Staging{Version: airspace.Version{Index: 9}, SinceNs: 7, Phase: airspace.StagingTells, Done: 3, Of: 8}
	whole := FromSector(s)
	whole.Staged = &Staged{"9.0", 7, "tells", 3, 8}
	same(t, "staged sector", AppendSectorStaged(nil, s, &staged), whole)
	sector := FromSector(s)
	sector.Version = ""
	body, _ := json.Marshal(sector)
	back, err := ReadSector(s.ID, body)
	if err != nil || !reflect.DeepEqual(back, s.Sector) {
		t.Errorf("%v\n got %+v\nwant %+v", err, back, s.Sector)
	}
	f.Path[1].Pos.LonE7 = 0
	flight := FromFlight(f)
	flight.Version, flight.Windows = "", nil
	body, _ = json.Marshal(flight)
	plan, err := ReadFlight(f.ID, body)
	if err != nil || !reflect.DeepEqual(plan, f.Flight) {
		t.Errorf("%v\n got %+v\nwant %+v", err, plan, f.Flight)
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]struct {
		cm   int32
		back string
	}{
		`{"value":24500,"unit":"ft","ref":"STD"}`:     {746760, `{"value":245,"unit":"FL","ref":"STD"}`},
		`{"value":24550,"unit":"ft","ref":"STD"}`:     {748284, `{"value":24550,"unit":"ft","ref":"STD"}`},
		`{"value":1001,"unit":"ft","ref":"AMSL"}`:     {30510, `{"value":1001,"unit":"ft","ref":"AMSL"}`},
		`{"value":1e2,"unit":"m","ref":"WGS84"}`:      {10000, `{"value":100,"unit":"m","ref":"WGS84"}`},
		`{"value":100.005,"unit":"m","ref":"WGS84"}`:  {10001, `{"value":100.01,"unit":"m","ref":"WGS84"}`},
		`{"value":-100.005,"unit":"m","ref":"WGS84"}`: {-10001, `{"value":-100.01,"unit":"m","ref":"WGS84"}`},
		`{"value":-0.004,"unit":"m","ref":"AMSL"}`:    {0, `{"value":0,"unit":"ft","ref":"AMSL"}`},
		`{"value":245.5,"unit":"FL","ref":"STD"}`:     {748284, `{"value":24550,"unit":"ft","ref":"STD"}`},
		`"unlimited"`: {geo.UnlimitedCm, `"unlimited"`},
		`{"value":1E-999999999,"unit":"m","ref":"STD"}`: {0, `{"value":0,"unit":"FL","ref":"STD"}`},
	} {
		var a Altitude
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		back, _ := json.Marshal(a)
		if a.Cm != want.cm || string(back) != want.back {
			t.Errorf("%s is %d cm and %s, want %d and %s", text, a.Cm, back, want.cm, want.back)
		}
	}
	var l Length
	var h Height
	var d Duration
	for text, into := range map[string]any{`{"value":0.5,"unit":"NM"}`: &l, `{"value":500,"unit":"ft"}`: &h, `{"value":1.5,"unit":"min"}`: &d} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Error(err)
		}
	}
	if l != 92600 || h != 15240 || d != 90e9 {
		t.Errorf("%d cm, %d cm, %d ns", l, h, d)
	}
}

func TestPositionsRoundToTheNearest(t *testing.T) {
	for text, want := range map[string]Position{
		`[8.12345675,47]`:              {470000000, 81234568},
		`[-8.12345675,-47.00000004]`:   {-470000000, -81234568},
		`[180,-90]`:                    {-900000000, -1800000000},
		`[-180,90.00000000000000001]`:  {900000000, -1800000000},
		`[179.99999996,1e1]`:           {100000000, -1800000000},
		`[0.0000000499999999,-0.0e+5]`: {0, 0},
	} {
		var p Position
		if err := json.Unmarshal([]byte(text), &p); err != nil || p != want {
			t.Errorf("%s is %v (%v), want %v", text, p, err, want)
		}
	}
}

func TestGreatCirclesAreCut(t *testing.T) {
	body := `{"legs":"great-circle","uncertainty":{"lateral":{"value":0,"unit":"m"},"vertical":{"value":0,"unit":"m"},"time":{"value":0,"unit":"s"}},"path":[` +
		`{"position":[-73,40],"altitude":{"value":350,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:00:00Z"},` +
		`{"position":[8,47],"altitude":{"value":350,"unit":"FL","ref":"STD"},"time":"2018-08-01T12:00:00Z"}]}`
	f, err := ReadFlight("F", []byte(body))
	if err != nil || len(f.Path) < 100 {
		t.Fatalf("%d points, %v", len(f.Path), err)
	}
	highest := int32(0)
	for _, p := range f.Path {
		highest = max(highest, p.Pos.LatE7)
	}
	if highest < 510000000 {
		t.Errorf("the great circle reaches latitude %d only", highest)
	}
	ring := `{"volumes":[{"polygon":{"type":"Polygon","coordinates":[[[-10,50],[10,50],[10,51],[-10,51],[-10,50]]]},"floor":{"value":0,"unit":"m","ref":"AMSL"},"ceiling":"unlimited"}]}`
	straight, err := ReadSector("S", []byte(ring))
	if err != nil {
		t.Fatal(err)
	}
	great, err := ReadSector("S", []byte(strings.Replace(ring, `"floor"`, `"edges":"great-circle","floor"`, 1)))
	if n, m := len(straight.Volumes[0].Rings[0]), len(great.Volumes[0].Rings[0]); err != nil || n != 4 || m < 20 {
		t.Errorf("%d vertices straight, %d great circle, %v", n, m, err)
	}
}

func TestAQuestionHasATime(t *testing.T) {
	const ask = `{"volume":{"circle":{"center":[8,47],"radius":{"value":1,"unit":"km"}},"floor":{"value":0,"unit":"m","ref":"AMSL"},"ceiling":"unlimited"}`
	for times, ok := range map[string]bool{
		``: true, `,"from":"2018-08-01T05:00:00Z"`: true, `,"to":"2018-08-01T05:00:00Z"`: true,
		`,"from":"2018-08-01T05:00:00Z","to":"2018-08-01T05:00:00.000000001Z"`: true,
		`,"from":"2018-08-01T05:00:00Z","to":"2018-08-01T05:00:00Z"`:           false,
	} {
		q, err := ReadQuestion([]byte(ask + times + "}"))
		if (err == nil) != ok || ok && (len(q.Volume.Rings) != 1 || (q.From == nil) != !strings.Contains(times, "from")) {
			t.Errorf("%q: %+v, %v", times, q, err)
		}
	}
}

func TestProblemsHaveTheirKinds(t *testing.T) {
	for k := problem.Invalid; k <= problem.PreconditionFailed; k++ {
		p := Problem{Type: URN + k.String(), Op: "o", Subject: "s", Field: "f", Value: "v", Allowed: "a", Detail: "d"}
		if *p.Err() != (problem.Error{Kind: k, Op: "o", Subject: "s", Field: "f", Value: "v", Allowed: "a", Detail: "d"}) {
			t.Errorf("%s reads back as %+v", k, p.Err())
		}
	}
	if p := (&Problem{Type: "about:blank"}); p.Kind() != problem.Internal {
		t.Error(p.Kind())
	}
}

func TestCursors(t *testing.T) {
	f := &airspace.FlightRecord{}
	f.ID = "a_b"
	for _, c := range []airspace.Cursor{{EnterNs: -5, Flight: "4b:1.x-2"}, {EnterNs: 1 << 62, Flight: "F"}} {
		f.ID = c.Flight
		v := airspace.Occupant{Flight: f, Window: geo.Window{EnterMinNs: c.EnterNs}}
		if got, ok := ParseCursor(Cursor(v)); !ok || got != c {
			t.Errorf("%q is %v", Cursor(v), got)
		}
	}
	for _, s := range []string{"", "_", "5", "5_", "x_F", "5_a b", "99999999999999999999_F"} {
		if c, ok := ParseCursor(s); ok {
			t.Errorf("%q is %v", s, c)
		}
	}
}
