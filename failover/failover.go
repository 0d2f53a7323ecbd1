// Package failover says when a server should ask for the lead of a group because a majority reports its leader: evidence-driven failover.
// It is quiet: a pure function of reports, with a few words of memory.
//
// A majority of the voters, the leader not counted, holds something against the leader. After a short time, in which reports on their way
// arrive, the voter with the longest log asks for votes at once, without raft's time-out and pre-vote; the others follow in the
// order of their logs, each some time later, in case the one before has failed too. Raft still decides: whoever wins has the
// votes of a majority and all that is committed. If the reports were wrong the cost is one election.
//
// A report is a promise: who reports a leader takes no entries from it for a while, so that the log that it has told of is still its
// log when the ranks are made up. Measured by simulation in comparison with raft's timers: DESIGN.md.
package failover

import (
	"cmp"
	"slices"
	"time"
)

// Times follow the round trip R between those who decide, and are never shorter than in one hall.
const (
	// A majority of reports must stand for leastSettleNs, or 0.6 R, before the first one asks for votes.
	leastSettleNs = int64(4 * time.Millisecond)
	// leastSpacingNs, or 2.5 R, lie between two in rank.
	leastSpacingNs = int64(16 * time.Millisecond)
	// For leastPromiseNs, or 3 R, who reports a leader takes no entries from it.
	leastPromiseNs = int64(20 * time.Millisecond)
	// After leastAgainNs, or 24 R, a contest that has brought no leader begins anew: each try ends what others are at, so that raft's own
	// time-outs, which are shorter, must have had their turn.
	leastAgainNs = int64(300 * time.Millisecond)
)

func settleNs(roundNs int64) int64  { return max(leastSettleNs, roundNs*6/10) }
func spacingNs(roundNs int64) int64 { return max(leastSpacingNs, roundNs*5/2) }
func againNs(roundNs int64) int64   { return max(leastAgainNs, roundNs*24) }

// PromiseNs is for how long who reports a leader takes no entries from it.
func PromiseNs(roundNs int64) int64 { return max(leastPromiseNs, roundNs*3) }

// Voter is how far a voter is.
type Voter struct {
	Server uint64
	// LastTerm and LastIndex name the last entry of its log.
	LastTerm, LastIndex uint64
	// Fit says that it may lead: its clock and its disk are good enough.
	Fit bool
}

// longer says whether v's log is longer than o's: then v does not vote for o.
func (v Voter) longer(o Voter) bool {
	return cmp.Or(cmp.Compare(v.LastTerm, o.LastTerm), cmp.Compare(v.LastIndex, o.LastIndex)) > 0
}

// compare is negative where v comes before o in rank.
func (v Voter) compare(o Voter) int {
	fit := func(v Voter) int {
		if v.Fit {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(fit(v), fit(o)), cmp.Compare(o.LastTerm, v.LastTerm), cmp.Compare(o.LastIndex, v.LastIndex), cmp.Compare(v.Server, o.Server))
}

// Situation is what a server knows of a group.
type Situation struct {
	NowNs int64
	// Self is this server, which votes in the group; Voters is how many vote.
	Self   Voter
	Voters int
	// Heard are the voters that were heard lately, this server included.
	Heard []Voter
	// Leader leads as far as is known, 0 for nobody; Term is raft's.
	Leader, Term uint64
	// Against gives the voters, this server included, that hold something against a server.
	Against func(server uint64) []Voter
	// RoundNs gives the round trip between those who are to replace a server.
	RoundNs func(server uint64) int64
}

// Contest is what a server remembers of one group. The zero value is ready for use.
type Contest struct {
	leader  uint64 // who is reported, 0: there is no contest
	sinceNs int64
	asked   bool
	// joined says that this server is one of those who report, late that it has come to it when others may have been about to ask.
	joined, late bool
	// movedNs is when the term last rose: somebody has asked. 0 before.
	movedNs int64
	term    uint64
}

// Next says whether to ask for votes now.
func (c *Contest) Next(s Situation) bool {
	if s.Leader != 0 && s.Leader != c.leader {
		*c = Contest{}
	}
	suspect := cmp.Or(s.Leader, c.leader)
	if suspect == 0 || suspect == s.Self.Server {
		return false
	}
	against := s.Against(suspect)
	if len(against) <= s.Voters/2 {
		*c = Contest{}
		return false
	}
	round := s.RoundNs(suspect)
	if c.leader == 0 || s.NowNs-c.sinceNs >= againNs(round) {
		*c = Contest{leader: suspect, sinceNs: s.NowNs, term: s.Term}
	}
	if c.term != s.Term {
		c.term, c.movedNs = s.Term, s.NowNs
	}
	c.join(against, s, round)
	if !c.joined || c.asked || !s.Self.Fit || s.supporters(suspect) <= s.Voters/2 || s.NowNs-c.sinceNs < c.waitNs(against, s, round) {
		return false
	}
	c.asked = true
	return true
}

// join notes whether this server is one of those who report, and whether its report reaches the others before the first of them asks.
func (c *Contest) join(against []Voter, s Situation, roundNs int64) {
	joined := slices.ContainsFunc(against, func(v Voter) bool { return v.Server == s.Self.Server })
	if joined && !c.joined {
		c.late = s.NowNs-c.sinceNs > settleNs(roundNs)-roundNs/2
	}
	c.joined = joined
}

// waitNs is how long after the beginning of a contest this server asks. Where all have reported no more reports are on their way; who
// reports late comes after all the others, who have made up their ranks without it. Where another one asks it gets its time from then on,
// or the next in rank would depose who has just won.
func (c *Contest) waitNs(against []Voter, s Situation, roundNs int64) int64 {
	rank := int64(0)
	for _, v := range against {
		if v.Server != s.Self.Server && (c.late || v.compare(s.Self) < 0) {
			rank++
		}
	}
	wait := rank * spacingNs(roundNs)
	if len(against) < s.Voters-1 {
		wait += settleNs(roundNs)
	}
	if c.movedNs != 0 {
		wait = max(wait, c.movedNs-c.sinceNs+spacingNs(roundNs))
	}
	return wait
}

// supporters counts the voters that can vote for this server, itself included: who lacks what others have cannot win, and would only keep them
// from it.
func (s *Situation) supporters(suspect uint64) int {
	n := 0
	for _, v := range s.Heard {
		if v.Server != suspect && !v.longer(s.Self) {
			n++
		}
	}
	return n
}
