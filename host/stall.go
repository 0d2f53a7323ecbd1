package host

import "time"

const (
	// stallPoll is how often a connection is looked at.
	stallPoll = 10 * time.Millisecond
	// stallTime is for how long something may stay unacknowledged, beside two round trips, before a connection counts as stalled. A system
	// that delays acknowledgements does so by 40 ms, and not where all that came is read and nothing is sent back, as here.
	stallTime = 60 * time.Millisecond
)

// onWay is what the system knows of what we sent on a connection.
type onWay struct {
	segments int           // sent and not acknowledged
	repeats  int           // how often in a row TCP has sent the oldest again for lack of any answer
	silence  time.Duration // since the last acknowledgement, whether or not anything was to be acknowledged
	rtt      time.Duration // smoothed round trip with four times its variation
}

// stallWatch finds out whether a connection stalls. One goroutine uses it.
type stallWatch struct {
	since time.Time // since when enough is on its way, zero: it is not
}

// stalled says whether what was sent is lost or held up, by what the system says of the connection now.
func (w *stallWatch) judge(o onWay, now time.Time) bool {
	if o.segments == 0 {
		w.since = time.Time{}
		return false
	}
	if w.since.IsZero() {
		w.since = now
	}
	return o.repeats > 0 || min(now.Sub(w.since), o.silence) >= stallTime+2*o.rtt
}
