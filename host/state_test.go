package host_test

import (
	"bytes"
	"context"
	"testing"

	"onevoice/consensus"
	"onevoice/machine"
	"onevoice/problem"
)

// TestTheWholeStateHoldsWhatWasAcknowledged takes the state of every server while the next writes are made: it holds all before, at
// one index, and does not move while it is read.
func TestTheWholeStateHoldsWhatWasAcknowledged(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.piped()
	for range 10 {
		before := c.add(cl, 1)
		for number, s := range c.servers {
			at, chunks, err := s.State(t.Context(), testGroup)
			if err != nil {
				t.Fatal(err)
			}
			if at.Index < before.Index {
				t.Errorf("server %d: state of index %d, %d was acknowledged", number, at.Index, before.Index)
			}
			c.add(cl, 1)
			r := consensus.NewImageReader(testGroup, func() machine.Machine { return &counter{} }, consensus.Versions{})
			for chunk := range chunks {
				if err := r.Add(bytes.Clone(chunk)); err != nil {
					t.Fatal(err)
				}
			}
			image, err := r.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if p := image.Published(); p.Index != at.Index || p.Hash != at.Hash || p.Root != at.Root || uint64(p.Root.(total)) < totalOf(before) {
				t.Errorf("server %d: %+v is loaded of %+v", number, p, at)
			}
		}
	}
	if _, _, err := c.servers[1].State(t.Context(), 99); !isKind(err, problem.NotFound) {
		t.Errorf("the state of an unknown group: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.servers[1].State(ctx, testGroup); !isKind(err, problem.NoVoice) {
		t.Errorf("without a barrier: %v", err)
	}
}
