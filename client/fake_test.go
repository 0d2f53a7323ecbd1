package client

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"onevoice/view"
	"onevoice/wire"
)

// end is one end of a connection within the process.
type end struct {
	server uint64
	in     <-chan [][]byte
	out    chan<- [][]byte
	closed chan struct{}
	once   *sync.Once
}

func pair(server uint64) (a, b *end) {
	up, down := make(chan [][]byte, 16), make(chan [][]byte, 16)
	closed, once := make(chan struct{}), new(sync.Once)
	return &end{server, down, up, closed, once}, &end{server, up, down, closed, once}
}

func (e *end) Peer() view.Start { return view.Start{Server: e.server} }

func (e *end) Send(frames [][]byte) error {
	select {
	case e.out <- frames:
		return nil
	case <-e.closed:
		return io.ErrClosedPipe
	}
}

func (e *end) Recv() ([][]byte, error) {
	select {
	case f := <-e.in:
		return f, nil
	case <-e.closed:
		return nil, io.EOF
	}
}

func (e *end) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

var errDown = errors.New("nobody listens")

// group is three servers that share a model of the replicated session table: what one applies, all have applied.
type group struct {
	work sync.WaitGroup

	mu       sync.Mutex
	leader   uint64
	down     map[uint64]bool // crashed: connections end, none is made
	mute     map[uint64]bool // hung: it takes what comes and says nothing
	ends     map[*end]bool
	sessions map[uint64]*sessions
	applied  map[string]int
	index    uint64
	dials    int
}

type sessions struct {
	acked   uint64
	results map[uint64][]byte
}

func newGroup(leader uint64) *group {
	return &group{leader: leader, down: map[uint64]bool{}, mute: map[uint64]bool{}, ends: map[*end]bool{},
		sessions: map[uint64]*sessions{}, applied: map[string]int{}}
}

func (g *group) options() Options {
	return Options{Group: 1, Endpoints: []Endpoint{{Number: 1, Addr: "one"}, {Number: 2, Addr: "two"}, {Number: 3, Addr: "three"}}, Dial: g.dial}
}

func (g *group) dial(_ context.Context, e Endpoint) (Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dials++
	if g.down[e.Number] {
		return nil, errDown
	}
	ours, theirs := pair(e.Number)
	g.ends[theirs] = true
	g.work.Go(func() { g.serve(theirs) })
	return ours, nil
}

// set changes the group under its lock.
func (g *group) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
	for e := range g.ends {
		if g.down[e.server] {
			e.Close()
			delete(g.ends, e)
		}
	}
}

func (g *group) serve(e *end) {
	defer e.Close()
	for {
		frames, err := e.Recv()
		if err != nil {
			return
		}
		if replies := g.answer(e.server, frames); len(replies) > 0 && e.Send(replies) != nil {
			return
		}
	}
}

func (g *group) answer(server uint64, frames [][]byte) (replies [][]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mute[server] || g.down[server] {
		return nil
	}
	for _, f := range frames {
		h, r, err := wire.Open(f)
		if err != nil {
			panic(err)
		}
		if h.Kind == wire.KindListen {
			continue
		}
		p := wire.Reply{Status: wire.OK, Server: server, Leader: g.leader}
		if h.Kind == wire.KindQuery {
			q, _ := wire.ReadQuery(r)
			p.Request, p.Index, p.Result = q.Request, g.index, q.Op
		} else {
			m, _ := wire.ReadCommand(r)
			p.Request = m.Request
			if server != g.leader {
				p.Status = wire.NotLeader
			} else {
				g.apply(&m, &p)
			}
		}
		replies = append(replies, p.Encode(1, view.Epoch{View: 1, Term: 1}))
	}
	return replies
}

func (g *group) apply(m *wire.Command, p *wire.Reply) {
	g.index++
	p.Index = g.index
	if m.Session == 0 {
		g.sessions[g.index] = &sessions{results: map[uint64][]byte{}}
		p.Result = binary.BigEndian.AppendUint64(nil, g.index)
		return
	}
	s := g.sessions[m.Session]
	for ; s.acked < m.Acked; s.acked++ {
		delete(s.results, s.acked+1)
	}
	result, known := s.results[m.Seq]
	switch {
	case m.Seq <= s.acked:
		p.Status = wire.AlreadyAcked
	case known:
		p.Result = result
	default:
		g.applied[string(m.Op)]++
		s.results[m.Seq] = m.Op
		p.Result = m.Op
	}
}
