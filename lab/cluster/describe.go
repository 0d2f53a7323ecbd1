package cluster

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/lab/sim"
	"onevoice/step"
	"onevoice/wire"
)

// describe puts a frame into words, for printed traces.
func describe(frame []byte) string {
	h, body, err := wire.Open(frame)
	if err != nil {
		return fmt.Sprintf("%d bytes", len(frame))
	}
	s := fmt.Sprintf("group %d epoch %v ", h.Group, h.Epoch)
	switch h.Kind {
	case wire.KindRaft:
		m := &raftpb.Message{}
		if proto.Unmarshal(body.Rest(), m) == nil {
			return s + raft.DescribeMessage(m, func(b []byte) string { return fmt.Sprintf("%d bytes", len(b)) })
		}
	case wire.KindSnapshotGet:
		m, _ := wire.ReadSnapshotGet(body)
		return s + fmt.Sprintf("snapshot get %d chunk %d", m.Index, m.Chunk)
	case wire.KindSnapshotChunk:
		m, _ := wire.ReadSnapshotChunk(body)
		return s + fmt.Sprintf("snapshot chunk %d of %d, %d bytes", m.Chunk, m.Index, len(m.Bytes))
	case wire.KindCommand:
		m, _ := wire.ReadCommand(body)
		return s + fmt.Sprintf("command %d session %d seq %d acked %d op %x", m.Request, m.Session, m.Seq, m.Acked, m.Op)
	case wire.KindQuery:
		m, _ := wire.ReadQuery(body)
		return s + fmt.Sprintf("query %d op %x", m.Request, m.Op)
	case wire.KindReply:
		m, _ := wire.ReadReply(body)
		return s + fmt.Sprintf("reply %d status %d leader %d at %d.%d result %x", m.Request, m.Status, m.Leader, m.Index, m.Sub, m.Result)
	case wire.KindBeat:
		m, _ := wire.ReadBeat(body)
		return s + fmt.Sprintf("beat %+v", m)
	case wire.KindRelay:
		m, _ := wire.ReadRelay(body)
		return s + fmt.Sprintf("relayed from %d to %d: ", m.From, m.To) + describe(m.Frame)
	case wire.KindView:
		v, _ := wire.DecodeView(body)
		return s + fmt.Sprintf("view %d: %+v, led %+v", v.Number, v.Processes, v.Leads)
	case wire.KindNews:
		m, _ := wire.ReadNews(body)
		return s + fmt.Sprintf("news: server %d leads in term %d", m.Leader, m.Term)
	}
	return s + fmt.Sprintf("kind %d", h.Kind)
}

// promised says whether a server grants a vote.
func promised(_ *sim.Party, out *step.Out) bool {
	for _, s := range out.Sends {
		if s.To > step.MaxServer || len(s.Bytes) < wire.HeaderBytes || wire.Kind(s.Bytes[1]) != wire.KindRaft {
			continue
		}
		m := &raftpb.Message{}
		if len(s.Bytes) > wire.HeaderBytes+voteMost || proto.Unmarshal(s.Bytes[wire.HeaderBytes:], m) != nil {
			continue
		}
		if m.GetType() == raftpb.MsgVoteResp && !m.GetReject() {
			return true
		}
	}
	return false
}

// voteMost is more than an encoded vote takes.
const voteMost = 64
