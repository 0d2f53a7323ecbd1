package consensus

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/view"
)

// members are the servers of a group at one index: replicated state, in every snapshot and under the chain hash. The slices are
// sorted and never changed.
type members struct {
	voters, learners []uint64
	change           uint64 // of the newest wish that a step towards was applied
}

// Bounds of a group's members. The wish is made within narrower ones; these keep a damaged record from harm.
const (
	maxVoters   = 64
	maxLearners = 64
)

func (m members) len() int { return len(m.voters) + len(m.learners) }

func (m members) has(server uint64) bool {
	return slices.Contains(m.voters, server) || slices.Contains(m.learners, server)
}

// place is where a server stands among all members, from 0, and how many they are. One that is no member stands first.
func (m members) place(server uint64) (place, of uint64) {
	all := slices.Concat(m.voters, m.learners)
	return uint64(max(slices.Index(all, server), 0)), uint64(max(len(all), 1))
}

// covers says whether everybody in o is in m.
func (m members) covers(o members) bool {
	return !slices.ContainsFunc(o.voters, func(s uint64) bool { return !m.has(s) }) &&
		!slices.ContainsFunc(o.learners, func(s uint64) bool { return !m.has(s) })
}

func (m members) equal(o members) bool {
	return m.change == o.change && slices.Equal(m.voters, o.voters) && slices.Equal(m.learners, o.learners)
}

// String prints voters and learners.
func (m members) String() string {
	return fmt.Sprintf("%v+%v of change %d", m.voters, m.learners, m.change)
}

func (m members) check() error {
	all := append(slices.Clone(m.voters), m.learners...)
	slices.Sort(all)
	switch {
	case len(m.voters) == 0 || len(m.voters) > maxVoters || len(m.learners) > maxLearners:
		return fmt.Errorf("%d voters and %d learners, allowed: 1 to %d and up to %d", len(m.voters), len(m.learners), maxVoters, maxLearners)
	case !slices.IsSorted(m.voters) || !slices.IsSorted(m.learners) || len(slices.Compact(all)) != m.len():
		return errors.New("members are not sorted and distinct")
	case all[0] == 0 || all[m.len()-1] > uint64(step.MaxServer):
		return fmt.Errorf("members %v, allowed: numbers 1 to %d", m, step.MaxServer)
	}
	return nil
}

func (m members) append(w *codec.Writer) {
	for _, list := range [][]uint64{m.voters, m.learners} {
		w.Uvarint(uint64(len(list)))
		for _, s := range list {
			w.U64(s)
		}
	}
	w.U64(m.change)
}

func readMembers(r *codec.Reader) members {
	var m members
	for range r.Count(maxVoters, 8) {
		m.voters = append(m.voters, r.U64())
	}
	for range r.Count(maxLearners, 8) {
		m.learners = append(m.learners, r.U64())
	}
	m.change = r.U64()
	return m
}

// raft is the members in raft's words.
func (m members) raft() *raftpb.ConfState {
	return &raftpb.ConfState{Voters: m.voters, Learners: m.learners, AutoLeave: new(false)}
}

// membersOf takes raft's words; its order may differ.
func membersOf(cs *raftpb.ConfState, change uint64) members {
	return members{voters: slices.Sorted(slices.Values(cs.GetVoters())), learners: slices.Sorted(slices.Values(cs.GetLearners())), change: change}
}

// move is one step of a group's members: one server comes as a learner, becomes a voter, or goes; or, as a mark, none does.
type move struct {
	kind   raftpb.ConfChangeType
	server uint64
	change uint64     // of the wish that it leads to
	epoch  view.Epoch // under which it was proposed
}

// String names the step for people.
func (m move) String() string {
	word := "is as wished"
	switch m.kind {
	case raftpb.ConfChangeAddLearnerNode:
		word = "becomes a learner"
	case raftpb.ConfChangeAddNode:
		word = "becomes a voter"
	case raftpb.ConfChangeRemoveNode:
		word = "is removed"
	}
	return fmt.Sprintf("server %d %s, change %d", m.server, word, m.change)
}

const moveVersion = 1

// markKind is the kind of a step that changes nobody: the group notes that its members are those of a newer wish.
const markKind = raftpb.ConfChangeUpdateNode

// raft is the step as it stands in the log: raft's own record, whose context holds version, change and epoch.
func (m move) raft() *raftpb.ConfChange {
	var w codec.Writer
	w.U8(moveVersion)
	w.U64(m.change)
	m.epoch.Append(&w)
	return &raftpb.ConfChange{Type: m.kind.Enum(), NodeId: new(m.server), Context: w.B}
}

// decodeMove reads a step from an entry. Any bytes give a step or an error.
func decodeMove(e *raftpb.Entry) (move, error) {
	c := &raftpb.ConfChange{}
	if e.GetType() != raftpb.EntryConfChange {
		return move{}, fmt.Errorf("entry of type %d is not one of ours", e.GetType())
	}
	if err := proto.Unmarshal(e.GetData(), c); err != nil {
		return move{}, errors.New("change of members does not parse")
	}
	r := codec.NewReader(c.GetContext())
	if v := r.U8(); r.Err() == nil && v != moveVersion {
		return move{}, unknown("change of members of version", v, moveVersion)
	}
	m := move{kind: c.GetType(), server: c.GetNodeId(), change: r.U64(), epoch: view.ReadEpoch(r)}
	return m, r.Finish()
}

// after is what a step makes of the members; the error says why it is no step from here.
func (m members) after(s move) (members, error) {
	next := members{voters: m.voters, learners: m.learners, change: s.change}
	if s.change < m.change {
		return m, fmt.Errorf("it leads to change %d, the members come from change %d", s.change, m.change)
	}
	isVoter, isLearner := slices.Contains(m.voters, s.server), slices.Contains(m.learners, s.server)
	switch {
	case s.kind == markKind && s.server == raft.None:
	case s.kind == raftpb.ConfChangeAddLearnerNode && !isVoter && !isLearner:
		next.learners = with(m.learners, s.server)
	case s.kind == raftpb.ConfChangeAddNode && isLearner:
		next.voters, next.learners = with(m.voters, s.server), without(m.learners, s.server)
	case s.kind == raftpb.ConfChangeRemoveNode && isLearner:
		next.learners = without(m.learners, s.server)
	case s.kind == raftpb.ConfChangeRemoveNode && isVoter:
		next.voters = without(m.voters, s.server)
	default:
		return m, fmt.Errorf("members are %v", m)
	}
	if err := next.check(); err != nil {
		return m, err
	}
	return next, nil
}

func with(list []uint64, server uint64) []uint64 {
	at, _ := slices.BinarySearch(list, server)
	return slices.Insert(slices.Clone(list), at, server)
}

func without(list []uint64, server uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(list), func(s uint64) bool { return s == server })
}
