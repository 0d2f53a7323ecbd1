package core

import "onevoice/wire"

// kind says what a call asks for.
type kind uint8

const (
	command kind = iota + 1
	query
	open // of a session
)

// A request number on the wire is serial<<slotBits | slot: replies find their call without a map, and those of a former
// call in the same slot are known by their serial.
const (
	slotBits = 17
	slotMask = 1<<slotBits - 1
)

// call is one request from Ask to Finished. It is in exactly one list, except while code moves it.
type call struct {
	slot       int
	kind       kind
	id         ID
	op         []byte
	key        *wire.Key
	deadlineNs int64

	session *session // of a command that has a seq
	seq     uint64

	first  uint64 // serial of the first attempt under the session, 0 before
	latest uint64 // serial of the latest attempt
	server int    // where it went
	dueNs  int64  // end of the attempt or pause
	tried  uint32 // places, one bit each
	avoid  uint32 // the place that failed it last, for a query
	pauses uint8
	waited uint8 // attempts that got no answer
	unsure bool  // an attempt ended without saying that nothing was done
	last   wire.Status

	in         *list
	next, prev *call
}

// list is a queue of calls that can leave it from the middle.
type list struct {
	head, tail *call
}

func (l *list) push(x *call) {
	x.in, x.prev, x.next = l, l.tail, nil
	if l.tail != nil {
		l.tail.next = x
	} else {
		l.head = x
	}
	l.tail = x
}

func (x *call) leave() {
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		x.in.head = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		x.in.tail = x.prev
	}
	x.in, x.prev, x.next = nil, nil, nil
}

// take returns an unused call, which the caller puts into a list.
func (c *Core) take() *call {
	if n := len(c.free); n > 0 {
		x := c.free[n-1]
		c.free = c.free[:n-1]
		return x
	}
	x := &call{slot: len(c.calls)}
	c.calls = append(c.calls, x)
	return x
}

// release ends a call's life: its seq counts as answered, its slot is free.
func (c *Core) release(x *call) {
	c.pull(x)
	if x.session != nil {
		x.session.release(x.seq)
	}
	if x == c.opening {
		c.opening = nil
	}
	if x == c.doubt.probe {
		c.doubt.probe = nil
	}
	c.bytes -= len(x.op)
	*x = call{slot: x.slot}
	c.free = append(c.free, x)
}

// pull takes a call out of the list it is in, and with that out of the count of its server.
func (c *Core) pull(x *call) {
	if s := c.sentTo(x); s != nil {
		if s.scout == x {
			s.scout = nil
		}
		if x.kind == query {
			c.queriesOut--
		}
	}
	x.leave()
}

// sentTo is the server whose answer the call waits for, or nil.
func (c *Core) sentTo(x *call) *server {
	if s := &c.servers[x.server]; x.in == &s.sent {
		return s
	}
	return nil
}

// at finds the call in the slot of a request number or ID.
func (c *Core) at(number uint64) *call {
	if slot := number & slotMask; slot < uint64(len(c.calls)) && c.calls[slot].in != nil {
		return c.calls[slot]
	}
	return nil
}

// requeue puts a call back among those that wait to be sent.
func (c *Core) requeue(x *call) {
	c.pull(x)
	switch {
	case x.kind == query:
		c.asks.push(x)
	case x.kind == command && x.session == nil:
		c.fresh.push(x)
	default:
		c.ready.push(x)
	}
}

// pause puts a call to sleep for a doubling time with jitter.
func (c *Core) pause(nowNs int64, x *call) {
	c.pull(x)
	x.dueNs = nowNs + c.backoff(&x.pauses, backoffMostNs)
	c.wakeBy(x.dueNs)
	c.sleeping.push(x)
}

// backoff is the next pause after times earlier ones: 5 ms doubling to most, of which up to half is chance.
func (c *Core) backoff(times *uint8, most int64) int64 {
	d := min(int64(backoffFirstNs)<<*times, most)
	if d < most {
		*times++
	}
	return d/2 + c.cfg.Rand.Int64N(d/2+1)
}
