package cluster

import (
	"onevoice/lab/judge"
	"onevoice/lab/sim"
)

// Options say which cluster to run.
type Options struct {
	Seed uint64
	// Off switches kinds of fault off.
	Off sim.KindSet
	// FaultNs overrides how long faults go on; 0 leaves it to the seed.
	FaultNs int64
	// Brief ends the world at the first broken law: enough where the question is only whether one is.
	Brief bool
}

// Report is what one run showed.
type Report struct {
	Seed       uint64            `json:"seed"`
	Violations []judge.Violation `json:"violations,omitempty"`
	Undecided  int               `json:"undecided,omitempty"` // keys that porcupine could not judge in time
	Trace      string            `json:"trace"`               // trace hash, in hex
	SimNs      int64             `json:"sim_ns"`
	FaultNs    int64             `json:"fault_ns"`
	Servers    int               `json:"servers"`
	Drawn      string            `json:"drawn,omitempty"` // limits and clients that the seed drew
	Faults     sim.Counters      `json:"faults"`
	// Facts counts what nodes told of themselves, by name.
	Facts map[string]int `json:"facts"`
	Work  Work           `json:"work"`
}

// Work counts what clients and watchers did.
type Work struct {
	Acked         int `json:"acked"`   // commands answered
	Unknown       int `json:"unknown"` // commands whose outcome stayed open
	Refused       int `json:"refused"` // commands that were not done
	Reads         int `json:"reads"`   // questions answered
	ReadsFailed   int `json:"reads_failed"`
	Retries       int `json:"retries"` // attempts beyond the first
	Repeats       int `json:"repeats"` // commands answered again on purpose
	Sessions      int `json:"sessions"`
	SessionsLost  int `json:"sessions_lost"`
	Events        int `json:"events"` // events that watchers got
	WatchMoves    int `json:"watch_moves"`
	WatchGone     int `json:"watch_gone"` // watchers told that their place is gone
	States        int `json:"states"`     // indices at which whole states were compared
	LeaderChanges int `json:"leader_changes"`
	// Changes of the membership that were reached, and those that the operator thought better of.
	Joined    int `json:"joined"`
	Promoted  int `json:"promoted"`
	Removed   int `json:"removed"`
	Replaced  int `json:"replaced"`
	TakenBack int `json:"taken_back"`
	// Of those: servers removed because they were lost on the way; and what was thought better of too late.
	PutBack      int `json:"put_back"`
	NotTakenBack int `json:"not_taken_back"`
	// Addresses changed, or not because another has them, and invitations withdrawn.
	Moved        int `json:"moved"`
	MovesRefused int `json:"moves_refused"`
	Withdrawn    int `json:"withdrawn"`
	Transfers    int `json:"transfers"` // leadership handed over on demand
	Burnt        int `json:"burnt"`     // servers replaced whose disk was destroyed
	// Servers restarted with the next build and back, groups whose version was raised, and old builds that stopped before it.
	Upgraded   int `json:"upgraded"`
	RolledBack int `json:"rolled_back"`
	Raised     int `json:"raised"`
	Outdated   int `json:"outdated"`
}

// Add adds another count to w.
func (w *Work) Add(o Work) {
	w.Acked += o.Acked
	w.Unknown += o.Unknown
	w.Refused += o.Refused
	w.Reads += o.Reads
	w.ReadsFailed += o.ReadsFailed
	w.Retries += o.Retries
	w.Repeats += o.Repeats
	w.Sessions += o.Sessions
	w.SessionsLost += o.SessionsLost
	w.Events += o.Events
	w.WatchMoves += o.WatchMoves
	w.WatchGone += o.WatchGone
	w.States += o.States
	w.LeaderChanges += o.LeaderChanges
	w.Joined += o.Joined
	w.Promoted += o.Promoted
	w.Removed += o.Removed
	w.Replaced += o.Replaced
	w.TakenBack += o.TakenBack
	w.PutBack += o.PutBack
	w.NotTakenBack += o.NotTakenBack
	w.Moved += o.Moved
	w.MovesRefused += o.MovesRefused
	w.Withdrawn += o.Withdrawn
	w.Transfers += o.Transfers
	w.Burnt += o.Burnt
	w.Upgraded += o.Upgraded
	w.RolledBack += o.RolledBack
	w.Raised += o.Raised
	w.Outdated += o.Outdated
}
