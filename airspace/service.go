package airspace

import (
	"math"
	"math/bits"
	"time"
)

// clock is service time as a function of log time, and where both stand.
type clock struct {
	anchorLogNs, anchorNs, rateMilli int64
	// begun says that the anchor's log time is known: the first entry gives it.
	begun bool
	// logNs is the log time at the state's index; it never goes back. nowNs is the service time at it: it does not go back
	// either, since at does not, and since the anchor is only ever moved to a present that is not earlier.
	logNs, nowNs int64
}

// advance brings the clock to the log time of an entry, and reports whether it began with it. Before the first leader has
// stamped an entry log time is 0 and service time stands where it will begin.
func (c *clock) advance(logNs int64) (began bool) {
	if !c.begun && logNs <= 0 {
		return false
	}
	if !c.begun {
		c.begun, began = true, true
		c.logNs, c.anchorLogNs = logNs, logNs
		if c.anchorNs == 0 {
			c.anchorNs = min(max(logNs, 0), MaxServiceNs)
		}
	}
	c.logNs = max(c.logNs, logNs)
	c.nowNs = c.at(c.logNs)
	return began
}

// at is service time at a log time: rounded down, and between the anchor and MaxServiceNs.
func (c *clock) at(logNs int64) int64 {
	if !c.begun || logNs <= c.anchorLogNs {
		return c.anchorNs
	}
	hi, lo := bits.Mul64(uint64(logNs)-uint64(c.anchorLogNs), uint64(c.rateMilli))
	if hi >= 1000 {
		return MaxServiceNs
	}
	passed, _ := bits.Div64(hi, lo, 1000)
	if passed >= uint64(MaxServiceNs-c.anchorNs) {
		return MaxServiceNs
	}
	return c.anchorNs + int64(passed)
}

// setAnchor makes the clock one that runs by settings.
func (c *clock) setAnchor(set *Settings) {
	c.anchorLogNs, c.anchorNs, c.rateMilli = set.ServiceAnchorLogNs, set.ServiceAnchorNs, set.RateMilli
}

// reaches is the first log time at which service time is ns or later, 0 if that never comes.
func (c *clock) reaches(ns int64) int64 {
	switch {
	case !c.begun || ns > MaxServiceNs:
		return 0
	case ns <= c.anchorNs:
		return max(c.anchorLogNs, 1)
	}
	// The least elapsed time with elapsed*rate/1000 >= d, rounded up.
	hi, lo := bits.Mul64(uint64(ns-c.anchorNs), 1000)
	lo, carry := bits.Add64(lo, uint64(c.rateMilli-1), 0)
	hi += carry
	if hi >= uint64(c.rateMilli) {
		return 0
	}
	elapsed, _ := bits.Div64(hi, lo, uint64(c.rateMilli))
	if elapsed > uint64(math.MaxInt64)-uint64(max(c.anchorLogNs, 0)) {
		return 0
	}
	return max(c.anchorLogNs+int64(elapsed), 1)
}

// instant prints an instant for people.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }
