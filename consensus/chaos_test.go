package consensus

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"onevoice/wire"
)

// chaosClient adds 1 to its own counter again and again, one command at a time, with retries under the same seq anywhere.
type chaosClient struct {
	session uint64
	seq     uint64
	request uint64
	sentMs  int64
	done    int64
}

func (c *chaosClient) step(w *world) {
	if c.request != 0 {
		r, ok := w.reply(c.request)
		switch {
		case !ok && w.nowMs-c.sentMs < 400:
			return
		case ok && r.Status == wire.OK:
			if value(r.Result) != c.done+1 {
				w.t.Fatalf("session %d, seq %d: counter is %d, wanted %d", c.session, c.seq, value(r.Result), c.done+1)
			}
			c.done++
			c.seq++
		case ok && r.Status != wire.NotLeader && r.Status != wire.Overloaded && r.Status != wire.Fenced:
			w.t.Fatalf("session %d, seq %d: status %d", c.session, c.seq, r.Status)
		}
	}
	s := w.servers[1+w.rng.IntN(len(w.servers)-1)]
	if l := w.leader(); l != nil && w.rng.IntN(4) != 0 {
		s = l
	}
	c.request = 0
	if s.up {
		op := toyOp(fmt.Sprint("client", c.session), 1)
		c.request, c.sentMs = w.command(s, wire.Command{Session: c.session, Seq: c.seq, Acked: c.seq - 1, Op: op}), w.nowMs
	}
}

// chaosQuery checks that an answer is never older than what was acknowledged before it was asked.
type chaosQuery struct {
	client  *chaosClient
	request uint64
	floor   int64
	sentMs  int64
}

func (q *chaosQuery) step(w *world) {
	if q.request != 0 {
		if a, ok := w.answers[q.request]; ok {
			if value(a) < q.floor {
				w.t.Fatalf("query answered %d, acknowledged before it was asked were %d", value(a), q.floor)
			}
		} else if _, refused := w.reply(q.request); !refused && w.nowMs-q.sentMs < 3000 {
			return
		}
	}
	q.request = 0
	s := w.servers[1+w.rng.IntN(len(w.servers)-1)]
	if s.up {
		q.floor, q.sentMs = q.client.done, w.nowMs
		q.request = w.query(s, fmt.Sprint("client", q.client.session))
	}
}

// windowClient has several commands on their way, each to a counter of its own, which must therefore be 1. Every third one
// has a key and may be repeated under the client's second session.
type windowClient struct {
	sessions [2]uint64
	seq      [2]uint64
	pending  []*windowCommand
	made     int
	done     []string
}

type windowCommand struct {
	name    string
	session int
	seq     uint64
	key     *wire.Key
	request uint64
	sentMs  int64
}

func (c *windowClient) step(w *world) {
	for len(c.pending) < 5 && w.nowMs%4 == 0 {
		c.made++
		p := &windowCommand{name: fmt.Sprint("w", c.sessions[0], ".", c.made), session: c.made % 2}
		if c.made%3 == 0 {
			p.key = &wire.Key{Name: sha256.Sum256([]byte(p.name))}
		}
		c.seq[p.session]++
		p.seq = c.seq[p.session]
		c.pending = append(c.pending, p)
	}
	c.pending = slices.DeleteFunc(c.pending, func(p *windowCommand) bool { return c.advance(w, p) })
}

// advance sends or repeats one command; it reports true when it is done.
func (c *windowClient) advance(w *world, p *windowCommand) bool {
	if p.request != 0 {
		r, ok := w.reply(p.request)
		switch {
		case !ok && w.nowMs-p.sentMs < 300:
			return false
		case ok && r.Status == wire.OK:
			if value(r.Result) != 1 {
				w.t.Fatalf("%s happened %d times", p.name, value(r.Result))
			}
			c.done = append(c.done, p.name)
			return true
		case ok && r.Status != wire.NotLeader && r.Status != wire.Overloaded:
			w.t.Fatalf("%s: status %d", p.name, r.Status)
		}
		if p.key != nil && w.rng.IntN(3) == 0 {
			p.session = 1 - p.session
			c.seq[p.session]++
			p.seq = c.seq[p.session]
		}
	}
	p.request = 0
	l := w.leader()
	if l == nil {
		return false
	}
	acked := p.seq - 1
	for _, q := range c.pending {
		if q.session == p.session {
			acked = min(acked, q.seq-1)
		}
	}
	p.request, p.sentMs = w.command(l, wire.Command{
		Session: c.sessions[p.session], Seq: p.seq, Acked: acked, Key: p.key, Op: toyOp(p.name, 1),
	}), w.nowMs
	return false
}

// finish waits for the last ones and counts every effect.
func (c *windowClient) finish(w *world) {
	w.until("the last answers", func() bool {
		c.pending = slices.DeleteFunc(c.pending, func(p *windowCommand) bool { return c.advance(w, p) })
		return len(c.pending) == 0
	})
	counters := w.awaitLeader().group.state.machine.(*toy).counters
	for _, name := range c.done {
		if counters[name] != 1 {
			w.t.Fatalf("%s was acknowledged and stands at %d", name, counters[name])
		}
	}
}

func (w *world) fault() {
	s := w.servers[1+w.rng.IntN(len(w.servers)-1)]
	switch w.rng.IntN(10) {
	case 0, 1:
		w.crash(s.id)
	case 2, 3, 4:
		w.restart(s.id)
	case 5:
		s.cut = !s.cut
	case 6:
		s.skewNs = w.rng.Int64N(4e9) - 2e9
	case 7:
		w.lossy = w.rng.IntN(20)
	case 8:
		w.netMs = 1 + w.rng.Int64N(40)
	case 9:
		w.diskMs = 1 + w.rng.Int64N(40)
	}
}

func (w *world) heal() {
	w.lossy, w.netMs, w.diskMs = 0, 3, 3
	for _, s := range w.servers[1:] {
		s.cut = false
		w.restart(s.id)
	}
}

func chaos(t testing.TB, seed uint64, servers int) map[string]int {
	w := newWorld(t, servers, seed, Limits{SnapshotEntries: 40, KeepEntries: 10, SnapshotBytes: 2_500})
	var clients []*chaosClient
	var queries []*chaosQuery
	for range 4 {
		c := &chaosClient{session: w.openSession(), seq: 1}
		clients = append(clients, c)
		queries = append(queries, &chaosQuery{client: c})
	}
	wide := &windowClient{sessions: [2]uint64{w.openSession(), w.openSession()}}
	for range 3000 {
		w.run(1)
		wide.step(w)
		if w.rng.IntN(60) == 0 {
			w.fault()
		}
		for i := range clients {
			clients[i].step(w)
			queries[i].step(w)
		}
	}
	w.heal()
	w.awaitLeader()
	for _, c := range clients {
		op := toyOp(fmt.Sprint("client", c.session), 1)
		r := w.do(wire.Command{Session: c.session, Seq: c.seq, Acked: c.seq - 1, Op: op})
		if r.Status != wire.OK || value(r.Result) != c.done+1 {
			t.Fatalf("session %d: %d acknowledged, the next one gave %d (status %d)", c.session, c.done, value(r.Result), r.Status)
		}
	}
	wide.finish(w)
	w.settle()
	return w.facts
}

func TestChaos(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(32) {
		for name, n := range chaos(t, seed, 3+2*int(seed%2)) {
			seen[name] += n
		}
	}
	for _, name := range []string{
		"leader", "stepped-down", "snapshot-saved", "snapshot-sent", "snapshot-installed", "snapshot-abandoned",
	} {
		if seen[name] == 0 {
			t.Errorf("no run saw %q: %v", name, seen)
		}
	}
	if seen["fenced"] != 0 {
		t.Errorf("commands were proposed under an epoch that was not the leader's own: %v", seen)
	}
	t.Log(seen)
}
