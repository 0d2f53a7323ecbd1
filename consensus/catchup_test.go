package consensus

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/wire"
)

// A server that has much to apply does so in several flushes, and asks for the next one at once.
func TestApplyingIsSplit(t *testing.T) {
	const bytes = 3000
	w := newWorld(t, 3, 1, Limits{ApplyBytes: bytes})
	id := w.openSession()
	l := w.awaitLeader()
	f := w.servers[1+l.id%3]
	f.cut = true
	w.write(id, 1, 300)
	most, flushes := uint64(0), 0
	w.onFlush = func(s *server, out *Output) {
		if s != f {
			return
		}
		applied := uint64(0)
		for range out.Applied {
			applied += entryOverhead
		}
		most = max(most, s.group.apply.bytes)
		if out.Again {
			flushes++
			if s.group.apply.bytes < bytes || applied == 0 {
				t.Fatalf("a flush stopped at %d bytes", s.group.apply.bytes)
			}
		}
	}
	f.cut = false
	w.until("the end of the log", func() bool { return f.group.state.index >= l.group.state.index })
	if flushes < 5 || most >= 2*bytes {
		t.Fatalf("%d flushes left work, the fullest applied %d bytes", flushes, most)
	}
	w.settle()
}

// The leader keeps the log that a live follower lacks beyond KeepBytes, as long as it would keep a snapshot for it.
func TestLogOfLiveFollowerIsKept(t *testing.T) {
	for _, c := range []struct {
		snapshotBytes uint64
		kept          bool
	}{{0, true}, {500, false}} {
		w := newWorld(t, 3, 1, Limits{SnapshotEntries: 40, KeepEntries: 1, KeepBytes: 500, SnapshotBytes: c.snapshotBytes})
		id := w.openSession()
		l := w.awaitLeader()
		w.run(50)
		f := w.servers[1+l.id%3]
		at := f.group.state.index
		w.onFrame = func(_, to uint64, frame []byte) bool { // heartbeats only
			h, body, _ := wire.Open(frame)
			var m raftpb.Message
			return to != f.id || h.Kind != wire.KindRaft || proto.Unmarshal(body.Rest(), &m) != nil || m.GetType() != raftpb.MsgApp
		}
		w.write(id, 1, 200)
		w.run(100)
		first, _ := l.group.tail.FirstIndex()
		if l.group.snap.meta.index < at+100 || (first <= at+1) != c.kept {
			t.Errorf("SnapshotBytes %d: the log begins at %d, the follower has it up to %d; the snapshot is at %d",
				c.snapshotBytes, first, at, l.group.snap.meta.index)
		}
	}
}

// A follower that needs much longer for a snapshot than the leader for the next one catches up while others write all the time.
func TestSlowFollowerCatchesUpUnderLoad(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{SnapshotEntries: 40, KeepEntries: 10, KeepBytes: 500})
	id := w.openSession()
	l, f := w.lag(id)
	w.onFrame = func(_, to uint64, frame []byte) bool { // six of ten chunks are lost, and asked for again after a while
		h, _, _ := wire.Open(frame)
		return h.Kind != wire.KindSnapshotChunk || to != f.id || w.rng.IntN(10) >= 6
	}
	f.cut = false
	before, seq := l.group.state.index, uint64(201)
	for ; f.group.counters.Installed == 0 || f.group.state.index+5 < l.group.state.index; seq++ {
		if seq > 3000 {
			t.Fatalf("not caught up after %d entries: facts %v", l.group.state.index-before, w.facts)
		}
		w.write(id, seq, 1)
	}
	if n := l.group.state.index - before; n < 6*40 || f.group.counters.Installed != 1 {
		t.Fatalf("%d entries meanwhile, facts %v", n, w.facts)
	}
	w.settle()
}

// A follower that finds the chunks bad says so, and need not wait until the leader takes it to be gone.
func TestBadChunkIsToldToTheLeader(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	_, f := w.lag(id)
	bad := true
	w.onFrame = func(_, to uint64, frame []byte) bool {
		if h, _, _ := wire.Open(frame); h.Kind == wire.KindSnapshotChunk && to == f.id && bad && len(frame) > 60 {
			bad = false
			frame[len(frame)-1] ^= 1
		}
		return true
	}
	f.cut = false
	w.until("the chunk is refused", func() bool { return w.facts["snapshot-abandoned"] == 1 })
	start := w.nowMs
	w.until("the snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	if took := w.nowMs - start; took > sendTimeoutNs/2e6 {
		t.Fatalf("it took %d ms to begin anew and finish", took)
	}
	w.settle()
}
