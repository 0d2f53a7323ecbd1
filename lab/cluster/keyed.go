package cluster

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"onevoice/client/core"
	"onevoice/lab/judge"
	"onevoice/problem"
	"onevoice/step"
	"onevoice/wire"
)

// keysKeptNs is how long servers remember an idempotency key, in log time.
const keysKeptNs = 600 * secNs

// keyed is a command with an idempotency key, asked once by one client and perhaps again by others.
type keyed struct {
	group uint32
	name  [32]byte
	body  []byte
	place int  // in the run's history
	again bool // somebody has asked again: a refusal of the first no longer says that nothing will be done
	known *wire.Reply
}

func (k *keyed) wire(body []byte) *wire.Key {
	return &wire.Key{Name: k.name, Body: sha256.Sum256(body)}
}

// maybeKey gives some commands a key.
func (r *run) maybeKey(rnd *rand.Rand, op *judge.Op, body []byte, place int) *keyed {
	if op.Query || rnd.IntN(million) >= r.keyPpm {
		return nil
	}
	k := &keyed{group: op.Group, name: sha256.Sum256(fmt.Appendf(nil, "key %d", len(r.keys))), body: body, place: place}
	r.keys = append(r.keys, k)
	return k
}

// askAgain asks for some earlier command under its key a second time, or for another command under it, as a client does that has lost its answer
// and its memory. It says whether it asked anything.
func (c *obedient) askAgain(now step.Now) bool {
	keys := c.run.keys
	if len(keys) == 0 || c.rand.IntN(6) > 0 {
		return false
	}
	k := keys[max(0, len(keys)-1-c.rand.IntN(20))]
	if k.group != c.group {
		return false
	}
	if k.known != nil && c.rand.IntN(4) == 0 {
		if body, op := c.work.next(); !op.Query && !bytes.Equal(body, k.body) {
			c.ask(now, false, body, pending{key: k, forged: true})
			return true
		}
	}
	k.again = true
	if first := &c.run.history[k.place]; first.Outcome == judge.Refused {
		first.Outcome = judge.Unknown
	}
	c.ask(now, false, k.body, pending{key: k, again: true})
	return true
}

// keyAnswered judges the end of a request under a key: one command, one answer, whoever asks (S5). It says whether the request is
// in the history.
func (r *run) keyAnswered(c *obedient, p *pending, f *core.Finished) bool {
	k := p.key
	switch {
	case p.forged:
		if f.Err == nil {
			r.court.Fail("S5", "group %d: another command was accepted under the key of operation %v", k.group, &r.history[k.place])
		}
		return false
	case f.Err != nil && f.Err.Kind == problem.KeyReused:
		r.court.Fail("S5", "group %d: refused as another command under its key: %v", k.group, &r.history[k.place])
	case f.Err == nil && k.known == nil:
		reply := f.Reply
		reply.Result = bytes.Clone(reply.Result)
		k.known = &reply
	case f.Err == nil:
		if w := k.known; w.Index != f.Reply.Index || w.Sub != f.Reply.Sub || !bytes.Equal(w.Result, f.Reply.Result) {
			r.court.Fail("S5", "group %d: answered %x at %d.%d, and under the same key %x at %d.%d: %v", k.group,
				w.Result, w.Index, w.Sub, f.Reply.Result, f.Reply.Index, f.Reply.Sub, &r.history[k.place])
		}
		r.count.Repeats++
	}
	if p.again && f.Err != nil && f.Err.Kind == problem.TwoVoices {
		r.court.Fail("S7", "client %d: %v", c.id, f.Err)
	}
	return !p.again
}
