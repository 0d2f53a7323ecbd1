package core

import "onevoice/wire"

// pump sends what can be sent.
func (c *Core) pump(nowNs int64, out *Out) {
	c.sendReady(nowNs, out)
	for c.fresh.head != nil {
		s := c.sessionWithRoom(nowNs)
		if s == nil {
			c.openOne()
			c.sendReady(nowNs, out)
			break
		}
		x := c.fresh.head
		x.session, x.seq = s, s.take()
		c.requeue(x)
		if !c.sendCommand(nowNs, x, out) {
			break
		}
	}
	for c.asks.head != nil && c.queriesOut < MaxQueriesOut && c.sendQuery(nowNs, c.asks.head, out) {
	}
}

func (c *Core) sendReady(nowNs int64, out *Out) {
	for c.ready.head != nil && c.sendCommand(nowNs, c.ready.head, out) {
	}
}

// sendCommand sends a command, or a request for a session, if there is somebody to send it to.
func (c *Core) sendCommand(nowNs int64, x *call, out *Out) bool {
	k, scout := c.forCommands(nowNs)
	if k < 0 {
		return false
	}
	m := wire.Command{Request: c.attempt(nowNs, x, k), Key: x.key, Op: x.op}
	if x.session != nil {
		m.Session, m.Seq, m.Acked = x.session.number, x.seq, x.session.acked
	}
	if scout {
		c.servers[k].scout = x
	}
	out.Sends = append(out.Sends, Send{Server: k, Frame: m.Encode(c.cfg.Group, c.epoch)})
	return true
}

// sendQuery sends a query if anybody is connected.
func (c *Core) sendQuery(nowNs int64, x *call, out *Out) bool {
	k := c.forQuery(x)
	if k < 0 {
		return false
	}
	c.queriesOut++
	m := wire.Query{Request: c.attempt(nowNs, x, k), Op: x.op}
	out.Sends = append(out.Sends, Send{Server: k, Frame: m.Encode(c.cfg.Group, c.epoch)})
	return true
}

// attempt notes that a call is sent to place k and returns the request number.
func (c *Core) attempt(nowNs int64, x *call, k int) uint64 {
	c.serial++
	c.stats.Attempts++
	if x.first == 0 {
		x.first = c.serial
	}
	s := &c.servers[k]
	if s.owesNs == 0 {
		s.owesNs = nowNs
		c.wakeBy(nowNs + MuteNs)
	}
	x.leave()
	x.latest, x.server, x.tried = c.serial, k, x.tried|1<<k
	x.dueNs = nowNs + AttemptNs<<x.waited
	c.wakeBy(x.dueNs)
	s.sent.push(x)
	return c.serial<<slotBits | uint64(x.slot)
}

// scan ends what is due and finds out when the next thing is.
func (c *Core) scan(nowNs int64, out *Out) {
	c.dueNs = 0
	for _, x := range c.calls {
		switch s := c.sentTo(x); {
		case x.in == nil:
			continue
		case x.kind != open && nowNs >= x.deadlineNs:
			c.giveUp(nowNs, x, "its deadline has passed", out)
			continue
		case s != nil && nowNs >= x.dueNs:
			c.timeout(nowNs, x, s)
		case x.in == &c.sleeping && nowNs >= x.dueNs:
			c.requeue(x)
		case s != nil || x.in == &c.sleeping:
			c.wakeBy(x.dueNs)
		}
		if x.kind != open {
			c.wakeBy(x.deadlineNs)
		}
	}
	if x := c.opening; x != nil && c.fresh.head == nil && c.sentTo(x) == nil {
		c.release(x) // nobody needs it any more
	}
	c.redialMute(nowNs, out)
}

// timeout ends an attempt without an answer. A server that said nothing meanwhile is suspected, and no longer believed to lead.
func (c *Core) timeout(nowNs int64, x *call, s *server) {
	c.stats.Timeouts++
	x.waited = min(x.waited+1, 2)
	if nowNs-s.heardNs >= SilenceNs {
		s.suspect, s.doubtNs = true, nowNs+DoubtNs
		if c.leader == x.server {
			c.leader = -1
		}
	}
	x.unsure, x.avoid = true, 1<<x.server
	c.requeue(x)
}

// redialMute names the connections on which an answer is owed and nothing came.
func (c *Core) redialMute(nowNs int64, out *Out) {
	for k := range c.servers {
		s := &c.servers[k]
		if !s.up || s.owesNs == 0 {
			continue
		}
		if nowNs-s.owesNs >= MuteNs {
			out.Redial = append(out.Redial, k)
			s.owesNs = nowNs
		}
		c.wakeBy(s.owesNs + MuteNs)
	}
}
