package sim

import "fmt"

// bounds are how much may happen in one world. Whatever goes beyond is a finding: machines that drive one another in circles or
// flood one another would never let a run end, and no clock on the wall tells a loop from a slow computer.
type bounds struct {
	steps  int // of all machines
	events int // of the world: a loop without any step has these
	frames int
	bytes  int // in frames: few steps may carry much
}

// worldBounds are some ten times what the busiest of thousands of worlds took; lab sim prints what that is.
var worldBounds = bounds{steps: 500_000, events: 1_000_000, frames: 500_000, bytes: 50_000_000}

func (b bounds) times(n int) bounds {
	return bounds{n * b.steps, n * b.events, n * b.frames, n * b.bytes}
}

// over says what of a world is beyond its bound, empty where nothing is.
func (b *bounds) over(c *Counters) string {
	for _, one := range []struct {
		what    string
		n, most int
	}{{"steps", c.Steps, b.steps}, {"events", c.Events, b.events}, {"frames", c.Frames, b.frames}, {"bytes in frames", c.Bytes, b.bytes}} {
		if one.n >= one.most {
			return fmt.Sprintf("%d %s", one.n, one.what)
		}
	}
	return ""
}

// exhaust ends a world that is beyond its bounds, and says so once.
func (w *World) exhaust(what string) {
	w.Stop()
	if w.hooks.Broken != nil {
		w.hooks.Broken(nil, "endless", fmt.Errorf("%s by %d ms of world time", what, w.nowNs/milliNs))
	}
}

// Stop ends the world: nothing happens in it any more, and every Run returns at once.
func (w *World) Stop() { w.stopped = true }

// Stopped says whether the world has ended.
func (w *World) Stopped() bool { return w.stopped }
