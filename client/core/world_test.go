package core

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/view"
	"onevoice/wire"
)

// world is one core among three servers that share a model of the replicated session table, and a network that delays,
// reorders and loses in both directions. Who leads changes at will, so several servers' beliefs are wrong at times.
type world struct {
	t       *rapid.T
	c       *Core
	now     int64
	out     Out
	up      [3]bool
	leader  int
	term    uint64
	doubles bool // the network doubles requests; sessions then do not expire

	requests []packet
	replies  []packet

	sessions map[uint64]*modelSession
	numbers  uint64
	applied  map[string]int // operation -> times run
	order    int            // operations run so far
	asked    map[ID]*asked
	never    []string // operations said not to be applied
	names    int

	state    State
	provedNs int64 // when a request last ended by a reply
	okNs     int64 // when a reply that says OK last came
	lost     uint64
}

type packet struct {
	k     int
	frame []byte
}

type modelSession struct {
	acked   uint64
	results map[uint64]string
}

type asked struct {
	op    string // empty for a query
	since int    // operations run when it was asked
	atNs  int64
	ended bool
}

func newWorld(t *rapid.T) *world {
	cfg := Config{Group: group, Nearest: rapid.IntRange(-1, 2).Draw(t, "nearest"), Servers: make([]Server, 3),
		Rand: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))}
	return &world{t: t, c: New(cfg), now: 1, doubles: rapid.Bool().Draw(t, "doubles"),
		sessions: map[uint64]*modelSession{}, applied: map[string]int{}, asked: map[ID]*asked{}, state: StateJeopardy}
}

// settle takes what the core wants done and judges what has ended.
func (w *world) settle() {
	for _, s := range w.out.Sends {
		if w.up[s.Server] {
			w.requests = append(w.requests, packet{k: s.Server, frame: s.Frame})
		}
	}
	for _, f := range w.out.Finished {
		a := w.asked[f.ID]
		if a == nil || a.ended {
			w.t.Fatalf("request %x ended twice or was never asked", f.ID)
		}
		a.ended = true
		w.judge(a, f)
		if f.Err == nil {
			w.provedNs = w.now
		}
	}
	w.judgeStates()
	redial := slices.Clone(w.out.Redial)
	w.out.Reset()
	for _, k := range redial {
		w.up[k] = false
		w.c.Down(w.now, k, &w.out)
		w.settle()
	}
}

func (w *world) judge(a *asked, f Finished) {
	switch {
	case f.Err == nil && a.op == "":
		if n := int(binary.BigEndian.Uint64(f.Reply.Result)); n < a.since || n > w.order {
			w.t.Fatalf("a query was answered as of %d, it ran from %d to %d", n, a.since, w.order)
		}
	case f.Err == nil:
		if w.applied[a.op] != 1 || string(f.Reply.Result) != "did "+a.op {
			w.t.Fatalf("%s ended with %q and was applied %d times", a.op, f.Reply.Result, w.applied[a.op])
		}
	case a.op != "" && !f.MaybeApplied && !w.doubles:
		w.never = append(w.never, a.op)
	}
}

// judgeStates holds the states against what came and when.
func (w *world) judgeStates() {
	for _, s := range w.out.States {
		if s == w.state || s == StateOK && w.okNs != w.now || s != StateOK && s < w.state {
			w.t.Fatalf("%v follows %v; now %d, an answer came at %d", s, w.state, w.now, w.okNs)
		}
		w.state = s
	}
	lost := w.c.Status().Stats.Lost
	quiet := w.now - w.provedNs
	switch {
	case w.c.Status().State != w.state:
		w.t.Fatalf("%v was told and %v is so", w.state, w.c.Status().State)
	case w.state == StateExpired && quiet <= SessionIdleNs && lost == w.lost,
		w.state == StateGrace && quiet <= GraceNs,
		w.state == StateJeopardy && quiet <= JeopardyNs && w.provedNs != 0:
		w.t.Fatalf("%v, with an answer %d ns ago", w.state, quiet)
	case w.state == StateOK:
		w.lost = lost
	}
}

// waiting is since when the oldest request waits, or now.
func (w *world) waiting() int64 {
	since := w.now
	for _, a := range w.asked {
		if !a.ended {
			since = min(since, a.atNs)
		}
	}
	return since
}

// check is what must hold at every moment.
func (w *world) check() {
	if since := max(w.okNs, w.waiting()); w.state == StateOK && w.now-since > JeopardyNs {
		w.t.Fatalf("OK, with nothing heard since %d at %d", since, w.now)
	}
	for op, n := range w.applied {
		if n > 1 {
			w.t.Fatalf("%s was applied %d times", op, n)
		}
	}
	for _, op := range w.never {
		if w.applied[op] != 0 {
			w.t.Fatalf("%s was applied after it was said not to be", op)
		}
	}
}

func (w *world) ask(query bool) {
	w.names++
	a := &asked{since: w.order, atNs: w.now}
	ask := Ask{Query: query}
	if !query {
		a.op = fmt.Sprint("op", w.names)
		ask.Op = []byte(a.op)
	}
	ask.DeadlineNs = w.now + rapid.Int64Range(1, 3*DeadlineNs).Draw(w.t, "deadline")
	id := w.c.Ask(w.now, ask, &w.out)
	w.asked[id] = a
}

// serve lets a server handle one request from the network.
func (w *world) serve(p packet) {
	h, r, err := wire.Open(p.frame)
	if err != nil {
		w.t.Fatal(err)
	}
	reply := wire.Reply{Server: uint64(p.k + 1), Leader: uint64(w.leader + 1)}
	if h.Kind == wire.KindQuery {
		q, _ := wire.ReadQuery(r)
		reply.Request, reply.Status, reply.Result = q.Request, wire.OK, binary.BigEndian.AppendUint64(nil, uint64(w.order))
		if rapid.IntRange(0, 4).Draw(w.t, "voice") == 0 {
			reply.Status, reply.Result = wire.NoVoice, nil
		}
	} else {
		m := readCommand(w.t, p.frame)
		reply.Request = m.Request
		w.command(p.k, m, &reply)
	}
	if w.up[p.k] {
		w.replies = append(w.replies, packet{k: p.k, frame: reply.Encode(group, view.Epoch{View: 1, Term: w.term})})
	}
}

func (w *world) command(k int, m wire.Command, reply *wire.Reply) {
	luck := rapid.IntRange(0, 9).Draw(w.t, "luck")
	switch {
	case k != w.leader:
		reply.Status = wire.NotLeader
		reply.Leader = []uint64{uint64(w.leader + 1), 0, uint64(luck%3 + 1)}[luck%3]
	case luck == 0:
		reply.Status = wire.Overloaded
	case luck == 1:
		reply.Status = wire.Fenced
	case luck == 2:
		reply.Status, reply.Leader = wire.NotLeader, 0
	case luck == 3: // it was applied, though the server lost the lead before it knew
		w.apply(m, reply)
		*reply = wire.Reply{Request: m.Request, Status: wire.NotLeader, Server: reply.Server}
	default:
		w.apply(m, reply)
	}
}

// frame brings the core a reply.
func (w *world) frame(k int, frame []byte) {
	if _, r, err := wire.Open(frame); err == nil {
		if p, err := wire.ReadReply(r); err == nil && p.Status == wire.OK {
			w.okNs = w.now
		}
	}
	w.c.Frame(w.now, k, frame, &w.out)
}

// apply is the model of the replicated session table.
func (w *world) apply(m wire.Command, reply *wire.Reply) {
	reply.Status = wire.OK
	if m.Session == 0 {
		w.numbers++
		w.sessions[w.numbers] = &modelSession{results: map[uint64]string{}}
		reply.Result = binary.BigEndian.AppendUint64(nil, w.numbers)
		return
	}
	s := w.sessions[m.Session]
	if s == nil {
		reply.Status = wire.NoSession
		return
	}
	for ; s.acked < m.Acked; s.acked++ {
		delete(s.results, s.acked+1)
	}
	result, known := s.results[m.Seq]
	switch {
	case m.Seq <= s.acked:
		reply.Status = wire.AlreadyAcked
	case m.Seq > s.acked+Window:
		w.t.Fatalf("seq %d with %d acked", m.Seq, s.acked)
	case known:
		if result != "did "+string(m.Op) {
			w.t.Fatalf("seq %d came with %q, and with %s before", m.Seq, m.Op, result)
		}
		reply.Result = []byte(result)
	default:
		w.order++
		w.applied[string(m.Op)]++
		s.results[m.Seq] = "did " + string(m.Op)
		reply.Result = []byte(s.results[m.Seq])
	}
}

// pick takes a random packet; most often the oldest.
func (w *world) pick(from *[]packet) (packet, bool) {
	if len(*from) == 0 {
		return packet{}, false
	}
	i := 0
	if rapid.IntRange(0, 2).Draw(w.t, "disorder") == 0 {
		i = rapid.IntRange(0, len(*from)-1).Draw(w.t, "packet")
	}
	p := (*from)[i]
	*from = append((*from)[:i], (*from)[i+1:]...)
	return p, true
}

func (w *world) step() {
	k := rapid.IntRange(0, 2).Draw(w.t, "server")
	switch rapid.IntRange(0, 19).Draw(w.t, "action") {
	case 0, 1, 2:
		w.ask(false)
	case 3:
		w.ask(true)
	case 4, 5, 6, 7:
		if p, ok := w.pick(&w.requests); ok {
			if w.doubles && rapid.IntRange(0, 3).Draw(w.t, "double") == 0 {
				w.requests = append(w.requests, p)
			}
			w.serve(p)
		}
	case 8, 9, 10, 11:
		if p, ok := w.pick(&w.replies); ok && w.up[p.k] {
			w.frame(p.k, p.frame)
			if rapid.IntRange(0, 3).Draw(w.t, "double") == 0 {
				w.replies = append(w.replies, p)
			}
		}
	case 12:
		w.pick(&w.requests) // lost
	case 13:
		w.pick(&w.replies) // lost
	case 14:
		w.leader, w.term = k, w.term+1
	case 15:
		w.up[k] = false
		w.c.Down(w.now, k, &w.out)
	case 16, 17:
		w.up[k] = true
		w.c.Up(w.now, k, view.Start{Server: uint64(k + 1)}, &w.out)
	case 18:
		w.pass(rapid.SampledFrom([]int64{ms, 20 * ms, AttemptNs, 2 * AttemptNs, MuteNs, DeadlineNs, SessionIdleNs}).Draw(w.t, "time"))
	case 19:
		if s := rapid.Uint64Range(1, w.numbers+1).Draw(w.t, "session"); !w.doubles {
			delete(w.sessions, s)
		}
	}
	w.settle()
	w.check()
}

func (w *world) pass(ns int64) {
	end := w.now + ns
	for due := w.c.DueNs(); due != 0 && due <= end; due = w.c.DueNs() {
		w.now = max(w.now, due)
		w.c.Tick(w.now, &w.out)
		w.settle()
	}
	w.now = end
}

// heal connects everything and lets nothing fail until all requests have ended. Of two commands asked then one after the
// other at least the second ends well: the first may find its session gone and not know what became of it.
func (w *world) heal() {
	for k := range w.up {
		w.up[k] = true
		w.c.Up(w.now, k, view.Start{Server: uint64(k + 1)}, &w.out)
	}
	w.settle()
	for range 3 {
		w.drain()
		w.names++
		w.asked[w.c.Ask(w.now, Ask{Op: []byte(fmt.Sprint("op", w.names))}, &w.out)] = &asked{op: fmt.Sprint("op", w.names), atNs: w.now}
	}
	w.drain()
	for id, a := range w.asked {
		if !a.ended {
			w.t.Fatalf("request %x %q never ended", id, a.op)
		}
	}
	if last := fmt.Sprint("op", w.names); w.applied[last] != 1 {
		w.t.Fatalf("a command asked of a healed cluster was applied %d times", w.applied[last])
	}
	if s := w.c.Status(); s.State != StateOK || s.Unfinished != 0 || w.c.bytes != 0 || w.c.queriesOut != 0 {
		w.t.Fatalf("left over: %+v, %d bytes, %d queries", s, w.c.bytes, w.c.queriesOut)
	}
}

func (w *world) drain() {
	w.settle()
	for range 160 {
		for len(w.requests) > 0 {
			p := w.requests[0]
			w.requests = w.requests[1:]
			w.serveWell(p)
		}
		w.check()
		w.pass(DeadlineNs / 50)
	}
}

func (w *world) serveWell(p packet) {
	h, r, _ := wire.Open(p.frame)
	reply := wire.Reply{Server: uint64(p.k + 1), Leader: uint64(w.leader + 1), Status: wire.OK}
	if h.Kind == wire.KindQuery {
		q, _ := wire.ReadQuery(r)
		reply.Request, reply.Result = q.Request, binary.BigEndian.AppendUint64(nil, uint64(w.order))
	} else if m := readCommand(w.t, p.frame); p.k != w.leader {
		reply.Request, reply.Status = m.Request, wire.NotLeader
	} else {
		reply.Request = m.Request
		w.apply(m, &reply)
	}
	w.frame(p.k, reply.Encode(group, view.Epoch{View: 1, Term: w.term}))
	w.settle()
}

func TestExactlyOnceWhateverTheNetworkDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			w.step()
		}
		w.heal()
	})
}
