package host

import (
	"runtime"
	"sync/atomic"
	"time"

	"onevoice/watch"
)

// While events keep coming, readers are shown them in groups: each costs a system call for each reader on both sides, so larger
// groups keep many readers up to date. Readers form ranks, which take turns: to wake all at once would hold up everything else.
const (
	ranks = 16
	// pausePerReader is what each reader adds to the pause between two turns of one rank: several times what it costs to serve it.
	pausePerReader = 60 * time.Microsecond
	// mostPause bounds the pause, and so what it adds to the delay of an event.
	mostPause = 20 * time.Millisecond
	// leastSleep is the shortest sleep between two ranks: timers are no finer.
	leastSleep = time.Millisecond
)

// rank is some of the readers of a journal. What is not atomic is guarded by the journal's lock.
type rank struct {
	shown   uint64               // who waits sees events up to this index
	wake    chan struct{}        // closed when more is shown
	newest  atomic.Pointer[page] // the frame of a watch that was made last
	readers atomic.Int64         // who has asked and not gone
}

// pause is the time between two turns of one rank while events keep coming.
func (j *Journal) pause() time.Duration {
	var readers int64
	for i := range j.ranks {
		readers += j.ranks[i].readers.Load()
	}
	return min(pausePerReader*time.Duration(readers), mostPause)
}

// visible gives the events after pos that a rank is shown, as watch.Log.After does. The lock is held.
func (j *Journal) visible(r *rank, pos watch.Position, most int) ([]watch.Item, error) {
	items, err := j.log.After(pos, most)
	for len(items) > 0 && items[len(items)-1].Position.Index > r.shown {
		items = items[:len(items)-1]
	}
	return items, err
}

// tell has readers shown what has come. It never waits.
func (j *Journal) tell() {
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// run shows readers what has come until stop closes: all at once after a quiet time, else each rank in its turn.
func (j *Journal) run(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	t := turns{}
	for {
		if t.behind == 0 {
			select {
			case <-j.news:
			case <-stop:
				return
			}
			t.behind = ranks
		}
		if d := t.sleep(time.Now()); d > 0 {
			timer.Reset(d)
			select {
			case <-timer.C:
			case <-stop:
				return
			}
		}
		select {
		case <-j.news:
			t.behind = ranks
		default:
		}
		j.show(&j.ranks[t.next(time.Now(), j.pause())])
		runtime.Gosched() // those who were woken, and all others, before the next rank
	}
}

// turns says whose turn it is, and when.
type turns struct {
	at     int       // rank whose turn is next
	behind int       // ranks that have not been shown everything
	due    time.Time // of the next turn
}

// sleep is how long to wait for the next turn.
func (t *turns) sleep(now time.Time) time.Duration {
	if d := t.due.Sub(now); d >= leastSleep {
		return d
	}
	return 0
}

// next takes a turn. Turns not taken within a pause may be taken at once, so that after a quiet time nobody waits.
func (t *turns) next(now time.Time, pause time.Duration) int {
	at := t.at
	t.at, t.behind = (at+1)%ranks, t.behind-1
	if quiet := now.Add(-pause); t.due.Before(quiet) {
		t.due = quiet
	}
	t.due = t.due.Add(pause / ranks)
	return at
}

// show lets a rank see everything that is here.
func (j *Journal) show(r *rank) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, r.shown = j.log.Range()
	close(r.wake)
	r.wake = make(chan struct{})
}
