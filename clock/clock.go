// Package clock is a server's notion of the time of day, and of how far it is from that of the other voters.
// It is quiet: it reads no clock; its driver hands in what the clocks show and carries its frames.
//
// The leader stamps entries with this time. So a wall clock that leaps must not leap with it, and a server whose clock is wrong must
// not lead. A Clock goes on from where it was by the monotonic clock and only drifts towards the wall clock, at most 5 % faster
// or slower, as long as both are within 250 ms. A leap beyond that is followed only where the other voters bear it out.
//
// Servers ask one another for the time as in the Network Time Protocol: the answer lies somewhere in the round trip, so half of that
// is the error. The offset of a server is its distance from the median of the voters, itself included.
package clock

import (
	"cmp"
	"slices"
	"time"

	"onevoice/step"
)

const (
	// MaxOffsetNs is how far from the voters' median a server may be and lead.
	MaxOffsetNs = int64(500 * time.Millisecond)
	// leapNs is from where on the wall clock is not followed by itself.
	leapNs = int64(250 * time.Millisecond)
	// slewParts: the wall clock is approached by at most one part in so many.
	slewParts = 20
	// aloneNs is how long a leap must last to be approached where there is no other voter to ask.
	aloneNs = int64(10 * time.Second)
	// askNs is the time between two questions to one voter, askSoonNs while too few have answered.
	askNs, askSoonNs = int64(500 * time.Millisecond), int64(50 * time.Millisecond)
	// freshNs is how long an answer counts.
	freshNs = int64(5 * time.Second)
	// driftParts bounds how far two clocks part in between: one part in so many.
	driftParts = 1_000
	// maxTripNs bounds the round trip of an answer that counts.
	maxTripNs = int64(time.Second)
)

// Clock is one server's. One goroutine calls it. The zero value is not ready; use New.
type Clock struct {
	self   uint64
	voters []uint64
	peers  map[uint64]*peer

	begun   bool
	monoNs  int64 // of the newest reading
	timeNs  int64 // our time then
	wallNs  int64 // what the wall clock showed then
	leaptNs int64 // since when the wall clock is beyond leapNs, monotonic; 0 while it is not
	leaps   uint64
}

// peer is what is known of another voter.
type peer struct {
	askedNs int64 // monotonic, 0 never
	samples [8]sample
	next    int
}

// sample is one answer: at atNs (monotonic) the other's time was ours plus offsetNs, give or take errorNs.
type sample struct{ atNs, offsetNs, errorNs int64 }

// New makes the clock of a voter.
func New(self uint64) *Clock { return &Clock{self: self, peers: map[uint64]*peer{}} }

// SetVoters says who counts for the median. A server that is not among them measures itself against them.
func (c *Clock) SetVoters(voters []uint64) {
	if slices.Equal(voters, c.voters) {
		return
	}
	c.voters = slices.Clone(voters)
	kept := map[uint64]*peer{}
	for _, v := range voters {
		if v == c.self {
			continue
		}
		if kept[v] = c.peers[v]; kept[v] == nil {
			kept[v] = &peer{}
		}
	}
	c.peers = kept
}

// Read takes what the clocks show and gives the time of day, in nanoseconds UTC.
func (c *Clock) Read(now step.Now) int64 {
	if !c.begun {
		c.begun, c.monoNs, c.timeNs, c.wallNs = true, now.MonoNs, now.WallNs, now.WallNs
		return c.timeNs
	}
	passed := max(now.MonoNs-c.monoNs, 0)
	c.timeNs += passed
	c.monoNs, c.wallNs = max(c.monoNs, now.MonoNs), now.WallNs
	ahead := c.wallNs - c.timeNs
	if ahead >= -leapNs && ahead <= leapNs {
		c.leaptNs = 0
		c.slew(ahead, passed)
		return c.timeNs
	}
	if c.leaptNs == 0 {
		c.leaptNs = c.monoNs
		c.leaps++
	}
	c.leap(ahead, passed)
	return c.timeNs
}

func (c *Clock) slew(ahead, passed int64) {
	most := passed / slewParts
	c.timeNs += min(max(ahead, -most), most)
}

// leap follows a wall clock far from our time where the others' median is nearer to it than to us, and approaches it where there is
// nobody to ask.
func (c *Clock) leap(ahead, passed int64) {
	if len(c.peers) == 0 {
		if c.monoNs-c.leaptNs >= aloneNs {
			c.slew(ahead, passed)
		}
		return
	}
	low, high, known := c.median()
	if !known {
		return
	}
	if d := distance(ahead, low, high); d <= MaxOffsetNs && d < distance(0, low, high) {
		c.move(ahead)
	}
}

// move sets our time; what is known of others moves against it.
func (c *Clock) move(by int64) {
	c.timeNs += by
	for _, p := range c.peers {
		for i := range p.samples {
			p.samples[i].offsetNs -= by
		}
	}
}

// distance is how far at lies from the interval.
func distance(at, low, high int64) int64 { return max(low-at, at-high, 0) }

// Ask gives the voters to be asked now.
func (c *Clock) Ask(nowNs int64) []uint64 {
	var ask []uint64
	_, _, known := c.median()
	for _, v := range c.voters {
		p := c.peers[v]
		if p == nil {
			continue
		}
		gap := askNs
		if _, ok := p.best(c.monoNs); !ok && !known {
			gap = askSoonNs
		}
		if p.askedNs == 0 || nowNs-p.askedNs >= gap {
			p.askedNs = nowNs
			ask = append(ask, v)
		}
	}
	return ask
}

// Answer takes a voter's answer: it was asked when our monotonic clock showed askedNs, and its time was timeNs. Read comes before it.
func (c *Clock) Answer(from uint64, askedNs, timeNs int64) {
	p := c.peers[from]
	trip := c.monoNs - askedNs
	if p == nil || !c.begun || trip < 0 || trip > maxTripNs {
		return
	}
	p.samples[p.next] = sample{c.monoNs, timeNs + trip/2 - c.timeNs, trip/2 + 1}
	p.next = (p.next + 1) % len(p.samples)
}

// best is the sample with the least error now; false where none is fresh.
func (p *peer) best(nowNs int64) (sample, bool) {
	var best sample
	for _, s := range p.samples {
		age := nowNs - s.atNs
		if s.errorNs == 0 || age > freshNs {
			continue
		}
		s.errorNs += age / driftParts
		if best.errorNs == 0 || s.errorNs < best.errorNs {
			best = s
		}
	}
	return best, best.errorNs != 0
}

// median is where the middle of the voters' clocks lies, from our time; both ends of the middle where their number is even. It is
// known where a majority of voters is.
func (c *Clock) median() (low, high int64, known bool) {
	var offsets []int64
	for _, v := range c.voters {
		if v == c.self {
			offsets = append(offsets, 0)
		} else if s, ok := c.peers[v].best(c.monoNs); ok {
			offsets = append(offsets, s.offsetNs)
		}
	}
	n := len(offsets)
	if n == 0 || n <= len(c.voters)/2 {
		return 0, 0, false
	}
	slices.Sort(offsets)
	return offsets[(n-1)/2], offsets[n/2], true
}

// Status is what is known.
type Status struct {
	// TimeNs is our time of day, WallNs what the wall clock shows.
	TimeNs, WallNs int64
	// OffsetNs is how far we are ahead of the voters' median, give or take ErrorNs; both 0 while Known is false.
	OffsetNs, ErrorNs int64
	// Known says that a majority of voters, we included, could be compared.
	Known bool
	// Fit says that we may lead: Known, and not for certain more than MaxOffsetNs off.
	Fit bool
	// Leaps counts how often the wall clock left our time behind.
	Leaps uint64
	Peers []Peer // by number
}

// Peer is another voter: ahead of us by OffsetNs, give or take ErrorNs.
type Peer struct {
	Server            uint64
	OffsetNs, ErrorNs int64
	// Fit says that it may lead, as far as we can tell.
	Fit bool
}

// Status says how far we and the others are from the median.
func (c *Clock) Status() Status {
	s := Status{TimeNs: c.timeNs, WallNs: c.wallNs, Leaps: c.leaps}
	low, high, known := c.median()
	for _, v := range c.voters {
		if v == c.self {
			continue
		}
		if b, ok := c.peers[v].best(c.monoNs); ok {
			off := distance(b.offsetNs, low, high)
			s.Peers = append(s.Peers, Peer{v, b.offsetNs, b.errorNs, known && off-b.errorNs <= MaxOffsetNs})
			s.ErrorNs = max(s.ErrorNs, b.errorNs)
		}
	}
	slices.SortFunc(s.Peers, func(a, b Peer) int { return cmp.Compare(a.Server, b.Server) })
	if s.Known = known; !known {
		s.ErrorNs = 0
		return s
	}
	switch {
	case low > 0:
		s.OffsetNs = -low
	case high < 0:
		s.OffsetNs = -high
	}
	s.Fit = max(s.OffsetNs, -s.OffsetNs)-s.ErrorNs <= MaxOffsetNs
	return s
}
