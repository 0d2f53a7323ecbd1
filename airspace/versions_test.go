package airspace

import (
	"fmt"
	"slices"
	"testing"

	"onevoice/problem"
)

// versionsText says of each version since when it holds, until when, what it brought and in how many sectors it is.
func versionsText(t *testing.T, s *State, q VersionsQuery) (list []string) {
	t.Helper()
	q.Limit = MaxPage
	page, err := s.Versions(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.List {
		in := -1
		if v.Flight != nil {
			in = len(v.Flight.Windows)
		}
		list = append(list, fmt.Sprint(v.Since, " ", v.Until, " ", v.Change, " ", in))
	}
	return list
}

// TestVersionsAcrossASwitch asks at every entry of a staged change: the switch ends what every flight was, whether or not it was told of yet.
func TestVersionsAcrossASwitch(t *testing.T) {
	w := steppedWorld(t, 3, eastwards)
	w.must(t, PutSector{Sector: wide("A")})
	switched := uint64(0)
	for len(w.m.State().Stagings()) > 0 {
		w.entry(second)
		s := w.m.State()
		if _, there := s.Sector("A"); there && switched == 0 {
			switched = s.Index()
		}
		for i := range 3 {
			put := uint64(i + 2)
			want := []string{fmt.Sprint(put, " 0 put 0")}
			if switched > 0 {
				want = []string{fmt.Sprint(put, " ", switched, " put 0"), fmt.Sprint(switched, " 0 rewindowed 1")}
			}
			if got := versionsText(t, s, VersionsQuery{Flight: fmt.Sprint("f", i)}); !slices.Equal(got, want) {
				t.Errorf("at %d, f%d: %q, want %q", s.Index(), i, got, want)
			}
		}
	}
	if switched == 0 {
		t.Error("it never switched")
	}
}

// TestVersionsOfAFlightThatComesAgain has one go and come again, and asks for pages, spans of known time and what is no question.
func TestVersionsOfAFlightThatComesAgain(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: wide("A")})                        // 2
	w.must(t, PutFlight{Flight: eastward("f", 47, 5, 9, startNs)}) // 3
	w.must(t, PutSector{Sector: wide("B")})                        // 4: another window
	w.must(t, CancelFlight{ID: "f"})                               // 5
	w.must(t, PutFlight{Flight: eastward("f", 47, 5, 9, startNs)}) // 6
	s := w.m.State()
	if got, want := versionsText(t, s, VersionsQuery{Flight: "f"}), []string{"3 4 put 1", "4 5 rewindowed 2", "6 0 put 2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := versionsText(t, s, VersionsQuery{Sector: "A"}); !slices.Equal(got, []string{"2 0 put -1"}) {
		t.Errorf("of the sector: %q", got)
	}
	if got := versionsText(t, s, VersionsQuery{Flight: "f", From: Known{Index: 4}, To: Known{Index: 5}}); !slices.Equal(got, []string{"4 5 rewindowed 2"}) {
		t.Errorf("from 4 to 5: %q", got)
	}
	page, err := s.Versions(VersionsQuery{Flight: "f", Limit: 1, After: 3})
	if err != nil || len(page.List) != 1 || page.List[0].Since != 4 || page.Next != 4 || page.List[0].SinceNs == 0 || page.List[0].UntilNs <= page.List[0].SinceNs {
		t.Errorf("the second page: %+v, %v", page, err)
	}
	for _, c := range []struct {
		q     VersionsQuery
		kind  problem.Kind
		field string
	}{
		{VersionsQuery{Flight: "nobody", Limit: 1}, problem.NotFound, ""},
		{VersionsQuery{Limit: 1}, problem.Invalid, "flight"},
		{VersionsQuery{Flight: "f", Sector: "A", Limit: 1}, problem.Invalid, "flight"},
		{VersionsQuery{Flight: "f"}, problem.Invalid, "limit"},
		{VersionsQuery{Flight: "f", Limit: 1, To: Known{Index: 99}}, problem.Invalid, "known_to"},
		{VersionsQuery{Flight: "f", Limit: 1, From: Known{Index: 5}, To: Known{Index: 4}}, problem.Invalid, "known_to"},
	} {
		_, err := s.Versions(c.q)
		if p, ok := err.(*problem.Error); !ok || p.Kind != c.kind || p.Field != c.field {
			t.Errorf("%+v: %v", c.q, err)
		}
	}
	w.must(t, SetHistory{History: History{SpanNs: 0, Records: 0, Bytes: 0}})
	if got := versionsText(t, w.m.State(), VersionsQuery{Flight: "f"}); !slices.Equal(got, []string{"6 0 put 2"}) {
		t.Errorf("when the past is forgotten: %q", got)
	}
	w.must(t, PutFlight{Flight: eastward("g", 47, 5, 9, startNs)})
	if page, _ := w.m.State().Versions(VersionsQuery{Flight: "f", Limit: 1}); page.List[0].SinceNs != 0 {
		t.Errorf("the time of an entry before the horizon: %+v", page.List[0])
	}
	_, err = w.m.State().Versions(VersionsQuery{Flight: "f", Limit: 1, From: Known{Index: 4}})
	if p, ok := err.(*problem.Error); !ok || p.Kind != problem.Expired || p.Field != "known_from" {
		t.Errorf("before the horizon: %v", err)
	}
}

// TestDiffPagesEnd walks a diff of more names than a page looks at: pages may be short, and nothing is left out.
func TestDiffPagesEnd(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: wide("A")})
	then := w.m.State().Index()
	var cmds []Command
	const many = 700
	for i := range many {
		cmds = append(cmds, PutFlight{Flight: eastward(fmt.Sprintf("f%03d", i), 47, 5, 6, startNs)})
	}
	for _, res := range w.entry(second, cmds...) {
		if res.Problem != nil {
			t.Fatal(res.Problem)
		}
	}
	found, pages := 0, 0
	for q := (DiffQuery{From: Known{Index: then}, Limit: 100}); ; pages++ {
		page, err := w.m.State().Diff(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.List {
			if want := fmt.Sprintf("f%03d", found); one.ID != want || one.Before != (Version{}) || one.After.Index != then+1 {
				t.Fatalf("%+v, want %s added", one, want)
			}
			found++
		}
		if page.Next == nil {
			break
		}
		q.After = *page.Next
	}
	if found != many || pages != 7 {
		t.Errorf("%d differences after %d pages", found, pages)
	}
}
