package airspace

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// flowWorld is a row of sectors, some with gaps between, some over others, and flights along it, of which some are reported late.
func flowWorld(t *rapid.T) *world {
	w := newWorld()
	for i := range rapid.IntRange(1, 6).Draw(t, "sectors") {
		west := deg(int32(rapid.IntRange(0, 9).Draw(t, "west"))) + rapid.SampledFrom([]int32{0, 100_000, 200_000}).Draw(t, "apart") // 0, 6 and 12 s of flight
		high := rapid.SampledFrom([]int{340, 400}).Draw(t, "high")
		w.do(PutSector{Sector: sectorOf(fmt.Sprintf("S%d", i), square(deg(46), west, deg(48), west+deg(int32(rapid.IntRange(1, 4).Draw(t, "wide"))), 200, high))})
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "flights") {
		f := eastward(fmt.Sprintf("F%d", i), 47, int32(rapid.IntRange(-1, 5).Draw(t, "from")), int32(rapid.IntRange(6, 13).Draw(t, "to")), startNs+int64(rapid.IntRange(0, 5).Draw(t, "begin"))*1000*second)
		f.From, f.To = rapid.SampledFrom([]string{"", "LSZH", "LSGG"}).Draw(t, "departure"), rapid.SampledFrom([]string{"", "LOWW"}).Draw(t, "destination")
		f.Uncertainty = geo.Uncertainty{TimeNs: int64(rapid.IntRange(0, 2).Draw(t, "uncertain")) * 90 * second}
		if rapid.Bool().Draw(t, "back") {
			last := f.Path[len(f.Path)-1]
			last.Pos.LonE7, last.AtNs = f.Path[0].Pos.LonE7, last.AtNs+4000*second
			f.Path = append(f.Path, last)
		}
		w.do(PutFlight{Flight: f})
		if !rapid.Bool().Draw(t, "reported") {
			continue
		}
		path := slices.Clone(f.Path)
		for k := range path {
			path[k].AtNs += int64(rapid.IntRange(-1, 3).Draw(t, "late")+k) * 70 * second
		}
		if rapid.Bool().Draw(t, "shifted") {
			slices.SortFunc(path, func(a, b geo.Point4D) int { return cmp.Compare(a.AtNs, b.AtNs) })
			w.do(ReportProgress{ID: f.ID, Mark: Mark{State: OnPlan, SinceNs: startNs, LastReportNs: startNs}, Path: path})
		} else {
			w.do(ReportProgress{ID: f.ID, Mark: Mark{State: OnPlan, SinceNs: startNs, LastReportNs: startNs}})
		}
	}
	return w
}

// naiveFlows says what every flow is by looking at all pairs of windows of all flights.
func naiveFlows(s *State, from, to int64) map[[2]string]Flow {
	found, sums := map[[2]string]Flow{}, map[[2]string]int64{}
	count := func(a, b string, at int64, late int64, known bool) {
		key := [2]string{a, b}
		f, ok := found[key]
		if !ok {
			f = Flow{From: a, To: b, FirstNs: at, LastNs: at}
		}
		f.Count++
		f.FirstNs, f.LastNs = min(f.FirstNs, at), max(f.LastNs, at)
		if known {
			if f.Known == 0 || late > f.WorstNs {
				f.WorstNs = late
			}
			f.Known++
			sums[key] += int64(math.Floor(float64(late) / 1000))
			f.MeanNs = int64(math.Floor(float64(sums[key])/float64(f.Known))) * 1000
		}
		found[key] = f
	}
	for _, f := range s.Flights("", MaxPage) {
		for i, v := range f.Windows {
			type source struct {
				handed, k int
			}
			best := source{-1, -1}
			onward := false
			for k, u := range f.Windows {
				meets := u.LeaveMaxNs+10*second >= v.EnterMinNs && v.EnterMaxNs+10*second >= u.LeaveMinNs
				candidate := source{-1, k}
				if meets {
					candidate.handed = 1
				} else if u.LeaveMaxNs > v.EnterMaxNs {
					candidate.handed = 0
				}
				if k < i && candidate.handed >= 0 && (candidate.handed > best.handed || candidate.handed == best.handed && k > best.k) {
					best = candidate
				}
				if k != i && u.EnterMinNs-10*second <= v.LeaveMaxNs && (u.LeaveMaxNs > v.LeaveMaxNs || k > i && u.LeaveMaxNs == v.LeaveMaxNs) {
					onward = true
				}
			}
			if v.EnterMinNs >= from && v.EnterMinNs < to {
				source := ""
				if best.k >= 0 {
					source = f.Windows[best.k].Sector
				}
				at, known := naiveLate(f, v, false)
				count(source, v.Sector, v.EnterMinNs, at, known)
			}
			if v.LeaveMinNs >= from && v.LeaveMinNs < to && !onward {
				at, known := naiveLate(f, v, true)
				count(v.Sector, "", v.LeaveMinNs, at, known)
			}
		}
	}
	return found
}

// naiveLate is how late a flight enters or leaves, by the nearest of the visits first planned.
func naiveLate(f *FlightRecord, v SectorWindow, leaving bool) (at int64, known bool) {
	if f.Progress == nil {
		return 0, false
	}
	for _, was := range f.Progress.Filed {
		a, b := (v.EnterMinNs+v.EnterMaxNs)/2, (was.EnterMinNs+was.EnterMaxNs)/2
		if leaving {
			a, b = (v.LeaveMinNs+v.LeaveMaxNs)/2, (was.LeaveMinNs+was.LeaveMaxNs)/2
		}
		if was.Sector == v.Sector && (!known || math.Abs(float64(a-b)) < math.Abs(float64(at))) {
			known, at = true, a-b
		}
	}
	return at, known
}

// allFlows reads all pages of a question through the wire's encoding.
func allFlows(t failer, s *State, q FlowQuery) (list []Flow) {
	t.Helper()
	for {
		a, err := DecodeAnswer(s.Query(EncodeQuery(q)))
		if err != nil || a.Problem != nil {
			t.Fatal(err, a.Problem)
		}
		page := a.Body.(*Flows)
		list = append(list, page.List...)
		if page.Next == nil {
			return list
		}
		if page.Next.Compare(q.After) <= 0 || !page.Next.Valid() {
			t.Fatal("the next page begins at", *page.Next, "and this one at", q.After)
		}
		q.After = *page.Next
	}
}

func TestFlowsAgainstNaive(t *testing.T) {
	edges := 0
	rapid.Check(t, func(t *rapid.T) {
		s := flowWorld(t).m.State()
		from := startNs + int64(rapid.IntRange(-3, 28).Draw(t, "from"))*303*second
		to := from + int64(rapid.IntRange(1, 60).Draw(t, "span"))*300*second
		if list := s.Flights("", MaxPage); len(list) > 0 && rapid.Bool().Draw(t, "just after a leaving") {
			f := rapid.SampledFrom(list).Draw(t, "of")
			if len(f.Windows) > 0 {
				from = rapid.SampledFrom(f.Windows).Draw(t, "which").LeaveMaxNs + second
				to = from + 900*second
			}
		}
		want := naiveFlows(s, from, to)
		edges += len(want)
		got := allFlows(t, s, FlowQuery{FromNs: from, ToNs: to, Limit: rapid.IntRange(1, 9).Draw(t, "limit")})
		compareFlows(t, got, want)
		if !slices.IsSortedFunc(got, func(a, b Flow) int { return placeOf(a, "").Compare(placeOf(b, "")) }) {
			t.Fatalf("not in order: %+v", got)
		}
		for _, n := range s.Sectors("", MaxPage) {
			near := maps.Clone(want)
			maps.DeleteFunc(near, func(k [2]string, _ Flow) bool { return k[0] != n.ID && k[1] != n.ID })
			compareFlows(t, allFlows(t, s, FlowQuery{FromNs: from, ToNs: to, Sector: n.ID, Limit: 2}), near)
		}
	})
	if edges == 0 {
		t.Error("no flows at all")
	}
}

// placeOf is where a flow stands in a list of all flows, or in that of one sector.
func placeOf(f Flow, sector string) FlowPlace {
	if f.To == "" || f.From == sector && sector != "" && f.To != sector {
		return FlowPlace{f.From, true, f.To}
	}
	return FlowPlace{f.To, false, f.From}
}

func compareFlows(t *rapid.T, got []Flow, want map[[2]string]Flow) {
	t.Helper()
	seen := map[[2]string]Flow{}
	for _, f := range got {
		key := [2]string{f.From, f.To}
		if _, twice := seen[key]; twice {
			t.Fatalf("%v is there twice", key)
		}
		seen[key] = f
	}
	if !maps.Equal(seen, want) {
		t.Fatalf("got  %+v\nwant %+v", seen, want)
	}
}

func TestRoutesAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := flowWorld(t).m.State()
		from := startNs + int64(rapid.IntRange(-1, 8).Draw(t, "from"))*1000*second
		to := from + int64(rapid.IntRange(1, 20).Draw(t, "span"))*900*second
		sector := rapid.SampledFrom([]string{"", "S0"}).Draw(t, "sector")
		type counted struct {
			flights int
			paths   map[string]int
		}
		want := map[RoutePlace]*counted{}
		for _, f := range s.Flights("", MaxPage) {
			var names []string
			first := int64(math.MaxInt64)
			for _, w := range f.Windows {
				names = append(names, w.Sector)
				if sector == "" || sector == w.Sector {
					first = min(first, w.EnterMinNs)
				}
			}
			if first < from || first >= to {
				continue
			}
			place := RoutePlace{f.From, f.To}
			if want[place] == nil {
				want[place] = &counted{paths: map[string]int{}}
			}
			want[place].flights++
			want[place].paths[strings.Join(names, ">")]++
		}
		q := RouteQuery{FromNs: from, ToNs: to, Sector: sector, Limit: rapid.IntRange(1, 3).Draw(t, "limit")}
		for {
			a, err := DecodeAnswer(s.Query(EncodeQuery(q)))
			if err != nil || a.Problem != nil {
				t.Fatal(err, a.Problem)
			}
			page := a.Body.(*Routes)
			for _, r := range page.List {
				c := want[r.RoutePlace]
				if c == nil || c.flights != r.Count || len(r.Paths) != min(len(c.paths), MaxRoutePaths) {
					t.Fatalf("%+v, want %+v", r, c)
				}
				for _, p := range r.Paths {
					if name := strings.Join(p.Sectors, ">"); c.paths[name] != p.Count || p.Count < maxOf(c.paths) && p.Count > r.Paths[0].Count {
						t.Fatalf("%+v, want %+v", p, c.paths)
					}
				}
				if r.Paths[0].Count != maxOf(c.paths) {
					t.Fatalf("%+v, want %+v", r, c.paths)
				}
				delete(want, r.RoutePlace)
				q.After = &r.RoutePlace
			}
			if !page.More {
				break
			}
		}
		if len(want) > 0 {
			t.Fatalf("left: %+v", want)
		}
	})
}

func maxOf(m map[string]int) int { return slices.Max(slices.Collect(maps.Values(m))) }

// TestABorderDrawnApart asks from between a leaving and the entry that it is one crossing with: it is found at both sectors.
func TestABorderDrawnApart(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(1), deg(48), deg(3), 0, 500))})
	w.must(t, PutSector{Sector: sectorOf("B", square(deg(46), deg(3)+100_000, deg(48), deg(5), 0, 500))})
	w.must(t, PutFlight{Flight: eastward("F", 47, 0, 6, startNs)})
	s := w.m.State()
	f, _ := s.Flight("F")
	from := f.Windows[0].LeaveMaxNs + second
	if from >= f.Windows[1].EnterMinNs {
		t.Fatalf("%+v", f.Windows)
	}
	for _, sector := range []string{"", "A", "B"} {
		got := allFlows(t, s, FlowQuery{FromNs: from, ToNs: f.Windows[1].EnterMaxNs + 1, Sector: sector, Limit: 9})
		if len(got) != 1 || got[0].From != "A" || got[0].To != "B" || got[0].Count != 1 {
			t.Errorf("at %q: %+v", sector, got)
		}
	}
}

func TestFlowsThatAreRefused(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(1), deg(48), deg(5), 0, 500))})
	s := w.m.State()
	for name, c := range map[string]struct {
		q    Query
		kind problem.Kind
	}{
		"no such sector":        {FlowQuery{ToNs: 1, Sector: "B", Limit: 1}, problem.NotFound},
		"time backwards":        {FlowQuery{FromNs: 2, ToNs: 2, Limit: 1}, problem.Invalid},
		"no limit":              {FlowQuery{ToNs: 1}, problem.Invalid},
		"limit":                 {FlowQuery{ToNs: 1, Limit: MaxPage + 1}, problem.Invalid},
		"routes by no sector":   {RouteQuery{ToNs: 1, Sector: "B", Limit: 1}, problem.NotFound},
		"routes, backwards":     {RouteQuery{FromNs: 2, ToNs: 1, Limit: 1}, problem.Invalid},
		"routes without limit":  {RouteQuery{ToNs: 1}, problem.Invalid},
		"more routes at a time": {RouteQuery{ToNs: 1, Limit: MaxRoutes + 1}, problem.Invalid},
	} {
		a, err := DecodeAnswer(s.Query(EncodeQuery(c.q)))
		if err != nil || a.Problem == nil || a.Problem.Kind != c.kind {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	for _, q := range []Query{FlowQuery{FromNs: math.MinInt64, ToNs: math.MaxInt64, Limit: MaxPage}, RouteQuery{FromNs: math.MinInt64, ToNs: math.MaxInt64, Limit: 1}} {
		if a, err := DecodeAnswer(s.Query(EncodeQuery(q))); err != nil || a.Problem != nil {
			t.Errorf("%+v: %+v %v", q, a, err)
		}
	}
}

// TestTooManyFlowsArePaged: a page ends where its work does, and a sector that is too much by itself is refused.
func TestTooManyFlowsArePaged(t *testing.T) {
	w := newWorld()
	for _, id := range []string{"A", "B", "C"} {
		w.must(t, PutSector{Sector: sectorOf(id, square(deg(46), deg(1), deg(48), deg(5), 0, 500))})
	}
	for i := range 30 {
		w.must(t, PutFlight{Flight: eastward(fmt.Sprint("F", i), 47, 0, 6, startNs+int64(i)*second)})
	}
	s := w.m.State()
	q := FlowQuery{FromNs: 0, ToNs: math.MaxInt64, Limit: MaxPage}
	want := allFlows(t, s, q)
	for _, c := range []struct{ work, pages int }{{270, 1}, {269, 2}, {180, 2}, {179, 3}, {90, 3}} {
		var got []Flow
		pages := 0
		for after := (FlowPlace{}); ; pages++ {
			q.After = after
			p := flowPage{state: s, q: &q, page: &Flows{}, place: q.After, left: c.work}
			p.sectors()
			if err := p.result(); err != nil {
				t.Fatal(err)
			}
			got = append(got, p.page.List...)
			if p.page.Next == nil {
				break
			}
			after = *p.page.Next
		}
		if pages+1 != c.pages || !reflect.DeepEqual(got, want) {
			t.Errorf("with %d steps a page: %d pages, %+v", c.work, pages+1, got)
		}
	}
	q.After = FlowPlace{}
	p := flowPage{state: s, q: &q, page: &Flows{}, left: 89}
	p.sectors()
	if p.err == nil || p.err.Kind != problem.TooLarge || p.err.Subject != "A" {
		t.Errorf("%+v", p.err)
	}
}

func TestFlowCodecs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Z]{0,5}`)
		flows := &Flows{List: []Flow{{From: text.Draw(t, "from"), To: text.Draw(t, "to"), Count: rapid.IntRange(0, 1<<30).Draw(t, "n"), FirstNs: rapid.Int64().Draw(t, "first"),
			Lateness: Lateness{Known: 3, MeanNs: rapid.Int64().Draw(t, "mean"), WorstNs: 4}}}, Next: &FlowPlace{text.Draw(t, "sector"), true, "~"}}
		routes := &Routes{List: []Route{{RoutePlace{text.Draw(t, "a"), text.Draw(t, "b")}, 5, []RoutePath{{[]string{"A", text.Draw(t, "c")}, 5}}}}, More: true}
		var w codec.Writer
		flows.appendTo(&w)
		if r := codec.NewReader(w.B); !reflect.DeepEqual(readFlows(r), flows) || r.Finish() != nil {
			t.Fatal("flows")
		}
		w.B = nil
		routes.appendTo(&w)
		if r := codec.NewReader(w.B); !reflect.DeepEqual(readRoutes(r), routes) || r.Finish() != nil {
			t.Fatal("routes")
		}
	})
}
