package consensus

import (
	"fmt"
	"testing"

	"onevoice/wire"
)

// TestFewEntriesAreUnderWay: while the disk is slow, commands wait in the queue and not in the log.
func TestFewEntriesAreUnderWay(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	w.diskMs = 300
	const commands = 50
	var last uint64
	for seq := range uint64(commands) {
		last = w.command(l, wire.Command{Session: id, Seq: seq + 1, Op: toyOp(fmt.Sprint("k", seq), 1)})
		w.run(1) // each would be an entry of its own
		if n := len(l.group.queue.proposed); n > inFlight {
			t.Fatalf("%d entries are under way, want up to %d", n, inFlight)
		}
	}
	if r := w.await(last); r.Status != wire.OK {
		t.Errorf("%+v", r)
	}
	if n := w.facts["stepped-down"]; n != 0 {
		t.Errorf("stepped down %d times", n)
	}
}

// TestTheLogWaitsForSnapshots: a leader proposes nothing while too much was applied since the last durable one.
func TestTheLogWaitsForSnapshots(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	request := w.command(l, wire.Command{Session: id, Seq: 1, Op: toyOp("k", 1)})
	for range 200 {
		l.group.snap.since = maxLogBytes + 1 // however often one is saved
		w.run(1)
	}
	if r, ok := w.reply(request); ok {
		t.Fatalf("answered by %+v", r)
	}
	if r := w.await(request); r.Status != wire.OK {
		t.Errorf("%+v", r)
	}
}
