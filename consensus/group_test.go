package consensus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

func value(r []byte) int64 {
	if len(r) != 8 {
		return -1
	}
	return int64(binary.BigEndian.Uint64(r))
}

// body is the raft message in a frame, nil where the frame is of another kind.
func body(t testing.TB, frame []byte) *raftpb.Message {
	h, r, err := wire.Open(frame)
	if err != nil {
		t.Fatal(err)
	}
	if h.Kind != wire.KindRaft {
		return nil
	}
	m := &raftpb.Message{}
	if err := proto.Unmarshal(r.Rest(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func mustMarshal(t testing.TB, m *raftpb.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestElectionAndFirstCommit(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, 3, seed, Limits{})
		l := w.awaitLeader()
		id := w.openSession()
		r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 5)})
		if r.Status != wire.OK || value(r.Result) != 5 || r.Server != w.leader().id || r.Index == 0 || r.LogTimeNs == 0 {
			t.Fatalf("reply %+v", r)
		}
		if r.Hash != w.chain[r.Index].Hash {
			t.Fatal("the reply does not carry the chain hash of its entry")
		}
		if e := l.group.Published().Epoch; e.Term != l.group.term {
			t.Fatalf("epoch %v in term %d", e, l.group.term)
		}
		w.settle()
	}
}

func TestSingleVoter(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	id := w.openSession()
	for seq := uint64(1); seq <= 10; seq++ {
		if r := w.do(wire.Command{Session: id, Seq: seq, Op: toyOp("a", 1)}); value(r.Result) != int64(seq) {
			t.Fatalf("seq %d gave %d", seq, value(r.Result))
		}
	}
	q := w.query(w.servers[1], "a")
	w.until("an answer", func() bool { return w.answers[q] != nil })
	w.crash(1)
	w.restart(1)
	if r := w.do(wire.Command{Session: id, Seq: 10, Op: toyOp("a", 1)}); value(r.Result) != 10 {
		t.Fatalf("retry after a restart gave %d", value(r.Result))
	}
}

// A command whose answer is lost with its leader happens once, whoever answers the retries.
func TestExactlyOnceAcrossLeaderChange(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, 3, seed, Limits{})
		id := w.openSession()
		first := w.awaitLeader()
		c := wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}
		lost := w.command(first, c)
		w.run(w.rng.Int64N(8))
		w.crash(first.id)
		r := w.do(c)
		if value(r.Result) != 1 {
			t.Fatalf("seed %d: the retry gave %d", seed, value(r.Result))
		}
		again := w.do(c)
		if value(again.Result) != 1 || again.Index != r.Index || again.Sub != r.Sub || again.LogTimeNs != r.LogTimeNs {
			t.Fatalf("seed %d: the second retry gave %+v, the first %+v", seed, again, r)
		}
		if a, ok := w.reply(lost); ok && a.Index != r.Index {
			t.Fatalf("seed %d: the first attempt was answered with index %d, the retry with %d", seed, a.Index, r.Index)
		}
		w.restart(first.id)
		if r := w.do(wire.Command{Session: id, Seq: 2, Acked: 1, Op: toyOp("a", 1)}); value(r.Result) != 2 {
			t.Fatalf("seed %d: the next command gave %d", seed, value(r.Result))
		}
		w.settle()
	}
}

// Copies of one command that are queued together are all answered with the one outcome.
func TestRetryWhileFirstCopyWaits(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	c := wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}
	requests := []uint64{w.command(l, c), w.command(l, c)}
	w.run(1)
	requests = append(requests, w.command(l, c))
	var place outcome
	for i, q := range requests {
		r := w.await(q)
		got := outcome{r.Index, r.Sub, value(r.Result)}
		if i == 0 {
			place = got
		}
		if r.Status != wire.OK || got != place || got.value != 1 {
			t.Fatalf("copy %d: %+v, the first %+v", i, got, place)
		}
	}
}

type outcome struct {
	index uint64
	sub   uint32
	value int64
}

func TestRestartReplays(t *testing.T) {
	w := newWorld(t, 3, 3, Limits{})
	id := w.openSession()
	for seq := uint64(1); seq <= 50; seq++ {
		w.do(wire.Command{Session: id, Seq: seq, Acked: seq - 1, Op: toyOp("a", 1)})
	}
	w.settle()
	before := w.servers[1].group.state.index
	replies := len(w.replies)
	for s := range 3 {
		w.crash(uint64(s + 1))
	}
	for s := range 3 {
		w.restart(uint64(s + 1))
		if at := w.servers[s+1].group.state.index; at != 1 {
			t.Fatalf("server %d starts at index %d, its snapshot is at 1", s+1, at)
		}
	}
	w.awaitLeader()
	w.settle()
	for _, s := range w.servers[1:] {
		for index := uint64(2); index <= before; index++ {
			if _, ok := s.applied[index]; !ok {
				t.Fatalf("server %d did not list index %d again", s.id, index)
			}
		}
	}
	if len(w.replies) != replies {
		t.Fatal("replayed entries were answered")
	}
	if r := w.do(wire.Command{Session: id, Seq: 50, Op: toyOp("a", 1)}); value(r.Result) != 50 {
		t.Fatalf("retry after the restart of all gave %d", value(r.Result))
	}
}

// What was acknowledged survives the loss of power everywhere; what was not synced may go.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(30) {
		w := newWorld(t, 3, seed, Limits{SnapshotEntries: 30})
		id := w.openSession()
		c := &chaosClient{session: id, seq: 1}
		for end := w.nowMs + 100 + w.rng.Int64N(400); w.nowMs < end; {
			w.run(1)
			c.step(w)
		}
		for s := range 3 {
			w.crash(uint64(s + 1))
		}
		for s := range 3 {
			w.restart(uint64(s + 1))
		}
		op := toyOp(fmt.Sprint("client", id), 1)
		if r := w.do(wire.Command{Session: id, Seq: c.seq, Acked: c.seq - 1, Op: op}); value(r.Result) != c.done+1 {
			t.Fatalf("seed %d: %d were acknowledged, the next one gave %d", seed, c.done, value(r.Result))
		}
	}
}

func TestManyCommandsShareAnEntry(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	w.until("nothing on its way", func() bool { return len(l.group.queue.proposed) == 0 })
	var requests []uint64
	for seq := uint64(1); seq <= 1000; seq++ {
		requests = append(requests, w.command(l, wire.Command{Session: id, Seq: seq, Op: toyOp("a", 1)}))
	}
	index := w.await(requests[0]).Index
	for i, q := range requests {
		r := w.await(q)
		if r.Status != wire.OK || r.Index != index || r.Sub != uint32(i) || value(r.Result) != int64(i+1) ||
			r.Hash != w.chain[index].Hash {
			t.Fatalf("command %d: %+v", i, r)
		}
	}
	if n := len(w.chain[index].Events); n != 1000 {
		t.Fatalf("the entry has %d events", n)
	}
	w.settle()
}

func TestEntryIsClosedAtItsLimits(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	sizes := func(n, bytes int) map[uint64]int {
		w.until("nothing on its way", func() bool { return len(l.group.queue.proposed) == 0 })
		var requests []uint64
		for i := range n {
			op := append(toyOp("x", 1), make([]byte, bytes)...)
			requests = append(requests, w.command(l, wire.Command{Session: id, Seq: uint64(i) + 10_000, Op: op}))
		}
		entries := map[uint64]int{}
		for _, q := range requests {
			entries[w.await(q).Index]++
		}
		return entries
	}
	if got := sizes(batchCommands+1, 0); len(got) != 2 {
		t.Fatalf("%d commands took entries %v", batchCommands+1, got)
	}
	if got := sizes(3, batchBytes/2); len(got) != 3 {
		t.Fatalf("three commands of half the bytes of an entry took entries %v", got)
	}
	if got := sizes(1, wire.MaxCommandBytes-16); len(got) != 1 {
		t.Fatalf("the largest command took entries %v", got)
	}
}

// An entry of an older epoch has no effect: neither its commands, nor its log time, nor its acknowledgements.
func TestOldEpochIsFenced(t *testing.T) { oldEpochIsFenced(t, 1) }

func oldEpochIsFenced(t testing.TB, seed uint64) {
	w := newWorld(t, 3, seed, Limits{})
	id := w.openSession()
	w.crash(w.awaitLeader().id)
	l := w.awaitLeader()
	w.run(20)
	g := l.group
	old := view.Epoch{View: g.state.epoch.View, Term: g.state.epoch.Term - 1}
	for _, epoch := range []view.Epoch{old, {View: g.state.epoch.View + 1, Term: g.state.epoch.Term}} {
		logNs := g.state.logNs
		b := &batch{}
		startCommands(&b.payload)
		for seq := uint64(1); seq <= 2; seq++ {
			appendCommand(&b.payload, &wire.Command{Session: id, Seq: seq, Op: toyOp("a", 1)})
			b.waiters = append(b.waiters, waiter{to: 1 << 20, request: w.nextRequest()})
			g.queue.pace.add(1 << 20)
		}
		finishCommands(b.payload.B, epoch, logNs+1e12, 2)
		if !g.proposeOwn(b) {
			t.Fatal("not proposed")
		}
		for _, x := range []uint64{w.request - 1, w.request} {
			if r := w.await(x); r.Status != wire.Fenced {
				t.Fatalf("status %d", r.Status)
			}
		}
		if g.state.logNs != logNs {
			t.Fatal("a fenced entry moved log time")
		}
	}
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}); value(r.Result) != 1 {
		t.Fatalf("after fenced copies the command gave %d", value(r.Result))
	}
	w.settle()
}

func TestEpochsGrow(t *testing.T) {
	w := newWorld(t, 5, 2, Limits{})
	var last view.Epoch
	for range 4 {
		l := w.awaitLeader()
		e := l.group.state.epoch
		if e.Compare(last) <= 0 || e.Term != l.group.term {
			t.Fatalf("epoch %v after %v in term %d", e, last, l.group.term)
		}
		last = e
		w.crash(l.id)
		w.run(300)
		w.restart(l.id)
	}
	w.settle()
	for index := uint64(3); index <= w.servers[1].group.state.index; index++ {
		if e, was := w.chain[index].Epoch, w.chain[index-1].Epoch; e.Compare(was) < 0 {
			t.Fatalf("epoch %v after %v", e, was)
		}
	}
}

func TestFollowerRefusesCommandsAndNamesTheLeader(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	w.run(50)
	for _, s := range w.servers[1:] {
		if s == l {
			continue
		}
		if r := w.await(w.command(s, wire.Command{})); r.Status != wire.NotLeader || r.Leader != l.id || r.Server != s.id {
			t.Fatalf("server %d answered %+v", s.id, r)
		}
	}
}

func TestLeaderWithoutQuorumAnswersNotLeader(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	l.cut = true
	var requests []uint64
	for seq := uint64(1); seq <= 10; seq++ {
		requests = append(requests, w.command(l, wire.Command{Session: id, Seq: seq, Op: toyOp("a", 1)}))
		w.run(1)
	}
	start := w.nowMs
	for _, q := range requests {
		if r := w.await(q); r.Status != wire.NotLeader {
			t.Fatalf("status %d", r.Status)
		}
	}
	if took := w.nowMs - start; took > 250 {
		t.Fatalf("a cut leader gave its commands up after %d ms", took)
	}
	if l.group.Status().Waiting != 0 {
		t.Fatal("commands still wait")
	}
}

func TestQueueLimits(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{QueueCommands: 5, QueueBytes: 4000})
	id := w.openSession()
	l := w.awaitLeader()
	count := func(n, bytes int) (overloaded int) {
		var requests []uint64
		for i := range n {
			op := append(toyOp("a", 1), make([]byte, bytes)...)
			requests = append(requests, w.command(l, wire.Command{Session: id, Seq: w.request + uint64(i%7) + 1, Op: op}))
		}
		for _, q := range requests {
			if w.await(q).Status == wire.Overloaded {
				overloaded++
			}
		}
		return overloaded
	}
	if got := count(8, 0); got != 3 {
		t.Fatalf("%d of 8 were refused with room for 5", got)
	}
	if got := count(5, 1500); got != 3 {
		t.Fatalf("%d of 5 were refused with room for 2", got)
	}
}

func TestWriteErrorHalts(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	w.command(l, wire.Command{})
	var out Output
	l.group.Flush(w.now(l), &out)
	if len(out.Writes) == 0 || len(out.Peer) == 0 {
		t.Fatal("no write, no messages")
	}
	l.group.Done(out.Writes[0].Token, nil, fmt.Errorf("disk full"))
	for range 2 {
		out.Reset()
		l.group.Command(1<<20, wire.Command{})
		l.group.Tick(w.now(l))
		l.group.Flush(w.now(l), &out)
		if out.Halt == nil || len(out.Peer)+len(out.Writes)+len(out.Replies) != 0 {
			t.Fatalf("after a failed write: %+v", out)
		}
	}
	l.group.Status()
}

func TestUnknownTokenHalts(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{})
	g := w.servers[1].group
	g.Done(4711, nil, nil)
	var out Output
	g.Flush(step.Now{}, &out)
	if out.Halt == nil {
		t.Fatal("a token that was never handed out was taken")
	}
}

// Raft's own complaint about a lost log becomes a halt with evidence, not a panic.
func TestRaftPanicHalts(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	f := w.servers[1+l.id%3]
	m := &raftpb.Message{
		Type: raftpb.MsgHeartbeat.Enum(), From: new(l.id), To: new(f.id), Term: new(l.group.term), Commit: new(uint64(1_000_000)),
	}
	f.group.Raft(l.id, mustMarshal(t, m))
	var out Output
	f.group.Flush(w.now(f), &out)
	if out.Halt == nil || !bytes.Contains([]byte(out.Halt.Error()), []byte("out of range")) {
		t.Fatalf("halt %v", out.Halt)
	}
}

func TestTimeEntries(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	first, logNs := l.group.state.index, l.group.state.logNs
	w.run(5000)
	if n := l.group.state.index - first; n < 4 || n > 6 {
		t.Fatalf("%d entries in 5 idle seconds", n)
	}
	if d := l.group.state.logNs - logNs; d < 3_900_000_000 {
		t.Fatalf("log time moved %d ns in 5 s", d)
	}
	r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("due", 50_000_000)})
	w.run(80)
	if l.group.state.machine.(*toy).counters["fired"] != 1 {
		t.Fatalf("what was due 50 ms after index %d has not happened after 80 ms", r.Index)
	}
}

// Leaders whose clocks disagree by an hour still stamp a log time that never goes back.
func TestLogTimeNeverGoesBack(t *testing.T) {
	w := newWorld(t, 3, 4, Limits{})
	id := w.openSession()
	for i := range 6 {
		l := w.awaitLeader()
		for _, s := range w.servers[1:] {
			s.skewNs = w.rng.Int64N(4e9) - 2e9
		}
		w.do(wire.Command{Session: id, Seq: uint64(i + 1), Op: toyOp("a", 1)})
		w.crash(l.id)
		w.awaitLeader()
		w.restart(l.id)
	}
	w.settle()
	last := int64(0)
	for index := uint64(2); index <= w.servers[1].group.state.index; index++ {
		if at := w.chain[index].LogTimeNs; at < last {
			t.Fatalf("index %d is stamped %d after %d", index, at, last)
		} else {
			last = at
		}
	}
}

func TestSkippedEntries(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	l := w.awaitLeader()
	for _, data := range [][]byte{{0}, {payloadVersion, 9}, []byte("\x01nonsense"), append(make([]byte, commandsHeader), 1)} {
		b := &batch{payload: codec.Writer{B: data}}
		l.group.proposeOwn(b)
	}
	before := l.group.state.index
	w.until("they are applied", func() bool { return l.group.state.index >= before+4 })
	if w.facts["entry-skipped"] < 4 {
		t.Fatalf("facts %v", w.facts)
	}
	w.openSession()
	w.settle()
}

// An entry stamped before the ones below it does not take log time back.
func TestEarlierStampIsLifted(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	g := w.awaitLeader().group
	w.until("nothing on its way", func() bool { return len(g.queue.proposed) == 0 })
	logNs, index := g.state.logNs, g.state.index
	b := &batch{}
	startCommands(&b.payload)
	finishCommands(b.payload.B, g.state.epoch, -5, 0)
	g.proposeOwn(b)
	w.until("it is applied", func() bool { return g.state.index > index })
	if at := w.chain[index+1].LogTimeNs; at != logNs {
		t.Fatalf("log time %d after %d", at, logNs)
	}
}

// A log that is longer but of an older term is cut where the new one takes over, on disk as well.
func TestLongerOldTailIsCut(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, 3, seed, Limits{})
		id := w.openSession()
		old := w.awaitLeader()
		w.run(30)
		old.cut = true
		for seq := uint64(1); seq <= inFlight; seq++ {
			w.command(old, wire.Command{Session: id, Seq: seq, Op: toyOp("a", 1)})
			w.run(3)
		}
		w.run(20)
		long := old.group.disk.last
		w.until("another leader", func() bool { l := w.leader(); return l != nil && l != old })
		if now := w.leader().group.disk.last; now >= long {
			t.Fatalf("seed %d: the new log ends at %d, the old one at %d", seed, now, long)
		}
		old.cut = false
		w.until("the old tail is cut", func() bool { return old.group.disk.last < long })
		w.run(4)
		if n := uint64(len(old.keys(keyEntry))); n != old.group.disk.last-1 {
			t.Fatalf("seed %d: %d entries on disk, the log ends at %d", seed, n, old.group.disk.last)
		}
		w.crash(old.id)
		w.restart(old.id)
		w.awaitLeader()
		w.settle()
	}
}

// A server that has voted votes for no other in that term, also after a crash.
func TestVoteSurvivesCrash(t *testing.T) {
	for seed := range uint64(5) {
		forgottenVote(t, seed)
	}
}

func forgottenVote(t testing.TB, seed uint64) {
	w := newWorld(t, 3, seed, Limits{})
	s := w.servers[1]
	const term = 9
	granted := 0
	w.onFrame = func(from, _ uint64, frame []byte) bool {
		if m := body(t, frame); from == 1 && m.GetType() == raftpb.MsgVoteResp && m.GetTerm() == term && !m.GetReject() {
			granted++
		}
		return false
	}
	for _, candidate := range []uint64{2, 3} {
		s.group.Raft(candidate, mustMarshal(t, &raftpb.Message{
			Type: raftpb.MsgVote.Enum(), From: new(candidate), To: new(uint64(1)), Term: new(uint64(term)),
			Index: new(uint64(1000)), LogTerm: new(uint64(term - 1)),
		}))
		w.run(20)
		w.crash(1)
		w.restart(1)
	}
	if granted != 1 {
		t.Fatalf("%d votes were given in one term", granted)
	}
}

// A leader whose disk hangs is replaced, and follows when the disk answers again.
func TestLeaderWithStuckDiskIsReplaced(t *testing.T) {
	for seed := range uint64(10) {
		stuckDisk(t, seed)
	}
}

func stuckDisk(t testing.TB, seed uint64) {
	w := newWorld(t, 3, seed, Limits{})
	id := w.openSession()
	old := w.awaitLeader()
	w.run(50)
	old.diskAt = w.nowMs + 5000
	lost := w.command(old, wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)})
	start := w.nowMs
	w.until("another leader", func() bool {
		w.query(old, "a") // its barriers are heartbeats, too
		l := w.leader()
		return l != nil && l != old
	})
	if took := w.nowMs - start; took > 1200 {
		t.Fatalf("seed %d: it took %d ms", seed, took)
	}
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}); value(r.Result) != 1 {
		t.Fatalf("seed %d: the retry gave %d", seed, value(r.Result))
	}
	if r := w.await(lost); r.Status != wire.NotLeader || w.nowMs-start > 2000 {
		t.Fatalf("seed %d: status %d after %d ms", seed, r.Status, w.nowMs-start)
	}
	w.run(6000)
	w.settle()
	if w.facts["disk-stalled"] == 0 {
		t.Fatal("no fact tells of it")
	}
}
