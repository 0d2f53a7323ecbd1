package consensus

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// prepared is a bare group that has a leader's entry and two sessions, numbered 4<<16 and 4<<16+1.
func prepared(t testing.TB) *Group {
	g := bare(t)
	var lead, open codec.Writer
	appendLead(&lead, view.Epoch{}, 1000, 1, 1, known{view: 1})
	startCommands(&open)
	appendCommand(&open, &wire.Command{})
	appendCommand(&open, &wire.Command{})
	finishCommands(open.B, view.Epoch{View: 1, Term: 2}, 1001, 2)
	for i, data := range [][]byte{nil, lead.B, open.B} {
		if !g.applyEntry(entryAt(uint64(i+2), 2, data)) {
			t.Fatal(g.halted)
		}
	}
	if g.state.sessions.Len() != 2 {
		t.Fatal("no sessions")
	}
	return g
}

// restored is a group that has loaded another's state.
func restored(t testing.TB, from *Group) *Group {
	g := bare(t)
	l := newLoader(&g.cfg)
	for c := range from.StateChunks() {
		if err := l.add(c); err != nil {
			t.Fatalf("its own snapshot does not load: %v", err)
		}
	}
	if err := l.state.sessions.Loaded(); err != nil {
		t.Fatal(err)
	}
	if err := l.state.machine.Loaded(); err != nil {
		t.Skip("the machine refuses this state")
	}
	g.state = l.state
	return g
}

// Arbitrary committed bytes never panic, two replicas agree about them, and so does one restored from a snapshot in between.
func FuzzApply(f *testing.F) {
	epoch := view.Epoch{View: 1, Term: 2}
	key := &wire.Key{Name: [32]byte{1}, Body: [32]byte{2}}
	for _, commands := range [][]wire.Command{
		{{Session: 4 << 16, Seq: 1, Op: toyOp("a", 1)}},
		{{Session: 4 << 16, Seq: 1, Op: toyOp("a", 1)}, {Session: 4<<16 + 1, Seq: 900, Op: toyOp("b", 1)}, {}},
		{{Session: 4 << 16, Seq: 1, Op: toyOp("a", 1), Key: key}, {Session: 4<<16 + 1, Seq: 1, Op: toyOp("a", 1), Key: key}},
		{{Session: 4 << 16, Seq: 5, Acked: 4, Op: []byte("x")}, {Session: 4 << 16, Seq: 5, Op: []byte("y")}},
	} {
		var w codec.Writer
		startCommands(&w)
		for i := range commands {
			appendCommand(&w, &commands[i])
		}
		finishCommands(w.B, epoch, 2000, len(commands))
		f.Add(w.B, uint8(0), uint64(1))
		f.Add(w.B, uint8(1), uint64(0))
	}
	var raise codec.Writer
	appendVersion(&raise, epoch, 2000, 2)
	f.Add(raise.B, uint8(0), uint64(1))
	for _, floors := range [][]view.Start{nil, {{Server: 1, Boot: 1}}, {{Server: 2, Boot: 7}}} {
		var lead, next codec.Writer
		appendLead(&lead, epoch, 2000, 2, 7, known{2, floors})
		f.Add(lead.B, uint8(0), uint64(1))
		appendView(&next, epoch, 2000, known{2, floors})
		f.Add(next.B, uint8(0), uint64(0))
	}
	f.Add([]byte{2, 1}, uint8(0), uint64(3))
	f.Add([]byte{1, 1}, uint8(2), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, kind uint8, jump uint64) {
		a, b := prepared(t), prepared(t)
		for i := range uint64(3) {
			e := entryAt(5+i, 2+i*(jump%3), data)
			e.Type = raftpb.EntryType(kind % 3).Enum()
			if i == 2 {
				b = restored(t, b)
			}
			goesOn := a.applyEntry(e)
			if b.applyEntry(e) == goesOn && !goesOn && isNewer(a.halted) {
				return // a newer build made it
			}
			if !goesOn || b.halted != nil {
				t.Fatalf("halted: %v, %v", a.halted, b.halted)
			}
			if a.state.hash != b.state.hash || a.state.epoch != b.state.epoch || a.state.leader != b.state.leader || a.state.logNs != b.state.logNs {
				t.Fatalf("entry %d: the replicas part", i)
			}
		}
		if !slices.EqualFunc(slices.Collect(a.StateChunks()), slices.Collect(b.StateChunks()), bytes.Equal) {
			t.Fatal("the states part")
		}
	})
}

// Arbitrary bytes as a raft message never panic; at worst they halt the group with evidence.
func FuzzRaft(f *testing.F) {
	offered := snapMeta{index: 5, term: 2, members: members{voters: []uint64{1, 2, 3}}, content: content{chunks: 2}}
	for _, m := range []*raftpb.Message{
		{Type: raftpb.MsgHeartbeat.Enum(), Commit: new(uint64(1))},
		{Type: raftpb.MsgHeartbeat.Enum(), Commit: new(uint64(9))},
		{
			Type: raftpb.MsgApp.Enum(), Index: new(uint64(1)), LogTerm: new(uint64(1)),
			Entries: []*raftpb.Entry{entryAt(2, 3, []byte("x"))},
		},
		{Type: raftpb.MsgVote.Enum(), Index: new(uint64(9)), LogTerm: new(uint64(9))},
		{Type: raftpb.MsgTimeoutNow.Enum()},
		{Type: raftpb.MsgSnap.Enum(), Snapshot: offered.raft()},
		{Type: raftpb.MsgReadIndex.Enum(), Entries: []*raftpb.Entry{{Data: []byte("ctx")}}},
		{Type: raftpb.MsgReadIndexResp.Enum(), Index: new(uint64(1)), Entries: []*raftpb.Entry{{Data: make([]byte, 20)}}},
		{Type: raftpb.MsgPreVoteResp.Enum()},
		{Type: raftpb.MsgAppResp.Enum(), Index: new(uint64(7))},
		{Type: raftpb.MsgHeartbeatResp.Enum(), Context: make([]byte, 8)},
		{Type: raftpb.MsgProp.Enum(), Entries: []*raftpb.Entry{{Data: []byte("x")}}},
	} {
		m.From, m.To, m.Term = new(uint64(2)), new(uint64(1)), new(uint64(3))
		f.Add(mustMarshal(f, m), false)
		f.Add(mustMarshal(f, m), true)
	}
	f.Fuzz(func(t *testing.T, message []byte, leads bool) {
		cfg := Config{Group: testGroup, Self: 1, Voters: []uint64{1, 2, 3}, NewMachine: newToy, Rand: rand.New(rand.NewPCG(1, 1))}
		ops, err := Bootstrap(cfg)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Open(cfg, newSimDisk(ops).scan)
		if err != nil {
			t.Fatal(err)
		}
		var out Output
		if leads {
			lead(t, g, &out)
		}
		g.Raft(2, message)
		for range 3 {
			g.Tick(step.Now{})
			g.Flush(step.Now{}, &out)
			if out.Halt == nil {
				g.Status()
			}
			writes := slices.Clone(out.Writes)
			out.Reset()
			for _, w := range writes {
				g.Done(w.Token, nil, nil)
			}
		}
	})
}

// lead makes server 1 of three lead, with voter 2 granting everything.
func lead(t testing.TB, g *Group, out *Output) {
	for range 1000 {
		g.Tick(step.Now{})
		g.Flush(step.Now{}, out)
		writes, frames := slices.Clone(out.Writes), slices.Clone(out.Peer)
		out.Reset()
		for _, w := range writes {
			g.Done(w.Token, nil, nil)
		}
		for _, f := range frames {
			m := body(t, f.Frame)
			reply := map[raftpb.MessageType]raftpb.MessageType{
				raftpb.MsgPreVote: raftpb.MsgPreVoteResp, raftpb.MsgVote: raftpb.MsgVoteResp,
			}
			if answer, ok := reply[m.GetType()]; ok && f.To == 2 {
				g.Raft(2, mustMarshal(t, &raftpb.Message{
					Type: answer.Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(m.GetTerm()),
				}))
			}
		}
		if g.leads() {
			return
		}
	}
	t.Fatal("it never led")
}

// Arbitrary chunks never panic.
func FuzzChunk(f *testing.F) {
	for c := range prepared(f).StateChunks() {
		f.Add(c[sealBytes], c[sealBytes+1:], c[sealBytes+1:])
	}
	f.Fuzz(func(t *testing.T, kind uint8, one, two []byte) {
		cfg := oneVoter()
		l := newLoader(&cfg)
		header := slices.Collect(genesis(&cfg).root(testGroup).chunks())[0]
		for _, c := range [][]byte{header, sealChunk(new(codec.Writer), kind, one), sealChunk(new(codec.Writer), kind, two)} {
			if l.add(c) != nil {
				return
			}
		}
		if _, err := l.finish(&snapMeta{index: 1, term: 1, content: l.sum.content()}); err != nil {
			return
		}
		// What loads is a state like any other.
		if l.state.sessions.Len() > 0 {
			l.state.sessions.Expire(1 << 62)
		}
	})
}

// Arbitrary stored values give an error or exactly what was stored.
func FuzzStored(f *testing.F) {
	f.Add(hardState{term: 1, vote: 2, commit: 3}.encode()[sealBytes:])
	f.Add((&snapMeta{index: 1, term: 2, members: members{voters: []uint64{1}}, content: content{chunks: 1}}).encode()[sealBytes:])
	f.Add(encodeEntry(entryAt(1, 2, []byte("abc")))[sealBytes:])
	f.Fuzz(func(t *testing.T, body []byte) {
		sealed := func(version uint8) []byte {
			w := sealStart(version, len(body))
			w.Raw(body)
			return seal(w)
		}
		value := sealed(storeVersion)
		if h, err := decodeHard(value); err == nil && !bytes.Equal(h.encode(), value) {
			t.Fatal("hard state")
		}
		if m, err := decodeMeta(sealed(stateVersion)); err == nil && !bytes.Equal(m.encode(), sealed(stateVersion)) {
			t.Fatal("snapshot record")
		}
		if e, err := decodeEntry(1, value); err == nil && !bytes.Equal(encodeEntry(e), value) {
			t.Fatal("entry")
		}
		_, _ = unseal(storeVersion, body)
		_, _ = metaOf(&raftpb.Snapshot{Data: body})
	})
}
