package core

import (
	"strconv"
	"strings"

	"onevoice/problem"
	"onevoice/wire"
)

// refuse says why a request is not taken at all, or nil.
func (c *Core) refuse(a Ask) *problem.Error {
	op := "command"
	if a.Query {
		op = "query"
	}
	if len(a.Op) > wire.MaxCommandBytes {
		return &problem.Error{Kind: problem.TooLarge, Op: op, Field: "operation", Value: strconv.Itoa(len(a.Op)) + " bytes",
			Allowed: "0 to " + strconv.Itoa(wire.MaxCommandBytes) + " bytes"}
	}
	if len(c.calls)-len(c.free) >= MaxUnfinished || c.bytes+len(a.Op) > MaxUnfinishedBytes {
		return &problem.Error{Kind: problem.Overloaded, Op: op, Detail: strconv.Itoa(len(c.calls)-len(c.free)) + " requests of " +
			strconv.Itoa(c.bytes) + " bytes are unfinished, the most are " + strconv.Itoa(MaxUnfinished) + " of " +
			strconv.Itoa(MaxUnfinishedBytes) + ": ask again later"}
	}
	return nil
}

// overloaded is said of a command that the servers have no room for.
const overloaded = "the servers are asked for more than they can do: try again later"

func (c *Core) group() string { return "group " + strconv.FormatUint(uint64(c.cfg.Group), 10) }

// fail ends a call by a problem.
func (c *Core) fail(x *call, kind problem.Kind, detail string, maybe bool, out *Out) {
	op := "command"
	if x.kind == query {
		op = "query"
	}
	e := &problem.Error{Kind: kind, Op: op, Subject: c.group(), Detail: detail}
	out.Finished = append(out.Finished, Finished{ID: x.id, Err: e, MaybeApplied: maybe && x.kind == command})
	c.release(x)
}

// giveUp ends a call that got no answer: overloaded where that was the last word, else without a voice.
func (c *Core) giveUp(nowNs int64, x *call, why string, out *Out) {
	c.doubt.failed = true
	if c.probed(nowNs, x) {
		return
	}
	last := x.last
	if x.tried == 0 && x.kind == command {
		last = c.refusal
	}
	kind := problem.NoVoice
	switch last {
	case wire.Overloaded:
		kind = problem.Overloaded
	case wire.Forbidden:
		kind = problem.Forbidden
	}
	maybe := x.kind == command && (x.unsure || c.sentTo(x) != nil)
	detail := why + ", tried " + c.names(x.tried)
	if x.kind == query {
		detail = "the answer is " + problem.Unknown + ": " + detail
	}
	if last != 0 {
		detail += ", last answer: " + statusWord(last)
	}
	c.fail(x, kind, detail, maybe, out)
}

// names lists the servers of a set of places, or says why there are none.
func (c *Core) names(tried uint32) string {
	if tried == 0 {
		return "no server: " + strconv.Itoa(c.Status().Connected) + " of " + strconv.Itoa(len(c.servers)) + " connected"
	}
	var names []string
	for k, s := range c.cfg.Servers {
		if tried&(1<<k) == 0 {
			continue
		}
		name := s.Name
		if n := c.servers[k].number; n != 0 {
			name = strings.TrimSpace("server " + strconv.FormatUint(n, 10) + " " + name)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// statusWord is a status in words.
func statusWord(s wire.Status) string {
	switch s {
	case wire.NotLeader:
		return "not the leader"
	case wire.Overloaded:
		return "overloaded"
	case wire.NoSession:
		return "no such session"
	case wire.AlreadyAcked:
		return "already acknowledged"
	case wire.OutOfWindow:
		return "outside the window"
	case wire.Fenced:
		return "fenced"
	case wire.NoVoice:
		return "no voice"
	case wire.Malformed:
		return "malformed"
	case wire.SeqReused:
		return "sequence number reused"
	case wire.Forbidden:
		return "not allowed"
	}
	return "status " + strconv.Itoa(int(s))
}
