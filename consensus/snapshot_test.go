package consensus

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/step"
	"onevoice/wire"
)

// write adds n commands under one session, each to a counter of its own, so that snapshots have many chunks.
func (w *world) write(id uint64, from, n uint64) {
	for seq := from; seq < from+n; seq++ {
		r := w.do(wire.Command{Session: id, Seq: seq, Acked: seq - 1, Op: toyOp(fmt.Sprint("counter", seq), 1)})
		if r.Status != wire.OK || value(r.Result) != 1 {
			w.t.Fatalf("seq %d: %+v", seq, r)
		}
	}
}

// lag makes a follower fall behind by 200 entries and returns it, still cut.
func (w *world) lag(id uint64) (leader, follower *server) {
	leader = w.awaitLeader()
	w.run(50)
	follower = w.servers[1+leader.id%uint64(len(w.servers)-1)]
	follower.cut = true
	w.write(id, 1, 200)
	w.until("a snapshot that the follower lacks", func() bool {
		first, _ := leader.group.tail.FirstIndex()
		return first > follower.group.state.index+1
	})
	return leader, follower
}

func (s *server) keys(kind byte) [][]byte {
	var keys [][]byte
	for k := range s.disk.scan(keyOf(testGroup, kind)) {
		keys = append(keys, k)
	}
	return keys
}

var smallSnapshots = Limits{SnapshotEntries: 40, KeepEntries: 10}

func TestLaggingFollowerGetsSnapshot(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	l, f := w.lag(id)
	at := f.group.state.index
	f.cut = false
	w.until("the snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	w.until("the rest of the log", func() bool { return f.group.state.index >= l.group.state.index })
	w.settle()
	jumped := false
	for index, a := range f.applied {
		if a.Installed {
			jumped = index > at+1
		}
	}
	if !jumped {
		t.Fatal("no applied index says that it was installed")
	}
	if n := f.group.counters.Installed; n != 1 {
		t.Fatalf("%d snapshots were installed", n)
	}
	// The follower must know the sessions: it is made to lead, and a retry must not happen twice.
	w.crash(l.id)
	for _, s := range w.servers[1:] {
		s.cut = s != f
	}
	w.run(100)
	for _, s := range w.servers[1:] {
		s.cut = false
	}
	w.awaitLeader()
	if r := w.do(wire.Command{Session: id, Seq: 200, Acked: 199, Op: toyOp("counter200", 1)}); value(r.Result) != 1 {
		t.Fatalf("a retry after the snapshot gave %d, status %d", value(r.Result), r.Status)
	}
	w.restart(l.id)
	w.settle()
}

func TestSessionsSurviveSnapshotAndRestart(t *testing.T) { sessionsSurvive(t, 5) }

func sessionsSurvive(t testing.TB, seed uint64) {
	w := newWorld(t, 3, seed, Limits{SnapshotEntries: 20, KeepEntries: 1})
	id := w.openSession()
	w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)})
	other := w.openSession()
	w.write(other, 1, 100)
	w.run(200)
	for s := range 3 {
		w.crash(uint64(s + 1))
		w.restart(uint64(s + 1))
		if w.servers[s+1].group.state.index < 50 {
			t.Fatalf("server %d starts at %d: no snapshot", s+1, w.servers[s+1].group.state.index)
		}
	}
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}); r.Status != wire.OK || value(r.Result) != 1 {
		t.Fatalf("the retry gave %d, status %d", value(r.Result), r.Status)
	}
	w.settle()
}

func TestLogIsCutAndOldSnapshotsGo(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	w.write(id, 1, 400)
	w.run(200)
	w.settle()
	for _, s := range w.servers[1:] {
		// Behind the snapshot stay KeepEntries and the one at the cut; after it at most what one more snapshot takes.
		if n := len(s.keys(keyEntry)); n > 10+1+2*40 {
			t.Errorf("server %d keeps %d entries on disk", s.id, n)
		}
		first, _ := s.group.tail.FirstIndex()
		last, _ := s.group.tail.LastIndex()
		if n := last - first; n > 10+2*40 {
			t.Errorf("server %d keeps %d entries in memory", s.id, n)
		}
		for _, k := range s.keys(keyChunk) {
			if !bytes.HasPrefix(k, chunksOf(testGroup, s.group.snap.meta.index)) {
				t.Errorf("server %d keeps a chunk of another snapshot: %x", s.id, k)
			}
		}
		if s.group.snap.meta.index < 300 || s.group.snap.meta.chunks < 3 {
			t.Errorf("server %d: snapshot at %d of %d chunks", s.id, s.group.snap.meta.index, s.group.snap.meta.chunks)
		}
		w.crash(s.id)
		w.restart(s.id)
	}
	w.awaitLeader()
	w.settle()
}

// Bytes behind the snapshot are bounded as well as entries.
func TestLogIsCutByBytes(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{SnapshotEntries: 20, KeepEntries: 1000, KeepBytes: 3000})
	id := w.openSession()
	w.write(id, 1, 100)
	w.run(200)
	g := w.servers[1].group
	first, _ := g.tail.FirstIndex()
	if kept := g.snap.meta.index - first; kept < 10 || kept > 40 {
		t.Fatalf("%d entries stay behind the snapshot for 3,000 bytes", kept)
	}
	w.run(10)
}

func TestSnapshotByBytes(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{SnapshotBytes: 100_000})
	id := w.openSession()
	for seq := uint64(1); seq <= 6; seq++ {
		w.do(wire.Command{Session: id, Seq: seq, Op: append(toyOp("x", 1), make([]byte, 30_000)...)})
	}
	w.run(100)
	if w.facts["snapshot-saved"] != 1 {
		t.Fatalf("facts %v", w.facts)
	}
}

// A chunk that arrives damaged is noticed; the follower starts anew and succeeds.
func TestDamagedChunkIsNoticed(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	_, f := w.lag(id)
	damaged := 0
	w.onFrame = func(_, to uint64, frame []byte) bool {
		if h, _, _ := wire.Open(frame); h.Kind == wire.KindSnapshotChunk && to == f.id && damaged < 3 && len(frame) > 60 {
			damaged++
			frame[len(frame)-1] ^= 1
		}
		return true
	}
	f.cut = false
	w.until("the snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	if damaged == 0 || w.facts["snapshot-abandoned"] == 0 {
		t.Fatalf("%d damaged, facts %v", damaged, w.facts)
	}
	w.settle()
}

// Chunks that are lost are asked for again.
func TestLostChunksAreRepeated(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	_, f := w.lag(id)
	w.onFrame = func(_, _ uint64, frame []byte) bool {
		h, _, _ := wire.Open(frame)
		return h.Kind != wire.KindSnapshotChunk && h.Kind != wire.KindSnapshotGet || w.rng.IntN(3) != 0
	}
	f.cut = false
	w.until("the snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	w.settle()
}

// While a follower fetches, the leader keeps its snapshot within reason; then it replaces it, and the follower starts anew.
func TestSnapshotReplacedWhileFetched(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	l, f := w.lag(id)
	slow := true
	w.onFrame = func(_, _ uint64, frame []byte) bool {
		h, _, _ := wire.Open(frame)
		return h.Kind != wire.KindSnapshotChunk || !slow
	}
	f.cut = false
	w.until("an offer", func() bool { return f.group.pull != nil })
	offered := f.group.pull.meta.index
	for seq := uint64(201); l.group.state.index < offered+holdEntries*40-5; seq++ {
		w.write(id, seq, 1)
	}
	if at := l.group.snap.meta.index; at != offered {
		t.Fatalf("the leader replaced the snapshot at %d by %d while it was fetched", offered, at)
	}
	w.do(wire.Command{Session: id, Seq: 9000, Acked: 8999, Op: toyOp("a", 1)})
	for seq := uint64(9001); l.group.snap.meta.index == offered; seq++ {
		w.write(id, seq, 1)
	}
	slow = false
	start := w.nowMs
	w.until("the next snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	if w.facts["snapshot-abandoned"] == 0 {
		t.Fatalf("facts %v", w.facts)
	}
	if took := w.nowMs - start; took > 1000 {
		t.Fatalf("it took %d ms to begin anew and finish", took)
	}
	w.settle()
}

// A follower that crashes while it fetches begins anew and leaves no chunk behind.
func TestCrashWhileFetching(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, 3, seed, smallSnapshots)
		id := w.openSession()
		l, f := w.lag(id)
		f.cut = false
		w.until("some chunks", func() bool { return f.group.pull != nil && f.group.pull.next > 2 })
		w.run(w.rng.Int64N(5))
		w.crash(f.id)
		w.write(id, 201, 100)
		w.run(200)
		w.restart(f.id)
		w.until("the rest of the log", func() bool { return f.group.state.index >= l.group.state.index })
		w.run(100)
		for _, k := range f.keys(keyChunk) {
			if !bytes.HasPrefix(k, chunksOf(testGroup, f.group.snap.meta.index)) {
				t.Fatalf("seed %d: a chunk of another snapshot is left: %x", seed, k)
			}
		}
		w.settle()
	}
}

// A server may crash at any moment of a save.
func TestCrashWhileSaving(t *testing.T) {
	for seed := range uint64(30) {
		w := newWorld(t, 1, seed, smallSnapshots)
		id := w.openSession()
		w.write(id, 1, 30)
		s := w.servers[1]
		seq := uint64(31)
		for s.group.snap.saving.token == 0 {
			w.write(id, seq, 1)
			seq++
		}
		w.run(w.rng.Int64N(40))
		w.crash(1)
		w.restart(1)
		w.write(id, seq, 60)
		w.run(100)
		if s.group.snap.meta.index < 60 {
			t.Fatalf("seed %d: the newest snapshot is at %d", seed, s.group.snap.meta.index)
		}
		w.crash(1)
		w.restart(1)
		w.awaitLeader()
	}
}

// A snapshot from the leader may overtake one's own save; the record on disk must not go back.
func TestInstallOvertakesSave(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, 3, seed, smallSnapshots)
		id := w.openSession()
		l := w.awaitLeader()
		w.run(50)
		f := w.servers[1+l.id%3]
		seq := uint64(1)
		for f.group.snap.saving.token == 0 {
			w.write(id, seq, 1)
			seq++
		}
		// The follower's save ends only when the leader's snapshot is being installed.
		held := f.events
		f.events = nil
		late := slices.DeleteFunc(slices.Clone(held), func(e event) bool { return e.net || e.at <= f.diskAt })
		f.events = slices.DeleteFunc(held, func(e event) bool { return !e.net && e.at > f.diskAt })
		if len(late) == 0 {
			t.Fatal("no save to hold back")
		}
		f.cut = true
		w.write(id, seq, 150)
		f.cut = false
		w.until("a staged snapshot", func() bool { return f.group.staged != nil && f.group.staged.taken })
		for _, e := range late {
			e.at = 0
			f.later(e)
		}
		w.until("the rest of the log", func() bool { return f.group.state.index >= l.group.state.index })
		w.run(50)
		w.crash(f.id)
		w.restart(f.id)
		w.until("the rest of the log", func() bool { return f.group.state.index >= l.group.state.index })
		w.settle()
	}
}

func TestOversizedChunkHalts(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{SnapshotEntries: 10})
	w.allowHalt = true
	id := w.openSession()
	w.do(wire.Command{Session: id, Seq: 1, Op: toyOp(strings.Repeat("x", maxStoredChunk), 1)})
	for seq := uint64(2); seq < 12; seq++ {
		w.command(w.servers[1], wire.Command{Session: id, Seq: seq, Op: toyOp("a", 1)})
		w.run(20)
	}
	w.run(100)
	if len(w.halts) != 1 || !strings.Contains(w.halts[0].Error(), "chunk of") {
		t.Fatalf("halts %v", w.halts)
	}
}

func TestUntakenSaveHalts(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{SnapshotEntries: 5})
	w.awaitLeader()
	s := w.servers[1]
	var out Output
	for range 1000 {
		w.nowMs++
		s.group.Tick(w.now(s))
		s.group.Command(1<<20, wire.Command{})
		out.Reset()
		s.group.Flush(w.now(s), &out)
		for _, wr := range out.Writes {
			s.group.Done(wr.Token, nil, nil)
		}
		if len(out.Saves) > 0 {
			for range out.Saves[0].Chunks {
				break // the driver took only a part
			}
			s.group.Done(out.Saves[0].Token, nil, nil)
			s.group.Flush(w.now(s), &out)
			if out.Halt == nil {
				t.Fatal("an incomplete save was taken for a snapshot")
			}
			return
		}
	}
	t.Fatal("no save")
}

func TestServedChunkIsChecked(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	g := w.awaitLeader().group
	g.SnapshotGet(1+g.cfg.Self%3, wire.SnapshotGet{Index: 1})
	var out Output
	g.Flush(step.Now{}, &out)
	if len(out.Reads) != 1 {
		t.Fatalf("%d reads", len(out.Reads))
	}
	g.Done(out.Reads[0].Token, []byte("rotten bytes"), nil)
	g.Flush(step.Now{}, &out)
	if out.Halt == nil {
		t.Fatal("a damaged chunk was served")
	}
}

// A follower whose clock is hours ahead holds the same sessions as the others.
func TestExpiryGoesByLogTime(t *testing.T) { expiryByLogTime(t, 1) }

func expiryByLogTime(t testing.TB, seed uint64) {
	w := newWorld(t, 3, seed, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	w.run(50)
	w.servers[1+l.id%3].skewNs = 3 * 3600e9
	w.write(id, 1, 5)
	w.run(2000)
	w.settle()
	if n := w.facts["session-expired"]; n != 0 {
		t.Fatalf("%d sessions expired", n)
	}
}

func TestIdleSessionExpires(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	id := w.openSession()
	l := w.awaitLeader()
	for _, s := range w.servers[1:] {
		s.skewNs = 601e9
	}
	w.run(1500)
	if r := w.do(wire.Command{Session: id, Seq: 1, Op: toyOp("a", 1)}); r.Status != wire.NoSession {
		t.Fatalf("status %d", r.Status)
	}
	if n := l.group.Status().Sessions; n != 0 {
		t.Fatalf("%d sessions are open", n)
	}
	w.settle()
}

// A follower that is alive but late does not lose the log that it lacks.
func TestLogStaysForLiveFollower(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	l := w.awaitLeader()
	w.run(50)
	f := w.servers[1+l.id%3]
	w.onFrame = func(_, to uint64, frame []byte) bool {
		m := body(t, frame)
		return to != f.id || m.GetType() != raftpb.MsgApp
	}
	w.write(id, 1, 200)
	w.run(100)
	if l.group.snap.meta.index < f.group.state.index+100 {
		t.Fatalf("the leader's snapshot is at %d, the follower at %d", l.group.snap.meta.index, f.group.state.index)
	}
	w.onFrame = nil
	w.settle()
	if n := w.facts["snapshot-sent"]; n != 0 {
		t.Fatalf("%d snapshots were sent", n)
	}
}

// The record of a snapshot never stands on disk with a commit index below it: such a store would not open.
func TestSnapshotRecordBringsItsCommit(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{SnapshotEntries: 5})
	w.awaitLeader()
	s := w.servers[1]
	for s.group.snap.meta.index == 1 { // no ticks from here on
		w.nowMs++
		if s.group.snap.saving.token == 0 && s.group.snap.recording == 0 && s.group.queue.waiting() == 0 {
			w.command(s, wire.Command{})
		}
		w.flush(s)
		for len(s.events) > 0 {
			e := s.events[0]
			s.events = s.events[1:]
			e.do()
		}
	}
	hard, err := decodeHard(s.disk.durable[string(keyOf(testGroup, keyHard))])
	if err != nil || hard.commit < s.group.snap.meta.index {
		t.Fatalf("snapshot at %d, commit on disk %d, %v", s.group.snap.meta.index, hard.commit, err)
	}
}

func TestCommitReachesDiskWithATick(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	w.openSession()
	w.settle()
	w.run(100)
	for _, s := range w.servers[1:] {
		if hard, err := decodeHard(s.disk.seen[string(keyOf(testGroup, keyHard))]); err != nil || hard != s.group.disk.hard {
			t.Errorf("server %d: on disk %+v, in memory %+v, %v", s.id, hard, s.group.disk.hard, err)
		}
	}
}

// A snapshot that raft does not take, because the log has caught up, holds up nothing.
func TestUnusedSnapshotIsDropped(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	w.openSession()
	s := w.awaitLeader()
	s.group.staged = &staged{meta: snapMeta{index: 3}}
	s.group.pull = &pull{meta: snapMeta{index: 2}}
	w.run(20)
	if s.group.staged != nil || s.group.pull != nil {
		t.Fatal("still here")
	}
	if s.group.snap.cleaning != 0 || w.facts["snapshot-abandoned"] != 2 {
		t.Fatalf("%d deletions on their way, facts %v", s.group.snap.cleaning, w.facts)
	}
}

// Chunks of a snapshot whose record was still being written when another was installed do not stay behind.
func TestInstallDropsSnapshotBeingRecorded(t *testing.T) {
	w := newWorld(t, 3, 1, Limits{})
	g := w.servers[1].group
	g.snap.recording = 50
	g.staged = &staged{meta: snapMeta{index: 100, members: members{voters: []uint64{1, 2, 3}}}}
	ops, _ := g.install(g.staged.meta.raft())
	for _, index := range []uint64{1, 50} {
		if !slices.ContainsFunc(ops, func(op step.Op) bool {
			return op.Kind == step.DeleteRange &&
				bytes.Equal(op.Key, chunksOf(testGroup, index)) && bytes.Equal(op.Value, chunksOf(testGroup, index+1))
		}) {
			t.Errorf("the chunks of %d stay", index)
		}
	}
	if slices.ContainsFunc(ops, func(op step.Op) bool { return bytes.Equal(op.Key, chunksOf(testGroup, 100)) }) {
		t.Error("its own chunks go")
	}
}

func TestStrayChunksAreDeleted(t *testing.T) {
	w := newWorld(t, 1, 1, Limits{SnapshotEntries: 5})
	s := w.servers[1]
	w.crash(1)
	for _, index := range []uint64{3, 9} {
		s.disk.seen[string(keyOf(testGroup, keyChunk, index, 4))] = []byte("half a snapshot")
	}
	w.restart(1)
	w.run(50)
	for _, k := range s.keys(keyChunk) {
		if !bytes.HasPrefix(k, chunksOf(testGroup, s.group.snap.meta.index)) {
			t.Errorf("still here: %x", k)
		}
	}
}

// However many chunks come in one burst, each step takes one into the new state: what else is in the burst, and what comes
// after it, waits no longer. Where the next chunk is here, the next step is asked for.
func TestChunksAreLoadedOneAStep(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	l, f := w.lag(id)
	var held []wire.SnapshotChunk
	w.onFrame = func(_, to uint64, frame []byte) bool {
		h, body, err := wire.Open(frame)
		if err != nil || h.Kind != wire.KindSnapshotChunk || to != f.id {
			return true
		}
		m, err := wire.ReadSnapshotChunk(body)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, m)
		return false
	}
	f.cut = false
	w.until("the chunks asked for", func() bool {
		p := f.group.pull
		return p != nil && uint64(len(held)) >= min(pullWindow, p.meta.chunks)
	})
	p := f.group.pull
	if p.meta.chunks < 3 {
		t.Fatalf("a snapshot of %d chunks shows nothing", p.meta.chunks)
	}
	for _, m := range held {
		f.group.SnapshotChunk(l.id, m)
	}
	here := min(pullWindow, p.meta.chunks)
	w.onFlush = func(s *server, out *Output) {
		if s == f && out.Again != (p.next < here) {
			t.Fatalf("with %d of %d chunks loaded the flush says Again %v", p.next, here, out.Again)
		}
	}
	for loaded := range here {
		if p.next != loaded {
			t.Fatalf("%d chunks were loaded in %d steps", p.next, loaded)
		}
		w.flush(f)
	}
	w.onFlush, w.onFrame = nil, nil
	w.until("the snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	w.settle()
}

func TestChunksNobodyAskedFor(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	l, f := w.lag(id)
	f.cut = false
	w.until("an offer", func() bool { return f.group.pull != nil })
	p := f.group.pull
	late := f.group.counters.LateChunks
	for _, m := range []wire.SnapshotChunk{
		{Index: p.meta.index, Chunk: p.next + pullWindow, Bytes: []byte("x")},
		{Index: p.meta.index + 1, Chunk: p.next, Bytes: []byte("x")},
		{Index: p.meta.index + 1, Chunk: p.next},
	} {
		f.group.SnapshotChunk(l.id, m)
	}
	f.group.SnapshotChunk(6-l.id-f.id, wire.SnapshotChunk{Index: p.meta.index, Chunk: p.next})
	if n := f.group.counters.LateChunks - late; n != 4 {
		t.Fatalf("%d of 4 were counted", n)
	}
	w.until("the snapshot", func() bool { return w.facts["snapshot-installed"] == 1 })
	if n := w.facts["snapshot-abandoned"]; n != 0 {
		t.Fatalf("abandoned %d times", n)
	}
}

// A save is not ordered against writes, so it begins only when the deletion of stray chunks, perhaps its own, is durable.
func TestSaveWaitsForCleanup(t *testing.T) {
	d := usedStore(t)
	d.seen[string(keyOf(testGroup, keyChunk, 3, 0))] = []byte("half a snapshot")
	cfg := oneVoter()
	cfg.Limits.SnapshotEntries = 1
	g, err := Open(cfg, d.scan)
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	g.Flush(step.Now{}, &out)
	if len(out.Writes) == 0 || !out.Writes[0].Sync || len(out.Applied) == 0 || len(out.Saves) != 0 {
		t.Fatalf("%d writes, %d applied, %d saves", len(out.Writes), len(out.Applied), len(out.Saves))
	}
	g.Done(out.Writes[0].Token, nil, nil)
	g.Flush(step.Now{}, &out)
	if len(out.Saves) != 1 {
		t.Fatalf("%d saves after the cleanup", len(out.Saves))
	}
}

// A snapshot that was being saved when a follower began to fetch the one before it does not replace that one until then.
func TestSavedSnapshotWaitsForFetch(t *testing.T) {
	w := newWorld(t, 3, 1, smallSnapshots)
	id := w.openSession()
	l, f := w.lag(id)
	w.until("no save", func() bool { return l.group.snap.saving.index == 0 })
	usual := w.diskMs
	w.diskMs = 400 // the save shall take long
	for seq := uint64(201); l.group.snap.saving.token == 0; seq++ {
		w.write(id, seq, 1)
	}
	w.diskMs = usual
	lost := 20
	w.onFrame = func(_, to uint64, frame []byte) bool { // so that the save ends first
		h, _, _ := wire.Open(frame)
		if h.Kind == wire.KindSnapshotChunk && to == f.id && lost > 0 {
			lost--
			return false
		}
		return true
	}
	old, next := l.group.snap.meta.index, l.group.snap.saving.index
	f.cut = false
	w.until("the end of the save", func() bool { return l.group.snap.saving.token == 0 })
	if f.group.pull == nil || l.group.snap.meta.index != old {
		t.Fatalf("the snapshot at %d was replaced by %d while it was fetched", old, l.group.snap.meta.index)
	}
	w.until("the snapshot", func() bool { return f.group.counters.Installed == 1 })
	w.until("the next one", func() bool { return l.group.snap.meta.index == next })
	if w.facts["snapshot-abandoned"] != 0 {
		t.Fatalf("facts %v", w.facts)
	}
	w.settle()
}

// Each member saves at marks of its own, and within an interval and a half of its last snapshot.
func TestMembersSaveByTurns(t *testing.T) {
	for _, interval := range []uint64{1, 2, 5, 40, 2000, 10_000} {
		for of := uint64(1); of <= 5; of++ {
			marks := map[uint64]uint64{}
			for place := range of {
				for last := range 3 * interval {
					at := saveAfter(last, interval, place, of)
					if d := at - last; d == 0 || 2*d < interval || 2*d > 3*interval {
						t.Fatalf("interval %d: member %d of %d saves at %d after %d", interval, place, of, at, last)
					}
					if other, taken := marks[at%interval]; taken && other != place && interval >= of {
						t.Fatalf("interval %d: members %d and %d of %d both save at %d", interval, place, other, of, at)
					}
					marks[at%interval] = place
				}
			}
		}
	}
}
