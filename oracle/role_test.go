package oracle

import (
	"fmt"
	"testing"

	"onevoice/members"
	"onevoice/view"
)

// apart is a world of three servers and three oracles, 4 to 6, all of them up.
func apart(t *testing.T) *world {
	w := newWorld(t, 6)
	g := members.Genesis{Groups: []uint32{1, 2}}
	for n := uint64(1); n <= 6; n++ {
		g.Servers = append(g.Servers, members.Server{Number: n, Name: fmt.Sprintf("n%d", n), HTTP: fmt.Sprintf("h%d:1", n), Peer: fmt.Sprintf("h%d:2", n), Oracle: n > 3})
	}
	w.m = New(g)
	w.observe(0)
	for s := uint64(1); s <= 6; s++ {
		w.is(s, view.Up, view.NoEvidence)
	}
	return w
}

// Voters of either role are counted about anybody: a majority of all six is four.
func TestBothRolesAreCounted(t *testing.T) {
	for _, c := range []struct {
		what  string
		about uint64
		by    []uint64
		want  view.Standing
	}{
		{"all others about a server", 2, []uint64{1, 3, 4, 5, 6}, view.Down},
		{"four about a server", 2, []uint64{1, 3, 5, 6}, view.Down},
		{"all oracles about a server that the servers hear", 2, []uint64{4, 5, 6}, view.Up},
		{"the other servers about one that the oracles hear", 2, []uint64{1, 3}, view.Up},
		{"four about an oracle", 5, []uint64{1, 2, 3, 4}, view.Down},
		{"all servers about an oracle that the oracles hear", 5, []uint64{1, 2, 3}, view.Up},
	} {
		w := apart(t)
		w.report(view.Silent, c.about, c.by...)
		w.observe(ms)
		w.pass(100 * ms)
		if p, _ := w.m.state.view.Process(c.about); p.Standing != c.want {
			t.Errorf("%s: it is %v, want %v", c.what, p.Standing, c.want)
		}
	}
}

// Each role keeps a majority of its own: its groups cannot do without.
func TestEachRoleKeepsItsMajority(t *testing.T) {
	w := apart(t)
	w.silent[1], w.silent[4] = true, true
	w.report(view.Silent, 1, 2, 3, 5, 6)
	w.report(view.Silent, 4, 2, 3, 5, 6)
	w.observe(ms)
	w.is(1, view.Down, view.Silent)
	w.is(4, view.Down, view.Silent)
	w.report(view.Exited, 2, 3, 4, 5, 6)
	w.observe(ms)
	w.is(2, view.Up, view.NoEvidence) // three of six are no majority
	w = apart(t)
	w.report(view.Silent, 1, 2, 3, 4, 5, 6)
	w.report(view.Silent, 2, 1, 3, 4, 5, 6)
	w.observe(ms)
	w.is(1, view.Degraded, view.Silent)
	w.is(2, view.Down, view.Silent)
	for server, want := range map[uint64]bool{3: false, 5: true} {
		p, _ := w.m.state.view.Process(server)
		r, err := members.DecodeResult(w.apply(ms, Fence{server, p.Incarnation}.Encode()))
		if err != nil || (r.Problem == nil) != want {
			t.Errorf("fencing %d: %v, %v", server, r.Problem, err)
		}
	}
}

// Oracles that hear no server at all, and are heard by none, take nobody down.
func TestOraclesThatAreCutOffTakeNobodyDown(t *testing.T) {
	w := apart(t)
	for s := uint64(1); s <= 3; s++ {
		w.silent[s] = true
		w.report(view.Silent, s, 4, 5, 6)
	}
	w.observe(ms)
	w.pass(100 * ms)
	for s := uint64(1); s <= 6; s++ {
		w.is(s, view.Up, view.NoEvidence)
	}
}
