package host_test

import (
	"testing"

	"onevoice/host"
)

// Every step is in one class of duration, so that what held up the node's goroutine can be seen from outside.
func TestStepsAreCountedByDuration(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	c.waitLeader()
	c.add(c.client(), 1)
	s := c.servers[1]
	eventually(t, "all steps in a class", func() bool {
		n := s.Status().Counters
		var sum uint64
		for _, count := range n.StepsByMs {
			sum += count
		}
		// A step that is under way is counted, but in no class yet.
		return n.Steps > 0 && sum+1 >= n.Steps && sum <= n.Steps && n.LongestStepMs() > 0
	})
	if n := (&host.Counters{StepsByMs: [host.StepClasses]uint64{9, 3, 0, 1}}).LongestStepMs(); n != 8 {
		t.Errorf("the longest step is said to be under %d ms, want 8", n)
	}
}
