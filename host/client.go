package host

import (
	"maps"
	"slices"
	"sync"

	"onevoice/step"
	"onevoice/subject"
)

// client is a connection of a client: over TCP or within the process.
type client struct {
	address step.Address
	who     subject.Subject
	out     *outbox
	cut     func() error // ends the connection
	audits  audits
}

// clients are the connections of clients by address. Addresses are never used twice.
type clients struct {
	mu   sync.RWMutex
	last step.Address
	all  map[step.Address]*client
}

func newClients() *clients { return &clients{last: barrierAddress, all: map[step.Address]*client{}} }

func (c *clients) add(who subject.Subject, cut func() error) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	n := &client{address: c.last, who: who, out: newOutbox(maxOutClient, false, true), cut: cut}
	c.all[n.address] = n
	return n
}

func (c *clients) get(a step.Address) *client {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.all[a]
}

func (c *clients) remove(a step.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, a)
}

func (c *clients) list() []*client {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Collect(maps.Values(c.all))
}

func (c *clients) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.all)
}

// cast sends a frame to every client. It never waits.
func (h *Host) cast(frame []byte) {
	for _, c := range h.clients.list() {
		h.hand(c, frame)
	}
}

// hand gives a frame to a client, which is cut off where it does not read.
func (h *Host) hand(c *client, frame []byte) {
	if !c.out.put(frame) {
		h.count.slowClients.Add(1)
		_ = c.cut()
	}
}

// deliver sends a frame to whoever has the address. It never waits.
func (h *Host) deliver(to step.Address, frame []byte) {
	switch {
	case to <= step.MaxServer:
		if p := h.peer(uint64(to)); p != nil {
			p.out.put(frame)
		}
	case to == barrierAddress:
		h.barrierReplied(frame)
	default:
		c := h.clients.get(to)
		if c == nil {
			return
		}
		h.audited(c, frame)
		h.hand(c, frame)
	}
}
