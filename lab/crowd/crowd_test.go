package crowd

import (
	"bytes"
	"strings"
	"testing"
)

// few is a crowd that is quickly simulated.
func few() Options {
	o := Defaults()
	o.Members, o.Lossy = 150, 1
	return o
}

func TestOneSeedIsOneRun(t *testing.T) {
	a, b, other := Run(1, few()), Run(1, few()), Run(2, few())
	if a.Trace != b.Trace || a.Trace == other.Trace {
		t.Errorf("seed 1 gives %s and %s, seed 2 %s", a.Trace, b.Trace, other.Trace)
	}
	if a.Broken != "" || a.Cut != 1 || a.CutRolls != 1 || a.HealthyCut != 0 || a.NotHeld != 0 || a.Rolls != 4 {
		t.Errorf("%+v", shown(a))
	}
}

// TestRulesCanBreak: a loss that nobody can tell from the ordinary one, and a model in which nothing is fast enough.
func TestRulesCanBreak(t *testing.T) {
	o := few()
	o.LossPermille = 0
	if r := Run(1, o); r.Cut != 0 || !strings.Contains(r.Broken, "0 of 1") {
		t.Errorf("%d gone, broken %q", r.Cut, r.Broken)
	}
	for _, r := range []Result{{RollP99: AimNs}, {Cut: 1, CutRolls: 2}, {Cut: 1, CutRolls: 1, HealthyCut: 1}, {Cut: 0, CutRolls: 1}} {
		if o.broken(&r) == "" {
			t.Errorf("%+v passes", r)
		}
	}
}

// TestOnlyTheQuietChanges: where no link is bad, nobody goes.
func TestOnlyTheQuietChanges(t *testing.T) {
	o := few()
	o.Lossy, o.HealthyPermille = 0, 5 // a probe passes four links: 2 %
	if r := Run(3, o); r.HealthyCut != 0 || r.Reports != 0 || r.Rolls != 3 || r.Held.P99 >= AimNs {
		t.Errorf("%+v", shown(r))
	}
}

// shown is a result without what it was computed from.
func shown(r Result) Result {
	r.samples = nil
	return r
}

func TestSummary(t *testing.T) {
	var seen int
	s, err := RunSeeds(t.Context(), 1, 3, few(), func(Result) { seen++ })
	if err != nil || seen != 3 || s.Seeds != 3 || s.LossyCut != 3 || s.OneRoll != 3 || s.Last.Seed != 3 || len(s.Broken) != 0 {
		t.Errorf("%d seeds, %d gone, %d on one roll, %d broken, %v", s.Seeds, s.LossyCut, s.OneRoll, len(s.Broken), err)
	}
	var out bytes.Buffer
	if s.Print(&out); !strings.Contains(out.String(), "3 of 3") {
		t.Error(out.String())
	}
}

func TestOptions(t *testing.T) {
	for name, bad := range map[string]Options{"members": {Members: 19, Servers: 3}, "lossy": {Members: 100, Lossy: 21, Servers: 3}, "servers": {Members: 100}} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	o := Defaults()
	if err := o.Check(); err != nil {
		t.Error(err)
	}
}

// TestClients: each way tells everybody once, and a tree takes the work off the servers.
func TestClients(t *testing.T) {
	c, err := ClientsOf(1, 10_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	straight, tree := c.Ways[0], c.Ways[1]
	if straight.Frames != 3_334 || straight.BusyNs != 3_334*SendNs || straight.Held.Max < straight.BusyNs || straight.Held.P50 > straight.BusyNs {
		t.Errorf("%+v", straight)
	}
	if tree.Frames != treeWidth || tree.Held.Max > 20*ms {
		t.Errorf("%+v", tree)
	}
	if r := c.Rest[1]; r.FramesPerSecond != 3_334 || r.PartsBusy != 66 {
		t.Errorf("%+v", r)
	}
	if _, err := ClientsOf(1, MaxClients+1, 3); err == nil {
		t.Error("more than the most")
	}
	var out bytes.Buffer
	if c.Print(&out); !strings.Contains(out.String(), "by a tree of 32") {
		t.Error(out.String())
	}
}
