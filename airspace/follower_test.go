package airspace

import (
	"slices"

	"pgregory.net/rapid"
)

// follower knows what the events say, and nothing else: the version of each thing, and the windows of each flight.
type follower struct {
	things map[string]Event
	// pending are the sectors that are being changed, "" for the rules; open those that have changed and of which not all has been said.
	pending, open map[string]bool
	// told are the flights of which something was said since the last switch: their windows are known in the open sectors too.
	told map[string]bool
}

func newFollower() *follower {
	return &follower{things: map[string]Event{}, pending: map[string]bool{}, open: map[string]bool{}, told: map[string]bool{}}
}

func (f *follower) take(t *rapid.T, events [][]byte) {
	for _, b := range events {
		e, err := DecodeEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		f.thing(t, e)
		switch e.Kind {
		case SectorStaged:
			f.pending[e.ID] = true
		case SectorPut, SectorRemoved, SettingsChanged:
			if f.pending[e.ID] {
				delete(f.pending, e.ID)
				f.open[e.ID] = true
				f.told = map[string]bool{}
			}
		case FlightPut, FlightRewindowed, FlightProgress:
			f.told[e.ID] = true
		case SectorSettled:
			if !f.open[e.ID] {
				t.Fatalf("event %+v of a sector that is not open", e)
			}
			delete(f.open, e.ID)
		case SectorDropped:
			t.Fatalf("event %+v", e)
		}
	}
}

func (f *follower) thing(t *rapid.T, e Event) {
	before := f.things[e.ID]
	switch e.Kind {
	case SectorPut, FlightPut, ZonePut:
		f.things[e.ID] = e
	case FlightProgress:
		if _, isMark := e.Detail.(*Mark); !isMark {
			t.Fatalf("event %+v", e)
		}
		f.things[e.ID] = e
	case FlightRewindowed:
		if before.Version != e.Version || slices.Equal(before.Windows, e.Windows) {
			t.Fatalf("event %+v after %+v", e, before)
		}
		f.things[e.ID] = e
	case SectorRemoved, FlightCancelled, FlightExpired, ZoneRemoved, ZoneExpired:
		if before.Version != e.Version {
			t.Fatalf("event %+v after %+v", e, before)
		}
		delete(f.things, e.ID)
	}
}

// sure leaves out the windows of which the events have not said yet what becomes of them.
func (f *follower) sure(flight string, windows []SectorWindow) []SectorWindow {
	return slices.DeleteFunc(slices.Clone(windows), func(w SectorWindow) bool {
		return !f.told[flight] && (f.open[w.Sector] || f.open[""])
	})
}

func (f *follower) compare(t *rapid.T, s *State) {
	for _, r := range s.Flights("", MaxPage) {
		e := f.things[r.ID]
		if e.Version != r.Version || e.Callsign != r.Callsign || !slices.Equal(f.sure(r.ID, e.Windows), f.sure(r.ID, r.Windows)) {
			t.Fatalf("flight %+v, but the events say %+v", r, e)
		}
	}
	for _, n := range s.Sectors("", MaxPage) {
		if e := f.things[n.ID]; e.Version != n.Version {
			t.Fatalf("sector %+v, but the events say %+v", n, e)
		}
	}
	for _, z := range zonesIn(s) {
		if e := f.things[z.ID]; e.Version != z.Version {
			t.Fatalf("zone %+v, but the events say %+v", z, e)
		}
	}
	if len(f.things) != s.FlightCount()+s.SectorCount()+s.ZoneCount() {
		t.Fatalf("the events know %d things", len(f.things))
	}
}
