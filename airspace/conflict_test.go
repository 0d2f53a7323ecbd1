package airspace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

func (d *drawer) separation(standard geo.Separation) geo.Separation {
	return rapid.SampledFrom([]geo.Separation{standard, standard, {}, DefaultSeparation(), {LateralCm: 555_600, VerticalCm: 30_480}, {LateralCm: 10_000_000, VerticalCm: 300_001}}).Draw(d.t, "separation")
}

// asked is the separation that a flight must keep at an instant, by the words of the documentation.
func (n *naive) asked(f *FlightRecord, ns int64) geo.Separation {
	most, in := geo.Separation{}, false
	for _, w := range f.Windows {
		if w.EnterMinNs <= ns && ns < w.LeaveMaxNs {
			sep := n.sectors[w.Sector].Separation
			if sep == (geo.Separation{}) {
				sep = n.settings.Separation
			}
			most, in = most.Most(sep), true
		}
	}
	if !in {
		return n.settings.Separation
	}
	return most
}

// conflicts compares every flight with every other.
func (n *naive) conflicts() []*Conflict {
	var list []*Conflict
	ids := slices.Sorted(maps.Keys(n.flights))
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			if c := n.conflict(n.flights[a], n.flights[b]); c != nil {
				list = append(list, c)
			}
		}
	}
	return list
}

func (n *naive) conflict(a, b FlightRecord) *Conflict {
	if len(a.Path) == 0 || len(b.Path) == 0 {
		return nil
	}
	cuts := []int64{everBefore, everAfter}
	for _, w := range slices.Concat(a.Windows, b.Windows) {
		cuts = append(cuts, w.EnterMinNs, w.LeaveMaxNs)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var m geo.Meeting
	m.Begin()
	begin := cuts[0]
	for i, ns := range cuts[:len(cuts)-1] {
		sep := n.asked(&a, ns).Most(n.asked(&b, ns))
		if i+2 < len(cuts) && n.asked(&a, cuts[i+1]).Most(n.asked(&b, cuts[i+1])) == sep {
			continue
		}
		m.Add(a.Path, b.Path, begin, cuts[i+1], sep, n.settings.CrossRefCm)
		begin = cuts[i+1]
	}
	found, ok := m.Approach()
	if !ok {
		return nil
	}
	c := &Conflict{A: a.ID, B: b.ID, Approach: found}
	for _, w := range slices.Concat(a.Windows, b.Windows) {
		for _, s := range found.Spans {
			if w.EnterMinNs < s.ToNs && s.FromNs < w.LeaveMaxNs {
				c.Sectors = append(c.Sectors, w.Sector)
			}
		}
	}
	slices.Sort(c.Sectors)
	c.Sectors = slices.Compact(c.Sectors)
	return c
}

// all lists the conflicts that are kept, by their flights.
func (t *conflictTable) all() []*Conflict {
	var list []*Conflict
	t.pairs.Scan(func(p pairing) bool {
		if p.flight == p.A {
			list = append(list, p.Conflict)
		}
		return true
	})
	return list
}

func sameConflicts(a, b []*Conflict) bool {
	return slices.EqualFunc(a, b, func(p, q *Conflict) bool { return p.A == q.A && p.B == q.B && p.same(q) })
}

// compareConflicts holds what is kept against all pairs, unless it says that it is not done.
func compareConflicts(t *rapid.T, s *State, model *naive) {
	table := &s.conflicts
	got := table.all()
	if table.len() != len(got) || table.pairs.Len() != 2*len(got) {
		t.Fatalf("%d conflicts by flight, %d by time, %d in all", table.pairs.Len(), table.len(), len(got))
	}
	if table.computing() || s.telling() != nil {
		return
	}
	if want := model.conflicts(); !sameConflicts(got, want) {
		t.Fatalf("conflicts %v, want %v", texts(got), texts(want))
	}
}

func texts(list []*Conflict) (out []Conflict) {
	for _, c := range list {
		out = append(out, *c)
	}
	return out
}

// crossing is a pair of flights that meet head-on at 47 N 7 E.
func crossing() []Command {
	west := eastward("w", 47, 5, 9, startNs)
	slices.Reverse(west.Path)
	for i := range west.Path {
		west.Path[i].AtNs = startNs + int64(i)*600*second
	}
	return []Command{PutFlight{Flight: eastward("e", 47, 5, 9, startNs)}, PutFlight{Flight: west}}
}

func (w *world) conflictEvents(t testing.TB) (list []Event) {
	for _, e := range w.takeEvents(t) {
		if e.Kind >= ConflictFound && e.Kind <= ConflictResolved {
			list = append(list, e)
		}
	}
	return list
}

func TestConflictComesAndGoes(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	for _, cmd := range crossing() {
		w.must(t, cmd)
	}
	events := w.conflictEvents(t)
	if len(events) != 1 || events[0].Kind != ConflictFound || events[0].ID != "e+w" {
		t.Fatalf("events %+v", events)
	}
	c := events[0].Detail.(*Conflict)
	if c.AtNs != startNs+1200*second || c.Pos != (geo.LatLon{LatE7: deg(47), LonE7: deg(7)}) || c.LateralCm > 2 || !slices.Equal(c.Sectors, []string{"A"}) || c.Since != (Version{w.index, 0}) {
		t.Errorf("conflict %+v", c)
	}
	wide := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))
	wide.Separation = geo.Separation{LateralCm: 1_852_000, VerticalCm: 30_480}
	w.must(t, PutSector{Sector: wide})
	if events = w.conflictEvents(t); len(events) != 1 || events[0].Kind != ConflictChanged || events[0].Detail.(*Conflict).FromNs() >= c.FromNs() {
		t.Errorf("after 10 NM in the sector: %+v", events)
	}
	w.must(t, SetRules{CrossRefCm: DefaultCrossRefCm, RetainNs: DefaultRetainNs})
	if w.entry(0); len(w.conflictEvents(t)) != 0 {
		t.Error("the default matters in a sector with its own")
	}
	w.must(t, RemoveSector{ID: "A"})
	if events = w.conflictEvents(t); len(events) != 1 || events[0].Kind != ConflictResolved {
		t.Errorf("without the sector, and no default: %+v", events)
	}
	w.must(t, SetRules{CrossRefCm: DefaultCrossRefCm, RetainNs: DefaultRetainNs, Separation: DefaultSeparation()})
	if due := w.m.DueNs(); due == 0 || due > w.logNs {
		t.Errorf("due at %d", due)
	}
	w.entry(0)
	if events = w.conflictEvents(t); len(events) != 1 || events[0].Kind != ConflictFound {
		t.Errorf("with a default again: %+v", events)
	}
	w.must(t, CancelFlight{ID: "e"})
	if events = w.conflictEvents(t); len(events) != 1 || events[0].Kind != ConflictResolved || w.m.State().conflicts.len() != 0 {
		t.Errorf("after one was cancelled: %+v", events)
	}
}

// TestCrowded has more flights in one place than conflicts are kept of.
func TestCrowded(t *testing.T) {
	w := newWorld()
	for i := range MaxFlightConflicts + 2 {
		w.must(t, PutFlight{Flight: eastward(string(rune('A'+i%26))+string(rune('a'+i/26)), 47, 5, 9, startNs)})
	}
	table := &w.m.State().conflicts
	if table.crowded.Len() != MaxFlightConflicts+2 || table.computing() {
		t.Errorf("%d crowded", table.crowded.Len())
	}
	chunks := chunksOf(w.m.State())
	loaded := reload(t, chunks)
	if !slices.EqualFunc(chunks, chunksOf(loaded.State()), slices.Equal) {
		t.Error("chunks differ after loading")
	}
	for _, s := range []*State{w.m.State(), loaded.State()} {
		for _, f := range s.Flights("", MaxPage) {
			counted, _ := s.conflicts.counts.Get(f.ID)
			if n := len(s.conflicts.of(f.ID, "")); n > MaxFlightConflicts || n != counted {
				t.Errorf("%s has %d, and %d are counted", f.ID, n, counted)
			}
		}
	}
	for _, f := range w.m.State().Flights("", MaxPage) {
		w.must(t, CancelFlight{ID: f.ID})
	}
	if table = &w.m.State().conflicts; table.counts.Len() != 0 || table.crowded.Len() != 0 {
		t.Errorf("of flights that are gone %d are counted and %d crowded", table.counts.Len(), table.crowded.Len())
	}
}

// TestASwarmIsLookedAt puts one flight more where all are crowded: it costs a look at each of them, and no comparison, and is crowded itself.
func TestASwarmIsLookedAt(t *testing.T) {
	w := newWorld()
	const swarm = 4 * (MaxFlightConflicts + 1)
	for i := range swarm {
		w.must(t, PutFlight{Flight: eastward(fmt.Sprintf("swarm-%03d", i), 47, 5, 9, startNs)})
	}
	w.must(t, PutFlight{Flight: eastward("yankee", 47, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("zulu", 47, 5, 9, startNs)})
	if used := w.m.finder.most - w.m.finder.left; used > 2*swarm {
		t.Errorf("one more of %d took %d steps", swarm, used)
	}
	s := w.m.State()
	_, crowded := s.conflicts.crowded.Get("zulu")
	if has := s.conflicts.of("zulu", ""); !crowded || s.conflicts.computing() || len(has) != 1 || has[0].Name() != "yankee+zulu" {
		t.Errorf("crowded: %v, computing: %v, with %d conflicts", crowded, s.conflicts.computing(), len(has))
	}
}

// finish lets the machines work until nothing is pending: in the end all that was put off is as if it had been done at once.
func finish(t *rapid.T, pair *pair, draw *drawer, follow *follower) {
	for range 3000 {
		s := pair.a.State()
		if !s.conflicts.computing() && len(s.stagings) == 0 && len(draw.model.staged) == 0 {
			compareConflicts(t, s, draw.model)
			return
		}
		modelEntry(pair, draw, 0)
		follow.take(t, pair.events)
		follow.compare(t, pair.a.State())
		compareState(t, pair.a.State(), draw.model)
	}
	t.Fatal("it never ends")
}

// askConflicts compares lists of conflicts, page by page.
func (d *drawer) askConflicts(s *State) {
	q := ConflictsQuery{
		FromNs: startNs + rapid.Int64Range(-10, 1000).Draw(d.t, "from")*60*second,
		Limit:  rapid.SampledFrom([]int{1, 2, 1000}).Draw(d.t, "limit"),
	}
	q.ToNs = q.FromNs + rapid.SampledFrom([]int64{1, 600 * second, 36_000 * second}).Draw(d.t, "span")
	there := true
	switch rapid.IntRange(0, 3).Draw(d.t, "by") {
	case 0:
		q.Sector = d.id("s")
		_, there = d.model.sectors[q.Sector]
	case 1:
		q.Flight = d.id("f")
		_, there = d.model.flights[q.Flight]
	case 2:
		q.Volume = new(d.volume())
		there = q.Volume.Validate() == nil
	}
	var want []*Conflict
	for _, c := range s.conflicts.all() {
		if meets(c.Spans, q.FromNs, q.ToNs) && (q.Sector == "" || slices.Contains(c.Sectors, q.Sector)) && (q.Flight == "" || c.A == q.Flight || c.B == q.Flight) &&
			(q.Volume == nil || there && s.within(c, geo.Prepare(*q.Volume))) {
			want = append(want, c)
		}
	}
	slices.SortStableFunc(want, func(a, b *Conflict) int { return cmp.Compare(a.FromNs(), b.FromNs()) })
	var got []*Conflict
	for {
		page, err := s.Conflicts(q)
		if (err == nil) != there {
			d.t.Fatalf("conflicts: %v, want an answer: %v", err, there)
		}
		if err != nil {
			return
		}
		for _, e := range page.List {
			got = append(got, e.Conflict)
		}
		if page.Next == nil {
			break
		}
		q.After = *page.Next
	}
	if !slices.Equal(got, want) {
		d.t.Fatalf("conflicts %v, want %v", texts(got), texts(want))
	}
}
