package airspace

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"onevoice/problem"
)

// steppedWorld has a flight for each number below n, and a machine that does one flight in an entry.
func steppedWorld(t *testing.T, n int, put func(i int) Flight) *world {
	t.Helper()
	w := &world{m: NewStepped(Steps{Flights: 1, Windows: MaxStepWindows, Work: MaxStepWork}), logNs: startNs}
	w.entry(0)
	for i := range n {
		w.must(t, PutFlight{Flight: put(i)})
	}
	w.events = nil
	return w
}

// through runs entries until nothing is staged, and gives the words of the events of each.
func (w *world) through(t *testing.T) []string {
	t.Helper()
	var said []string
	for n := 0; len(w.m.State().Stagings()) > 0; n++ {
		if n > 1000 {
			t.Fatal("it never ends")
		}
		w.entry(second)
		words := []string{}
		for _, e := range w.takeEvents(t) {
			words = append(words, strings.TrimSpace(e.Kind.String()+" "+e.ID))
		}
		said = append(said, strings.Join(words, ", "))
	}
	return said
}

func eastwards(i int) Flight { return eastward(fmt.Sprint("f", i), 47, 5, 9, startNs) }

func wide(id string) Sector { return sectorOf(id, square(deg(46), deg(6), deg(48), deg(8), 300, 400)) }

func TestLargeChangeIsStaged(t *testing.T) {
	w := steppedWorld(t, 3, eastwards)
	res := w.must(t, PutSector{Sector: wide("A")})
	if !res.Staged || res.Rewindowed != 0 {
		t.Fatalf("result %+v, want it staged", res)
	}
	if _, there := w.m.State().Sector("A"); there {
		t.Fatal("it holds before it is switched to")
	}
	conflict := w.refuse(t, PutSector{Sector: wide("A")}, problem.Conflict)
	if want := fmt.Sprintf("it is being changed by %s, asked for at 2018-08-01T05:00:04Z, which prepares: 1 of 3 flights", res.Version); conflict.Problem.Detail != want {
		t.Errorf("detail %q, want %q", conflict.Problem.Detail, want)
	}
	st, _ := w.m.State().StagingOf("A")
	if want := (Staging{Version: res.Version, SinceNs: startNs + 4*second, Sectors: []string{"A"}, Phase: StagingPrepares, Done: 1, Of: 3}); fmt.Sprint(st) != fmt.Sprint(want) {
		t.Errorf("staging %+v, want %+v", st, want)
	}
	w.events = nil
	said := w.through(t)
	want := []string{"sector-put A", "flight-rewindowed f0", "flight-rewindowed f1", "flight-rewindowed f2, sector-settled A"}
	if !slices.Equal(said[len(said)-4:], want) || len(said) > 6 {
		t.Errorf("events %q, want them to end in %q", said, want)
	}
	if n, _ := w.m.State().Sector("A"); n.Version != res.Version {
		t.Errorf("version %s, want the command's, %s", n.Version, res.Version)
	}
}

// TestSwitchIsWhole looks at every entry of a large change, from a root of then: the sector, its list and the flights are all of before or all
// of after.
func TestSwitchIsWhole(t *testing.T) {
	w := steppedWorld(t, 5, eastwards)
	w.must(t, PutSector{Sector: wide("A")})
	w.through(t)
	narrow := sectorOf("A", square(deg(46), deg(6), deg(48), deg(7), 300, 400))
	w.must(t, PutSector{Sector: narrow})
	seen := map[string]bool{}
	for len(w.m.State().Stagings()) > 0 {
		w.entry(second)
		s := w.m.State()
		list, err := s.Who("A", everBefore, everAfter, Cursor{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		words := map[string]bool{}
		for _, o := range list {
			words[fmt.Sprint((o.Window.LeaveMaxNs-o.Window.EnterMinNs)/second, len(o.Flight.Windows))] = true
		}
		inside, err := s.InVolume(narrow.Volumes[0], nil, everBefore, everAfter, Cursor{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(s.Flights("", 10), inside[0].Flight, list[4].Flight) {
			words[fmt.Sprint((f.Windows[0].LeaveMaxNs-f.Windows[0].EnterMinNs)/second, len(f.Windows))] = true
		}
		if len(words) != 1 || len(list) != 5 {
			t.Fatalf("%d visits, of %v", len(list), words)
		}
		for word := range words {
			seen[word] = true
		}
	}
	if len(seen) != 2 || w.m.state.visits.Len() != 5 {
		t.Errorf("seen %v, want two; %d visits are left", seen, w.m.state.visits.Len())
	}
}

func TestRulesAreStaged(t *testing.T) {
	w := steppedWorld(t, 5, eastwards)
	w.must(t, PutSector{Sector: wide("B")})
	w.through(t)
	low := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 0, 340))
	low.Volumes[0].Band.Floor.Ref, low.Volumes[0].Band.Ceiling.Ref = 2, 2
	w.must(t, PutSector{Sector: low})
	w.through(t)
	w.events = nil
	res := w.must(t, SetRules{CrossRefCm: 40_000, RetainNs: DefaultRetainNs})
	if !res.Staged {
		t.Fatalf("result %+v, want it staged", res)
	}
	w.refuse(t, PutSector{Sector: wide("C")}, problem.Conflict)
	w.refuse(t, SetService{RateMilli: 1}, problem.Conflict)
	w.refuse(t, SetRules{CrossRefCm: 1}, problem.Conflict)
	said := w.through(t)
	want := []string{"settings", "flight-rewindowed f0", "flight-rewindowed f1", "flight-rewindowed f2", "flight-rewindowed f3", "flight-rewindowed f4, sector-settled"}
	if len(said) < len(want) || !slices.Equal(said[len(said)-len(want):], want) {
		t.Errorf("events %q, want them to end in %q", said, want)
	}
	if set := w.m.State().Settings(); set.CrossRefCm != 40_000 || set.Version != res.Version {
		t.Errorf("settings %+v", set)
	}
	f, _ := w.m.State().Flight("f0")
	if len(f.Windows) != 2 {
		t.Errorf("windows %v, want one in the lower sector too", f.Windows)
	}
}

// TestImpossibleChangeIsDropped stages a sector in which the last flight would have too many windows.
func TestImpossibleChangeIsDropped(t *testing.T) {
	w := steppedWorld(t, 3, func(i int) Flight {
		if i < 2 {
			return eastwards(i)
		}
		return weaving("z", 1200)
	})
	w.m.steps.Flights = 5
	above := sectorOf("A", square(deg(47), deg(5), deg(48), deg(9), 300, 400))
	w.must(t, PutSector{Sector: above})
	w.m.steps.Flights = 1
	for w.m.State().conflicts.computing() {
		w.entry(second)
	}
	// Time goes on in the other chunks.
	kept := func() [][]byte {
		return slices.DeleteFunc(chunksOf(w.m.State()), func(c []byte) bool { return !slices.Contains([]byte{chunkSectors, chunkFlights, chunkStagings}, c[1]) })
	}
	before := kept()
	w.must(t, PutSector{Sector: sectorOf("B", square(deg(46), deg(5), deg(47), deg(9), 300, 400))})
	for st := w.m.State().Stagings(); len(st) > 0 && st[0].Phase == StagingPrepares; st = w.m.State().Stagings() {
		w.takeEvents(t)
		w.entry(second)
	}
	e := w.takeEvents(t)[0]
	why, is := e.Detail.(Dropped)
	if e.Kind != SectorDropped || e.ID != "B" || !is || why.Why.Detail != "flight z would have 1201 sector windows, more than 1024" {
		t.Fatalf("event %+v, %+v", e, e.Detail)
	}
	w.through(t)
	after := kept()
	if !slices.EqualFunc(before, after, slices.Equal) || w.m.state.visits.Len() != 601+1 {
		t.Errorf("what was dropped left something behind: %d visits", w.m.state.visits.Len())
	}
}

func TestTooManyStagings(t *testing.T) {
	w := steppedWorld(t, 2, eastwards)
	var cmds []Command
	for i := range MaxStagings + 1 {
		cmds = append(cmds, PutSector{Sector: wide(fmt.Sprint("S", i))})
	}
	results := w.entry(second, cmds...)
	for i, res := range results {
		if i < MaxStagings && !res.Staged || i == MaxStagings && (res.Problem == nil || res.Problem.Kind != problem.Overloaded) {
			t.Errorf("%d: %+v", i, res)
		}
	}
	w.through(t)
	if n := w.m.State().SectorCount(); n != MaxStagings {
		t.Errorf("%d sectors, want %d", n, MaxStagings)
	}
}

func TestLoadRefusesStagingsThatNoMachineWrote(t *testing.T) {
	w := steppedWorld(t, 2, eastwards)
	w.must(t, PutSector{Sector: wide("A")})
	w.entry(second)
	chunks := chunksOf(w.m.State())
	head, staged, flights := chunks[0], chunks[1], chunks[2]
	if staged[1] != chunkStagings {
		t.Fatalf("chunk of kind %d", staged[1])
	}
	first := 3 + int(staged[2])
	for name, chunks := range map[string][][]byte{
		"no staging":       {head, flights},
		"after flights":    {head, flights, staged},
		"only its sector":  {head, slices.Concat(staged[:2], staged[first:]), flights},
		"without a sector": {head, staged[:first], flights},
	} {
		if err := load(chunks); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if err := load(chunks); err != nil {
		t.Error(err)
	}
}
