package airspace

import (
	"fmt"
	"slices"
	"testing"

	"onevoice/problem"
)

// closedZone is a square of whole degrees that is closed on the first day, from the ground up.
func closedZone(id string, south, west, north, east int32) Zone {
	area := square(deg(south), deg(west), deg(north), deg(east), 0, 999)
	return Zone{ID: id, Kind: ZoneClosed, Volumes: []Volume4D{{area, startNs, startNs + 86_400*second}}}
}

func (w *world) breaches(t testing.TB, q BreachQuery) []string {
	t.Helper()
	q.FromNs, q.ToNs, q.Limit = everBefore, everAfter, MaxPage
	list, err := w.m.State().Breaches(q)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range list {
		names = append(names, b.Zone+" "+b.Flight)
	}
	return names
}

func kindsOf(events []Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, e.Kind.String()+" "+e.ID)
	}
	return list
}

func TestClosedZoneNamesWhoComesIn(t *testing.T) {
	w := newWorld()
	w.must(t, PutFlight{Flight: eastward("in", 47, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("north", 50, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("tomorrow", 47, 5, 9, startNs+86_400*second)})
	w.takeEvents(t)
	w.must(t, PutZone{Zone: closedZone("Z", 46, 6, 48, 8)})
	if got, want := kindsOf(w.takeEvents(t)), []string{"zone-put Z", "breach-found Z", "zone-checked Z"}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if got := w.breaches(t, BreachQuery{}); !slices.Equal(got, []string{"Z in"}) {
		t.Fatal(got)
	}
	w.must(t, PutFlight{Flight: eastward("in", 52, 5, 9, startNs)})
	events := w.takeEvents(t)
	if got, want := kindsOf(events), []string{"flight-put in", "breach-resolved Z"}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if z := events[0].Zones; len(z) != 1 || z[0] != (ZoneMention{Zone: "Z"}) || len(events[0].Extents) != 2 {
		t.Fatalf("the flight that left is told with %+v", events[0])
	}
	w.must(t, PutFlight{Flight: eastward("in", 47, 5, 9, startNs)})
	w.must(t, RemoveZone{ID: "Z"})
	if got := w.breaches(t, BreachQuery{Flight: "in"}); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestZonesExpireAfterTheirLastVolume(t *testing.T) {
	w := newWorld()
	w.must(t, PutZone{Zone: closedZone("Z", 46, 6, 48, 8)})
	w.takeEvents(t)
	w.entry(86_400 * second)
	if w.m.State().ZoneCount() != 1 {
		t.Fatal("gone before its retention was over")
	}
	if due, want := w.m.DueNs(), startNs+86_400*second+DefaultRetainNs+1; due != want {
		t.Fatalf("due at %d, want %d", due, want)
	}
	w.entry(DefaultRetainNs)
	if got := kindsOf(w.takeEvents(t)); w.m.State().ZoneCount() != 0 || !slices.Equal(got, []string{"zone-expired Z"}) {
		t.Fatalf("%d zones, %v", w.m.State().ZoneCount(), got)
	}
	w.refuse(t, PutZone{Zone: closedZone("Z", 46, 6, 48, 8)}, problem.Refused)
}

func TestNoticeZoneCountsWhatIsTold(t *testing.T) {
	w := newWorld()
	z := closedZone("N", 46, 6, 48, 8)
	z.Kind = ZoneNotice
	w.must(t, PutFlight{Flight: eastward("before", 47, 5, 9, startNs)})
	w.must(t, PutZone{Zone: z})
	w.takeEvents(t)
	w.must(t, PutFlight{Flight: eastward("f", 47, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("f", 50, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("f", 50, 5, 10, startNs)})
	w.must(t, CancelFlight{ID: "before"})
	var told []uint64
	for _, e := range w.takeEvents(t) {
		for _, z := range e.Zones {
			told = append(told, z.Index)
		}
	}
	rec, _ := w.m.State().Zone("N")
	if !slices.Equal(told, []uint64{1, 2, 3}) || rec.Notifications != 3 || len(w.breaches(t, BreachQuery{})) != 0 {
		t.Fatalf("told %v, %d notifications", told, rec.Notifications)
	}
}

func TestManyFlightsAreHeldAgainstAZoneInSteps(t *testing.T) {
	w := newWorld()
	w.m.sizes = checkSize{near: 20, flights: 25, found: 30, work: MaxWork}
	var cmds []Command
	for i := range 60 {
		cmds = append(cmds, PutFlight{Flight: eastward(fmt.Sprintf("f%05d", i), 47, 5, 6, startNs+int64(i)*900*second)})
	}
	w.entry(second, cmds...)
	w.must(t, PutZone{Zone: closedZone("Z", 46, 5, 48, 6)})
	steps := 0
	for due := w.m.DueNs(); due <= w.logNs; due = w.m.DueNs() {
		rec, _ := w.m.State().Zone("Z")
		if found := len(w.breachesOf("Z")); !rec.Checking || found > 0 != (rec.Checked != "") {
			t.Fatalf("%d breaches, checking %v, checked up to %q", found, rec.Checking, rec.Checked)
		}
		w.entry(0)
		steps++
	}
	if rec, _ := w.m.State().Zone("Z"); rec.Checking || len(w.breachesOf("Z")) != len(cmds) || steps < 2 {
		t.Fatalf("%d breaches after %d steps", len(w.breachesOf("Z")), steps)
	}
}

// breachesOf pages through all breaches of a zone.
func (w *world) breachesOf(zone string) []Breach {
	var all []Breach
	for q := (BreachQuery{Zone: zone, FromNs: everBefore, ToNs: everAfter, Limit: MaxPage}); ; {
		page, err := w.m.State().Breaches(q)
		if err != nil {
			panic(err)
		}
		if all = append(all, page...); len(page) < q.Limit {
			return all
		}
		q.After = page[len(page)-1].Cursor()
	}
}

func TestZoneRefusals(t *testing.T) {
	w := newWorld()
	good := closedZone("Z", 46, 6, 48, 8)
	w.must(t, PutZone{Zone: good})
	change := func(f func(*Zone)) PutZone {
		z := good
		z.Volumes = slices.Clone(good.Volumes)
		f(&z)
		return PutZone{Zone: z}
	}
	w.refuse(t, change(func(z *Zone) { z.Kind = ZoneNotice }), problem.Refused)
	w.refuse(t, change(func(z *Zone) { z.Kind = 4 }), problem.Invalid)
	w.refuse(t, change(func(z *Zone) { z.Limit.AtOnce = 1 }), problem.Invalid)
	w.refuse(t, change(func(z *Zone) { z.Kind = ZoneLimit }), problem.Invalid)
	w.refuse(t, change(func(z *Zone) { z.Volumes = nil }), problem.Invalid)
	w.refuse(t, change(func(z *Zone) { z.Volumes = slices.Repeat(z.Volumes, MaxZoneVolumes+1) }), problem.TooLarge)
	w.refuse(t, change(func(z *Zone) { z.Volumes[0].ToNs = startNs }), problem.Invalid)
	w.refuse(t, change(func(z *Zone) { z.Owner = "\x01" }), problem.Invalid)
	w.refuse(t, PutZone{Zone: good, If: Precondition{Absent: true}}, problem.Conflict)
	w.refuse(t, RemoveZone{ID: "none"}, problem.NotFound)
}
