package failover

import (
	"testing"
	"time"
)

const ms = int64(time.Millisecond)

// group is five voters, of whom 1 leads, seen from one of the others.
type group struct {
	Situation
	contest Contest
	against map[uint64][]Voter
	roundNs int64
}

func voter(server, lastTerm, lastIndex uint64) Voter {
	return Voter{Server: server, LastTerm: lastTerm, LastIndex: lastIndex, Fit: true}
}

func seenFrom(self Voter) *group {
	g := &group{against: map[uint64][]Voter{}}
	g.Situation = Situation{NowNs: 1_000 * ms, Self: self, Voters: 5, Leader: 1, Against: func(s uint64) []Voter { return g.against[s] },
		RoundNs: func(uint64) int64 { return g.roundNs }}
	for s := range uint64(5) {
		if v := voter(s+1, 1, 1); v.Server != self.Server {
			g.Heard = append(g.Heard, v)
		}
	}
	g.Heard = append(g.Heard, self)
	return g
}

// asks lets time pass and says after how long this server asks for votes, -1 where it does not within most.
func (g *group) asks(most int64) int64 {
	for began := g.NowNs; g.NowNs <= began+most; g.NowNs += ms {
		if g.contest.Next(g.Situation) {
			return g.NowNs - began
		}
	}
	return -1
}

func TestNobodyAsksWithoutAMajority(t *testing.T) {
	g := seenFrom(voter(2, 1, 10))
	g.against[1] = []Voter{g.Self, voter(3, 1, 9)}
	if after := g.asks(500 * ms); after != -1 {
		t.Errorf("asks after %d ms with two of five against the leader", after/ms)
	}
}

func TestTheOrderIsThatOfTheLogs(t *testing.T) {
	all := []Voter{voter(2, 1, 10), voter(3, 2, 5), voter(4, 1, 11), {Server: 5, LastTerm: 9, LastIndex: 99}}
	for self, want := range map[uint64]int64{3: 0, 4: 1, 2: 2, 5: -1} {
		g := seenFrom(all[self-2])
		g.against[1] = all
		if want >= 0 {
			want *= leastSpacingNs // all have reported, so nobody is waited for
		}
		if got := g.asks(60 * ms); got != want {
			t.Errorf("server %d asks after %d ns, want %d", self, got, want)
		}
	}
}

// TestWhoReportsLateComesLast: the others may be about to ask. (Found by the simulated world: two asked within half a millisecond, and the
// votes were split.)
func TestWhoReportsLateComesLast(t *testing.T) {
	for afterNs, want := range map[int64]int64{3 * ms: 1 * ms, 5 * ms: leastSettleNs + 4*leastSpacingNs - 5*ms} {
		g := seenFrom(voter(2, 1, 10))
		g.Voters = 7
		others := []Voter{voter(3, 1, 10), voter(4, 1, 10), voter(5, 1, 10), voter(6, 1, 10)}
		g.against[1] = others
		if g.asks(afterNs-ms) != -1 {
			t.Fatal("asks without a report of its own")
		}
		g.against[1] = append(others, g.Self)
		if got := g.asks(200 * ms); got != want {
			t.Errorf("reporting %d ms late it asks after %d ms, want %d", afterNs/ms, got/ms, want/ms)
		}
	}
}

// TestWhoeverAsksGetsItsTime: from when this server knows of it by the term.
func TestWhoeverAsksGetsItsTime(t *testing.T) {
	for movedNs, want := range map[int64]int64{1 * ms: leastSpacingNs + 1*ms, 15 * ms: leastSpacingNs + 15*ms} {
		g := seenFrom(voter(3, 1, 10))
		g.Term = 7
		g.against[1] = []Voter{g.Self, voter(2, 1, 10), voter(4, 1, 10), voter(5, 1, 10)}
		if g.asks(movedNs-ms) != -1 {
			t.Fatal("asks before its turn")
		}
		g.Term = 8
		if got := g.asks(200*ms) + movedNs; got != want {
			t.Errorf("another one asks after %d ms, this one after %d, want %d", movedNs/ms, got/ms, want/ms)
		}
	}
}

// TestTimesFollowTheRoundTrip: at 40 ms the first one waits 24 ms, the next in rank 100 ms more, and a contest without a winner goes on for
// nearly a second.
func TestTimesFollowTheRoundTrip(t *testing.T) {
	for rank := range int64(2) {
		g := seenFrom(voter(2, 1, 10))
		g.roundNs = 40 * ms
		g.against[1] = []Voter{g.Self, voter(3, 1, 9+2*uint64(rank)), voter(4, 1, 1)}
		if got, want := g.asks(500*ms), (24+100*rank)*ms; got != want {
			t.Errorf("rank %d asks after %d ms, want %d", rank, got/ms, want/ms)
		}
		if rank == 0 {
			g.NowNs += ms
			if got := g.asks(2_000 * ms); got != (960-1)*ms {
				t.Errorf("asks again %d ms after the first time, want 959", got/ms)
			}
		}
	}
	for roundNs, want := range map[int64]int64{0: 20 * ms, 5 * ms: 20 * ms, 40 * ms: 120 * ms} {
		if got := PromiseNs(roundNs); got != want {
			t.Errorf("a promise of %d ms at a round trip of %d ms, want %d", got/ms, roundNs/ms, want/ms)
		}
	}
}

func TestEqualLogsGoByNumber(t *testing.T) {
	all := []Voter{voter(2, 1, 10), voter(3, 1, 10), voter(4, 1, 10)}
	for i, v := range all {
		g := seenFrom(v)
		g.against[1] = all
		if got := g.asks(60 * ms); got != leastSettleNs+int64(i)*leastSpacingNs {
			t.Errorf("server %d asks after %d ms", v.Server, got/ms)
		}
	}
}

// TestWhoHasNothingAgainstTheLeaderDoesNotAsk: it hears it.
func TestWhoHasNothingAgainstTheLeaderDoesNotAsk(t *testing.T) {
	g := seenFrom(voter(2, 1, 10))
	g.against[1] = []Voter{voter(3, 1, 1), voter(4, 1, 1), voter(5, 1, 1)}
	if after := g.asks(500 * ms); after != -1 {
		t.Errorf("asks after %d ms", after/ms)
	}
}

func TestTheLeaderItselfDoesNotAsk(t *testing.T) {
	g := seenFrom(voter(1, 1, 10))
	g.against[1] = []Voter{g.Self, voter(3, 1, 1), voter(4, 1, 1)}
	if g.asks(500*ms) != -1 {
		t.Error("asks")
	}
}

// TestOnceInAContest: a second time only after everybody has had a turn; and anew when there is another leader.
func TestOnceInAContest(t *testing.T) {
	g := seenFrom(voter(2, 1, 10))
	g.against[1] = []Voter{g.Self, voter(3, 1, 1), voter(4, 1, 1)}
	if g.asks(10*ms) != leastSettleNs {
		t.Fatal("does not ask")
	}
	g.NowNs += ms
	g.Leader = 0 // it campaigns
	if after := g.asks(500 * ms); after < leastAgainNs-10*ms || after > leastAgainNs+10*ms {
		t.Errorf("asks again after %d ms", after/ms)
	}
	g.Leader = 4
	if g.asks(500*ms) != -1 {
		t.Error("asks though another leads")
	}
	g.against[4] = []Voter{g.Self, voter(3, 1, 1), voter(5, 1, 1)}
	if got := g.asks(500 * ms); got != leastSettleNs {
		t.Errorf("asks after %d ms when the next leader is reported", got/ms)
	}
}

func TestReportsThatAreTakenBackEndIt(t *testing.T) {
	g := seenFrom(voter(2, 1, 10))
	g.against[1] = []Voter{g.Self, voter(3, 1, 11), voter(4, 1, 12)}
	if g.asks(30*ms) != -1 {
		t.Fatal("asks before its turn")
	}
	all := g.against[1]
	g.against[1] = all[:2]
	g.contest.Next(g.Situation)
	g.against[1] = all
	if got := g.asks(100 * ms); got != leastSettleNs+2*leastSpacingNs {
		t.Errorf("asks after %d ms, want a new beginning", got/ms)
	}
}

// TestWhoCannotWinDoesNotAsk: two of five, the leader aside, have longer logs; or too few are heard at all. It would go on for ever, and keep
// those from it who can. (Found by the simulated world: the only one with a good clock had the shortest log.)
func TestWhoCannotWinDoesNotAsk(t *testing.T) {
	g := seenFrom(voter(2, 1, 10))
	g.against[1] = []Voter{g.Self, {Server: 3, LastTerm: 1, LastIndex: 12}, {Server: 4, LastTerm: 1, LastIndex: 11}}
	g.Heard = append([]Voter{voter(1, 1, 9), voter(5, 1, 9)}, g.against[1]...)
	if after := g.asks(1000 * ms); after != -1 {
		t.Errorf("asks after %d ms", after/ms)
	}
	g.Heard = append([]Voter{voter(1, 1, 9), voter(3, 1, 9)}, g.Self)
	g.contest = Contest{}
	if after := g.asks(1000 * ms); after != -1 {
		t.Errorf("asks after %d ms, heard by one other", after/ms)
	}
	g.Heard = append(g.Heard, voter(5, 1, 10))
	if after := g.asks(1000 * ms); after == -1 {
		t.Error("does not ask though a majority can vote for it")
	}
}

// TestNobodyLeadsAndNobodyIsReported: that is for raft's own timer.
func TestNobodyLeadsAndNobodyIsReported(t *testing.T) {
	g := seenFrom(voter(2, 1, 10))
	g.Leader = 0
	if g.asks(500*ms) != -1 {
		t.Error("asks")
	}
}
