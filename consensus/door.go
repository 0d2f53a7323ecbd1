package consensus

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/wire"
)

// Raft takes the body of a KindRaft frame from another server. What does not parse, is not from that server to this one, or
// would harm raft is counted and dropped: raft repeats what matters. The message is copied.
//
// The sender need not be one of the members that this server knows: its members may be out of date, and a new leader or a
// candidate unknown to it must be heard (Raft thesis, section 4.1). Who is a server of the cluster at all is the driver's to say.
func (g *Group) Raft(from uint64, message []byte) {
	defer func() { g.catch(recover()) }()
	if g.halted != nil {
		return
	}
	m := &raftpb.Message{}
	if err := proto.Unmarshal(message, m); err != nil {
		g.drop(from, "does not parse")
		return
	}
	if err := g.admit(from, m); err != nil {
		g.drop(from, err.Error())
		return
	}
	if g.holds(m) {
		g.counters.Held++
		return
	}
	if m.GetType() == raftpb.MsgSnap {
		g.offer(m)
		return
	}
	// Step refuses only what comes too late or from strangers, which is no fault.
	_ = g.rn.Step(m)
}

func (g *Group) drop(from uint64, why string) {
	g.counters.Dropped++
	g.fact("dropped-frame", from, why)
}

// admit says what is wrong with a message from the network. Raft trusts its messages; some malformed ones would make it
// panic.
func (g *Group) admit(from uint64, m *raftpb.Message) error {
	if from == g.cfg.Self || from == 0 || from > uint64(step.MaxServer) || m.GetFrom() != from || m.GetTo() != g.cfg.Self {
		return fmt.Errorf("%s from %d to %d came from %d to %d", m.GetType(), m.GetFrom(), m.GetTo(), from, g.cfg.Self)
	}
	if m.GetTerm() == 0 && m.GetType() != raftpb.MsgReadIndex {
		return fmt.Errorf("%s without a term", m.GetType())
	}
	if len(m.GetResponses()) > 0 || m.GetSnapshot() != nil && m.GetType() != raftpb.MsgSnap {
		return fmt.Errorf("%s with parts that are not its own", m.GetType())
	}
	switch m.GetType() {
	case raftpb.MsgApp:
		return admitEntries(m)
	case raftpb.MsgReadIndex, raftpb.MsgReadIndexResp:
		if len(m.GetEntries()) != 1 {
			return fmt.Errorf("%s with %d contexts", m.GetType(), len(m.GetEntries()))
		}
		return nil
	case raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp:
		if n := len(m.GetContext()); n != 0 && n != 8 {
			return fmt.Errorf("%s with a context of %d bytes", m.GetType(), n)
		}
		return nil
	case raftpb.MsgSnap, raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp,
		raftpb.MsgTimeoutNow:
		return nil
	}
	// Proposals and transfers of leadership never come from outside, and local messages must not.
	return fmt.Errorf("%s is not for the network", m.GetType())
}

func admitEntries(m *raftpb.Message) error {
	index, term := m.GetIndex(), m.GetLogTerm()
	for _, e := range m.GetEntries() {
		if e.GetIndex() != index+1 || e.GetTerm() < term || e.GetTerm() > m.GetTerm() {
			return fmt.Errorf("MsgApp of term %d: entry %d of term %d follows %d of term %d",
				m.GetTerm(), e.GetIndex(), e.GetTerm(), index, term)
		}
		index, term = e.GetIndex(), e.GetTerm()
	}
	return nil
}

// send frames one of raft's messages.
func (g *Group) send(m *raftpb.Message) {
	g.note(m)
	g.transmit(m)
}

// transmit sends it, or sends it again.
func (g *Group) transmit(m *raftpb.Message) {
	if g.dissuaded(m) {
		return
	}
	if m.GetType() == raftpb.MsgSnap && !g.mayOffer(m) {
		return
	}
	size := proto.Size(m)
	w := codec.Writer{B: make([]byte, 0, wire.HeaderBytes+size)}
	wire.Header{Kind: wire.KindRaft, Group: g.cfg.Group, Epoch: g.state.epoch}.Append(&w)
	frame, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(w.B, m)
	if err != nil {
		g.halt("raft message does not marshal: %v", err)
		return
	}
	g.frame(m.GetTo(), frame)
}

// mayOffer notes that a follower is offered the snapshot that a message names. Where that is from before it was a member raft would not take
// it there: then raft tries again at the next heartbeat, and a newer one is saved unless it is there already.
func (g *Group) mayOffer(m *raftpb.Message) bool {
	named := m.GetSnapshot().GetMetadata()
	if !membersOf(named.GetConfState(), 0).has(m.GetTo()) {
		g.snap.wanted = g.snap.wanted || !g.snap.meta.members.has(m.GetTo())
		g.rn.ReportSnapshot(m.GetTo(), raft.SnapshotFailure)
		return false
	}
	g.peers.touch(m.GetTo(), g.now.MonoNs)
	g.fact("snapshot-sent", named.GetIndex(), "")
	return true
}

func (g *Group) frame(to uint64, frame []byte) {
	g.out.Peer = append(g.out.Peer, PeerFrame{To: to, Frame: frame})
}
