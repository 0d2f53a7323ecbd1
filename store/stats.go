package store

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// HistogramBuckets is the number of buckets of a Histogram.
const HistogramBuckets = 20

// Histogram counts durations. Bucket i holds those below BucketNs(i) and not below the one before; the last bucket holds
// the rest.
type Histogram struct {
	Counts [HistogramBuckets]uint64
	SumNs  uint64
	MaxNs  uint64
}

const firstBucketShift = 14

// BucketNs is the upper bound of bucket i: 16,384 ns doubled i times, so that the last bound but one is 4.3 s.
func BucketNs(i int) uint64 { return 1 << (firstBucketShift + i) }

// Quantile is an upper bound of the q-quantile (0 to 1) in nanoseconds, 0 where nothing is counted.
func (h *Histogram) Quantile(q float64) uint64 {
	var total, seen uint64
	for _, c := range h.Counts {
		total += c
	}
	for i, c := range h.Counts {
		if seen += c; seen > 0 && float64(seen) >= q*float64(total) {
			return min(BucketNs(i), h.MaxNs)
		}
	}
	return 0
}

// Stats are figures since Open, except those that say otherwise.
type Stats struct {
	Rounds     uint64    // group commits
	Writes     uint64    // batches of machines in them
	WriteBytes uint64    // of keys and values
	Sync       Histogram // time of a round that was synced, from its start to durable
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
	syncCounts                                           [HistogramBuckets]atomic.Uint64
	syncSumNs, syncMaxNs                                 atomic.Uint64
	roundBegan                                           atomic.Pointer[time.Time] // of the round under way
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
	bucket := min(HistogramBuckets-1, bits.Len64(ns>>firstBucketShift))
	c.syncCounts[bucket].Add(1)
	c.syncSumNs.Add(ns)
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
	for i := range c.syncCounts {
		st.Sync.Counts[i] = c.syncCounts[i].Load()
	}
	st.Sync.SumNs, st.Sync.MaxNs = c.syncSumNs.Load(), c.syncMaxNs.Load()
	return st
}
