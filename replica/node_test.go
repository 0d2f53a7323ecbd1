package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"onevoice/client/core"
	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// TestThreeServersCountInTwoGroups loses each server once under load: everything is counted once, and all agree.
func TestThreeServersCountInTwoGroups(t *testing.T) {
	w := newWorld(t)
	const each = 90
	asked := map[*user][]core.ID{}
	for i := range each {
		for _, u := range w.clients {
			asked[u] = append(asked[u], w.ask(u, fmt.Sprint(i), false))
		}
		for range 40 {
			w.round()
		}
		switch k := i / 30; i % 30 {
		case 5:
			w.stop(k)
		case 20:
			w.start(k)
		}
	}
	for _, u := range w.clients {
		for _, id := range asked[u] {
			w.answer(u, id)
		}
		reply := w.answer(u, w.ask(u, "how many", true))
		if got := binary.BigEndian.Uint64(reply.Result); got != each {
			t.Errorf("group %d counted %d of %d", u.group, got, each)
		}
		if reply.Leader == 0 || reply.Server == 0 || reply.Index == 0 || reply.Hash == ([32]byte{}) {
			t.Errorf("a reply does not say where it stands: %+v", reply)
		}
		w.agree(u.group)
	}
	if w.shared == 0 {
		t.Error("the groups never shared a write")
	}
}

// agree waits until all servers hold the same state of a group.
func (w *world) agree(group uint32) {
	w.t.Helper()
	w.until("all servers agree", func() bool {
		var at [3]consensus.Published
		for k, s := range w.servers {
			p, ok := s.node.Published(group)
			if !ok {
				w.t.Fatalf("server %d has no group %d", k+1, group)
			}
			at[k] = p
		}
		if at[0].Index != at[1].Index || at[1].Index != at[2].Index {
			return false
		}
		if at[0].Hash != at[1].Hash || at[1].Hash != at[2].Hash || at[0].Root != at[1].Root || at[1].Root != at[2].Root {
			w.t.Fatalf("group %d: three states at index %d: %+v", group, at[0].Index, at)
		}
		return true
	})
}

func TestGroupsStandInTheOrderOfTheirNumbers(t *testing.T) {
	w := newWorld(t)
	s := w.servers[0].node.Status()
	if len(s.Groups) != 2 || s.Groups[0].Group != 3 || s.Groups[1].Group != 7 || s.Server != 1 {
		t.Errorf("%+v", s)
	}
	if _, ok := w.servers[0].node.Published(4); ok {
		t.Error("it has a group that nobody made")
	}
	if w.servers[0].node.StateChunks(4) != nil || w.servers[0].node.StateChunks(3) == nil {
		t.Error("it gives the state of a group that nobody made, or none of its own")
	}
}

func TestABarrierAndAnAnswerThatIsTooLarge(t *testing.T) {
	w := newWorld(t)
	u := w.clients[0]
	if r := w.answer(u, w.ask(u, "", true)); len(r.Result) != 0 || r.Index == 0 {
		t.Errorf("barrier: %+v", r)
	}
	id := w.ask(u, "huge", true)
	w.until("the query has ended", func() bool { _, ok := u.ended[id]; return ok })
	if err := u.ended[id].Err; err == nil || !strings.Contains(err.Error(), "too-large") {
		t.Errorf("an answer over the limit ended with %v", err)
	}
}

// TestStrangeFrames gives a node frames that make no sense: they are counted, a client is told, and nothing else happens.
func TestStrangeFrames(t *testing.T) {
	const client = step.MaxServer + 5
	command := (&wire.Command{Request: 99, Op: []byte("x")}).Encode(3, view.Epoch{})
	query := (&wire.Query{Request: 99}).Encode(3, view.Epoch{})
	get := wire.SnapshotGet{Index: 1}.Encode(3, view.Epoch{})
	header := func(kind wire.Kind, group uint32) []byte {
		var w codec.Writer
		wire.Header{Kind: kind, Group: group}.Append(&w)
		return w.B
	}
	for _, c := range []struct {
		name  string
		from  step.Address
		frame []byte
		told  bool   // that the frame was malformed
		as    uint64 // under this request number
	}{
		{"nothing", client, nil, true, 0},
		{"nothing from a server", 2, nil, false, 0},
		{"another version", client, append([]byte{9}, command[1:]...), true, 99},
		{"a command cut short", client, command[:len(command)-1], true, 99},
		{"a command with a byte too many", client, append(command[:len(command):len(command)], 0), true, 99},
		{"a command of a group that is not here", client, (&wire.Command{Request: 99}).Encode(4, view.Epoch{}), true, 99},
		{"a query with a byte too many", client, append(query[:len(query):len(query)], 0), true, 99},
		{"raft from a client", client, header(wire.KindRaft, 3), true, 0},
		{"a snapshot asked for by a client", client, get, true, 1},
		{"a kind of tomorrow", client, header(99, 3), true, 0},
		{"a command from a server", 2, command, false, 0},
		{"a kind of tomorrow from a server", 2, header(99, 3), false, 0},
		{"a request cut short", 2, get[:len(get)-1], false, 0},
		{"a chunk cut short", 2, wire.SnapshotChunk{Index: 1}.Encode(3, view.Epoch{})[:30], false, 0},
	} {
		n := newWorld(t).servers[0].node
		var out step.Out
		n.Step(step.Now{MonoNs: 1}, []step.Input{{Kind: step.Frame, From: c.from, Bytes: c.frame}}, &out)
		if got := n.Status().Dropped; got != 1 || len(out.Facts) != 1 || out.Facts[0].Name != "dropped-frame" || out.Halt != nil {
			t.Errorf("%s: %d counted, facts %v, halt %v", c.name, got, out.Facts, out.Halt)
		}
		if !c.told {
			if len(out.Sends) != 0 {
				t.Errorf("%s: answered", c.name)
			}
			continue
		}
		if len(out.Sends) != 1 || out.Sends[0].To != client {
			t.Errorf("%s: sends %v", c.name, out.Sends)
			continue
		}
		_, r, _ := wire.Open(out.Sends[0].Bytes)
		if p, err := wire.ReadReply(r); err != nil || p.Status != wire.Malformed || p.Request != c.as || p.Server != 1 {
			t.Errorf("%s: answered %+v, %v", c.name, p, err)
		}
	}
}

func TestRaftOfAForeignSenderIsDropped(t *testing.T) {
	w := newWorld(t)
	to, from := 0, step.Address(0)
	w.until("a server says something to another", func() bool {
		for k, s := range w.servers {
			for _, in := range s.inbox {
				if in.Kind != step.Frame || in.From > step.MaxServer {
					continue
				}
				if h, _, err := wire.Open(in.Bytes); err == nil && h.Kind == wire.KindRaft {
					to, from = k, in.From
					return true
				}
			}
		}
		return false
	})
	in := w.servers[to].inbox
	w.servers[to].inbox = nil
	for i := range in {
		if in[i].From == from {
			in[i].From = step.Address(6) - from - step.Address(to+1) // the third server; it says otherwise inside
		}
	}
	before := w.dropped(to)
	w.do(to, in)
	if got := w.dropped(to); got == before {
		t.Errorf("a message of %d to %d that came from another was taken", from, to+1)
	}
}

func (w *world) dropped(k int) (n uint64) {
	for _, g := range w.servers[k].node.Status().Groups {
		n += g.Counters.Dropped
	}
	return n
}

func TestABrokenConnectionIsToldToRaft(t *testing.T) {
	w := newWorld(t)
	u := w.clients[0]
	w.answer(u, w.ask(u, "x", false))
	k := w.leader(u.group)
	peer := (k + 1) % 3
	state := func() string {
		for _, g := range w.servers[k].node.Status().Groups {
			for _, p := range g.Peers {
				if g.Group == u.group && p.Server == uint64(peer+1) {
					return p.State
				}
			}
		}
		return ""
	}
	w.until("the follower replicates", func() bool { return state() == "StateReplicate" })
	w.do(k, []step.Input{{Kind: step.Gone, From: step.MaxServer + 1}})
	if got := state(); got != "StateReplicate" {
		t.Errorf("a client went, and the follower is in %s", got)
	}
	w.do(k, []step.Input{{Kind: step.Gone, From: step.Address(peer + 1)}})
	if got := state(); got != "StateProbe" {
		t.Errorf("the follower's connection broke, and it is in %s", got)
	}
}

func TestAFailedWriteHaltsWithEvidence(t *testing.T) {
	w := newWorld(t)
	u := w.clients[0]
	w.answer(u, w.ask(u, "x", false))
	k := w.leader(u.group)
	s := w.servers[k]
	w.ask(u, "y", false)
	w.until("a write is under way", func() bool {
		for i := range s.inbox {
			if s.inbox[i].Kind == step.Done {
				s.inbox[i].Err = errors.New("the disk is gone")
				return true
			}
		}
		return false
	})
	w.do(k, s.inbox)
	if s.halted == nil || !strings.Contains(s.halted.Error(), "the disk is gone") {
		t.Errorf("halted with %v", s.halted)
	}
}

func TestConfigsThatMakeNoNode(t *testing.T) {
	none := Config{Self: 1}
	twice, foreign := configOf(1), configOf(1)
	twice.Groups[1].Group = twice.Groups[0].Group
	foreign.Groups[1].Self = 2
	strange := configOf(1)
	strange.Groups[0].Voters = []uint64{3, 2}
	for name, c := range map[string]Config{"no group": none, "one group twice": twice, "a group of another server": foreign} {
		if _, err := Open(c, new(server).scan); err == nil {
			t.Errorf("%s: opened", name)
		}
		if _, err := Bootstrap(c); err == nil {
			t.Errorf("%s: bootstrapped", name)
		}
	}
	if _, err := Bootstrap(strange); err == nil {
		t.Error("voters out of order: bootstrapped")
	}
	if _, err := Open(configOf(1), new(server).scan); err == nil {
		t.Error("an empty disk was opened")
	}
}

func TestTokens(t *testing.T) {
	var ts tokens
	var out step.Out
	ts.close(&out)
	if len(out.Writes) != 0 {
		t.Fatal("a step without writes has a write")
	}
	ops := make([]step.Op, 1, 4)
	ops[0].Key = []byte("a")
	behind := ops[:2]
	behind[1].Key = []byte("the group's own")
	ts.write(0, step.Write{Token: 1, Ops: ops})
	ts.write(0, step.Write{Token: 2, Ops: []step.Op{{Key: []byte("b")}}, Sync: true})
	ts.write(1, step.Write{Token: 1, Ops: []step.Op{{Key: []byte("c")}}})
	read := ts.one(1, 9)
	ts.close(&out)
	if string(behind[1].Key) != "the group's own" {
		t.Error("memory of a group was overwritten")
	}
	if len(out.Writes) != 1 || !out.Writes[0].Sync || len(out.Writes[0].Ops) != 3 || string(out.Writes[0].Ops[2].Key) != "c" {
		t.Fatalf("%+v", out.Writes)
	}
	got := fmt.Sprint(ts.take(out.Writes[0].Token), ts.take(read), ts.take(out.Writes[0].Token), ts.take(77))
	if want := "[{0 1} {0 2} {1 1}] [{1 9}] [] []"; got != want {
		t.Errorf("tokens stand for %s, want %s", got, want)
	}
	ts.write(1, step.Write{Token: 5, Ops: ops})
	out.Reset()
	if ts.close(&out); out.Writes[0].Sync || len(out.Writes[0].Ops) != 1 {
		t.Errorf("the next write is %+v", out.Writes[0])
	}
}

// FuzzFrame gives a node arbitrary bytes from a server and from a client: nothing of that may stop it.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add((&wire.Command{Request: 1, Op: []byte("x")}).Encode(3, view.Epoch{}))
	f.Add((&wire.Query{Request: 1}).Encode(3, view.Epoch{}))
	f.Add(wire.SnapshotGet{Index: 1}.Encode(3, view.Epoch{}))
	f.Add(wire.SnapshotChunk{Index: 1, Bytes: []byte("x")}.Encode(7, view.Epoch{}))
	var disk server
	ops, err := Bootstrap(configOf(1))
	if err != nil {
		f.Fatal(err)
	}
	disk.disk = map[string][]byte{}
	disk.write(ops)
	f.Fuzz(func(t *testing.T, frame []byte) {
		n, err := Open(configOf(1), disk.scan)
		if err != nil {
			t.Fatal(err)
		}
		var out step.Out
		in := []step.Input{
			{Kind: step.Frame, From: 2, Bytes: bytes.Clone(frame)}, {Kind: step.Tick},
			{Kind: step.Frame, From: step.MaxServer + 1, Bytes: bytes.Clone(frame)}, {Kind: step.Tick},
		}
		for i := range in {
			n.Step(step.Now{MonoNs: int64(i+1) * step.TickNs}, in[i:i+1], &out)
		}
		if out.Halt != nil {
			t.Fatal(out.Halt)
		}
	})
}
