package consensus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/cryptotest"

	"onevoice/step"
	"onevoice/wire"
)

const testGroup = 7

// simDisk keeps what is durable apart from what the process has written since.
type simDisk struct {
	durable map[string][]byte
	seen    map[string][]byte
	open    []step.Write // not yet durable, in order
}

func newSimDisk(ops []step.Op) *simDisk {
	d := &simDisk{durable: map[string][]byte{}}
	apply(d.durable, ops)
	d.seen = maps.Clone(d.durable)
	return d
}

func apply(m map[string][]byte, ops []step.Op) {
	for _, op := range ops {
		switch op.Kind {
		case step.Set:
			m[string(op.Key)] = bytes.Clone(op.Value)
		case step.Delete:
			delete(m, string(op.Key))
		case step.DeleteRange:
			for k := range m {
				if k >= string(op.Key) && k < string(op.Value) {
					delete(m, k)
				}
			}
		}
	}
}

func (d *simDisk) start(w step.Write) {
	apply(d.seen, w.Ops)
	d.open = append(d.open, w)
}

// synced makes the open writes up to and with a token durable.
func (d *simDisk) synced(token step.Token) {
	i := slices.IndexFunc(d.open, func(w step.Write) bool { return w.Token == token })
	for _, w := range d.open[:i+1] {
		apply(d.durable, w.Ops)
	}
	d.open = d.open[i+1:]
}

// crash keeps the durable part and the first keep of the open writes.
func (d *simDisk) crash(keep int) {
	for _, w := range d.open[:keep] {
		apply(d.durable, w.Ops)
	}
	d.open, d.seen = nil, maps.Clone(d.durable)
}

func (d *simDisk) scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(d.seen)) {
			if bytes.HasPrefix([]byte(k), prefix) && !yield([]byte(k), d.seen[k]) {
				return
			}
		}
	}
}

// event is something that will reach a node.
type event struct {
	at   int64
	boot int // disk events of an earlier life are void
	do   func()
	net  bool
}

type server struct {
	id      uint64
	boot    int
	group   *Group
	disk    *simDisk
	events  []event
	diskAt  int64
	applied map[uint64]Applied
	up      bool
	cut     bool // no network
	skewNs  int64
}

// world is a few groups in one thread with virtual time in milliseconds.
type world struct {
	t         testing.TB
	rng       *rand.Rand
	servers   []*server // servers[0] is nil
	limits    Limits
	versions  map[uint64]Versions // by server; none: the default
	nowMs     int64
	replies   map[uint64][]Reply
	answers   map[uint64][]byte
	asOf      map[uint64]uint64
	facts     map[string]int
	chain     map[uint64]Applied // as first applied anywhere
	lossy     int                // percent of frames lost, and as many doubled
	netMs     int64              // longest time for a frame
	diskMs    int64              // longest time for a write
	halts     []error
	images    map[uint64][][]byte // chunks of the snapshots saved anywhere, by index
	request   uint64
	allowHalt bool
	onFrame   func(from, to uint64, frame []byte) bool // false: lost
	onFlush   func(s *server, out *Output)
}

func newWorld(t testing.TB, n int, seed uint64, limits Limits) *world {
	switch t := t.(type) {
	case *testing.T:
		cryptotest.SetGlobalRandom(t, seed)
	case *witness:
		cryptotest.SetGlobalRandom(t.T, seed)
	}
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), limits: limits, netMs: 3, diskMs: 3, servers: []*server{nil},
		replies: map[uint64][]Reply{}, answers: map[uint64][]byte{}, asOf: map[uint64]uint64{},
		facts: map[string]int{}, chain: map[uint64]Applied{},
		images: map[uint64][][]byte{}, versions: map[uint64]Versions{},
	}
	for id := uint64(1); id <= uint64(n); id++ {
		ops, err := Bootstrap(w.config(id, n))
		if err != nil {
			t.Fatal(err)
		}
		s := &server{id: id, disk: newSimDisk(ops)}
		w.servers = append(w.servers, s)
		w.start(id)
	}
	return w
}

func (w *world) config(id uint64, n int) Config {
	var voters []uint64
	for v := uint64(1); v <= uint64(n); v++ {
		voters = append(voters, v)
	}
	boot := uint64(1)
	if id < uint64(len(w.servers)) {
		boot += uint64(w.servers[id].boot)
	}
	return Config{
		Boot: boot, Group: testGroup, Self: id, Voters: voters, NewMachine: newToy, Limits: w.limits, Versions: w.versions[id],
		Rand: rand.New(rand.NewPCG(w.rng.Uint64(), id)),
	}
}

func (w *world) start(id uint64) {
	w.t.Helper()
	s := w.servers[id]
	g, err := Open(w.config(id, len(w.servers)-1), s.disk.scan)
	if err != nil {
		w.t.Fatalf("server %d: %v", id, err)
	}
	s.group, s.up, s.events, s.diskAt = g, true, nil, 0
	s.applied = map[uint64]Applied{}
}

// crash stops a server and loses what was not synced, but for a random part.
func (w *world) crash(id uint64) {
	s := w.servers[id]
	if !s.up {
		return
	}
	s.up = false
	s.boot++
	s.disk.crash(w.rng.IntN(len(s.disk.open) + 1))
}

func (w *world) restart(id uint64) {
	if !w.servers[id].up {
		w.start(id)
	}
}

func (w *world) now(s *server) step.Now {
	return step.Now{MonoNs: w.nowMs * 1e6, WallNs: 1_700_000_000_000_000_000 + w.nowMs*1e6 + s.skewNs}
}

func (s *server) later(e event) { s.events = append(s.events, e) }

func (w *world) delay(most int64) int64 { return w.nowMs + w.rng.Int64N(most+1) }

// run lets ms pass.
func (w *world) run(ms int64) {
	w.t.Helper()
	for end := w.nowMs + ms; w.nowMs < end; {
		w.nowMs++
		for _, s := range w.servers[1:] {
			w.burst(s)
		}
	}
}

// until runs until the condition holds.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	for end := w.nowMs + 60_000; !cond(); {
		if w.nowMs >= end {
			w.t.Fatalf("never happened: %s", what)
		}
		w.run(1)
	}
}

func (w *world) burst(s *server) {
	if !s.up {
		return
	}
	var due []event
	s.events = slices.DeleteFunc(s.events, func(e event) bool {
		if e.at > w.nowMs {
			return false
		}
		due = append(due, e)
		return true
	})
	slices.SortStableFunc(due, func(a, b event) int { return int(a.at - b.at) })
	if w.nowMs%10 == int64(s.id)%10 {
		s.group.Tick(w.now(s))
	}
	for _, e := range due {
		if e.boot == s.boot || e.net {
			e.do()
		}
	}
	w.flush(s)
}

func (w *world) flush(s *server) {
	var out Output
	s.group.Flush(w.now(s), &out)
	if w.onFlush != nil {
		w.onFlush(s, &out)
	}
	for _, f := range out.Facts {
		w.facts[f.Name]++
	}
	if out.Halt != nil {
		w.halts = append(w.halts, out.Halt)
		if !w.allowHalt {
			w.t.Fatalf("server %d halted: %v", s.id, out.Halt)
		}
		w.crash(s.id)
		return
	}
	w.store(s, &out)
	w.check(s, out.Applied)
	for _, f := range out.Peer {
		w.deliver(s, f)
	}
	for _, r := range out.Replies {
		w.replies[r.Request] = append(w.replies[r.Request], r)
		if r.Status == wire.OK && r.Result == nil {
			w.asOf[r.Request] = r.Index
		}
	}
	for _, e := range out.Evals {
		w.answers[e.Request] = e.Root.Query(e.Op)
		w.asOf[e.Request] = e.At.Index
	}
}

func (w *world) store(s *server, out *Output) {
	g := s.group
	for _, wr := range out.Writes {
		s.disk.start(wr)
		s.diskAt = max(s.diskAt, w.delay(w.diskMs))
		s.later(event{at: s.diskAt, boot: s.boot, do: func() {
			if wr.Sync {
				s.disk.synced(wr.Token)
			}
			g.Done(wr.Token, nil, nil)
		}})
	}
	for _, r := range out.Reads {
		s.later(event{at: w.delay(w.diskMs), boot: s.boot, do: func() { g.Done(r.Token, s.disk.seen[string(r.Key)], nil) }})
	}
	for _, v := range out.Saves {
		// The chunks are taken late, when the group has gone on.
		s.later(event{at: w.delay(w.diskMs) + 20, boot: s.boot, do: func() {
			n := uint64(0)
			var image [][]byte
			for c := range v.Chunks {
				key := string(binary.BigEndian.AppendUint64(bytes.Clone(v.Prefix), n))
				c = bytes.Clone(c)
				s.disk.seen[key], s.disk.durable[key] = c, c
				image = append(image, c)
				n++
			}
			w.saved(s, binary.BigEndian.Uint64(v.Prefix[keyPrefixBytes:]), image)
			g.Done(v.Token, nil, nil)
		}})
	}
}

// saved compares snapshots of equal index byte by byte.
func (w *world) saved(s *server, index uint64, image [][]byte) {
	if was, ok := w.images[index]; ok && !slices.EqualFunc(was, image, bytes.Equal) {
		w.t.Fatalf("server %d saved other bytes at index %d than another server", s.id, index)
	}
	w.images[index] = image
}

func (w *world) deliver(s *server, f PeerFrame) {
	to := w.servers[f.To]
	if s.cut || to.cut || w.rng.IntN(100) < w.lossy || w.onFrame != nil && !w.onFrame(s.id, f.To, f.Frame) {
		return
	}
	copies := 1
	if w.rng.IntN(100) < w.lossy {
		copies = 2
	}
	for range copies {
		to.later(event{at: w.delay(w.netMs), net: true, do: func() { w.receive(to, s.id, f.Frame) }})
	}
}

func (w *world) receive(to *server, from uint64, frame []byte) {
	h, r, err := wire.Open(frame)
	if err != nil {
		w.t.Fatal(err)
	}
	switch h.Kind {
	case wire.KindRaft:
		to.group.Raft(from, r.Rest())
	case wire.KindSnapshotGet:
		m, err := wire.ReadSnapshotGet(r)
		if err != nil {
			w.t.Fatal(err)
		}
		to.group.SnapshotGet(from, m)
	case wire.KindSnapshotChunk:
		m, err := wire.ReadSnapshotChunk(r)
		if err != nil {
			w.t.Fatal(err)
		}
		to.group.SnapshotChunk(from, m)
	}
}

// check compares what was applied with what any server applied at that index.
func (w *world) check(s *server, applied []Applied) {
	w.t.Helper()
	for _, a := range applied {
		if _, ok := s.applied[a.Index-1]; !ok && len(s.applied) > 0 && !a.Installed {
			w.t.Fatalf("server %d applied %d after a gap", s.id, a.Index)
		}
		s.applied[a.Index] = a
		if was, ok := w.chain[a.Index]; ok && (was.Hash != a.Hash || was.Epoch != a.Epoch || was.LogTimeNs != a.LogTimeNs) {
			w.t.Fatalf("index %d: server %d has %x %v, another has %x %v", a.Index, s.id, a.Hash[:4], a.Epoch, was.Hash[:4], was.Epoch)
		}
		w.chain[a.Index] = a
	}
}

// leader is the server that leads with its lead entry applied, or nil. Where several believe it, the one of the highest term.
func (w *world) leader() *server {
	var best *server
	for _, s := range w.servers[1:] {
		if s.up && s.group.leads() && s.group.lead.applied && (best == nil || s.group.term > best.group.term) {
			best = s
		}
	}
	return best
}

func (w *world) awaitLeader() *server {
	w.t.Helper()
	var l *server
	w.until("a leader", func() bool {
		l = w.leader()
		if l == nil {
			return false
		}
		agree := 0
		for _, s := range w.servers[1:] {
			if s.up && s.group.leader == l.id {
				agree++
			}
		}
		return agree > (len(w.servers)-1)/2
	})
	return l
}

func (w *world) nextRequest() uint64 {
	w.request++
	return w.request
}

func (w *world) command(s *server, c wire.Command) uint64 {
	c.Request = w.nextRequest()
	s.group.Command(step.Address(1<<20+c.Request), c)
	return c.Request
}

func (w *world) reply(request uint64) (Reply, bool) {
	r := w.replies[request]
	if len(r) == 0 {
		return Reply{}, false
	}
	if len(r) > 1 {
		w.t.Fatalf("request %d was answered %d times", request, len(r))
	}
	return r[0], true
}

func (w *world) await(request uint64) Reply {
	w.t.Helper()
	var r Reply
	w.until(fmt.Sprintf("an answer to request %d", request), func() bool {
		var ok bool
		r, ok = w.reply(request)
		return ok
	})
	return r
}

// do sends a command to the leader until it is answered for good, as a client would.
func (w *world) do(c wire.Command) Reply {
	w.t.Helper()
	for range 100 {
		r := w.await(w.command(w.awaitLeader(), c))
		switch r.Status {
		case wire.NotLeader, wire.Overloaded, wire.Fenced:
			continue
		}
		return r
	}
	w.t.Fatal("no answer in 100 attempts")
	return Reply{}
}

func (w *world) openSession() uint64 {
	w.t.Helper()
	r := w.do(wire.Command{})
	if r.Status != wire.OK {
		w.t.Fatalf("opening a session: status %d", r.Status)
	}
	return binary.BigEndian.Uint64(r.Result)
}

func (w *world) query(s *server, name string) uint64 {
	q := wire.Query{Request: w.nextRequest(), Op: []byte(name)}
	s.group.Query(step.Address(1<<20), q)
	return q.Request
}

// settle waits until all servers that are up stand at one index, and compares their whole state.
func (w *world) settle() {
	w.t.Helper()
	w.until("all at one index", func() bool {
		index := uint64(0)
		for _, s := range w.servers[1:] {
			if s.up {
				if index == 0 {
					index = s.group.state.index
				}
				if s.group.state.index != index {
					return false
				}
			}
		}
		return true
	})
	var want [][]byte
	for _, s := range w.servers[1:] {
		if !s.up {
			continue
		}
		chunks := slices.Collect(s.group.StateChunks())
		if want == nil {
			want = chunks
		}
		if !slices.EqualFunc(want, chunks, bytes.Equal) {
			w.t.Fatalf("server %d holds another state at index %d", s.id, s.group.state.index)
		}
	}
}

// witness lets a test that is meant to fail be watched: its failure ends it with a panic of type found.
type witness struct{ *testing.T }

type found struct{ text string }

func (w *witness) Fatalf(format string, args ...any) { panic(found{fmt.Sprintf(format, args...)}) }
func (w *witness) Fatal(args ...any)                 { panic(found{fmt.Sprint(args...)}) }
