package core

import "onevoice/view"

// server is what a client believes of one server.
type server struct {
	number  uint64
	up      bool
	suspect bool  // it let an attempt end in silence and has said nothing since
	doubtNs int64 // until when it is suspected for good
	heardNs int64 // when its last frame came
	owesNs  int64 // since when it owes an answer and says nothing, 0: it does not
	scout   *call // the command that asks it while the leader is unknown
	quietNs int64 // not asked for the leader before this time
	quiets  uint8
	sent    list // what it owes answers to
}

// drop ends the connection of place k: what was sent there may have been done or not.
func (c *Core) drop(k int) {
	s := &c.servers[k]
	s.up, s.suspect, s.owesNs = false, false, 0
	if c.leader == k {
		c.leader = -1
	}
	for s.sent.head != nil {
		x := s.sent.head
		x.unsure, x.avoid = true, 1<<k
		c.requeue(x)
	}
}

// heard notes a sign of life.
func (s *server) heard(nowNs int64) { s.suspect, s.heardNs, s.owesNs = false, nowNs, 0 }

// learn takes what a reply says about who leads. A reply of an older epoch changes a belief no more.
func (c *Core) learn(nowNs int64, k int, epoch view.Epoch, leader uint64) {
	if epoch.Compare(c.epoch) < 0 && c.leader >= 0 {
		return
	}
	if epoch.Compare(c.epoch) > 0 {
		c.epoch = epoch
	}
	if l := c.placeOf(leader, k); l >= 0 && (l == k || !c.servers[l].suspect && nowNs >= c.servers[l].quietNs) {
		c.leader = l
	}
}

// placeOf is the place of a connected voter, -1 where there is none; prefer wins among several connections to one voter.
func (c *Core) placeOf(number uint64, prefer int) int {
	if number == 0 {
		return -1
	}
	if s := &c.servers[prefer]; s.up && s.number == number {
		return prefer
	}
	for k := range c.servers {
		if c.servers[k].up && c.servers[k].number == number {
			return k
		}
	}
	return -1
}

// deny notes that the server at place k does not lead: it is not asked again at once.
func (c *Core) deny(nowNs int64, k int) {
	s := &c.servers[k]
	s.quietNs = nowNs + c.backoff(&s.quiets, searchMostNs)
	if c.leader == k {
		c.leader = -1
	}
}

// confirm notes that a command was answered: somebody leads, and the search is over.
func (c *Core) confirm() {
	for k := range c.servers {
		c.servers[k].quiets, c.servers[k].quietNs = 0, 0
	}
}

// forCommands is the place where a command goes now, -1 for nowhere; scout says that the leader is unknown and this command
// asks for it. Servers that are suspected come last.
func (c *Core) forCommands(nowNs int64) (k int, scout bool) {
	if c.leader >= 0 {
		return c.leader, false
	}
	last := -1
	for i := range c.servers {
		k := (c.turn + i) % len(c.servers)
		s := &c.servers[k]
		switch {
		case !s.up || s.scout != nil:
		case nowNs < s.quietNs:
			c.wakeBy(s.quietNs)
		case !s.suspect || nowNs >= s.doubtNs:
			c.turn = k + 1
			return k, true
		case last < 0:
			last = k
		}
	}
	return last, true
}

// forQuery is the place where a query goes now, -1 where no server is connected: the nearest, the leader, or any, and
// rather not one that is suspected or failed this query before.
func (c *Core) forQuery(x *call) int {
	best, bestRank := -1, 0
	for i := range c.servers {
		k := (c.turn + i) % len(c.servers)
		s := &c.servers[k]
		if !s.up {
			continue
		}
		rank := 1
		if x.avoid&(1<<k) == 0 {
			rank += 8
		}
		if !s.suspect {
			rank += 4
		}
		switch k {
		case c.cfg.Nearest:
			rank += 2
		case c.leader:
			rank++
		}
		if rank > bestRank {
			best, bestRank = k, rank
		}
	}
	return best
}
