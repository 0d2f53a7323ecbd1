package core

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

const group = 7

const ms = 1_000_000

// script drives one core by hand: what it sends waits in a list until the script takes it.
type script struct {
	t    *testing.T
	c    *Core
	now  int64
	out  Out
	sent []Send
	done []Finished
	dial []int
	told []State
}

// begin is a core with n servers, voters 1 to n, all connected.
func begin(t *testing.T, n int) *script {
	s := beginNearest(t, n, -1)
	for k := range n {
		s.up(k)
	}
	return s
}

func beginNearest(t *testing.T, n, nearest int) *script {
	cfg := Config{Group: group, Nearest: nearest, Rand: rand.New(rand.NewPCG(1, 2))}
	for k := range n {
		cfg.Servers = append(cfg.Servers, Server{Name: string(rune('a' + k))})
	}
	return &script{t: t, c: New(cfg), now: 1_000 * ms}
}

func (s *script) take() {
	s.sent = append(s.sent, s.out.Sends...)
	s.done = append(s.done, s.out.Finished...)
	s.dial = append(s.dial, s.out.Redial...)
	s.told = append(s.told, s.out.States...)
	s.out.Reset()
}

func (s *script) up(k int)   { s.c.Up(s.now, k, view.Start{Server: uint64(k + 1)}, &s.out); s.take() }
func (s *script) down(k int) { s.c.Down(s.now, k, &s.out); s.take() }

func (s *script) ask(a Ask) ID {
	id := s.c.Ask(s.now, a, &s.out)
	s.take()
	return id
}

func (s *script) command(op string) ID { return s.ask(Ask{Op: []byte(op)}) }
func (s *script) query(op string) ID   { return s.ask(Ask{Op: []byte(op), Query: true}) }

// pass lets time pass, with a Tick at each moment that the core asks for.
func (s *script) pass(ns int64) {
	end := s.now + ns
	for due := s.c.DueNs(); due != 0 && due <= end; due = s.c.DueNs() {
		s.now = max(s.now, due)
		s.c.Tick(s.now, &s.out)
		s.take()
		if s.c.DueNs() == due {
			s.t.Fatalf("Tick at %d left itself due", due)
		}
	}
	s.now = end
}

// next takes the oldest frame sent, which must have gone to place k.
func (s *script) next(k int) []byte {
	s.t.Helper()
	if len(s.sent) == 0 {
		s.t.Fatalf("nothing was sent, wanted a frame to %d", k)
	}
	f := s.sent[0]
	if s.sent = s.sent[1:]; f.Server != k {
		s.t.Fatalf("a frame was sent to %d, wanted %d", f.Server, k)
	}
	return f.Frame
}

func (s *script) nextCommand(k int) wire.Command {
	s.t.Helper()
	return readCommand(s.t, s.next(k))
}

func (s *script) nextQuery(k int) wire.Query {
	s.t.Helper()
	h, r, err := wire.Open(s.next(k))
	if err != nil || h.Kind != wire.KindQuery {
		s.t.Fatalf("no query was sent: %v, %v", h, err)
	}
	q, err := wire.ReadQuery(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

func readCommand(t interface{ Fatalf(string, ...any) }, frame []byte) wire.Command {
	h, r, err := wire.Open(frame)
	if err != nil || h.Kind != wire.KindCommand || h.Group != group {
		t.Fatalf("no command was sent: %v, %v", h, err)
	}
	m, err := wire.ReadCommand(r)
	if err != nil {
		t.Fatalf("command: %v", err)
	}
	return m
}

// quiet fails where frames or ends are left over.
func (s *script) quiet() {
	s.t.Helper()
	if len(s.sent) != 0 || len(s.done) != 0 {
		s.t.Fatalf("left over: %d frames %v, %d ends %v", len(s.sent), s.sent, len(s.done), s.done)
	}
}

// reply brings a reply of place k.
func (s *script) reply(k int, p wire.Reply) { s.replyAt(k, view.Epoch{View: 1, Term: 1}, p) }

func (s *script) replyAt(k int, e view.Epoch, p wire.Reply) {
	p.Server = uint64(k + 1)
	s.c.Frame(s.now, k, p.Encode(group, e), &s.out)
	s.take()
}

// ok brings a result from place k, which leads.
func (s *script) ok(k int, request uint64, result string) {
	s.reply(k, wire.Reply{Request: request, Status: wire.OK, Leader: uint64(k + 1), Result: []byte(result)})
}

// status brings a refusal of place k that names a leader (0 for none).
func (s *script) status(k int, request uint64, status wire.Status, leader uint64) {
	s.reply(k, wire.Reply{Request: request, Status: status, Leader: leader})
}

// end takes the oldest end, which must be of id, and by a problem of that kind (0 for a reply).
func (s *script) end(id ID, kind problem.Kind) Finished {
	s.t.Helper()
	if len(s.done) == 0 {
		s.t.Fatal("no request has ended")
	}
	f := s.done[0]
	s.done = s.done[1:]
	var got problem.Kind
	if f.Err != nil {
		got = f.Err.Kind
	}
	if f.ID != id || got != kind {
		s.t.Fatalf("request %x ended with %v (%v), wanted %x with %v", f.ID, got, f.Err, id, kind)
	}
	return f
}

// session opens a session of that number at place k, which leads, by a first command that it answers.
func (s *script) session(k int, number uint64) {
	s.t.Helper()
	id := s.command("first")
	m := s.lead(k)
	if m.Session != 0 || m.Seq != 0 || len(m.Op) != 0 {
		s.t.Fatalf("the first frame is %+v, wanted one that opens a session", m)
	}
	s.opened(k, m.Request, number)
	s.ok(k, s.nextCommand(k).Request, "")
	s.end(id, 0)
	s.quiet()
}

// lead answers everything sent with the news that place k leads, until a command is sent there, which it returns.
func (s *script) lead(k int) wire.Command {
	s.t.Helper()
	for range 10 {
		to := s.sent[0].Server
		m := s.nextCommand(to)
		if to == k {
			return m
		}
		s.status(to, m.Request, wire.NotLeader, uint64(k+1))
	}
	s.t.Fatalf("no command reached %d", k)
	return wire.Command{}
}

func (s *script) opened(k int, request, number uint64) {
	s.ok(k, request, string(binary.BigEndian.AppendUint64(nil, number)))
}
