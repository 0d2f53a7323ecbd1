package api

import "onevoice/lease"

// Locks is a page of the locks that are not free, by name.
type Locks struct {
	// Node is the server that answers, Now the log time as of which it does: leases end by it.
	Node  string `json:"node"`
	Now   Time   `json:"now"`
	Locks []Lock `json:"locks"`
	// Next is the after of the next page, where there is one.
	Next string `json:"next,omitempty"`
}

// Lock is a name that is not free.
type Lock struct {
	Name string `json:"name"`
	// Is: held, revoked (its holder may not keep it) or lapsed (nobody holds it, and its lock-delay is not over).
	Is    string `json:"is"`
	Owner string `json:"owner"`
	// Token is what the holder shows to resources: view/term/seq/holder.
	Token   string `json:"token"`
	TTLMs   int64  `json:"ttl_ms"`
	DelayMs int64  `json:"delay_ms"`
	// Ends is when the lease lapses unless it is kept, or, where it has lapsed, when the name is free; EndsInMs is how long that is from now.
	Ends     Time  `json:"ends"`
	EndsInMs int64 `json:"ends_in_ms"`
}

// FromLease makes a Lock as of a log time.
func FromLease(l *lease.Lease, nowNs int64) Lock {
	const msNs = 1_000_000
	return Lock{
		Name: l.Name, Is: l.Standing.String(), Owner: l.Owner, Token: l.Token.String(), TTLMs: l.TTLMs, DelayMs: l.DelayMs,
		Ends: Time(l.EndsNs), EndsInMs: (max(l.EndsNs-nowNs, 0) + msNs - 1) / msNs,
	}
}

// LockGrant asks for a lock.
type LockGrant struct {
	Holder  string `json:"holder"` // 32 hexadecimal digits, drawn at random
	TTLMs   int64  `json:"ttl_ms"`
	DelayMs int64  `json:"delay_ms"`
	Owner   string `json:"owner"`
}

// LockHolder says who keeps or releases a lock.
type LockHolder struct {
	Holder string `json:"holder"`
}

// LockRevoke says which grant of a lock is meant.
type LockRevoke struct {
	Token string `json:"token"`
}
