package members

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"onevoice/problem"

	"pgregory.net/rapid"
)

// apart is a world of three servers and three oracles, 4 to 6.
func apart(t *testing.T) *world {
	w := newWorld(t)
	g := Genesis{Groups: []uint32{1, 2}, Servers: slices.Clone(w.m.state.servers)}
	for n := uint64(4); n <= 6; n++ {
		g.Servers = append(g.Servers, Server{Number: n, Name: fmt.Sprint("o", n-3), HTTP: fmt.Sprint("h:8", n), Peer: fmt.Sprint("h:9", n), Oracle: true})
	}
	w.m = New(g)
	return w
}

func (w *world) wishOf(group uint32, voters, learners []uint64) {
	w.t.Helper()
	if got := w.m.state.Wish(group); !slices.Equal(got.Voters, voters) || !slices.Equal(got.Learners, learners) {
		w.t.Errorf("the wish of group %d is %v, want %v and %v", group, got, voters, learners)
	}
}

func TestOraclesDecideOnTheMembershipAlone(t *testing.T) {
	w := apart(t)
	w.wishOf(1, []uint64{1, 2, 3}, nil)
	w.wishOf(2, []uint64{4, 5, 6}, []uint64{1, 2, 3})
	w.settle()
	w.ok(w.invite(Invite{}))
	w.wishOf(1, []uint64{1, 2, 3}, []uint64{7})
	w.wishOf(2, []uint64{4, 5, 6}, []uint64{1, 2, 3, 7})
	w.settle()
	w.ok(Promote{7})
	w.wishOf(1, []uint64{1, 2, 3, 7}, nil)
	w.wishOf(2, []uint64{4, 5, 6}, []uint64{1, 2, 3, 7})
	w.settle()
	w.ok(Remove{7})
	w.settle()
	w.wishOf(2, []uint64{4, 5, 6}, []uint64{1, 2, 3})
}

func TestTheLastVoterOfARoleStays(t *testing.T) {
	w := apart(t)
	w.settle()
	for _, n := range []uint64{6, 5, 3, 2} {
		w.ok(Remove{n})
		w.settle()
	}
	w.refuses(Remove{4}, problem.Refused, "server 4 is the only oracle voter")
	w.refuses(Remove{1}, problem.Refused, "server 1 is the only voter")
	w.wishOf(1, []uint64{1}, nil)
	w.wishOf(2, []uint64{4}, []uint64{1})
}

// TestWhoReplacesAnOracleIsOne, and a server that is there does not become one.
func TestWhoReplacesAnOracleIsOne(t *testing.T) {
	w := apart(t)
	w.settle()
	w.ok(w.invite(Invite{}))
	w.settle()
	w.refuses(Replace{Old: 5, New: 7}, problem.Refused, "server 7 is no oracle voter")
	if r := w.ok(w.invite(Invite{Replaces: 5})); r.Number != 8 {
		t.Fatalf("%+v", r)
	}
	w.wishOf(1, []uint64{1, 2, 3}, []uint64{7})
	w.wishOf(2, []uint64{4, 6, 8}, []uint64{1, 2, 3, 7})
	again, err := reload(w.m)
	if v, _ := again.state.Server(8); err != nil || !v.Oracle || !slices.EqualFunc(chunks(again), chunks(w.m), bytes.Equal) {
		t.Errorf("%v: %+v", err, v)
	}
	w.ok(Remove{8}) // taken back
	w.wishOf(2, []uint64{4, 5, 6}, []uint64{1, 2, 3, 7})
}

// TestRolesStayApart: whatever is commanded, nobody but full servers is in the airspace's group, somebody votes in each, and nobody but oracles
// votes on the membership.
func TestRolesStayApart(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := apart(t)
		for range rapid.IntRange(1, 25).Draw(r, "commands") {
			s := w.m.state
			server := rapid.Uint64Range(1, s.next).Draw(r, "server")
			switch rapid.IntRange(0, 5).Draw(r, "what") {
			case 0:
				w.do(Promote{server})
			case 1:
				w.do(Remove{server})
			case 2:
				w.do(Replace{server, rapid.Uint64Range(1, s.next).Draw(r, "new")})
			case 3:
				if v, ok := s.Server(server); ok && v.Wish == Voter {
					w.do(w.invite(Invite{Replaces: server}))
				}
			default:
				w.do(Reached{rapid.Uint32Range(1, 2).Draw(r, "group"), s.change})
			}
			for _, group := range []uint32{1, 2} {
				w.lawful(r, group)
			}
		}
	})
}

func (w *world) lawful(r *rapid.T, group uint32) {
	s := w.m.state
	wish := s.Wish(group)
	if len(wish.Voters) == 0 {
		r.Fatalf("nobody votes in group %d: %+v", group, s.servers)
	}
	for _, n := range append(slices.Clone(wish.Voters), wish.Learners...) {
		v, _ := s.Server(n)
		if group == 1 && v.Oracle || v.Wish == Removed || group == 2 && !v.Oracle && slices.Contains(wish.Voters, n) {
			r.Fatalf("group %d has %+v: %+v", group, v, wish)
		}
	}
	for _, v := range s.servers {
		if v.Wish != Removed && (group == 2 || !v.Oracle) && !slices.Contains(append(slices.Clone(wish.Voters), wish.Learners...), v.Number) {
			r.Fatalf("group %d is without %+v: %+v", group, v, wish)
		}
	}
}
