package members

import (
	"math/rand/v2"
	"testing"

	"onevoice/problem"
)

// reached lets one group reach the newest change.
func (w *world) reached(group uint32) {
	w.t.Helper()
	w.ok(Reached{group, w.m.state.Change()})
}

// TestARemovalMayBeTakenBackUntilEveryGroupHasReachedIt: who was let go by one group comes back there as one who joins; who is
// gone does not.
func TestARemovalMayBeTakenBackUntilEveryGroupHasReachedIt(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(Remove{3})
	w.reached(1)
	w.refuses(Remove{2}, problem.Refused, "take it back: promote server 3")
	w.ok(Promote{3})
	w.wish([]uint64{1, 2, 3}, nil)
	w.refuses(Promote{3}, problem.Refused, "voter already")
	w.refuses(Remove{2}, problem.Refused, "take it back: remove server 3")
	w.ok(Remove{3}) // it does not come: its disk is lost
	w.wish([]uint64{1, 2}, nil)
	w.reached(1)
	w.reached(2)
	w.refuses(Promote{3}, problem.Refused, "gone for good")
}

// TestALostServerPutBackCanAlwaysBeRemoved: one that a group had let go already, and that is put back by taking its replacement back, may
// never come. Whatever was said in between, it can be removed.
func TestALostServerPutBackCanAlwaysBeRemoved(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(w.invite(Invite{Replaces: 2}))
	w.reached(1)
	w.refuses(Promote{2}, problem.Refused, "gives way to server 4: remove that one")
	w.ok(Remove{4})
	w.wish([]uint64{1, 2, 3}, nil)
	w.refuses(Remove{1}, problem.Refused, "remove server 2, or promote server 4")
	w.ok(Promote{4}) // on second thoughts
	w.wish([]uint64{1, 2, 3, 4}, nil)
	w.refuses(Remove{1}, problem.Refused, "remove server 2, or remove server 4")
	w.ok(Remove{2})
	w.wish([]uint64{1, 3, 4}, nil)
	w.ok(Remove{4}) // 2 was removed by name since: it does not come back with this
	w.wish([]uint64{1, 3}, nil)
	w.ok(Promote{2})
	w.wish([]uint64{1, 2, 3}, nil)
	w.settle()
	if !w.m.state.Barred(4) || w.m.state.Barred(2) {
		t.Error("the wrong one is gone")
	}
	w.refuses(Remove{9}, problem.NotFound, "server 9")
	w.ok(Remove{1})
}

// TestWhoMayComeBackKeepsItsPlace: name and addresses are not given to another before a server is gone, except to its successor; and
// of two with the same the second is not brought back.
func TestWhoMayComeBackKeepsItsPlace(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(Remove{3})
	w.refuses(SetAddress{2, "h:83", "h:9"}, problem.Refused, "server 3 (n3) has one of the addresses")
	w.settle()
	w.ok(SetAddress{2, "h:83", "h:9"})

	j := w.invite(Invite{Replaces: 1})
	j.Name, j.HTTP, j.Peer = "n1", "h:81", "h:91"
	w.ok(j)
	w.ok(SetAddress{4, "h:91", "h:81"})
	w.ok(Remove{4})
	w.refuses(Promote{4}, problem.Refused, "server 1 is named n1 already")
	w.refuses(SetAddress{4, "h:81", "h:1"}, problem.Refused, "server 1 (n1) has one of the addresses")
	w.ok(SetAddress{4, "h:1", "h:2"})
	w.ok(Remove{1})
	w.ok(Promote{4})
	w.wish([]uint64{2, 4}, nil)
}

// TestThereIsAlwaysAWayOut: after any commands, with groups that have reached whatever they had, a cluster waits for no server that is
// lost once that one is removed; and its removal is refused only where nobody else would vote.
func TestThereIsAlwaysAWayOut(t *testing.T) {
	for seed := range uint64(3_000) {
		w := newWorld(t)
		w.settle()
		r := rand.New(rand.NewPCG(seed, 1))
		for range 3 + r.IntN(20) {
			w.something(r)
		}
		lost := map[uint64]bool{}
		for _, v := range w.m.state.Servers() {
			lost[v.Number] = r.IntN(3) == 0
		}
		for range 2 { // the first removal may put one back
			for n := range uint64(len(w.m.state.Servers())) {
				w.letGo(seed, n+1, lost[n+1])
			}
		}
		for _, v := range w.m.state.Servers() {
			if lost[v.Number] && v.Wish != Removed && w.m.state.Touched(v.Number) && w.m.state.count(Voter) > 1 {
				t.Fatalf("seed %d: groups %v wait for server %d, which is lost: %+v", seed, w.m.state.Groups(), v.Number, w.m.state.Servers())
			}
		}
	}
}

// something does some command that may be refused, or lets a group reach the newest change.
func (w *world) something(r *rand.Rand) {
	s := w.m.state
	server := 1 + r.Uint64N(uint64(len(s.Servers())))
	switch r.IntN(8) {
	case 0:
		i := Invite{}
		if v, _ := s.Server(server); v.Wish == Voter && r.IntN(2) == 0 {
			i.Replaces = server
		}
		if len(s.Invitations()) < MaxInvitations {
			w.do(w.invite(i))
		}
	case 1, 2:
		w.do(Promote{server})
	case 3, 4:
		w.do(Remove{server})
	case 5:
		w.do(Replace{server, 1 + r.Uint64N(uint64(len(s.Servers())))})
	default:
		g := s.Groups()[r.IntN(len(s.Groups()))].Number
		wish := s.Wish(g)
		if c, due := s.Due(g, wish.Change, wish.Voters, wish.Learners); due {
			w.ok(c)
		}
	}
}

// letGo removes a server that is lost where groups may wait for it.
func (w *world) letGo(seed, number uint64, lost bool) {
	v, _ := w.m.state.Server(number)
	if !lost || v.Wish == Removed || !w.m.state.Touched(number) {
		return
	}
	if r := w.do(Remove{number}); r.Problem != nil && w.m.state.count(Voter) > 1 {
		w.t.Fatalf("seed %d: server %d is lost, and its removal is refused: %v", seed, number, r.Problem)
	}
}
