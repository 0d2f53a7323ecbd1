package consensus

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/step"
)

// TestWhatAPromiseHoldsBack: entries of that server until that moment, and nothing else.
func TestWhatAPromiseHoldsBack(t *testing.T) {
	g := &Group{}
	g.Hold(2, 100)
	for _, c := range []struct {
		kind  raftpb.MessageType
		from  uint64
		nowNs int64
		held  bool
	}{
		{raftpb.MsgApp, 2, 99, true}, {raftpb.MsgApp, 2, 100, false}, {raftpb.MsgApp, 3, 99, false},
		{raftpb.MsgHeartbeat, 2, 99, false}, {raftpb.MsgVote, 2, 99, false},
	} {
		g.now = step.Now{MonoNs: c.nowNs}
		if got := g.holds(&raftpb.Message{Type: c.kind.Enum(), From: new(c.from)}); got != c.held {
			t.Errorf("%v of %d at %d: held back %v", c.kind, c.from, c.nowNs, got)
		}
	}
}
