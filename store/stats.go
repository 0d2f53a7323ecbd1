package store

import (
	"sync/atomic"
	"time"
)

// Stats are figures since Open, except those that say otherwise.
type Stats struct {
	Rounds     uint64 // group commits
	Writes     uint64 // batches of machines in them
	WriteBytes uint64 // of keys and values
	Syncs      uint64 // rounds that were synced
	SyncNs     uint64 // time of those, each from its start to durable
	SyncMaxNs  uint64 // the longest of those
	SyncP99Ns  uint64 // of the newest few thousand of those, up to a quarter too high
	Reads      uint64
	Saves      uint64
	SavedBytes uint64
	// CommittingNs is how long the round under way has taken so far, 0 where none is: a disk that hangs shows here first.
	CommittingNs int64
	Queued       int // now
	QueuedBytes  int // now
	DiskBytes    uint64
}

// counters are the live form of Stats.
type counters struct {
	rounds, writes, writeBytes, reads, saves, savedBytes atomic.Uint64
	syncs, syncNs, syncMaxNs                             atomic.Uint64
	roundBegan                                           atomic.Pointer[time.Time] // of the round under way
	syncTimes                                            syncTimes
}

// round notes one group commit; the writer goroutine calls it, so that the maximum needs no loop.
func (c *counters) round(round []request, synced bool, took time.Duration) {
	var writes, bytes uint64
	for i := range round {
		if round[i].kind == writeRequest {
			writes++
			bytes += uint64(round[i].bytes)
		}
	}
	c.roundBegan.Store(nil)
	c.rounds.Add(1)
	c.writes.Add(writes)
	c.writeBytes.Add(bytes)
	if !synced {
		return
	}
	ns := uint64(took)
	c.syncs.Add(1)
	c.syncNs.Add(ns)
	c.syncTimes.add(took)
	if ns > c.syncMaxNs.Load() {
		c.syncMaxNs.Store(ns)
	}
}

// Stats takes the figures; each is exact, together they may be a moment apart.
func (s *Store) Stats() Stats {
	c := &s.count
	st := Stats{
		Rounds: c.rounds.Load(), Writes: c.writes.Load(), WriteBytes: c.writeBytes.Load(),
		Reads: c.reads.Load(), Saves: c.saves.Load(), SavedBytes: c.savedBytes.Load(),
		DiskBytes: s.db.Metrics().DiskSpaceUsage(),
	}
	st.Queued, st.QueuedBytes = s.queue.size()
	if began := c.roundBegan.Load(); began != nil {
		st.CommittingNs = int64(time.Since(*began))
	}
	st.Syncs, st.SyncNs, st.SyncMaxNs = c.syncs.Load(), c.syncNs.Load(), c.syncMaxNs.Load()
	st.SyncP99Ns = min(uint64(c.syncTimes.p99()), st.SyncMaxNs)
	return st
}
