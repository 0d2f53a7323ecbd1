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
		return n.Steps > 0 && sum+1 >= n.Steps && sum <= n.Steps && n.StepsOver()[0] == sum
	})
	over := (&host.Counters{StepsByMs: [host.StepClasses]uint64{9, 3, 0, 1}}).StepsOver()
	if over != [host.StepClasses]uint64{13, 4, 1, 1} {
		t.Errorf("steps over 0, 1, 2, 4 ms and so on: %v", over)
	}
}
