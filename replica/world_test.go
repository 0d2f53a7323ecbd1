package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"

	"onevoice/client/core"
	"onevoice/consensus"
	"onevoice/machine"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// counter is a machine that counts its commands, whatever they are.
type counter struct{ n uint64 }

func newCounter() machine.Machine { return &counter{} }

func (c *counter) Advance(machine.At, machine.Emit) {}
func (c *counter) DueNs() int64                     { return 0 }
func (c *counter) Loaded() error                    { return nil }
func (c *counter) Root() machine.Root               { return total(c.n) }

func (c *counter) Apply(_ machine.At, op []byte, emit machine.Emit) []byte {
	c.n++
	emit(op)
	return total(c.n).Query(nil)
}

func (c *counter) Load(chunk []byte) error {
	if len(chunk) != 8 {
		return errors.New("counter: not eight bytes")
	}
	c.n = binary.BigEndian.Uint64(chunk)
	return nil
}

// total answers every question with the count, and "huge" with more than fits a reply.
type total uint64

func (t total) Query(op []byte) []byte {
	if string(op) == "huge" {
		return make([]byte, wire.MaxResultBytes+1)
	}
	return binary.BigEndian.AppendUint64(nil, uint64(t))
}

func (t total) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { yield(t.Query(nil)) }
}

// groups are those of each node. Their order is not that of their numbers.
var groups = []uint32{7, 3}

// server is one node with its disk, which takes every write at once, and says Done in the next step.
type server struct {
	node    *Node
	disk    map[string][]byte
	inbox   []step.Input
	applied map[uint32]uint64 // highest index seen
	halted  error
	aheadNs int64 // of its wall clock
}

// world is three servers and a client of each group, on a network that keeps order and loses nothing but with its ends.
type world struct {
	t       *testing.T
	now     step.Now
	servers []*server
	clients []*user
	shared  int // writes that held more than one group's
	facts   []step.Fact
}

// user is a client core and what it has got.
type user struct {
	group  uint32
	core   *core.Core
	out    core.Out
	ended  map[core.ID]core.Finished
	number int
}

func configOf(self uint64) Config {
	c := Config{Self: self}
	for _, g := range groups {
		c.Groups = append(c.Groups, consensus.Config{
			Group: g, Self: self, Voters: []uint64{1, 2, 3}, NewMachine: newCounter,
			Rand: rand.New(rand.NewPCG(self, uint64(g))),
		})
	}
	return c
}

func newWorld(t *testing.T) *world {
	cryptotest.SetGlobalRandom(t, 1) // raft draws its election time-outs from it
	w := &world{t: t, now: step.Now{MonoNs: 1, WallNs: 1e18}}
	for self := uint64(1); self <= 3; self++ {
		ops, err := Bootstrap(configOf(self))
		if err != nil {
			t.Fatal(err)
		}
		s := &server{disk: map[string][]byte{}, applied: map[uint32]uint64{}}
		s.write(ops)
		w.servers = append(w.servers, s)
	}
	for i, g := range groups {
		cfg := core.Config{Group: g, Nearest: i - 1, Servers: make([]core.Server, 3), Rand: rand.New(rand.NewPCG(9, uint64(g)))}
		w.clients = append(w.clients, &user{group: g, core: core.New(cfg), ended: map[core.ID]core.Finished{}, number: i})
	}
	for k := range w.servers {
		w.start(k)
	}
	return w
}

func (u *user) address() step.Address { return step.MaxServer + 1 + step.Address(u.number) }

func (s *server) write(ops []step.Op) {
	for _, op := range ops {
		switch op.Kind {
		case step.Set:
			s.disk[string(op.Key)] = bytes.Clone(op.Value)
		case step.Delete:
			delete(s.disk, string(op.Key))
		case step.DeleteRange:
			maps.DeleteFunc(s.disk, func(k string, _ []byte) bool { return k >= string(op.Key) && k < string(op.Value) })
		}
	}
}

func (s *server) scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(s.disk)) {
			if strings.HasPrefix(k, string(prefix)) && !yield([]byte(k), s.disk[k]) {
				return
			}
		}
	}
}

// start opens a server from its disk and connects everybody to it.
func (w *world) start(k int) {
	s := w.servers[k]
	node, err := Open(configOf(uint64(k+1)), s.scan)
	if err != nil {
		w.t.Fatal(err)
	}
	s.node, s.inbox = node, nil
	clear(s.applied)
	for _, u := range w.clients {
		u.core.Up(w.now.MonoNs, k, view.Start{Server: uint64(k + 1)}, &u.out)
	}
}

// stop takes a server away with all that it was told.
func (w *world) stop(k int) {
	w.servers[k].node = nil
	for _, s := range w.servers {
		s.inbox = append(s.inbox, step.Input{Kind: step.Gone, From: step.Address(k + 1)})
	}
	for _, u := range w.clients {
		u.core.Down(w.now.MonoNs, k, &u.out)
	}
}

// round lets a millisecond pass and everybody take a step.
func (w *world) round() {
	w.now.MonoNs += 1_000_000
	w.now.WallNs += 1_000_000
	for _, u := range w.clients {
		u.core.Tick(w.now.MonoNs, &u.out)
		w.carry(u)
	}
	for k, s := range w.servers {
		if s.node == nil {
			s.inbox = nil
			continue
		}
		in := s.inbox
		s.inbox = nil
		if w.now.MonoNs/1_000_000%10 == int64(k) {
			in = append(in, step.Input{Kind: step.Tick})
		}
		w.do(k, in)
	}
}

func (w *world) do(k int, in []step.Input) {
	s := w.servers[k]
	var out step.Out
	s.node.Step(step.Now{MonoNs: w.now.MonoNs, WallNs: w.now.WallNs + s.aheadNs}, in, &out)
	w.facts = append(w.facts, out.Facts...)
	if s.halted = out.Halt; out.Halt != nil {
		return
	}
	if len(out.Writes) > 1 {
		w.t.Fatalf("%d writes in one step", len(out.Writes))
	}
	for _, wr := range out.Writes {
		w.share(wr)
		s.write(wr.Ops)
		s.inbox = append(s.inbox, step.Input{Kind: step.Done, Token: wr.Token})
	}
	for _, r := range out.Reads {
		s.inbox = append(s.inbox, step.Input{Kind: step.Done, Token: r.Token, Bytes: s.disk[string(r.Key)]})
	}
	for _, save := range out.Saves {
		n := uint64(0)
		for chunk := range save.Chunks {
			s.disk[string(binary.BigEndian.AppendUint64(bytes.Clone(save.Prefix), n))] = bytes.Clone(chunk)
			n++
		}
		s.inbox = append(s.inbox, step.Input{Kind: step.Done, Token: save.Token})
	}
	for _, m := range out.Sends {
		w.send(k, m.To, m.Bytes)
	}
	for _, e := range out.Evals {
		w.send(k, e.To, e.Run())
	}
	for _, a := range s.node.TakeApplied() {
		if last := s.applied[a.Group]; last != 0 && a.Index != last+1 && !a.Installed {
			w.t.Fatalf("group %d on server %d: index %d was applied after %d", a.Group, k+1, a.Index, last)
		}
		s.applied[a.Group] = a.Index
	}
}

// share counts the writes that serve several groups.
func (w *world) share(wr step.Write) {
	seen := map[uint32]bool{}
	for _, op := range wr.Ops {
		seen[binary.BigEndian.Uint32(op.Key)] = true
	}
	if len(seen) > 1 {
		w.shared++
	}
}

func (w *world) send(from int, to step.Address, frame []byte) {
	if to <= step.MaxServer {
		w.servers[to-1].inbox = append(w.servers[to-1].inbox, step.Input{Kind: step.Frame, From: step.Address(from + 1), Bytes: frame})
		return
	}
	u := w.clients[to-step.MaxServer-1]
	u.core.Frame(w.now.MonoNs, from, frame, &u.out)
	w.carry(u)
}

func (w *world) carry(u *user) {
	for _, m := range u.out.Sends {
		s := w.servers[m.Server]
		s.inbox = append(s.inbox, step.Input{Kind: step.Frame, From: u.address(), Bytes: m.Frame})
	}
	for _, f := range u.out.Finished {
		if _, twice := u.ended[f.ID]; twice {
			w.t.Fatalf("request %x ended twice", f.ID)
		}
		u.ended[f.ID] = f
	}
	u.out.Reset()
}

// until runs rounds until a condition holds, for at most a minute of its own time.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for range 60_000 {
		if holds() {
			return
		}
		w.round()
	}
	w.t.Fatalf("still not so after a minute: %s", what)
}

func (w *world) ask(u *user, op string, query bool) core.ID {
	id := u.core.Ask(w.now.MonoNs, core.Ask{Op: []byte(op), Query: query, DeadlineNs: w.now.MonoNs + 20_000_000_000}, &u.out)
	w.carry(u)
	return id
}

// answer waits for the end of a request, which must be a reply.
func (w *world) answer(u *user, id core.ID) wire.Reply {
	w.t.Helper()
	w.until("the request has ended", func() bool { _, ok := u.ended[id]; return ok })
	f := u.ended[id]
	if f.Err != nil {
		w.t.Fatalf("group %d: %v", u.group, f.Err)
	}
	return f.Reply
}

// leader is the place of the server that leads a group, -1 for none.
func (w *world) leader(group uint32) int {
	for k, s := range w.servers {
		if s.node == nil {
			continue
		}
		for _, g := range s.node.Status().Groups {
			if g.Group == group && g.Role == consensus.RoleLeader {
				return k
			}
		}
	}
	return -1
}
