package cluster

import (
	"flag"
	"slices"
	"testing"

	"onevoice/lab/sim"
)

var gapsFlag = flag.Int("gaps", 2, "experiments for each fault and size")

// gapCase is a fault of the leader and the longest gap after it in one hall.
type gapCase struct {
	name   string
	fault  sim.Kind
	mostMs int64
}

var gapCases = []gapCase{
	{"crash", sim.Crash, 60}, {"pause", sim.Pause, 110}, {"mute", sim.Mute, 110}, {"deaf", sim.Deaf, 110}, {"isolate", sim.Isolate, 110},
	{"star", sim.Star, 110}, {"behind", sim.Star, 110}, {"hand-over", 0, 20},
}

// TestGaps: a leader that fails in any way is replaced within the time that detection and one election take.
func TestGaps(t *testing.T) {
	for _, servers := range []int{3, 5} {
		for _, c := range gapCases {
			c.gaps(t, GapOptions{Servers: servers}, func(g *Gap) int64 { return c.mostMs * milliNs })
		}
	}
}

// TestGapsFarApart: over a round trip of 40 ms it is replaced, at most, the detection bound and six round trips after the fault; where it hands
// over, six round trips. The bound is that which the leader publishes.
func TestGapsFarApart(t *testing.T) {
	const round = 40 * milliNs
	for _, servers := range []int{3, 5} {
		for _, c := range gapCases {
			if c.fault == sim.Star {
				continue // nobody is replaced; by way of a third server all round trips are twice as long
			}
			c.gaps(t, GapOptions{Servers: servers, RoundNs: round}, func(g *Gap) int64 {
				if g.RoundNs < round || g.RoundNs > round+2*milliNs || g.BoundNs < 80*milliNs || g.BoundNs > 82*milliNs {
					t.Errorf("the leader has measured a round trip of %.1f ms and publishes a bound of %.1f ms, want 40 and 80", float64(g.RoundNs)/1e6, float64(g.BoundNs)/1e6)
				}
				if c.name == "hand-over" {
					return 6 * round
				}
				return g.BoundNs + 6*round
			})
		}
	}
}

// TestGapsAtAnyDistance: the same from one town to the next and to the other end of the world, for a leader that stops.
func TestGapsAtAnyDistance(t *testing.T) {
	for _, roundNs := range []int64{5 * milliNs, 13 * milliNs, 100 * milliNs, 250 * milliNs} {
		gapCase{name: "pause", fault: sim.Pause}.gaps(t, GapOptions{Servers: 3, RoundNs: roundNs}, func(g *Gap) int64 {
			return g.BoundNs + 6*roundNs
		})
	}
}

// gaps makes experiments, holds each against what is allowed, and logs how they spread.
func (c gapCase) gaps(t *testing.T, o GapOptions, most func(*Gap) int64) {
	var writes, reads []int64
	o.Fault, o.Behind, o.HandOver = c.fault, c.name == "behind", c.name == "hand-over"
	for seed := range uint64(*gapsFlag) {
		o.Seed = seed
		g, err := RunGap(o)
		if err != nil {
			t.Fatal(err)
		}
		if most := most(&g); max(g.WriteNs, g.ReadNs) > most || !g.Moved && c.fault != sim.Star {
			t.Errorf("%d servers, %s, seed %d: gaps of %.1f ms for writes and %.1f ms for reads, another leads: %v; want at most %d ms",
				o.Servers, c.name, seed, float64(g.WriteNs)/1e6, float64(g.ReadNs)/1e6, g.Moved, most/milliNs)
		}
		writes, reads = append(writes, g.WriteNs), append(reads, g.ReadNs)
	}
	slices.Sort(writes)
	slices.Sort(reads)
	at := func(list []int64, part int) float64 { return float64(list[min(len(list)*part/100, len(list)-1)]) / 1e6 }
	t.Logf("%d servers, %-9s p50/p99/max ms: writes %.1f %.1f %.1f, reads %.1f %.1f %.1f", o.Servers, c.name,
		at(writes, 50), at(writes, 99), at(writes, 100), at(reads, 50), at(reads, 99), at(reads, 100))
}
