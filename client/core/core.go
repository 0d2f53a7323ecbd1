package core

import (
	"math/rand/v2"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

// Limits and times of a client.
const (
	// MaxServers bounds Config.Servers; far above any group's voters.
	MaxServers = 32
	// MaxUnfinished bounds the requests that wait or are under way; one more ends at once as Overloaded.
	MaxUnfinished = 1 << 16
	// MaxUnfinishedBytes bounds the bytes of their operations in the same way. A group queues 32 MiB for all clients together.
	MaxUnfinishedBytes = 64 << 20
	// MaxQueriesOut bounds the queries that are sent and unanswered; others wait for one of them to end. Servers queue
	// 65,536 for all clients together.
	MaxQueriesOut = 8192
	// MaxSessions bounds the sessions in use, and with Window the commands that are sent and unanswered.
	MaxSessions = 8
	// DeadlineNs is how long a request may take that names no deadline.
	DeadlineNs = 5_000_000_000
	// AttemptNs is how long the first attempt waits for its answer; each one that got none doubles it, up to four times that, so
	// that large requests over a slow path do not choke it with their own repetitions.
	AttemptNs = 300_000_000
	// SilenceNs is how long a server must have said nothing when an attempt ends for the server itself to be suspected.
	SilenceNs = 100_000_000
	// DoubtNs is how long a suspected server is asked for nothing that another can be asked for. Then it gets another chance: it may
	// be the leader, and who is asked for nothing has nothing to say.
	DoubtNs = 1_000_000_000
	// MuteNs is how long a server may owe an answer and say nothing at all before its connection is dialled anew. Servers
	// give up a query after 2 s, so a healthy one is never that quiet.
	MuteNs = 3_000_000_000
	// SessionIdleNs is how long a session may be unused before a new one is opened in its place. Servers expire it after 10
	// minutes of log time.
	SessionIdleNs = 240_000_000_000
	// backoffFirstNs and backoffMostNs bound the doubling pause before a request is sent again to who refused it.
	backoffFirstNs, backoffMostNs = 5_000_000, 200_000_000
	// overloadPauses is how often that pause has doubled already where a server is overloaded: each retry is more of what it
	// has too much of.
	overloadPauses = 3
	// searchMostNs bounds it while the leader is unknown: such an attempt is one small frame, and the whole client waits.
	searchMostNs = 50_000_000
)

// Server is one server of the group.
type Server struct {
	// Number is the server's voter number, 0 where it is learnt by Up.
	Number uint64
	// Name is for messages, as its address.
	Name string
}

// Config says whom a core talks to. Nothing of it changes later.
type Config struct {
	// Group is the group asked.
	Group uint32
	// Servers has 1 to MaxServers servers. All other calls name them by their place here.
	Servers []Server
	// Nearest is the place of the server that queries go to first, -1 for the leader.
	Nearest int
	// Rand gives the jitter of pauses and the first server asked.
	Rand *rand.Rand
}

// ID names one request of one core.
type ID uint64

// Ask is one request.
type Ask struct {
	// Query says that Op is a question, answered from the state and changing nothing. An empty one is a barrier.
	Query bool
	// Op is a command or a question in the encoding of the group's machine, at most wire.MaxCommandBytes. It must not change
	// until the request is finished.
	Op []byte
	// Key is the optional idempotency key of a command.
	Key *wire.Key
	// DeadlineNs is when the request ends in any case; 0 means DeadlineNs from now.
	DeadlineNs int64
}

// Finished is a request that ended: with Err nil by Reply, whose Result aliases the frame it came in.
type Finished struct {
	ID    ID
	Reply wire.Reply
	Err   *problem.Error
	// MaybeApplied is set beside Err for a command whose outcome is problem.Unknown: it was applied once or not at all.
	MaybeApplied bool
}

// Send is a frame for the server at place Server.
type Send struct {
	Server int
	Frame  []byte
}

// Out is what a core wants done. Calls add to it; the driver takes it and calls Reset.
type Out struct {
	Sends    []Send
	Finished []Finished
	// Redial names servers whose connection has gone mute: close it, say Down, dial again.
	Redial []int
	// States are those that the core has come to, in order. An input makes few.
	States []State
}

// Reset empties o and keeps its memory.
func (o *Out) Reset() {
	clear(o.Sends)
	clear(o.Finished)
	o.Sends, o.Finished, o.Redial, o.States = o.Sends[:0], o.Finished[:0], o.Redial[:0], o.States[:0]
}

// Stats counts what happened since New.
type Stats struct {
	Attempts     uint64 // frames sent
	Timeouts     uint64 // attempts that ended without an answer
	Late         uint64 // replies to attempts that were over
	Malformed    uint64 // frames that are no reply of this group, dropped
	Throttled    uint64 // commands ended because servers refused too many
	Opened       uint64 // sessions opened
	Lost         uint64 // sessions that a server did not know any more
	Contradicted uint64 // answers that ended as problem.TwoVoices
	Moved        uint64 // attempts ended by the news that another server leads
	Fenced       uint64 // connections ended because their server's start is over
}

// Status is what a core believes and holds.
type Status struct {
	State      State
	Leader     uint64 // voter number of the believed leader, 0 for none
	Epoch      view.Epoch
	View       view.Number // the newest heard of, 0 for none
	Connected  int
	Sessions   int
	Unfinished int
	Stats      Stats
}

// Core is one client of one group. It is not safe for concurrent use.
type Core struct {
	cfg     Config
	servers []server
	leader  int    // place of the believed leader, -1 for none
	term    uint64 // the newest in which anybody is known to lead
	epoch   view.Epoch
	view    view.View // the newest
	turn    int       // place asked next while the leader is unknown

	calls      []*call // by slot; those not in a list are free
	free       []*call
	bytes      int
	serial     uint64
	fresh      list // commands without a seq
	ready      list // commands with one, for the leader
	asks       list // queries
	throttle   throttle
	sleeping   list // what pauses until its dueNs
	queriesOut int

	sessions []*session
	opening  *call       // the request for one more session
	refusal  wire.Status // of the last request for a session
	voices   voices
	doubt    doubt
	dueNs    int64
	stats    Stats
}

// New returns a core without connections. It panics on a Config outside its documented limits.
func New(cfg Config) *Core {
	if n := len(cfg.Servers); n < 1 || n > MaxServers || cfg.Nearest < -1 || cfg.Nearest >= n || cfg.Rand == nil {
		panic("core: config outside its limits")
	}
	c := &Core{cfg: cfg, servers: make([]server, len(cfg.Servers)), leader: -1, voices: newVoices(), doubt: doubt{state: StateJeopardy}}
	for k, s := range cfg.Servers {
		c.servers[k].number = s.Number
	}
	c.turn = cfg.Rand.IntN(len(c.servers))
	return c
}

// Ask begins a request. It ends by exactly one Finished with the ID, perhaps in this very out.
func (c *Core) Ask(nowNs int64, a Ask, out *Out) ID {
	c.serial++
	if err := c.refuse(a); err != nil {
		id := ID(c.serial<<slotBits | slotMask)
		out.Finished = append(out.Finished, Finished{ID: id, Err: err})
		return id
	}
	if !a.Query && c.throttled(nowNs) {
		return c.shed(out)
	}
	x := c.take()
	x.id = ID(c.serial<<slotBits | uint64(x.slot))
	x.op, x.key, x.deadlineNs = a.Op, a.Key, a.DeadlineNs
	if x.deadlineNs == 0 {
		x.deadlineNs = nowNs + DeadlineNs
	}
	c.bytes += len(x.op)
	c.wakeBy(x.deadlineNs)
	if a.Query {
		x.kind = query
		c.asks.push(x)
	} else {
		x.kind = command
		c.fresh.push(x)
	}
	c.pump(nowNs, out)
	c.judge(nowNs, out)
	return x.id
}

// shed refuses a command before anything of it is sent.
func (c *Core) shed(out *Out) ID {
	id := ID(c.serial<<slotBits | slotMask)
	out.Finished = append(out.Finished, Finished{ID: id, Err: &problem.Error{Kind: problem.Overloaded, Op: "command", Subject: c.group(), Detail: overloaded}})
	return id
}

// Cancel ends a request now, as its deadline would; nothing happens where it is finished already.
func (c *Core) Cancel(nowNs int64, id ID, out *Out) {
	if x := c.at(uint64(id)); x != nil && x.id == id {
		c.giveUp(nowNs, x, "cancelled by the caller", out)
		c.pump(nowNs, out)
		c.judge(nowNs, out)
	}
}

// Up says that the server at place k is connected, and in which of its starts. One whose start is over is not taken: it is to be dialled
// anew, for ever, since its next start comes.
func (c *Core) Up(nowNs int64, k int, who view.Start, out *Out) {
	c.drop(k)
	c.servers[k] = server{up: true, number: who.Server, boot: who.Boot, heardNs: nowNs}
	if c.over(&c.servers[k]) {
		c.servers[k].up = false
		out.Redial = append(out.Redial, k)
		c.stats.Fenced++
	}
	c.pump(nowNs, out)
	c.judge(nowNs, out)
}

// Down says that the connection of the server at place k has ended. What was asked there is asked elsewhere.
func (c *Core) Down(nowNs int64, k int, out *Out) {
	c.drop(k)
	c.pump(nowNs, out)
	c.judge(nowNs, out)
}

// Tick lets time pass: deadlines, attempts without an answer, ends of pauses.
func (c *Core) Tick(nowNs int64, out *Out) {
	if c.dueNs != 0 && nowNs >= c.dueNs {
		c.scan(nowNs, out)
		c.pump(nowNs, out)
		c.judge(nowNs, out)
	}
}

// DueNs is the time before which Tick has nothing to do, 0 where it has nothing to wait for.
func (c *Core) DueNs() int64 { return c.dueNs }

// Status says what the core believes and holds.
func (c *Core) Status() Status {
	s := Status{State: c.doubt.state, Epoch: c.epoch, View: c.view.Number, Sessions: len(c.sessions), Unfinished: len(c.calls) - len(c.free), Stats: c.stats}
	if c.leader >= 0 {
		s.Leader = c.servers[c.leader].number
	}
	for k := range c.servers {
		if c.servers[k].up {
			s.Connected++
		}
	}
	if c.opening != nil {
		s.Unfinished--
	}
	if c.doubt.probe != nil {
		s.Unfinished--
	}
	return s
}

func roundUp(t, grain int64) int64 { return (t + grain - 1) / grain * grain }

// wakeBy asks for a Tick at t or later. Each Tick looks at every call, so where there are many it comes at most every few
// milliseconds.
func (c *Core) wakeBy(t int64) {
	switch n := len(c.calls); {
	case n >= 8_192:
		t = roundUp(t, 5_000_000)
	case n >= 1_024:
		t = roundUp(t, 1_000_000)
	}
	if c.dueNs == 0 || t < c.dueNs {
		c.dueNs = t
	}
}
