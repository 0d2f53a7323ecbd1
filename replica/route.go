package replica

import (
	"fmt"

	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/step"
	"onevoice/wire"
)

// fromServer hands a frame of another server to a group.
func fromServer(g *consensus.Group, from uint64, kind wire.Kind, body *codec.Reader) error {
	switch kind {
	case wire.KindRaft:
		g.Raft(from, body.Rest())
	case wire.KindSnapshotGet:
		m, err := wire.ReadSnapshotGet(body)
		if err != nil {
			return err
		}
		g.SnapshotGet(from, m)
	case wire.KindSnapshotChunk:
		m, err := wire.ReadSnapshotChunk(body)
		if err != nil {
			return err
		}
		g.SnapshotChunk(from, m)
	default:
		return fmt.Errorf("kind %d is not for servers to send", kind)
	}
	return nil
}

// fromClient hands a frame of a client to a group.
func fromClient(g *consensus.Group, from step.Address, kind wire.Kind, body *codec.Reader) error {
	switch kind {
	case wire.KindCommand:
		c, err := wire.ReadCommand(body)
		if err != nil {
			return err
		}
		g.Command(from, c)
	case wire.KindQuery:
		q, err := wire.ReadQuery(body)
		if err != nil {
			return err
		}
		g.Query(from, q)
	default:
		return fmt.Errorf("kind %d is not for clients to send", kind)
	}
	return nil
}

// give hands what one group wants done to the driver.
func (n *Node) give(at int, out *step.Out) {
	m, o := &n.members[at], &n.out
	out.Facts = append(out.Facts, o.Facts...)
	if o.Halt != nil {
		if out.Halt == nil {
			out.Halt = o.Halt
		}
		return
	}
	out.Again = out.Again || o.Again
	for _, w := range o.Writes {
		n.tokens.write(at, w)
	}
	for _, r := range o.Reads {
		out.Reads = append(out.Reads, step.Read{Token: n.tokens.one(at, r.Token), Key: r.Key})
	}
	for _, s := range o.Saves {
		out.Saves = append(out.Saves, step.Save{Token: n.tokens.one(at, s.Token), Prefix: s.Prefix, Chunks: s.Chunks})
	}
	for _, p := range o.Peer {
		out.Sends = append(out.Sends, step.Send{To: step.Address(p.To), Bytes: p.Frame})
	}
	for _, a := range o.Applied {
		n.applied = append(n.applied, Applied{m.number, a})
	}
	n.answer(m, out)
}

// answer turns replies and passed queries into frames.
func (n *Node) answer(m *member, out *step.Out) {
	o := &n.out
	if len(o.Replies)+len(o.Evals) == 0 {
		return
	}
	epoch, leader := m.group.Epoch(), m.group.Leader()
	for i := range o.Replies {
		r := &o.Replies[i]
		out.Sends = append(out.Sends, step.Send{To: r.To, Bytes: r.Encode(m.number, epoch)})
	}
	for i := range o.Evals {
		e := o.Evals[i]
		reply := wire.Reply{
			Request: e.Request, Status: wire.OK, Server: n.self, Leader: leader,
			Index: e.At.Index, Hash: e.At.Hash, LogTimeNs: e.At.LogTimeNs,
		}
		out.Evals = append(out.Evals, step.Eval{To: e.To, Run: func() []byte { return evaluate(e, reply) }})
	}
}

// evaluate answers a query that has passed its barrier. It runs on any goroutine: all it reads is its own or never changes.
func evaluate(e consensus.Eval, reply wire.Reply) []byte {
	reply.Result = e.Root.Query(e.Op)
	if len(reply.Result) > wire.MaxResultBytes {
		reply.Status, reply.Result = wire.TooLarge, nil
	}
	return reply.Encode(e.At.Group, e.At.Epoch)
}
