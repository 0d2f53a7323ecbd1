// Package web answers HTTP: the native API, its event and position streams, probes, metrics and the page.
// It is loud: it serves sockets, and reads the clock for time-outs.
//
// Every answer of /api/v1 carries its proof in headers: Onevoice-View, -Index, -As-Of, -Hash, -Node. A question is answered
// as of a read barrier, from an immutable state; where the barrier does not come the answer is the problem "no-voice" with
// whom to ask, never an empty list.
package web

import (
	"context"
	"time"

	"onevoice/airspace"
	"onevoice/members"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/web/api"
	"onevoice/wire"
)

// Service is what web needs of the node it stands on.
type Service interface {
	// Read gives the state after a read barrier: no older than the moment of the call. The error is a *problem.Error, of kind
	// NoVoice where no majority answered in time.
	Read(ctx context.Context) (Snapshot, error)
	// Latest gives the newest state that this server knows, which may be old. Its State is nil before there is any.
	Latest() Snapshot
	// Do runs a command exactly once through the log; it ends by the deadline, or when ctx does. The error is a *problem.Error.
	Do(ctx context.Context, deadline time.Time, op []byte, key *wire.Key) (wire.Reply, error)
	// Events gives the events after a position, in order, whole indices; it waits until there are some, or ctx ends (then the
	// error is that of ctx). Where they are no longer all held the error is a *watch.Compacted.
	Events(ctx context.Context, after watch.Position) ([]watch.Item, error)
	// Entries gives what follows an index, each entry with all its events, and the mark of the index; it does not wait. See watch.Log.Entries.
	Entries(after uint64, most, bytes int) (watch.Mark, []watch.Record, error)
	// Mark gives hash, log time and epoch of an index; false where they are not held.
	Mark(index uint64) (watch.Mark, bool)
	// Range is the first and last index of which Mark knows; both 0 where there is none.
	Range() (first, last uint64)
	// Servers are those that belong to the cluster as far as this server knows, by number. Do not change the slice.
	Servers() []members.Server
	// Status gives what is known of the node; web adds what it knows itself: Voice, Servers, Sectors, Flights, FirstHash,
	// LastHash, Watchers, Positions and what Latest says.
	Status() api.Status
}

// Snapshot is a state with its proof.
type Snapshot struct {
	Group uint32
	Epoch view.Epoch
	Index uint64
	// Hash is the chain hash of the log after Index.
	Hash [32]byte
	// LogTimeNs is the log time of Index, nanoseconds UTC.
	LogTimeNs int64
	State     *airspace.State
}
