package crowd

import (
	"testing"
)

func TestOne(t *testing.T) {
	r := Run(1, Defaults())
	t.Logf("%+v", Result{Seed: r.Seed, Held: r.Held, RollP99: r.RollP99, Cut: r.Cut, CutRolls: r.CutRolls, CutNs: r.CutNs, HealthyCut: r.HealthyCut, Refused: r.Refused, Probes: r.Probes, Reports: r.Reports, Entries: r.Entries, Asked: r.Asked, Frames: r.Frames, RollBytes: r.RollBytes, Broken: r.Broken, Rolls: r.Rolls, NotHeld: r.NotHeld})
}
