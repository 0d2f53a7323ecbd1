package airspace

import (
	"reflect"
	"slices"
	"testing"

	"onevoice/airspace/control"
	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// questionOf gives a question of each kind, and whether it has an answer in the past.
var questionOf = map[queryKind]struct {
	q    Query
	past bool
}{
	kindWho:         {WhoQuery{Sector: "A", FromNs: everBefore, ToNs: everAfter, Limit: MaxPage}, true},
	kindVolume:      {VolumeQuery{Volume: square(deg(46), deg(6), deg(48), deg(8), 300, 400), FromNs: everBefore, ToNs: everAfter, Limit: MaxPage}, true},
	kindFlight:      {FlightQuery{ID: "f"}, true},
	kindSector:      {SectorQuery{ID: "A"}, true},
	kindLoad:        {LoadQuery{Sector: "A", FromNs: startNs, ToNs: startNs + 2*hourNs, BucketNs: MinBucketNs}, true},
	kindFlows:       {FlowQuery{FromNs: startNs, ToNs: startNs + 2*hourNs, Limit: MaxPage}, true},
	kindRoutes:      {RouteQuery{FromNs: startNs, ToNs: startNs + 2*hourNs, Limit: 200}, true},
	kindZone:        {ZoneQuery{ID: "Y"}, false},
	kindBreaches:    {BreachQuery{FromNs: everBefore, ToNs: everAfter, Limit: MaxPage}, false},
	kindControlOf:   {ControlQuery{Thing: control.Flight, ID: "g"}, false},
	kindPosition:    {PositionQuery{ID: "P2"}, false},
	kindPositions:   {PositionsQuery{Limit: MaxPage}, false},
	kindControlList: {ControlListQuery{Thing: control.Flight, Position: "P2", Limit: MaxPage}, false},
	kindConflicts:   {ConflictsQuery{FromNs: everBefore, ToNs: everAfter, Limit: MaxPage}, false},
	kindVersions:    {VersionsQuery{Flight: "f", Limit: MaxPage}, false},
	kindDiff:        {DiffQuery{Limit: MaxPage}, false},
}

// overtaken is an airspace of which everything has become another since then.
func overtaken(t *testing.T) (w *world, then *State) {
	w = inhabited(t)
	w.must(t, PutFlight{Flight: eastward("gone", 47, 6, 9, startNs)})
	then = w.m.State()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(7), 300, 400))})
	w.must(t, PutFlight{Flight: eastward("f", 47, 6, 9, startNs+300*second)})
	w.must(t, PutFlight{Flight: eastward("new", 47, 5, 9, startNs)})
	w.must(t, CancelFlight{ID: "gone"})
	w.must(t, RemoveZone{ID: "Y"})
	return w, then
}

// Each kind of question gives in the past what it gave then, or is refused; none may be without a word about it here.
func TestEveryQuestionOfThePast(t *testing.T) {
	w, then := overtaken(t)
	for kind := range queryKind(255) {
		r := codec.NewReader(nil)
		if readQuery(r, kind) == nil {
			continue
		}
		of, ok := questionOf[kind]
		if !ok {
			t.Errorf("kind %d: nothing is said about it in the past", kind)
			continue
		}
		ask := func(s *State, op []byte) Answer {
			a, err := DecodeAnswer(s.Query(op))
			if err != nil {
				t.Fatalf("%T: %v", of.q, err)
			}
			if list, ok := a.Body.(Visits); ok {
				for i := range list {
					list[i].Control, list[i].Position, list[i].Attended = 0, "", false
				}
			}
			return a
		}
		want := ask(then, EncodeQuery(of.q))
		if want.Problem != nil {
			t.Errorf("%T: %v", of.q, want.Problem)
		}
		got := ask(w.m.State(), EncodeQueryAsOf(of.q, Known{Index: then.Index()}))
		if p := got.Problem; !of.past {
			if p == nil || p.Kind != problem.Invalid || p.Field != "known_at" {
				t.Errorf("%T is answered in the past, where it is not held: %+v", of.q, got)
			}
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%T as of %d:\n%+v\nwas\n%+v", of.q, then.Index(), got, want)
		} else if now := ask(w.m.State(), EncodeQuery(of.q)); reflect.DeepEqual(now.Body, got.Body) {
			t.Errorf("%T: the present and the past are the same, so nothing is seen", of.q)
		}
	}
}

// Each method of a state that says something is one of three: as of the past, refused there, or of the present by what its comment says.
func TestEveryMethodOfThePast(t *testing.T) {
	asOf := []string{"AsOf", "Flight", "Flights", "Flows", "Routes", "Horizon", "InVolume", "Index", "Levels", "Load", "OpenTimes", "Query", "Sector", "Sectors", "ServiceNs", "Settings", "Who", "Controller"}
	present := []string{"Chunks", "FlightCount", "SectorCount", "Stagings", "StagingOf", "ZoneCount"}
	w, then := overtaken(t)
	past, err := w.m.State().AsOf(Known{Index: then.Index()})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]func() error{
		"Breaches":    func() error { _, err := past.Breaches(questionOf[kindBreaches].q.(BreachQuery)); return err },
		"Conflicts":   func() error { _, err := past.Conflicts(questionOf[kindConflicts].q.(ConflictsQuery)); return err },
		"Versions":    func() error { _, err := past.Versions(questionOf[kindVersions].q.(VersionsQuery)); return err },
		"Diff":        func() error { _, err := past.Diff(questionOf[kindDiff].q.(DiffQuery)); return err },
		"Zone":        func() error { _, err := past.Zone("Y"); return err },
		"Zones":       func() error { _, err := past.Zones("", 1); return err },
		"Control":     func() error { _, err := past.Control(control.Flight, "g"); return err },
		"Position":    func() error { _, err := past.Position("P2"); return err },
		"Positions":   func() error { _, err := past.Positions("", 1); return err },
		"ControlList": func() error { _, err := past.ControlList(control.Flight, "P2", "", 1); return err },
	}
	for i := range reflect.TypeFor[*State]().NumMethod() {
		name := reflect.TypeFor[*State]().Method(i).Name
		if ask, ok := refused[name]; ok {
			if p, ok := ask().(*problem.Error); !ok || p.Kind != problem.Invalid || p.Field != "known_at" {
				t.Errorf("%s in the past: %v", name, p)
			}
		} else if !slices.Contains(asOf, name) && !slices.Contains(present, name) {
			t.Errorf("%s: nothing is said about it in the past", name)
		}
	}
	if state, position, attended := past.Controller("g"); state != 0 || position != "" || attended {
		t.Errorf("who controlled it is said to be %v %s %v", state, position, attended)
	}
	if spans, err := past.OpenTimes("A", startNs, startNs+second, 1); err != nil || !slices.Equal(spans, []geo.Span{{FromNs: startNs, ToNs: startNs + second}}) {
		t.Errorf("open %v, %v", spans, err)
	}
}
