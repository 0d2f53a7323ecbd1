package crowd

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"onevoice/codec"
	"onevoice/ring"
)

// Limits of a crowd. At each a command is refused with the limit in its words.
const (
	// MaxMembers bounds the members, those included that are not on a roll yet.
	MaxMembers = 16_384
	// MaxNameBytes and MaxAddressBytes bound texts.
	MaxNameBytes, MaxAddressBytes = 64, 256
	// MaxJoined bounds who is new on one roll; the others are on the next.
	MaxJoined = 512
)

// Member is one incarnation.
type Member struct {
	// ID is the incarnation: the place in the log that admitted it, index<<16 | command. It is never used again.
	ID uint64
	// Boot is the start that this incarnation is, from 1. Of one name a higher start takes the place of a lower one.
	Boot uint64
	// Name stays the same over starts; of those present each has another.
	Name string
	// Address is where it answers probes, host:port.
	Address string
}

// Why says why a member went.
type Why uint8

// The reasons. The numbers are part of the format.
const (
	// Reported: its observers agreed.
	Reported Why = 1
	// Restarted: a later start of its name joined.
	Restarted Why = 2
	// Left: it said so.
	Left Why = 3
	// Condemned: a person said so.
	Condemned Why = 4
)

// String is the reason's word in tables and JSON.
func (y Why) String() string {
	switch y {
	case Reported:
		return "reported"
	case Restarted:
		return "restarted"
	case Left:
		return "left"
	case Condemned:
		return "condemned"
	}
	return "unknown"
}

// Gone is one incarnation that is a member no more, which is final.
type Gone struct {
	ID  uint64
	Why Why
	// Against of Observers reported it, where that is why.
	Against, Observers uint8
}

// Roll is one step of the agreed list. Equal numbers of one cluster with unequal hashes prove two voices. It is never changed.
type Roll struct {
	// Number counts rolls from 1, without gaps. 0: there is none yet.
	Number uint64
	// Hash is the SHA-256 of the hash before it and of all that the roll holds, in the project's encoding.
	Hash [32]byte
	// Count is how many are members now, and List the SHA-256 over all of them, by ID.
	Count uint32
	List  [32]byte
	// Drawn is the roll whose hash is the seed of the rings: this one, or an earlier one.
	Drawn uint64
	// Joined are the new members, by ID, and Gone who is a member no more.
	Joined []Member
	Gone   []Gone // by ID
}

// Chain is the hash of a roll that follows one with hash before.
func (r *Roll) Chain(before [32]byte) [32]byte {
	w := codec.Writer{B: slices.Clone(before[:])}
	r.body(&w)
	return sha256.Sum256(w.B)
}

// Follow is the list after a roll: members is the list before it, which stays as it is. False where the roll is not that of this list.
func (r *Roll) Follow(members []Member) ([]Member, bool) {
	next, ok := r.after(members)
	return next, ok && len(next) == int(r.Count) && ListHash(next) == r.List
}

// after is the list with the roll's changes; false where somebody goes who is not on it.
func (r *Roll) after(members []Member) ([]Member, bool) {
	next := make([]Member, 0, len(members)+len(r.Joined))
	gone := r.Gone
	for _, m := range members {
		if len(gone) > 0 && gone[0].ID == m.ID {
			gone = gone[1:]
			continue
		}
		next = append(next, m)
	}
	return append(next, r.Joined...), len(gone) == 0
}

// ListHash is the hash over a whole list.
func ListHash(members []Member) [32]byte {
	var w codec.Writer
	for _, m := range members {
		m.append(&w)
	}
	return sha256.Sum256(w.B)
}

// IDs lists the incarnations of members, in their order.
func IDs(members []Member) []uint64 {
	ids := make([]uint64, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	return ids
}

// Head is what a reader of a whole list needs besides its members.
type Head struct {
	Roll Roll // without who joined and went
	Seed ring.Seed
}

// Period and bound of probing.
const (
	msNs          = int64(1_000_000)
	leastPeriodNs = 100 * msNs
	mostPeriodNs  = 1_000 * msNs
	// memberPeriodNs is by how much one more member makes everybody probe more rarely, so that ten thousand make no more noise than one.
	memberPeriodNs = leastPeriodNs / 1_000
	// boundPeriods is how many probes in a row without an answer are silence.
	boundPeriods = 10
)

// PeriodNs is how often each member of a crowd of that size probes each of its subjects: every 100 ms up to 1,000 members, every second from 10,000.
func PeriodNs(count int) int64 {
	return min(max(leastPeriodNs, int64(count)*memberPeriodNs), mostPeriodNs)
}

// BoundNs is the detection bound T of a crowd of that size: ten probes.
func BoundNs(count int) int64 { return boundPeriods * PeriodNs(count) }

func byID(m Member, id uint64) int { return cmp.Compare(m.ID, id) }

func find(members []Member, id uint64) (Member, bool) {
	i, found := slices.BinarySearchFunc(members, id, byID)
	if !found {
		return Member{}, false
	}
	return members[i], true
}
