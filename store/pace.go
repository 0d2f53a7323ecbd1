package store

import "time"

// A save is work that nobody waits for, beside work that somebody does: between its batches it rests.
const (
	// restShare is for how many times as long as a batch took a save rests after it: a quarter of one core is left to saving.
	restShare = 3
	// maxRest bounds one rest, so that a save on a busy machine goes on.
	maxRest = 50 * time.Millisecond
	// hurryBytes is how much may be written beside a save before it rests no more. What a group writes until its snapshot is
	// durable stays in memory, and beyond consensus' bound the leader stops.
	hurryBytes = 32 << 20
)

// pace is how fast a save goes.
type pace struct {
	s      *Store
	logged uint64    // what had been written when the save began
	worked time.Time // since when it has worked
}

func (s *Store) newPace() *pace {
	return &pace{s: s, logged: s.count.writeBytes.Load(), worked: time.Now()}
}

// rest waits after a batch.
func (p *pace) rest() {
	if d := restFor(time.Since(p.worked), p.s.count.writeBytes.Load()-p.logged); d > 0 {
		select {
		case <-time.After(d):
		case <-p.s.closing:
		case <-p.s.failed:
		}
	}
	p.worked = time.Now()
}

// restFor is how long a save rests after a batch that took so long, with so much written beside the save since it began.
func restFor(took time.Duration, written uint64) time.Duration {
	if written >= hurryBytes {
		return 0
	}
	return min(restShare*took, maxRest)
}
