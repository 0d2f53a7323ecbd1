package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"onevoice/step"
)

// link carries frames from one party to another, one way.
type link struct {
	rand   *rand.Rand
	cuts   int // faults that cut it now
	held   []func()
	lastNs int64 // arrival of the newest frame, where order is kept
	// renewed counts how often what was on its way for long was given up, as with a connection that another one replaces.
	renewed int
}

// heldMost bounds the frames that a cut link keeps for later.
const heldMost = 64

// conn is a client's connection to a server. Each one has an address of its own at the server.
type conn struct {
	addr   step.Address
	client *Party
	server *Party
	boot   int // the server's start that accepted it
	closed bool
}

func (w *World) link(from, to *Party) *link {
	for len(from.links) <= to.index {
		from.links = append(from.links, nil)
	}
	l := from.links[to.index]
	if l == nil {
		l = &link{rand: Stream(w.seed, fmt.Sprintf("link %s>%s", from.name, to.name))}
		from.links[to.index] = l
	}
	return l
}

// send takes one frame out of a machine.
func (w *World) send(from *Party, s step.Send) {
	switch {
	case !from.server:
		w.sendToServer(from, s)
	case s.To <= step.MaxServer:
		if to := w.server(s.To); to != nil {
			w.transmit(from, to, len(s.Bytes), func(again bool) {
				if !to.up {
					w.refuse(from, to)
					return
				}
				to.give(step.Input{Kind: step.Frame, From: from.addr, Bytes: copyIf(again, s.Bytes)})
			})
		}
	default:
		w.sendToClient(from, s)
	}
}

// refuse tells a server, by chance, that nobody is there: the other's machine runs and its process does not. Of a machine that has lost its
// power nothing comes.
func (w *World) refuse(from, to *Party) {
	if to.lost || !chance(w.netRand, w.params.GonePpm) {
		return
	}
	w.transmit(to, from, 0, func(bool) { from.give(step.Input{Kind: step.Refused, From: to.addr}) })
}

// copyIf keeps a doubled frame from sharing memory with the first.
func copyIf(again bool, b []byte) []byte {
	if again {
		return bytes.Clone(b)
	}
	return b
}

// sendToServer takes a client's frame. An empty one is a dial: where the server runs and hears it, a connection begins and
// the client gets an empty frame back.
func (w *World) sendToServer(from *Party, s step.Send) {
	to := w.server(s.To)
	if to == nil {
		return
	}
	if len(s.Bytes) == 0 {
		w.transmit(from, to, 0, func(bool) { w.accept(from, to) })
		return
	}
	c := from.conn(to)
	if c == nil || c.closed {
		from.give(step.Input{Kind: step.Gone, From: to.addr})
		return
	}
	w.transmit(from, to, len(s.Bytes), func(bool) {
		switch {
		case c.closed:
		case c.boot != to.boot || !to.up:
			w.hangUp(c)
		default:
			to.give(step.Input{Kind: step.Frame, From: c.addr, Bytes: s.Bytes})
		}
	})
}

func (w *World) sendToClient(from *Party, s step.Send) {
	i := int(s.To - step.MaxServer - 1)
	if i >= len(w.conns) || w.conns[i].server != from {
		w.broken(from, "address", fmt.Errorf("frame for address %d, which no client of this server has had", s.To))
		return
	}
	c := w.conns[i]
	if c.closed || c.boot != from.boot {
		return
	}
	w.transmit(from, c.client, len(s.Bytes), func(bool) {
		if !c.closed {
			c.client.give(step.Input{Kind: step.Frame, From: from.addr, Bytes: s.Bytes})
		}
	})
}

// cast sends a frame to every client that a server has a connection with.
func (w *World) cast(from *Party, frame []byte) {
	for _, c := range w.conns {
		if c.server == from && !c.closed && c.boot == from.boot {
			w.sendToClient(from, step.Send{To: c.addr, Bytes: frame})
		}
	}
}

// conn is the client's newest connection to a server, nil before the first.
func (p *Party) conn(server *Party) *conn {
	for len(p.conns) <= server.index {
		p.conns = append(p.conns, nil)
	}
	return p.conns[server.index]
}

// accept ends a dial. A server that does not run refuses by chance, and a paused one says nothing.
func (w *World) accept(client, server *Party) {
	switch {
	case !server.up:
		if chance(w.netRand, w.params.GonePpm) {
			w.transmit(server, client, 0, func(bool) { client.give(step.Input{Kind: step.Gone, From: server.addr}) })
		}
		return
	case server.pausedNs > w.nowNs:
		return
	}
	if old := client.conn(server); old != nil && !old.closed {
		w.closeConn(old)
	}
	c := &conn{addr: step.MaxServer + 1 + step.Address(len(w.conns)), client: client, server: server, boot: server.boot}
	w.conns = append(w.conns, c)
	client.conns[server.index] = c
	w.transmit(server, client, 0, func(bool) {
		if !c.closed {
			client.give(step.Input{Kind: step.Frame, From: server.addr})
		}
	})
}

// closeConn ends a connection; the server hears of it if it is still the one that accepted.
func (w *World) closeConn(c *conn) {
	c.closed = true
	w.count.Hangups++
	if c.server.boot == c.boot {
		c.server.give(step.Input{Kind: step.Gone, From: c.addr})
	}
}

// hangUp ends a connection and tells both sides.
func (w *World) hangUp(c *conn) {
	if !c.closed {
		w.closeConn(c)
		c.client.give(step.Input{Kind: step.Gone, From: c.server.addr})
	}
}

// transmit lets a frame travel: it may be lost, doubled, held or late.
func (w *World) transmit(from, to *Party, size int, deliver func(again bool)) {
	l, p := w.link(from, to), &w.params
	w.count.Frames++
	w.count.Bytes += size
	if l.cuts > 0 {
		w.count.Cut++
		if len(l.held) < heldMost && chance(l.rand, p.HoldPpm) {
			w.count.Held++
			l.held = append(l.held, func() { deliver(false) })
		}
		return
	}
	if chance(l.rand, p.LossPpm+min(w.lossy, 1)*p.LossyPpm) && !w.calm {
		w.count.Lost++
		return
	}
	w.arrive(l, from, to, size, func() { deliver(false) })
	// A client's connection is a stream: whatever it loses, it doubles and reorders nothing.
	if from.server && to.server && chance(l.rand, p.DupPpm) && !w.calm {
		w.count.Doubled++
		w.arrive(l, from, to, size, func() { deliver(true) })
	}
}

func (w *World) arrive(l *link, from, to *Party, size int, deliver func()) {
	p := &w.params
	after := p.DelayMinNs + spread(l.rand, p.DelaySpreadNs) + p.NsPerByte*int64(size)
	if !from.server || !to.server {
		after += p.ClientNs
	} else if !w.calm {
		after += spread(l.rand, p.FarNs)
	}
	if chance(l.rand, p.SpikePpm) && !w.calm {
		w.count.Spikes++
		after += spread(l.rand, p.SpikeNs)
	}
	if from.lag+to.lag > 0 {
		after += spread(l.rand, p.LagNs)
	}
	at := w.nowNs + after
	if p.InOrder || !from.server || !to.server {
		at = max(at, l.lastNs)
		l.lastNs = at
	}
	between := l.renewed
	w.queue.push(at, func() {
		if l.renewed != between && w.nowNs > w.healedNs+soonNs {
			w.count.Lost++
			return
		}
		deliver()
	})
}

// soonNs is how long after healing what was on its way between servers may still arrive.
const soonNs = 100 * milliNs

// renew ends the delays of before the healing between servers: what is late by more than soonNs is lost, and nothing waits behind it.
func (w *World) renew() {
	w.healedNs = w.nowNs
	for _, from := range w.servers {
		for _, to := range w.servers {
			if from != to {
				l := w.link(from, to)
				l.lastNs = min(l.lastNs, w.nowNs+soonNs)
				l.renewed++
			}
		}
	}
}

// cut makes one more fault block the way from one party to another.
func (w *World) cut(from, to *Party) { w.link(from, to).cuts++ }

// mend takes one fault away; when the last one goes, what was held arrives.
func (w *World) mend(from, to *Party) {
	l := w.link(from, to)
	l.cuts--
	if l.cuts > 0 {
		return
	}
	for _, deliver := range l.held {
		w.queue.push(w.nowNs+spread(l.rand, w.params.DelaySpreadNs), deliver)
	}
	l.held = nil
}
