package host

import (
	"context"
	"strconv"
	"sync"

	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// maxBarriers is how many barriers of one group may be on their way: with two, a reader waits for one round trip and not
// for the rest of another reader's.
const maxBarriers = 2

// gate lets many readers share barriers. A reader joins the barrier that is sent next, never one that was sent before the
// reader came: that one may be older than a write the reader knows of.
type gate struct {
	group uint32
	send  func(frame []byte)

	mu     sync.Mutex
	number uint64
	flying map[uint64]*barrier
	next   *barrier
}

// barrier is one question "where are we now" and those who wait for its answer.
type barrier struct {
	done    chan struct{}
	waiting int
	at      consensus.Published // set before done closes
	err     error
}

func newGate(group uint32, send func([]byte)) *gate {
	return &gate{group: group, send: send, flying: map[uint64]*barrier{}}
}

// read waits for a barrier sent after the call.
func (g *gate) read(ctx context.Context, stop <-chan struct{}) (consensus.Published, error) {
	b := g.join()
	select {
	case <-b.done:
		return b.at, b.err
	case <-ctx.Done():
		return consensus.Published{}, g.noVoice("no majority confirmed this server's state in time")
	case <-stop:
		return consensus.Published{}, g.noVoice("this server is stopping: ask another")
	}
}

func (g *gate) join() *barrier {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = &barrier{done: make(chan struct{})}
	}
	b := g.next
	b.waiting++
	g.launch()
	return b
}

// launch sends the barrier that gathers, if it may.
func (g *gate) launch() {
	if g.next == nil || len(g.flying) >= maxBarriers {
		return
	}
	g.number++
	g.flying[g.number] = g.next
	g.next = nil
	q := wire.Query{Request: g.number}
	g.send(q.Encode(g.group, view.Epoch{}))
}

// answered ends a barrier: latest is the newest state, which is not older than what the reply names.
func (g *gate) answered(reply wire.Reply, latest consensus.Published) (waited int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.flying[reply.Request]
	if b == nil {
		return 0
	}
	delete(g.flying, reply.Request)
	if b.at = latest; reply.Status != wire.OK {
		b.at, b.err = consensus.Published{}, g.refused(reply.Status)
	}
	close(b.done)
	g.launch()
	return b.waiting
}

func (g *gate) refused(s wire.Status) *problem.Error {
	if s == wire.Overloaded {
		return &problem.Error{Kind: problem.Overloaded, Op: "read", Subject: groupName(g.group), Detail: "too many reads wait: ask again later"}
	}
	return g.noVoice("no majority confirmed this server's state in time")
}

func (g *gate) noVoice(detail string) *problem.Error {
	return &problem.Error{Kind: problem.NoVoice, Op: "read", Subject: groupName(g.group), Detail: detail}
}

func groupName(number uint32) string { return "group " + strconv.FormatUint(uint64(number), 10) }

// barrierAddress is where replies to barriers go.
const barrierAddress = step.MaxServer + 1

// barrierReplied takes a frame for barrierAddress.
func (h *Host) barrierReplied(frame []byte) {
	header, body, err := wire.Open(frame)
	if err != nil || header.Kind != wire.KindReply {
		return
	}
	reply, err := wire.ReadReply(body)
	group := h.groups[header.Group]
	if err != nil || group == nil {
		return
	}
	if reply.Status == wire.OK {
		group.confirmedNs.Store(h.nowNs())
	}
	h.count.barriers.Add(1)
	h.catchUp(group)
	h.count.reads.Add(uint64(group.gate.answered(reply, *group.latest.made.Load())))
}
