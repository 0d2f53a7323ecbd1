package host

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A peer is dialled for ever; a broken connection is not a death, only the cluster decides who is down. Attempts begin one after
// the other and do not wait for the answer to earlier ones: a packet that is lost when a link is cut says so by nothing, and the
// system would send it again after a second. The first attempt that is greeted counts.
const (
	// firstPause lies before the first attempt; the pause doubles up to eagerPause, and where nobody was reached for eagerTime up to
	// lastPause, all with jitter.
	firstPause = 5 * time.Millisecond
	eagerPause = 20 * time.Millisecond
	eagerTime  = time.Second
	lastPause  = 200 * time.Millisecond
	// dialPauses is how many pauses an attempt may take to connect; it bounds the attempts under way. With the longest pauses it
	// allows for any round trip on earth.
	dialPauses = 15
)

// race makes attempts beside each other until one succeeds.
type race struct {
	// connect makes one attempt, which may take so long to connect.
	connect func(ctx context.Context, patience time.Duration) (*line, error)
	// failed hears why an attempt did not succeed.
	failed func(error)
	// drop takes a line that came too late.
	drop func(*line)
	// needed is asked before each attempt whether it is still wanted.
	needed func() bool
	group  *sync.WaitGroup // of the goroutines
}

// reached is how an attempt ended.
type reached struct {
	line *line
	err  error
}

// run gives the line of the attempt that succeeded first, nil when ctx ends or it is not needed any more.
func (r *race) run(ctx context.Context) *line {
	trying, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan reached)
	began, pause := time.Now(), firstPause
	timer := time.NewTimer(jittered(pause))
	defer timer.Stop()
	for {
		select {
		case end := <-results:
			if end.line != nil {
				return end.line
			}
			r.failed(end.err)
		case <-timer.C:
			if !r.needed() {
				return nil
			}
			patience := dialPauses * max(pause, eagerPause)
			r.group.Go(func() { r.attempt(trying, patience, results) })
			pause = nextPause(pause, time.Since(began))
			timer.Reset(jittered(pause))
		case <-ctx.Done():
			return nil
		}
	}
}

// attempt makes one. Where nobody takes its result any more ctx has ended.
func (r *race) attempt(ctx context.Context, patience time.Duration, results chan<- reached) {
	l, err := r.connect(ctx, patience)
	select {
	case results <- reached{l, err}:
	case <-ctx.Done():
		if l != nil {
			r.drop(l)
		}
	}
}

// nextPause is the pause after one of that length, so long after the first attempt.
func nextPause(pause, since time.Duration) time.Duration {
	if since < eagerTime {
		return min(2*pause, eagerPause)
	}
	return min(2*pause, lastPause)
}

// jittered is between half and one and a half of d.
func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }
