package cluster

import (
	"fmt"
	"slices"

	"onevoice/airspace"
	"onevoice/lab/judge"
)

// bundles are the requests of several commands as one, by the callsign that the flights in each carry.
type bundles struct {
	drawn map[string]bundle
}

// bundle is how many flights and sectors a request puts.
type bundle struct{ flights, sectors int }

// bundleMark begins the callsign of a flight that was put by several commands as one.
const bundleMark = "ALL"

// atomic draws two or more commands as one: at least two flights, sometimes a sector, and now and then one that is bound to be refused.
func (w *airspaceWork) atomic() airspace.Command {
	callsign := fmt.Sprintf("%s%d", bundleMark, len(w.bundles.drawn)+1)
	var cmd airspace.Atomic
	var b bundle
	for _, i := range w.rand.Perm(flightIDs)[:2+w.rand.IntN(3)] {
		f := w.flight()
		f.ID, f.Callsign = fmt.Sprintf("F%d", i), callsign
		cmd.Commands = append(cmd.Commands, airspace.PutFlight{Flight: f, If: w.precondition(f.ID)})
		b.flights++
	}
	if w.rand.IntN(3) == 0 {
		s := w.sector()
		cmd.Commands = append(cmd.Commands, airspace.PutSector{Sector: s, If: w.precondition(s.ID)})
		b.sectors++
	}
	if w.rand.IntN(3) == 0 {
		cmd.Commands = append(cmd.Commands, airspace.CancelFlight{ID: "nobody"})
	}
	if w.bundles.drawn == nil {
		w.bundles.drawn = map[string]bundle{}
	}
	w.bundles.drawn[callsign] = b
	return cmd
}

// of says whether an event is of a flight that was put by several commands as one.
func (b *bundles) of(e *airspace.Event) bool {
	return e.Kind == airspace.FlightPut && len(e.Callsign) > len(bundleMark) && e.Callsign[:len(bundleMark)] == bundleMark
}

// check holds the events of one index against the requests: all that a request puts is there, of one version, or none of it.
func (b *bundles) check(court *judge.Court, group uint32, index uint64, events [][]byte) {
	var found []string
	flights, sectors := map[string]int{}, map[airspace.Version]int{}
	versions := map[string]airspace.Version{}
	for _, bytes := range events {
		e, err := airspace.DecodeEvent(bytes)
		switch {
		case err != nil:
		case e.Version.Index == index && (e.Kind == airspace.SectorPut || e.Kind == airspace.SectorStaged):
			sectors[e.Version]++
		case b.of(&e):
			if flights[e.Callsign]++; flights[e.Callsign] == 1 {
				found, versions[e.Callsign] = append(found, e.Callsign), e.Version
			}
			if versions[e.Callsign] != e.Version {
				court.Fail("S5", "group %d index %d: commands that are one took effect at %v and %v", group, index, versions[e.Callsign], e.Version)
			}
		}
	}
	slices.Sort(found)
	for _, callsign := range found {
		want, known := b.drawn[callsign]
		got := bundle{flights[callsign], sectors[versions[callsign]]}
		if !known || got != want {
			court.Fail("S5", "group %d index %d: of commands that are one, %s, %+v took effect, asked for %+v (again: %v)", group, index, callsign, got, want, !known)
		}
		delete(b.drawn, callsign) // a second time is once too often
	}
}
