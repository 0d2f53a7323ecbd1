package cluster

import (
	"bytes"
	"math/rand/v2"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// repeater is a client without manners: it sends each command again and again, to any server, also when it has been
// answered, and now and then another command under a number that was used. All answers to one command must be equal.
type repeater struct {
	run     *run
	rand    *rand.Rand
	id      int
	group   uint32
	work    work
	links   []dial
	session uint64
	seq     uint64
	acked   uint64
	request uint64
	held    []*repeated          // those not acknowledged yet, by seq
	gone    []*repeated          // some of those acknowledged, which are sent again all the same
	asked   map[uint64]*repeated // by request
	frames  int
}

// repeated is one command that is sent many times.
type repeated struct {
	seq     uint64
	body    []byte
	place   int // in the run's history
	done    bool
	session uint64
	forged  bool // another command under the seq of a finished one
}

// heldMost is how many commands a repeater keeps going.
const heldMost = 12

// goneMost is how many acknowledged ones it remembers.
const goneMost = 6

func (r *run) newRepeater(id int, group uint32) *repeater {
	return &repeater{run: r, rand: r.stream("repeater", id), id: id, group: group, work: r.works[group],
		links: make([]dial, r.most), asked: map[uint64]*repeated{}}
}

// Step is the client's turn.
func (c *repeater) Step(now step.Now, in []step.Input, out *step.Out) {
	for _, i := range in {
		k := int(i.From) - 1
		switch i.Kind {
		case step.Tick:
			c.tick(now, out)
		case step.Gone:
			c.links[k] = dial{againNs: now.MonoNs + redialNs}
		case step.Frame:
			if len(i.Bytes) == 0 {
				c.links[k].up = true
			} else {
				c.hear(i.Bytes)
			}
		}
	}
}

func (c *repeater) tick(now step.Now, out *step.Out) {
	if c.run.silent {
		return
	}
	for k := range c.links {
		if d := &c.links[k]; !d.up && now.MonoNs >= d.againNs {
			d.againNs = now.MonoNs + 2*redialNs
			out.Sends = append(out.Sends, step.Send{To: step.Address(k + 1)})
		}
	}
	if c.session == 0 {
		if c.rand.IntN(4) == 0 {
			c.send(out, &repeated{})
		}
		return
	}
	if len(c.held) < heldMost && c.run.working && c.rand.IntN(5) == 0 {
		c.begin()
	}
	for range c.rand.IntN(3) {
		if len(c.held) > 0 {
			c.send(out, c.held[c.rand.IntN(len(c.held))])
		}
	}
	if len(c.gone) > 0 && c.rand.IntN(10) == 0 {
		c.send(out, c.gone[c.rand.IntN(len(c.gone))])
	}
	if len(c.held) > 0 && c.held[0].done && c.rand.IntN(12) == 0 {
		c.acked = c.held[0].seq
		c.gone = append(c.gone, c.held[0])[max(0, len(c.gone)-goneMost):]
		c.held = c.held[1:]
	}
}

func (c *repeater) begin() {
	body, op := c.work.next()
	if op.Query {
		return
	}
	c.seq++
	op.Client, op.CallNs = c.id, c.run.world.NowNs()
	c.run.history = append(c.run.history, op)
	c.held = append(c.held, &repeated{seq: c.seq, session: c.session, body: body, place: len(c.run.history) - 1})
}

// send sends a command to some server; one that is done may be forged.
func (c *repeater) send(out *step.Out, m *repeated) {
	c.request++
	body := m.body
	if m.done && c.rand.IntN(10) == 0 {
		forged, op := c.work.next()
		if op.Query || bytes.Equal(forged, m.body) {
			return
		}
		m, body = &repeated{seq: m.seq, session: m.session, forged: true}, forged
	}
	c.asked[c.request] = m
	cmd := wire.Command{Request: c.request, Session: m.session, Seq: m.seq, Acked: c.acked, Op: body}
	if m.session == 0 {
		cmd.Acked = 0
	}
	to := step.Address(1 + c.rand.IntN(len(c.links)))
	if c.links[to-1].up {
		c.frames++
		out.Sends = append(out.Sends, step.Send{To: to, Bytes: cmd.Encode(c.group, view.Epoch{})})
	}
}

func (c *repeater) hear(frame []byte) {
	h, body, err := wire.Open(frame)
	if err != nil {
		c.run.court.Fail("client", "repeater %d: %v", c.id, err)
		return
	}
	if h.Kind == wire.KindNews || h.Kind == wire.KindView {
		return // it asks whom it likes
	}
	p, err := wire.ReadReply(body)
	m := c.asked[p.Request]
	if err != nil || m == nil {
		c.run.court.Fail("client", "repeater %d: a reply that nobody asked for: %v", c.id, err)
		return
	}
	switch {
	case p.Status == wire.NoSession && m.session == c.session && m.session != 0:
		c.session, c.seq, c.acked, c.held = 0, 0, 0, nil // what is open stays unknown
		c.run.count.SessionsLost++
	case p.Status != wire.OK:
	case m.session == 0:
		if r := codec.NewReader(p.Result); c.session == 0 {
			c.session = r.U64()
			c.run.count.Sessions++
		}
	case m.forged:
		c.run.court.Fail("S5", "group %d session %d seq %d: another command was accepted under a number in use", c.group, m.session, m.seq)
	default:
		c.heard(m, &p)
	}
}

// heard takes the result of a command, the first one or a repetition.
func (c *repeater) heard(m *repeated, p *wire.Reply) {
	c.run.court.Replied(c.group, m.session, m.seq, p.Index, p.Sub, p.Result)
	if m.done {
		c.run.count.Repeats++
		return
	}
	m.done = true
	op := &c.run.history[m.place]
	op.ReturnNs = c.run.world.NowNs()
	c.run.answered(op, p)
}
