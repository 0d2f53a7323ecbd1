package airspace

import (
	"reflect"
	"slices"
	"testing"

	"onevoice/problem"
)

func TestQueries(t *testing.T) {
	w := inhabited(t)
	s := w.m.State()
	ask := func(q Query) Answer {
		a, err := DecodeAnswer(s.Query(EncodeQuery(q)))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	who := WhoQuery{Sector: "A", FromNs: startNs, ToNs: startNs + 3600*second, Limit: 1}
	var seen []string
	for range 3 {
		a := ask(who)
		if a.Problem != nil || a.ServiceNs != s.ServiceNs() {
			t.Fatalf("answer %+v", a)
		}
		for _, v := range a.Body.(Visits) {
			seen = append(seen, v.Flight+" "+v.Callsign+" "+v.Version.String())
			who.After = Cursor{v.Window.EnterMinNs, v.Flight}
		}
	}
	if want := []string{"g TESTg 5.0", "f TESTf 4.0"}; !slices.Equal(seen, want) {
		t.Errorf("pages %v, want %v", seen, want)
	}
	volume := VolumeQuery{Volume: square(deg(46), deg(6), deg(48), deg(8), 300, 400), FromNs: startNs, ToNs: startNs + 3600*second, Limit: MaxPage}
	who.After, who.Limit = Cursor{}, MaxPage
	if a, b := ask(volume).Body.(Visits), ask(who).Body.(Visits); !slices.Equal(a, b) || len(a) != 2 {
		t.Errorf("in the sector's volume %v, in the sector %v", a, b)
	}
	want, _ := s.Flight("f")
	if a := ask(FlightQuery{ID: "f"}); !reflect.DeepEqual(a.Body, Body(want)) {
		t.Errorf("flight %+v, want %+v", a.Body, want)
	}
	sector, _ := s.Sector("B")
	if a := ask(SectorQuery{ID: "B"}); !reflect.DeepEqual(a.Body, Body(sector)) {
		t.Errorf("sector %+v, want %+v", a.Body, sector)
	}
	cells := volume
	cells.Cells = []uint64{2}
	who.ToNs = who.FromNs
	volume.Limit = MaxPage + 1
	wrong := volume
	wrong.Limit, wrong.Volume.Rings = 1, nil
	for _, c := range []struct {
		q     Query
		kind  problem.Kind
		field string
	}{
		{cells, problem.Invalid, "cells[0]"}, {who, problem.Invalid, "to"}, {volume, problem.Invalid, "limit"}, {wrong, problem.Invalid, "volume.rings"},
		{WhoQuery{Sector: "C", ToNs: 1, Limit: 1}, problem.NotFound, ""}, {FlightQuery{ID: "x"}, problem.NotFound, ""}, {SectorQuery{ID: "x"}, problem.NotFound, ""},
	} {
		if a := ask(c.q); a.Problem == nil || a.Problem.Kind != c.kind || a.Problem.Field != c.field || a.Body != nil {
			t.Errorf("%+v: %+v, want %v of %s", c.q, a.Problem, c.kind, c.field)
		}
	}
	if a, err := DecodeAnswer(s.Query([]byte("who?"))); err != nil || a.Problem == nil {
		t.Errorf("nonsense: %+v, %v", a, err)
	}
}

func TestLists(t *testing.T) {
	s := inhabited(t).m.State()
	if l := s.Flights("", 1); len(l) != 1 || l[0].ID != "f" {
		t.Errorf("first page %v", l)
	}
	if l := s.Flights("f", 9); len(l) != 1 || l[0].ID != "g" {
		t.Errorf("second page %v", l)
	}
	if l := s.Sectors("A", 9); len(l) != 1 || l[0].ID != "B" {
		t.Errorf("sectors after A %v", l)
	}
	if l := s.Sectors("", 0); l != nil {
		t.Errorf("no sectors: %v", l)
	}
}

func TestVersions(t *testing.T) {
	for _, v := range []Version{{0, 0}, {1021, 3}, {1<<64 - 1, 1<<32 - 1}} {
		if got, err := ParseVersion(v.String()); err != nil || got != v {
			t.Errorf("%v reads as %v, %v", v, got, err)
		}
	}
	for _, text := range []string{"", "1", "1.", ".1", "01.0", "1.4294967296", "1.2.3", "+1.0"} {
		if v, err := ParseVersion(text); err == nil {
			t.Errorf("%q reads as %v", text, v)
		}
	}
	if (Version{1, 9}).Compare(Version{2, 0}) >= 0 || (Version{2, 1}).Compare(Version{2, 0}) <= 0 {
		t.Error("versions are not ordered by index, then sub")
	}
}
