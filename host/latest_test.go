package host_test

import (
	"sync/atomic"
	"testing"

	"onevoice/machine"
)

// rooted counts the states that are made of a counter.
type rooted struct {
	counter
	made *atomic.Int64
}

func (r *rooted) Root() machine.Root {
	r.made.Add(1)
	return r.counter.Root()
}

// TestStatesThatNobodyLooksAt writes without looking, and then looks.
func TestStatesThatNobodyLooksAt(t *testing.T) {
	c := newCluster(t)
	var made atomic.Int64
	c.machine = func() machine.Machine { return &rooted{made: &made} }
	c.startAll()
	cl := c.client()
	server := c.servers[c.add(cl, 1).Server]
	before := made.Load()
	const writes = 300
	for range writes {
		c.add(cl, 1)
	}
	// The servers make one a second, and so few unless this machine all but stands still.
	if n := made.Load() - before; n > writes/2 {
		t.Errorf("%d states were made during %d writes", n, writes)
	}
	last := c.add(cl, 1)
	if p := c.servers[last.Server].Latest(testGroup); p.Index < last.Index || uint64(p.Root.(total)) != totalOf(last) {
		t.Errorf("the latest state is %v at %d, the answer was %d at %d", p.Root, p.Index, totalOf(last), last.Index)
	}
	c.stop(1)
	c.stop(2)
	c.stop(3)
	if p := server.Latest(testGroup); p.Root == nil {
		t.Error("a stopped server has no latest state")
	}
}
