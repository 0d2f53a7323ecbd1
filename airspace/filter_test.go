package airspace

import (
	"slices"
	"testing"

	"onevoice/geo"
)

// matched gives the kinds of the events that a filter lets pass.
func matched(t *testing.T, w *world, events []Event, f Filter) []string {
	t.Helper()
	var pass []Event
	for _, e := range events {
		if f.Matches(&e) {
			pass = append(pass, e)
		}
	}
	return kindsOf(pass)
}

func TestFilterTellsWhoLeaves(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	w.must(t, PutZone{Zone: closedZone("Z", 46, 6, 48, 8)})
	w.must(t, PutFlight{Flight: eastward("in", 47, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("out", 52, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("in", 55, 5, 9, startNs)})
	w.must(t, CancelFlight{ID: "in"})
	events := w.takeEvents(t)
	south := FilterVolume{South: deg(46), North: deg(48), West: deg(6), Width: uint32(deg(2))}
	low := south
	low.LowCm, low.HighCm, low.Ref = 0, geo.FlightLevel(100).Cm, geo.RefSTD
	for _, c := range []struct {
		name   string
		filter Filter
		want   []string
	}{
		{"sector", Filter{Sectors: []string{"A"}}, []string{"sector-put A", "flight-put in", "flight-put in"}},
		{"zone", Filter{Zones: []string{"Z"}}, []string{"zone-put Z", "zone-checked Z", "flight-put in", "breach-found Z", "flight-put in", "breach-resolved Z"}},
		{"flight", Filter{Flights: []string{"in"}}, []string{"flight-put in", "breach-found Z", "flight-put in", "breach-resolved Z", "flight-cancelled in"}},
		{"kind", Filter{Kinds: []EventKind{FlightCancelled}}, []string{"flight-cancelled in"}},
		{"both", Filter{Kinds: []EventKind{FlightPut}, Flights: []string{"in", "out"}, Sectors: []string{"A", "B"}}, []string{"flight-put in", "flight-put in"}},
		{"volume", Filter{Volumes: []FilterVolume{south}}, []string{"flight-put in", "flight-put in"}},
		{"low", Filter{Volumes: []FilterVolume{low}}, nil},
		{"nobody", Filter{Flights: []string{"none"}}, nil},
	} {
		if got := matched(t, w, events, c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if all := matched(t, w, events, Filter{}); len(all) != len(events) || !new(Filter).Empty() {
		t.Errorf("without a filter %v", all)
	}
}
