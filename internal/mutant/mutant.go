// Package mutant names the bugs that the laboratory plants to see whether its judges find them.
// It is quiet. In every build without the tag "mutants" no bug is ever on, and the compiler removes the planted code.
package mutant

// Bug is one planted fault.
type Bug uint8

// The planted bugs.
const (
	None Bug = iota
	// AnswerBeforeDurable sends what depends on a write before the write is durable.
	AnswerBeforeDurable
	// ForgetVote leaves the vote out of the durable hard state.
	ForgetVote
	// ReadWithoutQuorum answers a read barrier from the leader's belief alone.
	ReadWithoutQuorum
	// SessionsNotInSnapshot leaves the session table out of snapshots.
	SessionsNotInSnapshot
	// ExpiryByLocalClock expires sessions by the replica's own clock instead of log time.
	ExpiryByLocalClock
	count
)

// All lists the planted bugs.
func All() []Bug {
	var all []Bug
	for b := None + 1; b < count; b++ {
		all = append(all, b)
	}
	return all
}

// String is the bug's name on the command line.
func (b Bug) String() string {
	switch b {
	case AnswerBeforeDurable:
		return "answer-before-durable"
	case ForgetVote:
		return "forget-vote"
	case ReadWithoutQuorum:
		return "read-without-quorum"
	case SessionsNotInSnapshot:
		return "sessions-not-in-snapshot"
	case ExpiryByLocalClock:
		return "expiry-by-local-clock"
	}
	return "none"
}
