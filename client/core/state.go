package core

import "strconv"

// State is what a client can prove to whoever relies on it. The words are Chubby's (Burrows, OSDI 2006). A client cannot know by itself
// that a group has gone on without it, so it counts from what was proved last.
//
// A proof is an answer from the state of the group (it is as of a moment within its request), or the word of a server that another
// one leads in a newer term than was known. Doubt begins when there is no connection to who is believed to lead, when something is
// asked, or when a request has ended without an answer; and it begins anew with each proof. While nothing is asked and the
// connection to the leader stands, there is none. The state is the age of the doubt:
//
//	OK         up to JeopardyNs, or up to the newest view's detection bound where that is longer
//	JEOPARDY   then: a failover, as a rule; what is shown must be marked as not proved
//	GRACE      after GraceNs: no failover takes so long; the session is kept, and all goes on where it was if the group comes back
//	EXPIRED    after SessionIdleNs, or when a server says that it does not know the session: what was asked under it and has no
//	           answer is UNKNOWN for good, and whatever rests on the session (a lock, a cache) is void
//
// Only a proof leads back to OK, from any of them. A new client has proved nothing, and begins in JEOPARDY.
type State uint8

// The states, from the best to the worst.
const (
	StateOK State = iota + 1
	StateJeopardy
	StateGrace
	StateExpired
)

// String is the state's word.
func (s State) String() string {
	switch s {
	case StateOK:
		return "OK"
	case StateJeopardy:
		return "JEOPARDY"
	case StateGrace:
		return "GRACE"
	case StateExpired:
		return "EXPIRED"
	}
	return "state " + strconv.Itoa(int(s))
}

const (
	// JeopardyNs is the least age of a doubt that shows: when a first attempt has ended without an answer. A picture that is marked at
	// every slow path teaches people to overlook the mark.
	JeopardyNs = AttemptNs
	// GraceNs is the age from which nobody should wait for a failover. Groups have a new leader within a second, a cluster that lost all
	// power within three of a majority's start; and every request that was under way when the doubt began, with the usual deadline, has
	// ended. Chubby's 45 s are those of its failovers.
	GraceNs = DeadlineNs
	// probeNs is how long a probe may take: two attempts.
	probeNs = 2 * AttemptNs
	// probeMostNs bounds the doubling pause between two probes: the clients of a group that does not answer ask it together.
	probeMostNs = 2_000_000_000
)

// doubt is what a core knows of its own state.
type doubt struct {
	state   State
	sinceNs int64 // when it began, 0 for none
	proved  bool  // by the input that is being taken
	failed  bool  // a request has ended without an answer since the last proof
	probe   *call // what this client asks by itself while nobody asks anything
	quietNs int64 // no probe before this time
	quiets  uint8 // probes without an answer
}

// judge ends the taking of an input: it works out the state, and has a doubt looked into.
func (c *Core) judge(nowNs int64, out *Out) {
	d := &c.doubt
	if d.proved {
		*d = doubt{state: d.state, probe: d.probe}
		c.become(StateOK, out)
	}
	asked := len(c.calls) > len(c.free)
	if d.state == StateOK && !d.failed && !asked && c.leader >= 0 {
		d.sinceNs = 0
		return
	}
	if d.sinceNs == 0 {
		d.sinceNs = nowNs
	}
	c.age(nowNs, out)
	if !asked {
		c.ask(nowNs, out)
	}
}

// boundNs is the age of a doubt that shows.
func (c *Core) boundNs() int64 { return min(max(JeopardyNs, c.view.BoundNs), GraceNs) }

// age makes the state at least as bad as a doubt of its age is.
func (c *Core) age(nowNs int64, out *Out) {
	for _, step := range [...]struct {
		state State
		ns    int64
	}{{StateExpired, SessionIdleNs}, {StateGrace, GraceNs}, {StateJeopardy, c.boundNs()}} {
		switch at := c.doubt.sinceNs + step.ns; {
		case c.doubt.state >= step.state:
			return
		case nowNs > at:
			c.become(step.state, out)
			return
		default:
			c.wakeBy(at + 1)
		}
	}
}

func (c *Core) become(s State, out *Out) {
	if c.doubt.state != s {
		c.doubt.state = s
		out.States = append(out.States, s)
	}
}

// ask sends a probe, an empty question, where a doubt is old enough and anybody can be asked: nobody else asks anything, so nothing
// else would end it.
func (c *Core) ask(nowNs int64, out *Out) {
	d := &c.doubt
	if due := max(d.quietNs, d.sinceNs+c.boundNs()/2); nowNs < due {
		c.wakeBy(due)
		return
	}
	x := c.take()
	if c.forQuery(x) < 0 {
		c.free = append(c.free, x)
		return
	}
	d.probe = x
	x.kind, x.deadlineNs = query, nowNs+probeNs
	c.wakeBy(x.deadlineNs)
	c.asks.push(x)
	c.pump(nowNs, out)
}

// probed says whether a call that has ended was a probe: nobody waits for it.
func (c *Core) probed(nowNs int64, x *call) bool {
	d := &c.doubt
	if x != d.probe {
		return false
	}
	d.failed = true // unless its answer is a proof
	d.quietNs = nowNs + c.backoff(&d.quiets, probeMostNs)
	c.release(x)
	return true
}
