package cluster

import (
	"fmt"
	"math/rand/v2"

	"onevoice/client/core"
	"onevoice/detect"
	"onevoice/lab/judge"
	"onevoice/problem"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// obedient is a client with a core: it keeps connections to all servers and several operations open.
type obedient struct {
	run     *run
	core    *core.Core
	rand    *rand.Rand
	id      int
	work    work
	group   uint32
	most    int   // operations open at once
	ratePpm int   // chance to begin one at a tick, for each that is not open
	waitNs  int64 // deadline of an operation
	links   []dial
	open    map[core.ID]pending
	todo    []ask // asked before anything is drawn
	out     core.Out
	asks    int   // begun so far
	heardNs int64 // when an answer or news last came
}

// pending is what an open request is for.
type pending struct {
	sinceNs int64  // by the client's clock
	place   int    // in the run's history
	key     *keyed // of a command with an idempotency key
	again   bool   // the command came before, and is not in the history a second time
	forged  bool   // another command under a key in use
	// then, where set, takes the end of a request that is in no history.
	then func(*core.Finished)
}

// dial is a client's side of one connection.
type dial struct {
	up      bool
	againNs int64
}

// redialNs is the longest pause before a dial is tried again.
const redialNs = 40_000_000

func (r *run) newObedient(id int, group uint32, most, ratePpm int) *obedient {
	c := &obedient{run: r, id: id, group: group, work: r.works[group], most: most, ratePpm: ratePpm, open: map[core.ID]pending{}}
	c.rand = r.stream("client", id)
	c.waitNs = 300*milliNs + c.rand.Int64N(2_000*milliNs)
	cfg := core.Config{Group: group, Nearest: c.rand.IntN(r.servers+1) - 1, Rand: r.stream("core", id)}
	for k := range r.most {
		cfg.Servers = append(cfg.Servers, core.Server{Number: uint64(k + 1)})
	}
	c.core, c.links = core.New(cfg), make([]dial, r.most)
	return c
}

// Step is the client's turn.
func (c *obedient) Step(now step.Now, in []step.Input, out *step.Out) {
	c.out.Reset()
	for _, i := range in {
		k := int(i.From) - 1
		switch i.Kind {
		case step.Tick:
			c.tick(now, out)
		case step.Gone:
			c.down(now, k)
		case step.Frame:
			if len(i.Bytes) == 0 {
				c.links[k].up = true
				c.core.Up(now.MonoNs, k, c.run.start(k), &c.out)
			} else {
				c.hear(now, i.Bytes)
				c.core.Frame(now.MonoNs, k, i.Bytes, &c.out)
			}
		}
	}
	c.take(now, out)
}

func (c *obedient) tick(now step.Now, out *step.Out) {
	for k := range c.links {
		if d := &c.links[k]; !d.up && now.MonoNs >= d.againNs {
			d.againNs = now.MonoNs + 2*redialNs
			out.Sends = append(out.Sends, step.Send{To: step.Address(k + 1)})
		}
	}
	if due := c.core.DueNs(); due != 0 && now.MonoNs >= due {
		c.core.Tick(now.MonoNs, &c.out)
	}
	c.judgeState(now)
	for range c.most - len(c.open) {
		switch {
		case len(c.todo) > 0:
			c.begin(now, c.todo[0].body, c.todo[0].op)
			c.todo = c.todo[1:]
		case !c.run.working || c.rand.IntN(million) >= c.ratePpm:
		case c.askAgain(now):
		default:
			body, op := c.work.next()
			c.begin(now, body, op)
		}
	}
}

// hear notes what may prove that somebody leads.
func (c *obedient) hear(now step.Now, frame []byte) {
	h, body, err := wire.Open(frame)
	if err != nil || h.Kind != wire.KindNews && h.Kind != wire.KindReply {
		return
	}
	if p, err := wire.ReadReply(body); h.Kind == wire.KindNews || err == nil && p.Status == wire.OK {
		c.heardNs = now.MonoNs
	}
}

// judgeState says whether the client believes itself to be well without any reason: it has asked, and heard nothing, for longer than any
// bound of a view.
func (c *obedient) judgeState(now step.Now) {
	if c.core.Status().State != core.StateOK {
		return
	}
	since := now.MonoNs
	for _, p := range c.open {
		since = min(since, p.sinceNs)
	}
	if since = max(since, c.heardNs); now.MonoNs-since > max(core.JeopardyNs, detect.MostBoundNs) {
		c.run.court.Fail("client", "client %d is OK, having asked and heard nothing for %d ms", c.id, (now.MonoNs-since)/milliNs)
	}
}

// start is who a client finds at a place.
func (r *run) start(k int) view.Start {
	who := view.Start{Server: uint64(k + 1)}
	if h := r.byAddr[step.Address(k+1)]; h != nil {
		who.Boot = uint64(h.boot)
	}
	return who
}

func (c *obedient) begin(now step.Now, body []byte, op judge.Op) {
	op.Client, op.CallNs = c.id, c.run.world.NowNs()
	c.run.history = append(c.run.history, op)
	p := pending{place: len(c.run.history) - 1}
	p.key = c.run.maybeKey(c.rand, &op, body, p.place)
	c.ask(now, op.Query, body, p)
}

func (c *obedient) ask(now step.Now, query bool, body []byte, p pending) {
	a := core.Ask{Query: query, Op: body, DeadlineNs: now.MonoNs + c.waitNs}
	if p.key != nil {
		a.Key = p.key.wire(body)
	}
	c.asks++
	p.sinceNs = now.MonoNs
	c.open[c.core.Ask(now.MonoNs, a, &c.out)] = p
}

func (c *obedient) down(now step.Now, k int) {
	d := &c.links[k]
	d.againNs = now.MonoNs + c.rand.Int64N(redialNs)
	if d.up {
		d.up = false
		c.core.Down(now.MonoNs, k, &c.out)
	}
}

// take does what the core wants done.
func (c *obedient) take(now step.Now, out *step.Out) {
	for _, s := range c.out.Sends {
		out.Sends = append(out.Sends, step.Send{To: step.Address(s.Server + 1), Bytes: s.Frame})
	}
	redial := c.out.Redial
	for i := range c.out.Finished {
		c.finish(&c.out.Finished[i])
	}
	if len(redial) > 0 {
		c.out = core.Out{}
		for _, k := range redial {
			c.down(now, k)
		}
		c.take(now, out)
	}
}

func (c *obedient) finish(f *core.Finished) {
	p, ok := c.open[f.ID]
	if !ok {
		c.run.court.Fail("client", "client %d: request %d finished twice", c.id, f.ID)
		return
	}
	delete(c.open, f.ID)
	if p.then != nil {
		p.then(f)
		return
	}
	if p.key != nil && !c.run.keyAnswered(c, &p, f) {
		return
	}
	op := &c.run.history[p.place]
	op.ReturnNs = c.run.world.NowNs()
	switch {
	case f.Err == nil:
		c.run.answered(op, &f.Reply)
	case f.Err.Kind == problem.TwoVoices:
		c.run.court.Fail("S7", "client %d: %v", c.id, f.Err)
	case f.Err.Kind == problem.Internal:
		c.run.court.Fail("client", "client %d: %v: %v", c.id, op, f.Err)
	case !f.MaybeApplied && (p.key == nil || !p.key.again):
		op.Outcome = judge.Refused
	}
}

// answered fills in an operation that ended well.
func (r *run) answered(op *judge.Op, reply *wire.Reply) {
	op.Outcome, op.Index, op.Sub, op.Hash = judge.OK, reply.Index, reply.Sub, reply.Hash
	if err := r.works[op.Group].result(op, reply.Result); err != nil {
		r.court.Fail("S5", "answer that fits no machine: %v: %v", op, err)
	}
	if op.Query {
		op.Sub = 0
	}
}

// idle says whether nothing is open, and the client knows that it is well.
func (c *obedient) idle() bool {
	return len(c.open) == 0 && len(c.todo) == 0 && c.core.Status().State == core.StateOK
}

func (c *obedient) name() string { return fmt.Sprintf("c%d", c.id) }
