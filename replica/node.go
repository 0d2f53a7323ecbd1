// Package replica is one server's node: its groups behind one transport and one disk.
// It is quiet: it routes frames to groups, and what the groups want done to the driver.
//
// It knows of each frame only which group it is for and what kind it is; what a group decides is none of its business.
package replica

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// Config is what a node is made of.
type Config struct {
	// Self is this server's voter number.
	Self uint64
	// Groups hold one log each; their numbers differ and their Self is the node's.
	Groups []consensus.Config
}

// Applied is one applied index of one group.
type Applied struct {
	Group uint32
	consensus.Applied
}

// Status says where the groups of a node stand.
type Status struct {
	Server uint64
	Groups []consensus.Status // by number
	// Dropped counts frames that made no sense: malformed, of no group here, or from the wrong side.
	Dropped uint64
}

// Node implements step.Machine. One goroutine calls it.
type Node struct {
	self    uint64
	members []member // by group number
	tokens  tokens
	applied []Applied
	out     consensus.Output
	dropped uint64
}

type member struct {
	number uint32
	group  *consensus.Group
}

var _ step.Machine = (*Node)(nil)

func (c Config) check() error {
	seen := map[uint32]bool{}
	for _, g := range c.Groups {
		if g.Self != c.Self || seen[g.Group] {
			return fmt.Errorf("replica: group %d of server %d: group numbers must differ and belong to server %d", g.Group, g.Self, c.Self)
		}
		seen[g.Group] = true
	}
	if len(c.Groups) == 0 {
		return fmt.Errorf("replica: server %d has no group", c.Self)
	}
	return nil
}

// Bootstrap returns what makes an empty store the first state of every group: see consensus.Bootstrap.
func Bootstrap(c Config) ([]step.Op, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var all []step.Op
	for _, g := range c.Groups {
		ops, err := consensus.Bootstrap(g)
		if err != nil {
			return nil, err
		}
		all = append(all, ops...)
	}
	return all, nil
}

// Open rebuilds every group from what is on disk: see consensus.Open.
func Open(c Config, scan func(prefix []byte) iter.Seq2[[]byte, []byte]) (*Node, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	n := &Node{self: c.Self}
	for _, cfg := range c.Groups {
		group, err := consensus.Open(cfg, scan)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{cfg.Group, group})
	}
	slices.SortFunc(n.members, func(a, b member) int { return cmp.Compare(a.number, b.number) })
	return n, nil
}

// Step implements step.Machine.
func (n *Node) Step(now step.Now, in []step.Input, out *step.Out) {
	for i := range in {
		n.take(now, &in[i], out)
	}
	for i := range n.members {
		m := &n.members[i]
		n.out.Reset()
		m.group.Flush(now, &n.out)
		n.give(i, out)
	}
	n.tokens.close(out)
}

func (n *Node) take(now step.Now, in *step.Input, out *step.Out) {
	switch in.Kind {
	case step.Tick:
		for _, m := range n.members {
			m.group.Tick(now)
		}
	case step.Done:
		for _, t := range n.tokens.take(in.Token) {
			n.members[t.member].group.Done(t.token, in.Bytes, in.Err)
		}
	case step.Gone:
		// A client that is gone needs no word: replies to its address go nowhere.
		if in.From <= step.MaxServer {
			for _, m := range n.members {
				m.group.Unreachable(uint64(in.From))
			}
		}
	case step.Frame:
		if header, err := n.frame(in.From, in.Bytes); err != nil {
			n.drop(in, header.Group, err, out)
		}
	}
}

// frame hands a frame to its group; the error says why it makes no sense.
func (n *Node) frame(from step.Address, frame []byte) (wire.Header, error) {
	header, body, err := wire.Open(frame)
	if err != nil {
		return header, err
	}
	g := n.group(header.Group)
	switch {
	case g == nil:
		err = fmt.Errorf("no group %d here", header.Group)
	case from <= step.MaxServer:
		err = fromServer(g, uint64(from), header.Kind, body)
	default:
		err = fromClient(g, from, header.Kind, body)
	}
	return header, err
}

// drop counts a frame, and tells a client, which then does not ask again.
func (n *Node) drop(in *step.Input, group uint32, why error, out *step.Out) {
	n.dropped++
	out.Facts = append(out.Facts, step.Fact{Name: "dropped-frame", Group: group, Value: uint64(in.From), Text: why.Error()})
	if in.From <= step.MaxServer {
		return
	}
	reply := wire.Reply{Status: wire.Malformed, Server: n.self}
	if len(in.Bytes) > wire.HeaderBytes {
		reply.Request = codec.NewReader(in.Bytes[wire.HeaderBytes:]).U64()
	}
	out.Sends = append(out.Sends, step.Send{To: in.From, Bytes: reply.Encode(group, view.Epoch{})})
}

func (n *Node) group(number uint32) *consensus.Group {
	for _, m := range n.members {
		if m.number == number {
			return m.group
		}
	}
	return nil
}

// TakeApplied gives what was applied since the last call, in the order of each group. The driver calls it after each Step.
func (n *Node) TakeApplied() []Applied {
	applied := n.applied
	n.applied = nil
	return applied
}

// Published is a group's state at its last applied index.
func (n *Node) Published(group uint32) (consensus.Published, bool) {
	g := n.group(group)
	if g == nil {
		return consensus.Published{}, false
	}
	return g.Published(), true
}

// StateChunks is a group's state at its last applied index, as a snapshot stores it; nil where there is no such group.
func (n *Node) StateChunks(group uint32) iter.Seq[[]byte] {
	if g := n.group(group); g != nil {
		return g.StateChunks()
	}
	return nil
}

// Status is where the groups stand.
func (n *Node) Status() Status {
	s := Status{Server: n.self, Dropped: n.dropped}
	for _, m := range n.members {
		s.Groups = append(s.Groups, m.group.Status())
	}
	return s
}
