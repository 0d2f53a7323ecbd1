package consensus

import (
	"time"

	"onevoice/step"
)

// pace lets raft's time go slower than the clock where the servers are far apart: an election takes two round trips, and raft's own timer is
// to begin none while one is under way. Its heartbeats and its check that a majority answers go at the same pace; what is sent because
// there is something to say waits for no tick.
type pace struct {
	roundNs int64
	sumNs   int64 // of an election's time, until the next of raft's ticks is due
}

const (
	// leastElectionNs is the shortest of the times after which raft's own timer begins an election, as it is in one hall; they are by chance up
	// to twice as long. mostElectionNs bounds it: a round trip that was measured in bad times must not keep a group without a leader for long.
	leastElectionNs = electionTicks * step.TickNs
	mostElectionNs  = int64(500 * time.Millisecond)
	// electionRounds is how many round trips it is.
	electionRounds = 8
)

// SetRound says how long a round trip between the servers takes. The driver calls it whenever it likes; without a call they are in one
// hall.
func (g *Group) SetRound(roundNs int64) { g.pace.roundNs = roundNs }

func (p *pace) electionNs() int64 {
	return min(max(leastElectionNs, electionRounds*p.roundNs), mostElectionNs)
}

// due comes with each tick of the driver and says whether raft is to count it.
func (p *pace) due() bool {
	p.sumNs += leastElectionNs
	if p.sumNs < p.electionNs() {
		return false
	}
	p.sumNs %= p.electionNs()
	return true
}
