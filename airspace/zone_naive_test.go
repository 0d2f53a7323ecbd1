package airspace

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// visitsToZone is the definition: for each time, the windows in the volumes of that time together, cut to it; then what overlaps is one.
func (n *naive) visitsToZone(f *Flight, z *Zone) []geo.Window {
	var list []geo.Window
	times := map[[2]int64][]geo.Polygon{}
	for _, v := range z.Volumes {
		times[[2]int64{v.FromNs, v.ToNs}] = append(times[[2]int64{v.FromNs, v.ToNs}], v.Area)
	}
	for time, areas := range times {
		for _, w := range n.visitsTo(f, areas) {
			may := [2]int64{max(w.EnterMinNs, time[0]), min(w.LeaveMaxNs, time[1])}
			sure := [2]int64{max(w.EnterMaxNs, time[0]), min(w.LeaveMinNs, time[1])}
			switch {
			case may[0] >= may[1]:
			case w.EnterMaxNs >= w.LeaveMinNs || sure[0] >= sure[1]:
				list = append(list, geo.Window{EnterMinNs: may[0], EnterMaxNs: may[1], LeaveMinNs: may[0], LeaveMaxNs: may[1]})
			default:
				list = append(list, geo.Window{EnterMinNs: may[0], EnterMaxNs: sure[0], LeaveMinNs: sure[1], LeaveMaxNs: may[1]})
			}
		}
	}
	for again := true; again; {
		again = false
		for i := range list {
			for j := range list {
				if i != j && !again && list[i].EnterMinNs <= list[j].LeaveMaxNs && list[j].EnterMinNs <= list[i].LeaveMaxNs {
					list[i] = hull(list[i], list[j])
					list, again = slices.Delete(list, j, j+1), true
					break
				}
			}
			if again {
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b geo.Window) int { return cmp.Compare(a.EnterMinNs, b.EnterMinNs) })
	return list
}

func hull(a, b geo.Window) geo.Window {
	w := geo.Window{EnterMinNs: min(a.EnterMinNs, b.EnterMinNs), LeaveMaxNs: max(a.LeaveMaxNs, b.LeaveMaxNs)}
	w.EnterMaxNs, w.LeaveMinNs = w.LeaveMaxNs, w.EnterMinNs
	var sure []geo.Window
	for _, s := range []geo.Window{a, b} {
		if s.Sure() {
			sure = append(sure, s)
		}
	}
	slices.SortFunc(sure, func(a, b geo.Window) int {
		return cmp.Or(cmp.Compare(b.LeaveMinNs-b.EnterMaxNs, a.LeaveMinNs-a.EnterMaxNs), cmp.Compare(a.EnterMaxNs, b.EnterMaxNs))
	})
	if len(sure) > 0 {
		w.EnterMaxNs, w.LeaveMinNs = sure[0].EnterMaxNs, sure[0].LeaveMinNs
	}
	return w
}

// breaches lists all, by looking at every flight and zone.
func (n *naive) breaches() []Breach {
	var all []Breach
	for _, id := range slices.Sorted(maps.Keys(n.zones)) {
		z := n.zones[id]
		var visits []Breach
		for _, f := range n.flights {
			for _, w := range n.visitsToZone(&f.Flight, &z.Zone) {
				visits = append(visits, Breach{id, z.Kind, f.ID, f.Callsign, f.Version, w})
			}
		}
		slices.SortFunc(visits, func(a, b Breach) int {
			return cmp.Or(cmp.Compare(a.Window.EnterMinNs, b.Window.EnterMinNs), cmp.Compare(a.Flight, b.Flight))
		})
		for i, v := range visits {
			if z.Kind == ZoneClosed || z.Kind == ZoneLimit && tooMany(z.Limit, visits[:i], v.Window.EnterMinNs) {
				all = append(all, v)
			}
		}
	}
	return all
}

func tooMany(limit Limit, before []Breach, at int64) bool {
	inside, began := 0, 0
	for _, b := range before {
		if b.Window.LeaveMaxNs > at {
			inside++
		}
		if b.Window.EnterMinNs > at-3600*second {
			began++
		}
	}
	return limit.AtOnce > 0 && inside >= limit.AtOnce || limit.PerHour > 0 && began >= limit.PerHour
}

// notify counts a change of a flight in the zones that it may be in, before or after.
func (n *naive) notify(plans ...*Flight) {
	for id, z := range n.zones {
		touched := slices.ContainsFunc(plans, func(f *Flight) bool { return len(n.visitsToZone(f, &z.Zone)) > 0 })
		if z.Kind == ZoneNotice && touched {
			z.Notifications++
			n.zones[id] = z
		}
	}
}

func (n *naive) applyZone(at Version, cmd Command) Result {
	switch cmd := cmd.(type) {
	case PutZone:
		old, there := n.zones[cmd.Zone.ID]
		if kind, current := hold(n.zones, cmd.Zone.ID, cmd.If, func(z ZoneRecord) Version { return z.Version }); kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		if there && old.Kind != cmd.Zone.Kind || cmd.Zone.EndNs()+n.settings.RetainNs < n.nowNs {
			return Result{Problem: &problem.Error{Kind: problem.Refused}}
		}
		n.zones[cmd.Zone.ID] = ZoneRecord{Zone: cmd.Zone, Version: at, Notifications: old.Notifications}
	case RemoveZone:
		kind, current := hold(n.zones, cmd.ID, cmd.If, func(z ZoneRecord) Version { return z.Version })
		if _, ok := n.zones[cmd.ID]; kind == 0 && !ok {
			kind = problem.NotFound
		}
		if kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		delete(n.zones, cmd.ID)
	}
	return Result{Version: at}
}

func (n *naive) expireZones() {
	maps.DeleteFunc(n.zones, func(_ string, z ZoneRecord) bool { return z.EndNs()+n.settings.RetainNs < n.nowNs })
}

func (d *drawer) zone() Zone {
	z := Zone{ID: d.id("z"), Kind: ZoneKind(rapid.IntRange(1, 3).Draw(d.t, "kind")), Name: "Zürich", Owner: "CAA", Remarks: "two\nlines"}
	if old, there := d.model.zones[z.ID]; there && rapid.IntRange(0, 5).Draw(d.t, "same") > 0 {
		z.Kind = old.Kind
	}
	for range rapid.IntRange(1, 3).Draw(d.t, "volumes") {
		v := d.volume()
		for try := 0; v.Validate() != nil && try < 5; try++ {
			v = d.volume()
		}
		from := startNs + rapid.Int64Range(-10, 1000).Draw(d.t, "from")*60*second
		z.Volumes = append(z.Volumes, Volume4D{v, from, from + rapid.SampledFrom([]int64{0, 60 * second, 3600 * second, 36_000 * second}).Draw(d.t, "lasts")})
	}
	if z.Kind == ZoneLimit {
		z.Limit = Limit{rapid.IntRange(0, 2).Draw(d.t, "at once"), rapid.IntRange(0, 2).Draw(d.t, "per hour")}
	}
	return z
}

func encoded(v []Volume4D) []byte {
	var w codec.Writer
	appendVolumes(&w, v)
	return w.B
}

// compareZoned holds zones and breaches against the model, and all ways to ask for breaches against one another.
func compareZoned(t *rapid.T, s *State, model *naive) {
	if s.ZoneCount() != len(model.zones) {
		t.Fatalf("%d zones, want %d", s.ZoneCount(), len(model.zones))
	}
	for _, z := range zonesIn(s) {
		want := model.zones[z.ID]
		if z.Version != want.Version || z.Notifications != want.Notifications || z.Checking || !bytes.Equal(encoded(z.Volumes), encoded(want.Volumes)) {
			t.Fatalf("zone %+v, want %+v", z, want)
		}
	}
	want := model.breaches()
	entries := 0
	s.zones.Scan(func(_ string, z *zone) bool {
		entries += z.entries
		return true
	})
	if entries != s.entries {
		t.Fatalf("%d entries, want %d", s.entries, entries)
	}
	from, to := startNs+rapid.Int64Range(-10, 1000).Draw(t, "from")*60*second, int64(everAfter)
	if rapid.Bool().Draw(t, "short") {
		to = from + 3600*second
	}
	limit := rapid.SampledFrom([]int{1, 2, MaxPage}).Draw(t, "limit")
	comparePages(t, s, BreachQuery{FromNs: from, ToNs: to, Limit: limit}, want)
	for _, z := range zonesIn(s) {
		comparePages(t, s, BreachQuery{Zone: z.ID, FromNs: from, ToNs: to, Limit: limit}, want)
	}
	for _, f := range s.Flights("", MaxPage) {
		comparePages(t, s, BreachQuery{Flight: f.ID, FromNs: from, ToNs: to, Limit: limit}, want)
		comparePages(t, s, BreachQuery{Flight: f.ID, Zone: "za", FromNs: from, ToNs: to, Limit: limit}, want)
	}
}

// zonesIn lists all zones of a state of the present.
func zonesIn(s *State) []*ZoneRecord {
	list, err := s.Zones("", MaxPage)
	if err != nil {
		panic(err)
	}
	return list
}

func comparePages(t *rapid.T, s *State, q BreachQuery, all []Breach) {
	var want, got []Breach
	for _, b := range all {
		if (q.Zone == "" || b.Zone == q.Zone) && (q.Flight == "" || b.Flight == q.Flight) && b.Window.EnterMinNs < q.ToNs && b.Window.LeaveMaxNs > q.FromNs {
			want = append(want, b)
		}
	}
	for {
		page, err := s.Breaches(q)
		if _, none := s.Zone(q.Zone); err != nil {
			if q.Zone == "" || none == nil {
				t.Fatal(err)
			}
			return
		}
		got = append(got, page...)
		if len(page) < q.Limit {
			break
		}
		q.After = page[len(page)-1].Cursor()
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%+v:\ngot  %+v\nwant %+v", q, got, want)
	}
}

// breachFollower knows the breaches that the events tell of.
type breachFollower map[[2]string]*BreachDetail

func (f breachFollower) take(t *rapid.T, events [][]byte) {
	for _, b := range events {
		e, err := DecodeEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := e.Detail.(*BreachDetail)
		switch e.Kind {
		case BreachFound:
			if old := f[[2]string{e.ID, d.Flight}]; len(d.Windows) == 0 || old != nil && slices.Equal(old.Windows, d.Windows) {
				t.Fatalf("%+v after %+v", e, old)
			}
			f[[2]string{e.ID, d.Flight}] = d
		case BreachResolved:
			if f[[2]string{e.ID, d.Flight}] == nil {
				t.Fatalf("%+v, where there was none", e)
			}
			delete(f, [2]string{e.ID, d.Flight})
		case ZoneRemoved, ZoneExpired:
			maps.DeleteFunc(f, func(k [2]string, _ *BreachDetail) bool { return k[0] == e.ID })
		}
	}
}

func (f breachFollower) compare(t *rapid.T, s *State) {
	list, err := s.Breaches(BreachQuery{FromNs: everBefore, ToNs: everAfter, Limit: MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range f {
		n += len(d.Windows)
	}
	for _, b := range list {
		if d := f[[2]string{b.Zone, b.Flight}]; d == nil || !slices.Contains(d.Windows, b.Window) {
			t.Fatalf("breach %+v, but the events say %+v", b, d)
		}
	}
	if n != len(list) {
		t.Fatalf("%d breaches, the events know %d", len(list), n)
	}
}
