package airspace

import (
	"slices"
	"testing"

	"onevoice/geo"
	"onevoice/problem"
)

func TestFlightThroughTwoSectors(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	w.must(t, PutSector{Sector: sectorOf("B", square(deg(46), deg(8), deg(48), deg(10), 300, 400))})
	res := w.must(t, PutFlight{Flight: eastward("f1", 47, 5, 11, startNs)})
	minute := 60 * second
	at := func(m int64) int64 { return startNs + m*minute }
	sure := func(from, to int64) geo.Window {
		return geo.Window{EnterMinNs: at(from), EnterMaxNs: at(from), LeaveMinNs: at(to), LeaveMaxNs: at(to)}
	}
	want := []SectorWindow{{"A", sure(10, 30)}, {"B", sure(30, 50)}}
	if !slices.Equal(res.Windows, want) {
		t.Fatalf("windows %v, want %v", res.Windows, want)
	}
	if res.Version != (Version{4, 0}) {
		t.Errorf("version %v, want 4.0", res.Version)
	}
	s := w.m.State()
	for _, c := range []struct {
		sector   string
		from, to int64
		found    bool
	}{
		{"A", at(0), at(10), false}, {"A", at(0), at(10) + 1, true}, {"A", at(30), at(60), false}, {"A", at(30) - 1, at(60), true},
		{"B", at(29), at(30), false}, {"B", at(35), at(36), true},
	} {
		list, err := s.Who(c.sector, c.from, c.to, Cursor{}, 10)
		if err != nil || (len(list) == 1) != c.found {
			t.Errorf("who %s %d..%d: %v, %v, want one: %v", c.sector, c.from, c.to, list, err, c.found)
		}
	}
	events := w.takeEvents(t)
	kinds := ""
	for _, e := range events {
		kinds += e.Kind.String() + " "
	}
	if kinds != "sector-put sector-put flight-put " {
		t.Errorf("events %s", kinds)
	}
}

func TestUnknownSectorIsNotEmpty(t *testing.T) {
	_, err := newWorld().m.State().Who("A", 0, 1, Cursor{}, 1)
	if p, ok := err.(*problem.Error); !ok || p.Kind != problem.NotFound {
		t.Errorf("who in an unknown sector: %v, want not-found", err)
	}
}

func TestSectorChangesRewindow(t *testing.T) {
	w := newWorld()
	a := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))
	w.must(t, PutFlight{Flight: eastward("in", 47, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("out", 30, 5, 9, startNs)})
	if res := w.must(t, PutSector{Sector: a}); res.Rewindowed != 1 {
		t.Fatalf("rewindowed %d, want 1", res.Rewindowed)
	}
	before, _ := w.m.State().Flight("in")
	a.Volumes[0] = square(deg(46), deg(6), deg(48), deg(7), 300, 400)
	w.must(t, PutSector{Sector: a})
	after, _ := w.m.State().Flight("in")
	if len(after.Windows) != 1 || after.Windows[0].LeaveMaxNs != before.Windows[0].LeaveMaxNs-600*second {
		t.Errorf("windows %v after the sector shrank, before %v", after.Windows, before.Windows)
	}
	if after.Version != before.Version {
		t.Errorf("version went from %v to %v by rewindowing", before.Version, after.Version)
	}
	a.Volumes[0].Band = geo.Band{Floor: geo.FlightLevel(300), Ceiling: geo.FlightLevel(350)}
	w.must(t, PutSector{Sector: a})
	if f, _ := w.m.State().Flight("in"); len(f.Windows) != 0 {
		t.Errorf("windows %v above the ceiling", f.Windows)
	}
	a.Volumes[0].Band.Ceiling = geo.FlightLevel(351)
	w.must(t, PutSector{Sector: a})
	if res := w.must(t, RemoveSector{ID: "A"}); res.Rewindowed != 1 {
		t.Errorf("removing rewindowed %d, want 1", res.Rewindowed)
	}
	if f, _ := w.m.State().Flight("in"); len(f.Windows) != 0 {
		t.Errorf("windows %v in a sector that is gone", f.Windows)
	}
	if n := w.m.state.visits.Len(); n != 0 {
		t.Errorf("%d visits left", n)
	}
}

func TestPreconditions(t *testing.T) {
	w := newWorld()
	f := eastward("f", 47, 5, 9, startNs)
	w.refuse(t, PutFlight{Flight: f, If: Precondition{Match: &Version{1, 0}}}, problem.PreconditionFailed)
	v1 := w.must(t, PutFlight{Flight: f, If: Precondition{Absent: true}}).Version
	res := w.refuse(t, PutFlight{Flight: f, If: Precondition{Absent: true}}, problem.Conflict)
	if res.Current == nil || *res.Current != v1 {
		t.Errorf("conflict names %v, want %v", res.Current, v1)
	}
	v2 := w.must(t, PutFlight{Flight: f, If: Precondition{Match: &v1}}).Version
	res = w.refuse(t, PutFlight{Flight: f, If: Precondition{Match: &v1}}, problem.PreconditionFailed)
	if res.Current == nil || *res.Current != v2 {
		t.Errorf("stale version is told %v, want %v", res.Current, v2)
	}
	w.refuse(t, CancelFlight{ID: "f", If: Precondition{Match: &v1}}, problem.PreconditionFailed)
	w.refuse(t, CancelFlight{ID: "f", If: Precondition{Absent: true}}, problem.Invalid)
	w.refuse(t, PutFlight{Flight: f, If: Precondition{Match: &v2, Absent: true}}, problem.Invalid)
	w.refuse(t, CancelFlight{ID: "g"}, problem.NotFound)
	w.must(t, CancelFlight{ID: "f", If: Precondition{Match: &v2}})
	w.refuse(t, CancelFlight{ID: "f"}, problem.NotFound)
	w.refuse(t, RemoveSector{ID: "A"}, problem.NotFound)
	w.refuse(t, SetService{RateMilli: 1000, If: Precondition{Match: &Version{7, 7}}}, problem.PreconditionFailed)
	now := w.m.State().Settings().Version
	w.must(t, SetService{RateMilli: 1000, If: Precondition{Match: &now}})
}

func TestBadInputNamesFieldAndRange(t *testing.T) {
	w := newWorld()
	flight := func(change func(*Flight)) Command {
		f := eastward("f", 47, 5, 9, startNs)
		change(&f)
		return PutFlight{Flight: f}
	}
	sector := func(change func(*Sector)) Command {
		s := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))
		change(&s)
		return PutSector{Sector: s}
	}
	for _, c := range []struct {
		field string
		kind  problem.Kind
		cmd   Command
	}{
		{"id", problem.Invalid, flight(func(f *Flight) { f.ID = "" })},
		{"id", problem.Invalid, flight(func(f *Flight) { f.ID = "a b" })},
		{"id", problem.Invalid, sector(func(s *Sector) { s.ID = string(make([]byte, 65)) })},
		{"callsign", problem.Invalid, flight(func(f *Flight) { f.Callsign = "é" })},
		{"from", problem.Invalid, flight(func(f *Flight) { f.From = "\n" })},
		{"points", problem.Invalid, flight(func(f *Flight) { f.Path = f.Path[:1] })},
		{"points", problem.TooLarge, flight(func(f *Flight) { f.Path = make([]geo.Point4D, geo.MaxPathPoints+1) })},
		{"points[2].at", problem.Invalid, flight(func(f *Flight) { f.Path[2].AtNs = f.Path[1].AtNs })},
		{"points[1].lat", problem.Invalid, flight(func(f *Flight) { f.Path[1].Pos.LatE7 = 900_000_001 })},
		{"points", problem.Invalid, flight(func(f *Flight) { f.Path = nil })},
		{"volumes", problem.Invalid, flight(func(f *Flight) { f.Volumes = drone().Volumes })},
		{"volumes", problem.TooLarge, droned(func(f *Flight) { f.Volumes = slices.Repeat(f.Volumes, MaxFlightVolumes+1) })},
		{"volumes", problem.TooLarge, droned(func(f *Flight) { f.Volumes[0].Area.Rings = []geo.Ring{make(geo.Ring, geo.MaxVertices)} })},
		{"volumes[0].to", problem.Invalid, droned(func(f *Flight) { f.Volumes[0].ToNs = f.Volumes[0].FromNs })},
		{"volumes[1].from", problem.Invalid, droned(func(f *Flight) { f.Volumes[1].FromNs = -1 })},
		{"volumes[1].to", problem.Invalid, droned(func(f *Flight) { f.Volumes[1].ToNs = geo.MaxAtNs + 1 })},
		{"volumes[1].rings", problem.Invalid, droned(func(f *Flight) { f.Volumes[1].Area.Rings = nil })},
		{"volumes[1].band.floor.ref", problem.Invalid, droned(func(f *Flight) {
			f.Volumes[1].Area.Band = geo.Band{Floor: geo.Altitude{Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: 1, Ref: geo.RefAMSL}}
		})},
		{"uncertainty", problem.Invalid, droned(func(f *Flight) { f.Uncertainty.TimeNs = 1 })},
		{"points[1].alt.ref", problem.Invalid, flight(func(f *Flight) { f.Path[1].Alt.Ref = 9 })},
		{"uncertainty.lateralCm", problem.Invalid, flight(func(f *Flight) { f.Uncertainty.LateralCm = -1 })},
		{"cells[0]", problem.Invalid, flight(func(f *Flight) { f.Cells = []uint64{2} })},
		{"cells[1]", problem.Invalid, flight(func(f *Flight) { f.Cells = []uint64{1 << 60, 1 << 60} })},
		{"cells", problem.TooLarge, flight(func(f *Flight) { f.Cells = make([]uint64, MaxCells+1) })},
		{"name", problem.Invalid, sector(func(s *Sector) { s.Name = "a\x00" })},
		{"name", problem.Invalid, sector(func(s *Sector) { s.Name = "\xff" })},
		{"volumes", problem.Invalid, sector(func(s *Sector) { s.Volumes = nil })},
		{"volumes", problem.TooLarge, sector(func(s *Sector) { s.Volumes = make([]geo.Polygon, MaxVolumes+1) })},
		{"volumes[0].band.ceiling.cm", problem.Invalid, sector(func(s *Sector) { s.Volumes[0].Band.Ceiling.Cm = 0 })},
		{"volumes[0].rings[0]", problem.Invalid, sector(func(s *Sector) { s.Volumes[0].Rings[0] = s.Volumes[0].Rings[0][:2] })},
		{"rate", problem.Invalid, SetService{RateMilli: 0}},
		{"rate", problem.Invalid, SetService{RateMilli: MaxRateMilli + 1}},
		{"anchor", problem.Invalid, SetService{AnchorNs: -1, RateMilli: 1}},
		{"crossRefCm", problem.Invalid, SetRules{CrossRefCm: -1}},
		{"retain", problem.Invalid, SetRules{RetainNs: -1}},
	} {
		res := w.refuse(t, c.cmd, c.kind)
		if res.Problem.Field != c.field || res.Problem.Value == "" || res.Problem.Allowed == "" {
			t.Errorf("%T: %+v, want field %s, its value and what is allowed", c.cmd, *res.Problem, c.field)
		}
	}
}

func TestCrossReference(t *testing.T) {
	w := newWorld()
	a := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 0, 100))
	a.Volumes[0].Band = geo.Band{Floor: geo.Altitude{Cm: 0, Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: 1_060_000, Ref: geo.RefAMSL}}
	w.must(t, PutSector{Sector: a})
	f := eastward("f", 47, 5, 9, startNs) // at 1,066,800 cm
	if res := w.must(t, PutFlight{Flight: f}); len(res.Windows) != 1 || res.Windows[0].Sure() {
		t.Fatalf("windows %v, want one that is not sure", res.Windows)
	}
	w.takeEvents(t)
	if res := w.must(t, SetRules{CrossRefCm: 6_000, RetainNs: DefaultRetainNs}); res.Rewindowed != 1 {
		t.Errorf("rewindowed %d, want 1", res.Rewindowed)
	}
	if f, _ := w.m.State().Flight("f"); len(f.Windows) != 0 {
		t.Errorf("windows %v, want none", f.Windows)
	}
	if e := w.takeEvents(t); len(e) != 2 || e[0].Kind != SettingsChanged || e[1].Kind != FlightRewindowed {
		t.Errorf("events %v", e)
	}
}

func TestTooMuchWork(t *testing.T) {
	w := newWorld()
	// A comb of 9,000 vertices, and a path of as many points along it.
	var ring geo.Ring
	for i := range int32(4500) {
		ring = append(ring, geo.LatLon{LatE7: deg(10) + i*1000, LonE7: deg(10 + i%2)})
	}
	for i := range int32(4500) {
		ring = append(ring, geo.LatLon{LatE7: deg(10) + (4499-i)*1000, LonE7: deg(20)})
	}
	comb := geo.Polygon{Rings: []geo.Ring{ring}, Band: geo.Band{Floor: geo.FlightLevel(0), Ceiling: geo.FlightLevel(400)}}
	w.must(t, PutSector{Sector: sectorOf("A", comb, comb)})
	f := Flight{ID: "f"}
	for i := range int32(9000) {
		f.Path = append(f.Path, geo.Point4D{Pos: geo.LatLon{LatE7: deg(10) + i*500, LonE7: deg(9 + 3*(i%2))}, Alt: geo.FlightLevel(300), AtNs: startNs + int64(i)*second})
	}
	w.must(t, PutFlight{Flight: f})
	w.must(t, CancelFlight{ID: "f"})
	w.must(t, PutSector{Sector: sectorOf("B", comb, comb)})
	w.refuse(t, PutFlight{Flight: f}, problem.Refused)
}
