package host

import (
	"sync/atomic"

	"onevoice/consensus"
)

// latest is the newest state of a group. A state that nobody looks at is not made: after each one that is, the machine has to copy
// what it changes.
type latest struct {
	made atomic.Pointer[consensus.Published]
	// behind says that the node has applied more than made shows.
	behind atomic.Bool
	// madeNs is when made was made; of the node's goroutine.
	madeNs int64
}

// maxBehindNs bounds how long an old state, and with it all that has changed since, is kept in memory while entries are applied.
const maxBehindNs = 1_000_000_000

// applied notes, on the node's goroutine, that the state went on.
func (h *Host) applied(g *group) {
	g.latest.behind.Store(true)
	if h.nowNs()-g.latest.madeNs >= maxBehindNs {
		h.catchUp(g)
	}
}

// catchUp makes the newest state known, on the node's goroutine.
func (h *Host) catchUp(g *group) {
	if !g.latest.behind.Load() {
		return
	}
	p, _ := h.node.Published(g.number)
	g.latest.made.Store(&p)
	g.latest.madeNs = h.nowNs()
	g.latest.behind.Store(false)
}

// Latest gives the newest state of a group that this server knows, which may be old as the cluster goes; zero for a group that is not
// here. Where the node has gone on since somebody looked it waits for the step under way.
func (h *Host) Latest(number uint32) consensus.Published {
	g := h.groups[number]
	if g == nil {
		return consensus.Published{}
	}
	if g.latest.behind.Load() {
		done := make(chan struct{})
		select {
		case h.asks <- func() { h.catchUp(g); close(done) }:
			<-done
		case <-h.stop: // what was made last is all there is
		}
	}
	return *g.latest.made.Load()
}
