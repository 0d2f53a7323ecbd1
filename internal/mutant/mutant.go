// Package mutant names the bugs that the laboratory plants to see whether its judges find them.
// It is quiet. In every build without the tag "mutants" no bug is ever on, and the compiler removes the planted code.
package mutant

// EnvName names the environment variable by which a test binary is told which bug is on.
const EnvName = "ONEVOICE_PLANTED_BUG"

// Bug is one planted fault.
type Bug uint8

// The planted bugs.
const (
	None Bug = iota
	// AnswerBeforeDurable sends what depends on a write before the write is durable.
	AnswerBeforeDurable
	// ApplyBeforePersist applies entries when they are handed to the disk.
	ApplyBeforePersist
	// ForgetVote leaves the vote out of the durable hard state, so that a server votes twice after a restart.
	ForgetVote
	// VoteNotSynced writes term and vote without waiting until they are durable.
	VoteNotSynced
	// IgnoreEpoch applies what was proposed under another epoch than the one in force.
	IgnoreEpoch
	// IgnoreVerdict lets what a server proposes take effect after it was taken down.
	IgnoreVerdict
	// EpochNotDurable leaves the epoch out of snapshots.
	EpochNotDurable
	// SessionsNotInSnapshot leaves the session table out of snapshots.
	SessionsNotInSnapshot
	// DedupBySeqOnly takes a command for a retry of any session's command with the same seq.
	DedupBySeqOnly
	// ExpiryByLocalClock expires sessions by the replica's own clock instead of log time.
	ExpiryByLocalClock
	// RetryReopensSession lets a client repeat in a new session what may have been done in one that is gone.
	RetryReopensSession
	// ReadWithoutQuorum answers a read barrier from the leader's belief alone.
	ReadWithoutQuorum
	// ReadBeforeApplied answers a query when its barrier is known, before what the barrier names is applied.
	ReadBeforeApplied
	// ReadContextReused asks for every barrier under one context, so that an answer to an earlier one serves a later one.
	ReadContextReused
	// WatchFromThePast lets a reader that is ahead of a lagging replica begin anew with what that replica holds.
	WatchFromThePast
	// DropOnSlowWatcher goes on with the oldest events held where a slow reader has lost some.
	DropOnSlowWatcher
	// HeartbeatWhileStalled lets a leader go on ticking while its disk answers nothing.
	HeartbeatWhileStalled
	// DamageIsTorn takes damage in the middle of the log for its end.
	DamageIsTorn
	// DirectoryNotSynced never syncs the store's directory.
	DirectoryNotSynced
	// BackFromDown takes a beat of a start that is down for its return.
	BackFromDown
	// VictimReports counts what a server says of itself among the reports about it.
	VictimReports
	// DownedReports counts what a server reports that is down itself.
	DownedReports
	// OldReports counts reports by beats that are older than the detection bound.
	OldReports
	// LatenessIgnored lets a server have opinions though it was late itself.
	LatenessIgnored
	// DownedIsHeard lets a client go on with a server that is down.
	DownedIsHeard
	// HalfAtomic keeps what the commands of a request did that come before the one that is refused.
	HalfAtomic
	// LostLeaseActs lets a console act for a position that it has no more.
	LostLeaseActs
	// SwitchEarly lets a staged change of sectors hold before all flights have their windows.
	SwitchEarly
	// ZoneHalfChecked takes a zone for held against all flights after the first step.
	ZoneHalfChecked
	// HalfSplit leaves one of the parts closed when a sector is split.
	HalfSplit
	// PastIsPresent answers a question about the past with what is known now.
	PastIsPresent
	// ForgottenIsTold answers a question from before the horizon with the oldest that is held.
	ForgottenIsTold
	// TimeOutGives gives what was offered to whom it was offered to when the offer ends.
	TimeOutGives
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
	names := [count]string{
		None:                  "none",
		AnswerBeforeDurable:   "answer-before-durable",
		ApplyBeforePersist:    "apply-before-persist",
		ForgetVote:            "forget-vote",
		VoteNotSynced:         "vote-not-synced",
		IgnoreEpoch:           "ignore-epoch",
		IgnoreVerdict:         "ignore-verdict",
		EpochNotDurable:       "epoch-not-durable",
		SessionsNotInSnapshot: "sessions-not-in-snapshot",
		DedupBySeqOnly:        "dedup-by-seq-only",
		ExpiryByLocalClock:    "expiry-by-local-clock",
		RetryReopensSession:   "retry-reopens-session",
		ReadWithoutQuorum:     "read-without-quorum",
		ReadBeforeApplied:     "read-before-applied",
		ReadContextReused:     "read-context-reused",
		WatchFromThePast:      "watch-from-the-past",
		DropOnSlowWatcher:     "drop-on-slow-watcher",
		HeartbeatWhileStalled: "heartbeat-while-stalled",
		DamageIsTorn:          "damage-is-torn",
		DirectoryNotSynced:    "directory-not-synced",
		BackFromDown:          "back-from-down",
		VictimReports:         "victim-reports",
		DownedReports:         "downed-reports",
		OldReports:            "old-reports",
		LatenessIgnored:       "lateness-ignored",
		DownedIsHeard:         "downed-is-heard",
		HalfAtomic:            "half-atomic",
		LostLeaseActs:         "lost-lease-acts",
		SwitchEarly:           "switch-early",
		ZoneHalfChecked:       "zone-half-checked",
		HalfSplit:             "half-split",
		PastIsPresent:         "past-is-present",
		ForgottenIsTold:       "forgotten-is-told",
		TimeOutGives:          "time-out-gives",
	}
	if b < count {
		return names[b]
	}
	return names[None]
}

// Named finds a planted bug by its name; false where none is called so.
func Named(name string) (Bug, bool) {
	for _, b := range All() {
		if b.String() == name {
			return b, true
		}
	}
	return None, false
}
