package airspace

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"onevoice/airspace/control"

	"onevoice/machine"
	"onevoice/problem"
)

func TestAtomicTakesEffectAtOnePlace(t *testing.T) {
	w := inhabited(t)
	w.takeEvents(t)
	res := w.must(t, Atomic{Commands: []Command{
		PutSector{Sector: sectorOf("C", square(deg(46), deg(8), deg(48), deg(10), 300, 400)), If: Precondition{Absent: true}},
		PutFlight{Flight: eastward("h", 47, 5, 9, startNs)},
		CancelFlight{ID: "f", If: Precondition{Match: &Version{4, 0}}},
	}})
	if len(res.Parts) != 3 || res.Parts[0].Rewindowed != 2 || len(res.Parts[1].Windows) != 3 || res.Parts[1].Version != res.Version {
		t.Fatalf("%+v", res)
	}
	kinds := kindsOf(w.takeEvents(t))
	want := []string{"sector-put C", "flight-rewindowed f", "flight-rewindowed g", "flight-put h", "breach-found Y", "conflict-found f+h", "flight-cancelled f", "breach-resolved Y", "conflict-resolved f+h"}
	if !slices.Equal(kinds, want) {
		t.Fatalf("events %v, want %v", kinds, want)
	}
}

func TestAtomicRefusalNamesTheCommandAndChangesNothing(t *testing.T) {
	w := inhabited(t)
	there, _ := w.m.State().Flight("g")
	for _, c := range []struct {
		kind  problem.Kind
		field string
		last  Command
	}{
		{problem.PreconditionFailed, "commands[2]", CancelFlight{ID: "g", If: Precondition{Match: &Version{1, 1}}}},
		{problem.NotFound, "commands[2]", CancelFlight{ID: "nobody"}},
		{problem.Invalid, "commands[2].points", PutFlight{Flight: Flight{ID: "g"}}},
		{problem.Invalid, "commands[2]", SetRules{}},
		{problem.Invalid, "commands[2]", CancelFlight{ID: "f"}},
		{problem.Refused, "commands[2]", PutFlight{Flight: eastward("g", 47, 5, 9, startNs-100*3600*second)}},
	} {
		cmd := Atomic{Commands: []Command{RemoveSector{ID: "A"}, CancelFlight{ID: "f"}, c.last}}
		res := w.refuse(t, cmd, c.kind)
		if res.Problem.Field != c.field || res.Problem.Op != "apply commands" || res.Parts != nil {
			t.Errorf("%T: %+v", c.last, res.Problem)
		}
		if c.kind == problem.PreconditionFailed && *res.Current != there.Version {
			t.Errorf("current is %v, want %v", res.Current, there.Version)
		}
	}
	w.refuse(t, Atomic{}, problem.Invalid)
	w.refuse(t, Atomic{Commands: []Command{Atomic{Commands: []Command{CancelFlight{ID: "f"}}}}}, problem.Invalid)
}

// TestARefusedAtomicLeavesTheMachineAsItWas compares a machine that refuses atomic requests with one that never saw them: what they do from
// then on is the same, in what is replicated and in the numbers that are their own.
func TestARefusedAtomicLeavesTheMachineAsItWas(t *testing.T) {
	a, b := inhabited(t), inhabited(t)
	var many []Command
	for i := range 30 {
		many = append(many, PutFlight{Flight: eastward(fmt.Sprint("n", i), 47, 5, 9, startNs)})
	}
	by := desk("P2", 2)
	many = append(many, PutZone{Zone: closedZone("M", 46, 5, 48, 7)}, RemoveZone{ID: "Y"}, onFlight("g", control.Release, by), SignOff{By: by, Leave: true}, CancelFlight{ID: "f"}, RemoveSector{ID: "A"}, CancelFlight{ID: "nobody"})
	for i := range 20 {
		a.refuse(t, Atomic{Commands: many}, problem.NotFound)
		b.entry(second)
		id := fmt.Sprint("x", i%7)
		for _, w := range []*world{a, b} {
			if i == 10 {
				w.must(t, PutZone{Zone: closedZone("N", 40, 0, 41, 1)})
			} else if i%3 == 2 {
				w.do(CancelFlight{ID: id})
			} else {
				w.must(t, PutFlight{Flight: eastward(id, 47, 5, int32(6+i%4), startNs)})
			}
		}
		if got, want := maps.Collect(numbersOf(a.m)), maps.Collect(numbersOf(b.m)); !maps.Equal(got, want) {
			t.Fatalf("numbers %v, want %v", got, want)
		}
	}
	if !slices.EqualFunc(chunksOf(a.m.State()), chunksOf(b.m.State()), bytes.Equal) || !slices.EqualFunc(a.events, b.events, bytes.Equal) {
		t.Fatal("the two have parted")
	}
}

func numbersOf(m *Machine) func(func(string, uint32) bool) {
	return func(yield func(string, uint32) bool) { m.state.numbers.Scan(yield) }
}

// TestForkKnowsEveryField fails when the machine gets a field that fork has not been thought about with.
func TestForkKnowsEveryField(t *testing.T) {
	known := map[string]string{
		"state":       "copied; of the past, what both add lies in memory that they share, and only one of the two goes on",
		"root":        "dropped",
		"ground":      "shared: it is replaced where the sectors change, and else only works",
		"outline":     "shared: only works",
		"countLeft":   "a number",
		"finder":      "what it has left is a number, the rest only works",
		"tracer":      "shared: only works",
		"steps":       "never changes",
		"ends":        "copied",
		"zoneEnds":    "copied",
		"checks":      "copied",
		"sizes":       "never changed",
		"sectorsMade": "a number",
		"control":     "forked",
		"changed":     "a flag",
		"load":        "over",
	}
	m := reflect.TypeFor[Machine]()
	for i := range m.NumField() {
		if name := m.Field(i).Name; known[name] == "" {
			t.Errorf("is Machine.%s as it was where an atomic request is refused? see fork", name)
		}
	}
	if m.NumField() != len(known) {
		t.Errorf("Machine has %d fields, %d are known", m.NumField(), len(known))
	}
}

func TestAtomicLimits(t *testing.T) {
	w := newWorld()
	for i := range int32(100) {
		w.must(t, PutSector{Sector: sectorOf(fmt.Sprintf("S%02d", i), square(deg(40), deg(i-50), deg(48), deg(i-49), 300, 400))})
	}
	var cmds []Command
	for i := range MaxAtomic {
		cmds = append(cmds, PutFlight{Flight: eastward(fmt.Sprintf("f%02d", i), 47, -49, 49, startNs)})
	}
	res := w.refuse(t, Atomic{Commands: cmds}, problem.Refused)
	if !strings.Contains(res.Problem.Error(), fmt.Sprint(MaxAtomicWindows)) {
		t.Error(res.Problem)
	}
	w.must(t, Atomic{Commands: cmds[:80]})
	w.refuse(t, Atomic{Commands: append(cmds, cmds[0])}, problem.TooLarge)
	var _ machine.Machine = w.m
}
