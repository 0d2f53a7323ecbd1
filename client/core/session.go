package core

// Window is how many commands of one session may be unanswered; servers keep results for that many.
const Window = 1024

// session is one open session of the replicated table.
type session struct {
	number uint64
	acked  uint64 // every seq up to this one is answered or given up
	last   uint64 // highest seq given out
	over   [Window / 64]uint64
	usedNs int64 // when a server last showed that it knows the session
}

// room says whether one more command fits the window.
func (s *session) room() bool { return s.last < s.acked+Window }

// take gives out the next seq.
func (s *session) take() uint64 {
	s.last++
	return s.last
}

// release marks a seq answered or given up, and moves acked over all that are.
func (s *session) release(seq uint64) {
	s.over[seq%Window/64] |= 1 << (seq % 64)
	for s.acked < s.last {
		n := s.acked + 1
		if s.over[n%Window/64]&(1<<(n%64)) == 0 {
			return
		}
		s.over[n%Window/64] &^= 1 << (n % 64)
		s.acked = n
	}
}

// sessionWithRoom is the first session that takes one more command, or nil. It forgets those that were idle for too long:
// a server may be about to expire them, and a retry would then not know whether the command was applied.
func (c *Core) sessionWithRoom(nowNs int64) *session {
	kept := c.sessions[:0]
	for _, s := range c.sessions {
		if nowNs-s.usedNs < SessionIdleNs {
			kept = append(kept, s)
		}
	}
	clear(c.sessions[len(kept):])
	c.sessions = kept
	for _, s := range c.sessions {
		if s.room() {
			return s
		}
	}
	return nil
}

// forget takes a session out of use, and says whether it was in use; commands under way keep theirs.
func (c *Core) forget(s *session) bool {
	for i, have := range c.sessions {
		if have == s {
			c.sessions = append(c.sessions[:i], c.sessions[i+1:]...)
			c.stats.Lost++
			return true
		}
	}
	return false
}

// openOne asks for one more session where that is allowed.
func (c *Core) openOne() {
	if c.opening == nil && len(c.sessions) < MaxSessions {
		c.opening = c.take()
		c.opening.kind = open
		c.ready.push(c.opening)
	}
}
