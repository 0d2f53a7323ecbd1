// Package session keeps the replies that make requests happen exactly once (Ongaro, Raft thesis, section 6.3).
// It is quiet and replicated: equal logs give equal tables, equal answers and equal bytes.
//
// A request is named by (session, seq). A session is opened through the log; its number is unique for ever in its group.
// The table holds the outcome of each seq until the client acknowledges it, so a retry is answered with the first outcome,
// across leader changes, restarts and snapshots. Beside that it keeps outcomes by idempotency key, so that a
// request repeated through another session or server finds its first outcome for ten minutes.
//
// Time is log time: it is stamped into the entries and never goes back.
//
// A session is the third of five words: machine, group, session, view, lease. Package client opens and keeps them; what it can prove at any moment
// is its State. Read on in package view: who is up.
package session

import "time"

// Limits of the table. They are part of the replicated behaviour: every replica must use the same.
const (
	// Window is how far a seq may lie above the acknowledged one: it bounds the outcomes held for one session.
	Window = 1024
	// IdleNs is the log time after which an unused session is expired: far longer than any failover or client retry.
	IdleNs = int64(10 * time.Minute)
	// KeyNs is the log time for which an outcome is found by its idempotency key.
	KeyNs = int64(10 * time.Minute)
	// MaxSessions bounds the table; opening one more is Overloaded. A client needs one or a few.
	MaxSessions = 10_000
	// MaxExpiredEach bounds the sessions expired at one entry, so that one entry stays short.
	MaxExpiredEach = 1_000
	// MaxKeysExpiredEach bounds the keys expired at one entry: more than one entry's commands can add.
	MaxKeysExpiredEach = 10_000
	// MaxSessionBytes bounds the results held for one session; above it its commands are Overloaded until it acknowledges.
	MaxSessionBytes = 1 << 20
	// MaxBytes bounds the results held for all sessions together; above it all new commands are Overloaded.
	MaxBytes = 256 << 20
	// MaxKeys bounds the idempotency keys held; above it a keyed command is Overloaded.
	MaxKeys = 100_000
	// MaxKeyBytes bounds the memory of the keys held, results included; above it a keyed command is Overloaded.
	MaxKeyBytes = 64 << 20
	// MaxResultBytes bounds one stored result; a command with a larger one has its effect and is answered TooLarge. It
	// keeps each record of a snapshot well within one chunk.
	MaxResultBytes = 256 << 10
)

// Costs counted beside the result itself.
const (
	recordBytes = 72
	keyBytes    = 144
)
