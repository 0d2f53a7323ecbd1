package consensus

import (
	"cmp"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"onevoice/view"
)

// Role is what a server is in its group.
type Role string

// The roles.
const (
	RoleFollower     Role = "follower"
	RolePreCandidate Role = "pre-candidate"
	RoleCandidate    Role = "candidate"
	RoleLeader       Role = "leader"
)

// Counters count since the start of this process.
type Counters struct {
	Entries    uint64 // applied
	Commands   uint64 // applied, whatever their outcome
	Proposed   uint64 // entries with commands put into the log here
	Duplicates uint64 // commands answered with a stored outcome
	Refused    uint64 // commands refused when applied, other than fenced ones
	Fenced     uint64 // commands of another epoch
	Overloaded uint64 // requests refused because a queue was full
	Queries    uint64 // queries that passed their barrier
	Barriers   uint64 // barriers asked for, repetitions included
	NoVoice    uint64 // queries without a barrier in time
	Snapshots  uint64 // saved here
	Installed  uint64 // snapshots taken over from a leader
	LateChunks uint64 // chunks that nobody waited for
	Dropped    uint64 // messages refused at the door
	Held       uint64 // messages with entries not taken because of a promise: see Hold
}

// PeerStatus is how far a member is, as its leader knows.
type PeerStatus struct {
	Server uint64
	Match  uint64 // highest index known to be durable there
	Active bool   // heard from within an election timeout
	State  string // probe, replicate or snapshot, in raft's words
	// Learner says that it has no vote yet.
	Learner bool
}

// Status says where a group stands on this server. It is for people and metrics; nothing decides by it.
type Status struct {
	Group         uint32
	Server        uint64
	Role          Role
	Leader        uint64 // 0: unknown
	Term          uint64
	Epoch         view.Epoch
	Voters        []uint64 // at the last applied index
	Learners      []uint64
	Change        uint64    // of the newest wish that these members come from
	Wish          view.Wish // as handed in
	Commit        uint64
	Applied       uint64
	First, Last   uint64 // durable log entries held in memory; Last below First: none
	SnapshotIndex uint64
	SnapshotBytes uint64
	LogTimeNs     int64
	Hash          [32]byte
	Version       uint32   // of the machine
	Versions      Versions // that this build supports
	Waiting       int      // commands here without an answer
	WaitingReads  int      // queries here without an answer
	Sessions      int
	Keys          int
	Stalled       bool         // it leads, and its disk does not answer
	Fetching      bool         // a snapshot of the leader is on its way here
	Saving        bool         // a snapshot is being saved here
	Peers         []PeerStatus // on a leader only, by number
	Counters      Counters
}

// Leader is the voter that leads as far as this server knows, 0 for none.
func (g *Group) Leader() uint64 { return g.leader }

// Status is the present status.
func (g *Group) Status() Status {
	first, _ := g.tail.FirstIndex()
	last, _ := g.tail.LastIndex()
	s := Status{
		Group: g.cfg.Group, Server: g.cfg.Self, Role: roleOf(g.role), Leader: g.leader, Term: g.term,
		Epoch: g.state.epoch, Voters: slices.Clone(g.state.members.voters), Learners: slices.Clone(g.state.members.learners),
		Change: g.state.members.change, Wish: g.wish,
		Commit: g.rn.BasicStatus().GetCommit(), Applied: g.state.index, First: first, Last: last,
		SnapshotIndex: g.snap.meta.index, SnapshotBytes: g.snap.meta.bytes,
		LogTimeNs: g.state.logNs, Hash: g.state.hash, Version: g.state.version, Versions: g.cfg.Versions,
		Waiting: g.queue.waiting(), WaitingReads: g.reads.count,
		Sessions: g.state.sessions.Len(), Keys: g.state.sessions.Keys(),
		Stalled: g.stalled(), Fetching: g.pull != nil || g.staged != nil,
		Saving: g.snap.saving.index != 0 || g.snap.recording != 0, Counters: g.counters,
	}
	if g.leads() {
		g.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
			s.Peers = append(s.Peers, PeerStatus{Server: id, Match: pr.Match, Active: pr.RecentActive, State: pr.State.String(), Learner: pr.IsLearner})
		})
		slices.SortFunc(s.Peers, func(a, b PeerStatus) int { return cmp.Compare(a.Server, b.Server) })
	}
	return s
}

func roleOf(s raft.StateType) Role {
	switch s {
	case raft.StateLeader:
		return RoleLeader
	case raft.StateCandidate:
		return RoleCandidate
	case raft.StatePreCandidate:
		return RolePreCandidate
	}
	return RoleFollower
}
