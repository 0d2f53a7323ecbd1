package core

import (
	"onevoice/view"
	"onevoice/wire"
)

// server is what a client believes of one server.
type server struct {
	number  uint64
	boot    uint64 // its start, 0 where nobody says
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
	if (epoch.Compare(c.epoch) < 0 || epoch.Term < c.term) && c.leader >= 0 {
		return
	}
	if epoch.Compare(c.epoch) > 0 {
		c.epoch = epoch
	}
	c.term = max(c.term, epoch.Term)
	if l := c.placeOf(leader, k); l >= 0 && (l == k || !c.servers[l].suspect && nowNs >= c.servers[l].quietNs) {
		c.leader = l
	}
}

// news takes the word that a server leads in a term. What was sent to others is sent to it: they do not lead any more, and may say
// nothing. Each command goes under the seq it has, so it is done once wherever it was received.
func (c *Core) news(k int, m wire.News) {
	if m.Term < c.term || m.Term == c.term && c.leader >= 0 {
		return
	}
	c.doubt.proved = c.doubt.proved || m.Term > c.term
	c.term = m.Term
	was, l := c.leader, c.placeOf(m.Leader, k)
	if c.leader = l; l < 0 {
		return
	}
	c.servers[l].quiets, c.servers[l].quietNs = 0, 0
	for i := range c.servers {
		if i != l {
			c.takeBack(i, i == was)
		}
	}
	for x := c.sleeping.head; x != nil; {
		next := x.next
		if x.last == wire.NotLeader || x.last == wire.NoVoice || x.last == wire.Fenced {
			c.requeue(x)
		}
		x = next
	}
}

// takeBack makes commands wait for the new leader that were sent to another server, and questions wait for anybody else where that one
// led: who asks a follower is asked on by it.
func (c *Core) takeBack(k int, led bool) {
	for x := c.servers[k].sent.head; x != nil; {
		next := x.next
		if x.kind != query || led {
			x.unsure, x.avoid = true, 1<<k
			c.stats.Moved++
			c.requeue(x)
		}
		x = next
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
