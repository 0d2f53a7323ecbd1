package cluster

import (
	"flag"
	"slices"
	"testing"

	"onevoice/lab/sim"
)

var gapsFlag = flag.Int("gaps", 2, "experiments for each fault and size")

// TestGaps: a leader that fails in any way is replaced within the time that detection and one election take.
func TestGaps(t *testing.T) {
	for _, servers := range []int{3, 5} {
		for _, f := range []struct {
			name   string
			fault  sim.Kind
			mostMs int64
		}{{"crash", sim.Crash, 60}, {"pause", sim.Pause, 110}, {"mute", sim.Mute, 110}, {"deaf", sim.Deaf, 110}, {"isolate", sim.Isolate, 110}, {"star", sim.Star, 110}, {"behind", sim.Star, 110},
			{"hand-over", 0, 20}} {
			var writes, reads []int64
			for seed := range uint64(*gapsFlag) {
				g, err := RunGap(GapOptions{Seed: seed, Servers: servers, Fault: f.fault, Behind: f.name == "behind", HandOver: f.name == "hand-over"})
				if err != nil {
					t.Fatal(err)
				}
				if most := max(g.WriteNs, g.ReadNs); most > f.mostMs*milliNs || !g.Moved && f.fault != sim.Star {
					t.Errorf("%d servers, %s, seed %d: gaps of %.1f ms for writes and %.1f ms for reads, another leads: %v; want at most %d ms",
						servers, f.name, seed, float64(g.WriteNs)/1e6, float64(g.ReadNs)/1e6, g.Moved, f.mostMs)
				}
				writes, reads = append(writes, g.WriteNs), append(reads, g.ReadNs)
			}
			slices.Sort(writes)
			slices.Sort(reads)
			at := func(list []int64, part int) float64 { return float64(list[min(len(list)*part/100, len(list)-1)]) / 1e6 }
			t.Logf("%d servers, %-9s p50/p99/max ms: writes %.1f %.1f %.1f, reads %.1f %.1f %.1f", servers, f.name,
				at(writes, 50), at(writes, 99), at(writes, 100), at(reads, 50), at(reads, 99), at(reads, 100))
		}
	}
}
