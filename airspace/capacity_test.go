package airspace

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/problem"
)

func (d *drawer) capacity() Capacity {
	return rapid.SampledFrom([]Capacity{{}, {}, {OccupancyWarn: 1}, {OccupancyWarn: 1, OccupancyAlert: 2}, {EntriesAlert: 1}, {EntriesWarn: 1, EntriesAlert: 3, OccupancyAlert: 3}}).Draw(d.t, "capacity")
}

// watches reports whether what is watched, or what is to be counted, changes with an entry at a log time.
func (m *Machine) watches(logNs int64) bool {
	s := m.State()
	counted := slices.ContainsFunc(s.Sectors("", MaxPage), func(n *SectorRecord) bool { return n.Capacity != (Capacity{}) })
	now := serviceAt(s, logNs)
	return s.levels.stale.Len() > 0 || counted && now-now%DefaultBucketNs != s.levels.fromNs
}

// bucket counts by looking at every window there is, at every instant at which one begins.
func (n *naive) bucket(sector string, from, to int64) Bucket {
	var b Bucket
	instants := []int64{from}
	var windows []SectorWindow
	for _, f := range n.flights {
		for _, w := range f.Windows {
			if w.Sector == sector {
				windows = append(windows, w)
				instants = append(instants, w.EnterMinNs, w.EnterMaxNs)
			}
		}
	}
	for _, w := range windows {
		if from <= w.EnterMinNs && w.EnterMinNs < to {
			b.Entries++
		}
		if from <= w.EnterMinNs && w.EnterMinNs < from+hourNs {
			b.HourEntries++
		}
	}
	for _, ns := range instants {
		if ns < from || ns >= to {
			continue
		}
		may, sure := 0, 0
		for _, w := range windows {
			if w.EnterMinNs <= ns && ns < w.LeaveMaxNs {
				may++
			}
			if w.Sure() && w.EnterMaxNs <= ns && ns < w.LeaveMinNs {
				sure++
			}
		}
		b.Peak, b.SurePeak = max(b.Peak, may), max(b.SurePeak, sure)
	}
	c := n.sectors[sector].Capacity
	switch {
	case c.OccupancyAlert > 0 && b.Peak >= c.OccupancyAlert, c.EntriesAlert > 0 && b.HourEntries >= c.EntriesAlert:
		b.Level = LevelAlert
	case c.OccupancyWarn > 0 && b.Peak >= c.OccupancyWarn, c.EntriesWarn > 0 && b.HourEntries >= c.EntriesWarn:
		b.Level = LevelWarn
	}
	return b
}

// compareLevels holds what is watched against counting all of it, unless it says that it is not done.
func compareLevels(t *rapid.T, s *State, model *naive) {
	got, counting, _ := s.Levels(SectorLevel{}, MaxPage)
	if counting {
		return
	}
	var want []SectorLevel
	begin := s.levels.fromNs
	for _, id := range slices.Sorted(maps.Keys(model.sectors)) {
		for from := begin; from < begin+WatchNs; from += DefaultBucketNs {
			if b := model.bucket(id, from, from+DefaultBucketNs); b.Level != LevelOK {
				want = append(want, SectorLevel{Sector: id, FromNs: from, Level: b.Level})
			}
		}
	}
	if !slices.EqualFunc(got, want[:min(len(want), MaxPage)], func(a, b SectorLevel) bool { return a.Sector == b.Sector && a.FromNs == b.FromNs && a.Level == b.Level }) {
		t.Fatalf("levels %v, want %v", got, want)
	}
}

// askLoad compares the load of a sector in any time and buckets.
func (d *drawer) askLoad(s *State) {
	q := LoadQuery{
		Sector: d.id("s"), FromNs: startNs + rapid.Int64Range(-10, 1000).Draw(d.t, "load from")*60*second,
		BucketNs: rapid.SampledFrom([]int64{MinBucketNs, DefaultBucketNs, 7 * hourNs}).Draw(d.t, "bucket"),
	}
	q.ToNs = q.FromNs + rapid.SampledFrom([]int64{1, 3 * hourNs, 16 * hourNs}).Draw(d.t, "load span")
	got, err := s.Load(q)
	if _, ok := d.model.sectors[q.Sector]; ok != (err == nil) {
		d.t.Fatalf("load: %v, but is the sector there: %v", err, ok)
	}
	if err != nil {
		return
	}
	for i, b := range got.Buckets {
		from := q.FromNs + int64(i)*q.BucketNs
		if want := d.model.bucket(q.Sector, from, min(from+q.BucketNs, q.ToNs)); b != want {
			d.t.Fatalf("bucket %d: %+v, want %+v", i, b, want)
		}
	}
	if from := q.FromNs + int64(len(got.Buckets))*q.BucketNs; from < q.ToNs || from-q.BucketNs >= q.ToNs {
		d.t.Fatalf("%d buckets of %d from %d to %d", len(got.Buckets), q.BucketNs, q.FromNs, q.ToNs)
	}
}

func (w *world) levelEvents(t testing.TB) (list []Event) {
	for _, e := range w.takeEvents(t) {
		if e.Kind == CapacityWarn || e.Kind == CapacityAlert || e.Kind == CapacityOK {
			list = append(list, e)
		}
	}
	return list
}

func TestCapacityEvents(t *testing.T) {
	w := newWorld()
	sector := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))
	sector.Capacity = Capacity{OccupancyWarn: 2, OccupancyAlert: 3}
	w.must(t, PutSector{Sector: sector})
	begin := startNs - startNs%DefaultBucketNs + hourNs
	for i, want := range []EventKind{0, CapacityWarn, CapacityAlert} {
		w.must(t, PutFlight{Flight: eastward(string(rune('a'+i)), 47, 5, 9, begin)})
		events := w.levelEvents(t)
		// They are in the sector for 20 minutes, from 10 minutes after their begin.
		if want == 0 && len(events) != 0 || want != 0 && (len(events) != 2 || events[0].Kind != want || events[0].Detail.(*BucketLoad).FromNs != begin+DefaultBucketNs) {
			t.Fatalf("after flight %d: %+v", i, events)
		}
	}
	w.must(t, CancelFlight{ID: "b"})
	if events := w.levelEvents(t); len(events) != 2 || events[1].Kind != CapacityWarn || events[1].Detail.(*BucketLoad).Peak != 2 {
		t.Errorf("after one was cancelled: %+v", events)
	}
	sector.Capacity.OccupancyWarn = 0
	w.must(t, PutSector{Sector: sector})
	if events := w.levelEvents(t); len(events) != 2 || events[0].Kind != CapacityOK {
		t.Errorf("without the threshold: %+v", events)
	}
	sector.Capacity = Capacity{EntriesWarn: 2}
	w.must(t, PutSector{Sector: sector})
	events := w.levelEvents(t)
	if len(events) != 6 || events[0].Detail.(*BucketLoad).FromNs != begin+DefaultBucketNs-hourNs+DefaultBucketNs {
		t.Errorf("with a threshold of entries: %+v", events)
	}
	if due := w.m.DueNs(); due != startNs-startNs%DefaultBucketNs+DefaultBucketNs {
		t.Errorf("due at %d", due)
	}
	w.must(t, RemoveSector{ID: "A"})
	if list, counting, _ := w.m.State().Levels(SectorLevel{}, MaxPage); len(list) != 0 || counting {
		t.Errorf("without the sector: %v", list)
	}
}

// TestLevelsOfThePast keeps what was listed after each entry, and asks for it again when all has become another.
func TestLevelsOfThePast(t *testing.T) {
	w := newWorld()
	for _, id := range []string{"A", "B"} {
		sector := wide(id)
		sector.Capacity = Capacity{OccupancyWarn: 2, EntriesAlert: 4}
		w.must(t, PutSector{Sector: sector})
	}
	begin := startNs - startNs%DefaultBucketNs + hourNs
	then := map[uint64][]SectorLevel{}
	keep := func() {
		list, counting, err := w.m.State().Levels(SectorLevel{}, MaxPage)
		if counting || err != nil {
			t.Fatal(counting, err)
		}
		for i := range list {
			list[i].Since = Version{}
		}
		then[w.m.State().Index()] = list
	}
	for i := range 5 {
		w.must(t, PutFlight{Flight: eastward(string(rune('a'+i)), 47, 5, 9, begin+int64(i)*700*second)})
		keep()
	}
	w.must(t, CancelFlight{ID: "b"})
	keep()
	narrow := wide("A")
	narrow.Capacity = Capacity{OccupancyAlert: 1}
	w.must(t, PutSector{Sector: narrow})
	keep()
	w.must(t, RemoveSector{ID: "B"})
	keep()
	w.entry(2*hourNs, CancelFlight{ID: "a"})
	keep()
	w.must(t, PutFlight{Flight: eastward("late", 47, 5, 9, begin+30*hourNs)})
	for index, want := range then {
		s, err := w.m.State().AsOf(Known{Index: index})
		if err != nil {
			t.Fatal(err)
		}
		var got []SectorLevel
		for {
			after := SectorLevel{}
			if n := len(got); n > 0 {
				after = got[n-1]
			}
			page, _, err := s.Levels(after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); len(page) < 3 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("as of %d:\n%v\nwant\n%v", index, got, want)
		}
	}
	if len(then) != 9 || len(then[8]) == 0 {
		t.Errorf("%d entries kept, of which one lists %v", len(then), then[8])
	}
}

// TestWatchMovesOn has a flight come into what is watched with time alone.
func TestWatchMovesOn(t *testing.T) {
	w := newWorld()
	sector := sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))
	sector.Capacity = Capacity{OccupancyWarn: 1}
	w.must(t, PutSector{Sector: sector})
	w.must(t, PutFlight{Flight: eastward("a", 47, 5, 9, startNs+25*hourNs)})
	if events := w.levelEvents(t); len(events) != 0 {
		t.Fatalf("a day before: %+v", events)
	}
	w.entry(2 * hourNs)
	if events := w.levelEvents(t); len(events) != 2 || events[0].Kind != CapacityWarn {
		t.Fatalf("later: %+v", events)
	}
	w.entry(24 * hourNs)
	if list, _, _ := w.m.State().Levels(SectorLevel{}, MaxPage); len(list) != 0 {
		t.Errorf("when it is over: %v", list)
	}
}

func TestLoadLimits(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	for name, q := range map[string]LoadQuery{
		"backwards":    {"A", startNs, startNs, MinBucketNs},
		"short bucket": {"A", startNs, startNs + 1, MinBucketNs - 1},
		"long bucket":  {"A", startNs, startNs + 1, MaxBucketNs + 1},
		"many buckets": {"A", startNs, startNs + MaxBuckets*MinBucketNs + 1, MinBucketNs},
		"before 1970":  {"A", -1, 1, MinBucketNs},
	} {
		if _, err := w.m.State().Load(q); err == nil || err.(*problem.Error).Kind != problem.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l, err := w.m.State().Load(LoadQuery{"A", startNs, startNs + MaxBuckets*MinBucketNs, MinBucketNs}); err != nil || len(l.Buckets) != MaxBuckets {
		t.Errorf("as many as there may be: %v", err)
	}
	bad := sectorOf("B", square(deg(46), deg(6), deg(48), deg(8), 300, 400))
	bad.Capacity = Capacity{OccupancyWarn: 3, OccupancyAlert: 2}
	w.refuse(t, PutSector{Sector: bad}, problem.Invalid)
	bad.Capacity = Capacity{}
	bad.Separation.LateralCm = 5
	w.refuse(t, PutSector{Sector: bad}, problem.Invalid)
}

// TestTide: who leaves at the instant at which another enters was not there together with it, and what is there at the begin counts.
func TestTide(t *testing.T) {
	tide := newTide([]moment{{10, 1}, {20, 1}, {20, -1}, {30, -1}, {30, 1}, {50, -1}})
	for _, c := range [][3]int64{{0, 10, 0}, {10, 15, 1}, {15, 25, 1}, {25, 31, 1}, {31, 40, 1}, {40, 60, 1}, {60, 70, 0}} {
		if got := tide.peak(c[0], c[1]); got != int(c[2]) {
			t.Errorf("from %d to %d: %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
