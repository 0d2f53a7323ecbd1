package core

// throttle keeps this client from asking overloaded servers for much more than they do: while they refuse more commands than they do,
// a growing part of the commands ends at once as Overloaded. Refusing costs a server work too, and retries of what is refused
// are most of what it would get. After "Handling Overload" in Site Reliability Engineering (Google, 2016).
type throttle struct {
	beganNs       int64 // of the newer half
	refused, done [2]int
}

const (
	// throttleNs is how long each of two halves of what is remembered lasts.
	throttleNs = 500_000_000
	// throttleFree may be refused beyond what is done: a few refusals are no overload.
	throttleFree = 64
)

func (t *throttle) turn(nowNs int64) {
	switch since := nowNs - t.beganNs; {
	case since < throttleNs:
	case since < 2*throttleNs:
		t.refused, t.done = [2]int{0, t.refused[0]}, [2]int{0, t.done[0]}
		t.beganNs = nowNs
	default:
		*t = throttle{beganNs: nowNs}
	}
}

// count notes answers: refusals for overload, and commands done.
func (t *throttle) count(nowNs int64, refused, done int) {
	t.turn(nowNs)
	t.refused[0] += refused
	t.done[0] += done
}

// spare says how many of how many commands should not be asked; both are 0 where all may.
func (t *throttle) spare(nowNs int64) (out, of int) {
	t.turn(nowNs)
	refused, done := t.refused[0]+t.refused[1], t.done[0]+t.done[1]
	if over := refused - done - throttleFree; over > 0 {
		return over, refused + done
	}
	return 0, 0
}

// throttled says that a command should end rather than be sent.
func (c *Core) throttled(nowNs int64) bool {
	out, of := c.throttle.spare(nowNs)
	if out == 0 || c.cfg.Rand.IntN(of) >= out {
		return false
	}
	c.stats.Throttled++
	return true
}
