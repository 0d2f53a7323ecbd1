package host

import (
	"context"
	"sync"
	"sync/atomic"

	"onevoice/replica"
	"onevoice/watch"
)

// Journal is the journal of one group on this server: what watch.Log holds, for any number of readers.
type Journal struct {
	mu     sync.RWMutex
	log    *watch.Log
	wake   chan struct{}        // closed when events have come
	newest atomic.Pointer[page] // the frame of a watch that was made last
}

func newJournal(at watch.Mark) *Journal {
	j := &Journal{log: watch.NewLog(watch.DefaultLimits()), wake: make(chan struct{})}
	j.log.Restart(at)
	return j
}

// add takes one applied index and says whether readers have something new.
func (j *Journal) add(a replica.Applied) (news bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if a.Installed {
		j.log.Restart(watch.Mark{Index: a.Index, Hash: a.Hash, LogTimeNs: a.LogTimeNs, Epoch: a.Epoch})
		return true, nil
	}
	err = j.log.Append(watch.Entry{Index: a.Index, Hash: a.Hash, LogTimeNs: a.LogTimeNs, Epoch: a.Epoch, Events: a.Events})
	return len(a.Events) > 0, err
}

func (j *Journal) wakeAll() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.wake)
	j.wake = make(chan struct{})
}

// Wait gives the events after pos, at most most of them, whole indices as watch.Log.After does; it waits until there are
// some. The error is *watch.Compacted, or that of ctx. The bytes are shared: do not change them.
func (j *Journal) Wait(ctx context.Context, pos watch.Position, most int) ([]watch.Item, error) {
	for {
		j.mu.RLock()
		items, err := j.log.After(pos, most)
		wake := j.wake
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

// After is Wait without waiting.
func (j *Journal) After(pos watch.Position, most int) ([]watch.Item, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.log.After(pos, most)
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
