package store

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// syncSteps are the classes within a doubling of the time: what is read from them is too high by a quarter at most.
	syncSteps = 4
	// syncClasses reach from a microsecond to over a minute; the last one holds what is longer.
	syncClasses = 27 * syncSteps
	// fadeAt is how many syncs are counted before all counts are halved: what was long ago counts less and less.
	fadeAt = 4096
)

// syncTimes counts the newest syncs by how long they took.
type syncTimes struct {
	mu     sync.Mutex
	counts [syncClasses]uint32
	total  uint32
}

func classOf(took time.Duration) int {
	us := uint64(max(took, 1)+time.Microsecond-1) / uint64(time.Microsecond)
	octave := bits.Len64(us) - 1
	step := (us << 2 >> octave) & (syncSteps - 1) // the two binary digits behind the first
	return min(octave*syncSteps+int(step), syncClasses-1)
}

// endOf is the time that ends a class.
func endOf(class int) time.Duration {
	octave, step := class/syncSteps, class%syncSteps
	return time.Duration(syncSteps+step+1) << octave * time.Microsecond / syncSteps
}

func (t *syncTimes) add(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[classOf(took)]++
	if t.total++; t.total < fadeAt {
		return
	}
	t.total = 0
	for i := range t.counts {
		t.counts[i] /= 2
		t.total += t.counts[i]
	}
}

// p99 is a time that 99 of 100 syncs did not exceed, 0 where there was none.
func (t *syncTimes) p99() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.total / 100 // that may be longer
	for i := syncClasses - 1; i >= 0; i-- {
		if t.counts[i] > left {
			return endOf(i)
		}
		left -= t.counts[i]
	}
	return 0
}
