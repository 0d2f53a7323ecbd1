package consensus

import (
	"testing"
	"time"

	"onevoice/step"
)

// TestRaftsTimeFollowsTheRoundTrip: an election's time is 100 ms in a hall, eight round trips where they are longer, and half a second at most.
func TestRaftsTimeFollowsTheRoundTrip(t *testing.T) {
	const ms = int64(time.Millisecond)
	for roundNs, wantNs := range map[int64]int64{0: 100 * ms, 12 * ms: 100 * ms, 20 * ms: 160 * ms, 40 * ms: 320 * ms, 60 * ms: 480 * ms, 900 * ms: 500 * ms} {
		p := pace{roundNs: roundNs}
		counted := int64(0)
		for range 10_000 {
			if p.due() {
				counted++
			}
		}
		if got := 10_000 * step.TickNs / counted * electionTicks; got < wantNs-ms || got > wantNs+ms {
			t.Errorf("round trip %d ms: an election's time is %d ms, want %d", roundNs/ms, got/ms, wantNs/ms)
		}
	}
}

// TestRaftsTimeGoesOnAfterAShorterRoundTrip: what was saved up for a long tick is no burst of short ones.
func TestRaftsTimeGoesOnAfterAShorterRoundTrip(t *testing.T) {
	p := pace{roundNs: int64(200 * time.Millisecond)}
	for range 15 {
		p.due()
	}
	p.roundNs = 0
	for i := range 20 {
		if !p.due() {
			t.Fatalf("tick %d does not count", i)
		}
	}
	if p.sumNs >= leastElectionNs {
		t.Errorf("%d ms are left over", p.sumNs/int64(time.Millisecond))
	}
}
