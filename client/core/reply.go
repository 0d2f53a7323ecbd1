package core

import (
	"onevoice/codec"
	"onevoice/internal/mutant"
	"onevoice/problem"
	"onevoice/wire"
)

// Frame brings a frame from the server at place k. It belongs to the core from then on.
func (c *Core) Frame(nowNs int64, k int, frame []byte, out *Out) {
	c.frame(nowNs, k, frame, out)
	c.judge(nowNs, out)
}

func (c *Core) frame(nowNs int64, k int, frame []byte, out *Out) {
	h, r, err := wire.Open(frame)
	if err == nil && h.Kind == wire.KindNews {
		c.told(nowNs, k, h, r, out)
		return
	}
	if err == nil && h.Kind == wire.KindView {
		c.seen(nowNs, k, r, out)
		return
	}
	if err != nil || h.Kind != wire.KindReply || h.Group != c.cfg.Group {
		c.stats.Malformed++
		return
	}
	p, err := wire.ReadReply(r)
	s := &c.servers[k]
	if err != nil || p.Server != 0 && p.Server != s.number {
		c.stats.Malformed++
		return
	}
	if !s.up {
		c.stats.Late++
		return
	}
	s.heard(nowNs)
	c.learn(nowNs, k, h.Epoch, p.Leader)
	c.reply(nowNs, k, p, out)
	c.pump(nowNs, out)
}

// told takes a frame of news. News of other groups come too, since a server tells every client everything.
func (c *Core) told(nowNs int64, k int, h wire.Header, r *codec.Reader, out *Out) {
	m, err := wire.ReadNews(r)
	if c.unasked(nowNs, k, err) && h.Group == c.cfg.Group {
		c.news(k, m)
		c.pump(nowNs, out)
	}
}

// unasked notes a frame that is no answer, and says whether it counts.
func (c *Core) unasked(nowNs int64, k int, err error) bool {
	s := &c.servers[k]
	switch {
	case err != nil:
		c.stats.Malformed++
		return false
	case !s.up:
		c.stats.Late++
		return false
	}
	s.heard(nowNs)
	return true
}

// reply ends an attempt. Of an earlier attempt of the same call only a result counts: it is the result.
func (c *Core) reply(nowNs int64, k int, p wire.Reply, out *Out) {
	x := c.at(p.Request)
	serial := p.Request >> slotBits
	if x == nil || x.first == 0 || serial < x.first || serial > x.latest {
		c.stats.Late++
		return
	}
	if p.Status == wire.OK {
		c.done(nowNs, k, x, p, out)
		return
	}
	if serial != x.latest || c.sentTo(x) == nil {
		c.stats.Late++
		return
	}
	x.last = p.Status
	if x.kind == query {
		c.queryRefused(nowNs, x, p, out)
	} else {
		c.commandRefused(nowNs, k, x, p, out)
	}
}

// done ends a call by its result.
func (c *Core) done(nowNs int64, k int, x *call, p wire.Reply, out *Out) {
	if x.kind == open {
		c.opened(nowNs, x, p)
		return
	}
	if x.kind == command {
		c.throttle.count(nowNs, 0, 1)
		c.confirm()
		x.session.usedNs = nowNs
	}
	f := Finished{ID: x.id, Reply: p}
	c.doubt.proved = true
	if err := c.voices.check(c.cfg.Group, c.servers[k].number, p); err != nil {
		c.stats.Contradicted++
		c.doubt.proved = false
		f = Finished{ID: x.id, Err: err, MaybeApplied: x.kind == command}
	}
	if c.probed(nowNs, x) {
		return
	}
	out.Finished = append(out.Finished, f)
	c.release(x)
}

// opened takes the number of a new session.
func (c *Core) opened(nowNs int64, x *call, p wire.Reply) {
	r := codec.NewReader(p.Result)
	number := r.U64()
	if r.Finish() != nil || number == 0 {
		c.stats.Malformed++
		c.pause(nowNs, x)
		return
	}
	c.confirm()
	c.doubt.proved = true
	c.stats.Opened++
	c.refusal = 0
	c.sessions = append(c.sessions, &session{number: number, usedNs: nowNs})
	c.release(x)
}

// commandRefused does what a status other than OK asks of a command or of the opening of a session.
func (c *Core) commandRefused(nowNs int64, k int, x *call, p wire.Reply, out *Out) {
	if x.kind == open {
		c.refusal = p.Status
	}
	switch p.Status {
	case wire.NotLeader:
		c.deny(nowNs, k)
		x.unsure = true
		c.requeue(x)
	case wire.NoVoice:
		x.unsure = true
		c.pause(nowNs, x)
	case wire.NoSession:
		c.noSession(nowNs, x, out)
	case wire.KeyReused:
		c.fail(x, problem.KeyReused, "the idempotency key came before with another request", false, out)
	case wire.TooLarge:
		c.fail(x, problem.TooLarge, "the server says that the operation or its result is over its limits", true, out)
	case wire.Forbidden:
		c.forbidden(nowNs, x, out)
	case wire.AlreadyAcked, wire.SeqReused, wire.Malformed:
		c.breach(nowNs, x, p, out)
	case wire.Overloaded:
		c.throttle.count(nowNs, 1, 0)
		if x.kind == command && c.throttled(nowNs) {
			c.fail(x, problem.Overloaded, overloaded, x.unsure, out)
			return
		}
		x.pauses = max(x.pauses, overloadPauses)
		c.pause(nowNs, x)
	default: // Fenced, OutOfWindow, or a status of a newer build: again, under the same seq
		c.pause(nowNs, x)
	}
}

// queryRefused does what a status other than OK asks of a query.
func (c *Core) queryRefused(nowNs int64, x *call, p wire.Reply, out *Out) {
	if c.probed(nowNs, x) {
		return
	}
	switch p.Status {
	case wire.TooLarge:
		c.fail(x, problem.TooLarge, "the question or its answer is over the server's limits: ask for less", false, out)
	case wire.Forbidden:
		c.forbidden(nowNs, x, out)
	case wire.Malformed:
		c.breach(nowNs, x, p, out)
	default:
		x.avoid = 1 << x.server
		c.pause(nowNs, x)
	}
}

// forbidden ends a call for which the client's certificate is not good enough; the opening of a session is tried again, since a
// new certificate may come.
func (c *Core) forbidden(nowNs int64, x *call, out *Out) {
	if x.kind == open {
		c.pause(nowNs, x)
		return
	}
	c.fail(x, problem.Forbidden, "the certificate that this client shows has not the right to do this", x.unsure, out)
}

// noSession ends a session. A command that was never sent before goes to another; of one that was it is not known whether
// it was applied, and it is never run again.
func (c *Core) noSession(nowNs int64, x *call, out *Out) {
	if x.kind == open {
		c.breach(nowNs, x, wire.Reply{Status: wire.NoSession}, out)
		return
	}
	if c.forget(x.session) {
		c.become(StateExpired, out)
	}
	if x.unsure && !mutant.On(mutant.RetryReopensSession) {
		c.fail(x, problem.Expired, "the session is gone, and with it the record of what an earlier attempt did", true, out)
		return
	}
	x.session.release(x.seq)
	x.session, x.seq, x.first = nil, 0, 0
	c.requeue(x)
}

// breach ends a call whose answer makes no sense; the opening of a session is tried again.
func (c *Core) breach(nowNs int64, x *call, p wire.Reply, out *Out) {
	if x.kind == open {
		c.pause(nowNs, x)
		return
	}
	c.fail(x, problem.Internal, "the server answered "+statusWord(p.Status)+", which it should not: different builds?", true, out)
}
