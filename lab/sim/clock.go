package sim

import "onevoice/step"

// EpochNs is where the wall clocks of every world begin, nanoseconds UTC: 1 January 2026.
const EpochNs = 1_767_225_600_000_000_000

// clock is one party's idea of time: a monotonic clock that runs a little fast or slow, and a wall clock on top of it that
// may jump.
type clock struct {
	ratePpm int64 // added to the true rate
	fromNs  int64 // world time since which this rate holds
	monoNs  int64 // monotonic time at fromNs
	wallNs  int64 // added to the monotonic time for the wall clock
}

func (c *clock) now(worldNs int64) step.Now {
	mono := c.monoNs + scale(worldNs-c.fromNs, c.ratePpm)
	return step.Now{MonoNs: mono, WallNs: EpochNs + mono + c.wallNs}
}

// setRate changes the rate from now on without a jump.
func (c *clock) setRate(worldNs, ratePpm int64) {
	c.monoNs, c.fromNs, c.ratePpm = c.now(worldNs).MonoNs, worldNs, ratePpm
}

// worldNs is how long localNs on this clock take in the world.
func (c *clock) worldNs(localNs int64) int64 { return localNs * million / (million + c.ratePpm) }

func scale(ns, ratePpm int64) int64 { return ns + ns/million*ratePpm + ns%million*ratePpm/million }
