package host

import (
	"context"
	"sync"
	"sync/atomic"

	"onevoice/replica"
	"onevoice/watch"
)

// Journal is the journal of one group on this server: what watch.Log holds, for any number of readers. Those who wait are shown
// what has come in groups, at a pace that they can keep.
type Journal struct {
	mu    sync.RWMutex
	log   *watch.Log
	ranks [ranks]rank
	seats atomic.Uint64 // how many watches have begun: they take the ranks in turn
	news  chan struct{} // holds one where something is to be shown
}

func newJournal(at watch.Mark) *Journal {
	j := &Journal{log: watch.NewLog(watch.DefaultLimits()), news: make(chan struct{}, 1)}
	j.log.Restart(at)
	for i := range j.ranks {
		j.ranks[i].shown, j.ranks[i].wake = at.Index, make(chan struct{})
	}
	return j
}

// join gives a reader its rank, to be left when it goes.
func (j *Journal) join() *rank {
	r := &j.ranks[j.seats.Add(1)%ranks]
	r.readers.Add(1)
	return r
}

func (r *rank) leave() { r.readers.Add(-1) }

// add takes one applied index and says whether readers have something new.
func (j *Journal) add(a replica.Applied) (news bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if a.Installed {
		j.log.Restart(watch.Mark{Index: a.Index, Hash: a.Hash, LogTimeNs: a.LogTimeNs, Epoch: a.Epoch})
		return true, nil
	}
	err = j.log.Append(watch.Entry{Index: a.Index, Hash: a.Hash, Digest: a.Digest, LogTimeNs: a.LogTimeNs, Epoch: a.Epoch, Events: a.Events})
	return len(a.Events) > 0, err
}

// Wait gives the events after pos, at most most of them, whole indices as watch.Log.After does; it waits until some are
// shown. The error is *watch.Compacted, or that of ctx. The bytes are shared: do not change them.
func (j *Journal) Wait(ctx context.Context, pos watch.Position, most int) ([]watch.Item, error) {
	r := &j.ranks[0] // one for all, so that who asks again is shown no other's group
	r.readers.Add(1)
	defer r.leave()
	for {
		j.mu.RLock()
		items, err := j.visible(r, pos, most)
		wake := r.wake
		j.mu.RUnlock()
		if err != nil || len(items) > 0 {
			return items, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// After gives what Wait gives without waiting, and also what is not shown yet.
func (j *Journal) After(pos watch.Position, most int) ([]watch.Item, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.log.After(pos, most)
}

// Entries gives what follows an index, without waiting: see watch.Log.Entries. The bytes are shared: do not change them.
func (j *Journal) Entries(after uint64, most, bytes int) (watch.Mark, []watch.Record, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.log.Entries(after, most, bytes)
}

// Mark is what is known of an index; false outside Range.
func (j *Journal) Mark(index uint64) (watch.Mark, bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.log.At(index)
}

// Range is the first and last index whose Mark is held.
func (j *Journal) Range() (first, last uint64) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.log.Range()
}
