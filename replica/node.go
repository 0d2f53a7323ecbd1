package replica

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"onevoice/clock"
	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/detect"
	"onevoice/problem"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// Config is what a node is made of.
type Config struct {
	// Self is this server's voter number.
	Self uint64
	// Boot is the number of this start; each start of a server has a higher one.
	Boot uint64
	// Fell says that the start before this one was taken down.
	Fell bool
	// Groups hold one log each; their numbers differ and their Self is the node's.
	Groups []consensus.Config
	// Membership is the number of the group whose roots are a Membership and say who shall be in every group, and perhaps an Oracle and
	// say who is up; 0 for none: then the members stay as they began.
	Membership uint32
}

// Membership is what a node asks of the agreed membership.
type Membership interface {
	// Wish is who shall be in a group.
	Wish(group uint32) view.Wish
	// Barred says whether frames of a server are refused, because it is gone for good.
	Barred(server uint64) bool
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
	// Dropped counts frames that made no sense: malformed, of no group here, or from the wrong side; Late those of starts that were taken
	// down.
	Dropped, Late uint64
	// Clock says how far this server's time of day is from the voters' median.
	Clock clock.Status
	// Detection says what this server holds of the others.
	Detection detect.Status
}

// Node implements step.Machine. One goroutine calls it.
type Node struct {
	self    uint64
	members []member // by group number
	tokens  tokens
	applied []Applied
	out     consensus.Output
	dropped uint64

	clock      *clock.Clock
	vigil      vigil
	membership uint32     // its group
	agreed     Membership // nil while none is known
	boot       uint64
	fell       bool
	oracle     obedience
	leaving    bool // it is about to end
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
func Bootstrap(c Config) ([]step.Op, error) { return c.first(consensus.Bootstrap) }

// Vacant returns what makes an empty store that of a server which joins every group later: see consensus.Vacant.
func Vacant(c Config) ([]step.Op, error) { return c.first(consensus.Vacant) }

func (c Config) first(of func(consensus.Config) ([]step.Op, error)) ([]step.Op, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var all []step.Op
	for _, g := range c.Groups {
		ops, err := of(g)
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
	n := &Node{self: c.Self, boot: c.Boot, fell: c.Fell, membership: c.Membership, clock: clock.New(c.Self), vigil: newVigil(c)}
	for _, cfg := range c.Groups {
		cfg.Boot = c.Boot
		group, err := consensus.Open(cfg, scan)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{cfg.Group, group})
	}
	slices.SortFunc(n.members, func(a, b member) int { return cmp.Compare(a.number, b.number) })
	n.wish()
	if o, ok := n.agreed.(Oracle); ok {
		n.adopt(o.View())
	}
	return n, nil
}

// wish hands the agreed membership to every group.
func (n *Node) wish() {
	g := n.group(n.membership)
	if g == nil {
		return
	}
	agreed, ok := g.Published().Root.(Membership)
	if !ok {
		return
	}
	n.agreed = agreed
	for _, m := range n.members {
		m.group.Wish(agreed.Wish(m.number))
	}
}

// Transfer makes this server give up a group to a voter, 0 for the most up-to-date one. It says whether it tries: see
// consensus.Group.Transfer.
func (n *Node) Transfer(group uint32, to uint64) bool {
	g := n.group(group)
	return g != nil && g.Transfer(to)
}

// Raise proposes a higher machine version for a group that this server leads: see consensus.Group.Raise.
func (n *Node) Raise(group, to uint32, supports func(server uint64) (consensus.Versions, bool)) error {
	g := n.group(group)
	if g == nil {
		return &problem.Error{Kind: problem.NotFound, Op: "upgrade", Subject: fmt.Sprintf("group %d", group)}
	}
	return g.Raise(to, supports)
}

// Step implements step.Machine.
func (n *Node) Step(now step.Now, in []step.Input, out *step.Out) {
	now.WallNs = n.clock.Read(now)
	n.vigil.nowNs = now.MonoNs
	n.vigil.detector.Now(now.MonoNs)
	if slices.ContainsFunc(n.members, func(m member) bool { return m.group.Slow(now.MonoNs) }) {
		n.vigil.detector.SlowDisk()
	}
	for i := range in {
		n.take(now, &in[i], out)
	}
	n.keepVigil(now, out)
	for i := range n.members {
		m := &n.members[i]
		n.out.Reset()
		m.group.Flush(now, &n.out)
		n.give(i, out)
		if m.number == n.membership && len(n.out.Applied) > 0 {
			n.wish()
			n.obey(out)
		}
	}
	n.sendBeat(now, out)
	n.tellClients(out)
	n.relay(out)
	n.tokens.close(out)
	if d := n.downed(); d != nil && out.Halt == nil {
		out.Halt = d
	}
}

func (n *Node) take(now step.Now, in *step.Input, out *step.Out) {
	switch in.Kind {
	case step.Tick:
		n.keepTime(now, out)
		n.vigil.tick(n.servers())
		for _, m := range n.members {
			n.setPace(m.group)
			m.group.Tick(now)
		}
	case step.Done:
		for _, t := range n.tokens.take(in.Token) {
			n.members[t.member].group.Done(t.token, in.Bytes, in.Err)
		}
	case step.Refused:
		n.vigil.detector.Refused(uint64(in.From))
	case step.Gone:
		// A client that is gone needs no word: replies to its address go nowhere.
		if in.From <= step.MaxServer {
			for _, m := range n.members {
				m.group.Unreachable(uint64(in.From))
			}
		}
	case step.Frame:
		if header, err := n.frame(in.From, in.Bytes, out); err != nil {
			n.drop(in, header.Group, err, out)
		}
	}
}

// frame hands a frame to its group; the error says why it makes no sense.
func (n *Node) frame(from step.Address, frame []byte, out *step.Out) (wire.Header, error) {
	header, body, err := wire.Open(frame)
	switch {
	case err != nil || n.late(from, header.Kind):
		return header, err
	case from <= step.MaxServer && header.Kind == wire.KindRelay:
		return header, n.relayed(from, body, frame, out)
	}
	return header, n.straight(from, header, body, false, out)
}

// straight hands on a frame; relayed says that it came by way of another server.
func (n *Node) straight(from step.Address, header wire.Header, body *codec.Reader, relayed bool, out *step.Out) (err error) {
	g := n.group(header.Group)
	switch {
	case from <= step.MaxServer && n.agreed != nil && n.agreed.Barred(uint64(from)):
		err = fmt.Errorf("server %d is gone from the cluster", from)
	case from <= step.MaxServer && (header.Kind == wire.KindClockAsk || header.Kind == wire.KindClockTell):
		err = n.time(from, header.Kind, body, out)
	case from <= step.MaxServer && header.Kind == wire.KindBeat:
		err = n.beat(from, body, relayed)
	case from > step.MaxServer && header.Kind == wire.KindListen:
		err = n.listen(from, body, out)
	case g == nil:
		err = fmt.Errorf("no group %d here", header.Group)
	case from <= step.MaxServer:
		err = fromServer(g, uint64(from), header.Kind, body)
	default:
		err = fromClient(g, from, header.Kind, body)
	}
	return err
}

// listen tells a client that has just come what the newest view is.
func (n *Node) listen(client step.Address, body *codec.Reader, out *step.Out) error {
	if n.oracle.view.Number != 0 {
		out.Sends = append(out.Sends, step.Send{To: client, Bytes: wire.EncodeView(&n.oracle.view)})
	}
	return body.Finish()
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
	s := Status{Server: n.self, Dropped: n.dropped, Late: n.oracle.late, Clock: n.clock.Status(), Detection: n.vigil.detector.Status()}
	for _, m := range n.members {
		s.Groups = append(s.Groups, m.group.Status())
	}
	return s
}
