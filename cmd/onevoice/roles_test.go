package main

import (
	"strings"
	"testing"

	"onevoice/web/api"
)

func TestWhatARoleShallBe(t *testing.T) {
	apart := &api.Members{Members: []api.Member{{Number: 1, Wish: "voter"}, {Number: 2, Wish: "learner"}, {Number: 3, Wish: "voter", Oracle: true}, {Number: 4, Wish: "removed"}}}
	for i, want := range [][2]string{{"voter", "learner"}, {"learner", "learner"}, {"removed", "voter"}, {"removed", "removed"}} {
		for g := range want {
			if got := wishIn(apart, uint32(g+1), &apart.Members[i]); got != want[g] {
				t.Errorf("server %d in group %d: %s, want %s", i+1, g+1, got, want[g])
			}
		}
	}
	inside := &api.Members{Members: apart.Members[:2]}
	if got := wishIn(inside, membersGroup, &inside.Members[0]); got != "voter" {
		t.Errorf("without oracles: %s", got)
	}
}

func TestEachRoleSurvivesByItself(t *testing.T) {
	all := &api.Members{Members: []api.Member{
		{Number: 1, Wish: "voter", Standing: "up"}, {Number: 2, Wish: "voter", Standing: "up", Oracle: true},
		{Number: 3, Wish: "voter", Standing: "down", Oracle: true}, {Number: 4, Wish: "voter", Standing: "up", Oracle: true},
	}}
	const want = "oracles: 3 voters now, 1 of them down: none may fail. After this: oracles: 2 voters: none may fail."
	if got := survival(all, true, removing(all, &all.Members[2])); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := survival(all, false, nothing); !strings.HasPrefix(got, "1 voter now: none may fail.") {
		t.Error(got)
	}
}

func TestAStatusSaysThatTheOracleIsSilent(t *testing.T) {
	at := func(name string, ms int64) standing {
		return standing{Status: &api.Status{Node: name, OracleAgeMs: ms}}
	}
	if got := deafTo([]standing{at("n1", 20), {Error: "x"}, at("n2", api.MaxAgreedAgeMs)}); got != "" {
		t.Errorf("all hear it: %q", got)
	}
	if got := deafTo([]standing{at("n1", 20), at("n2", 3001), at("n3", -1)}); !strings.Contains(got, "n2 (3001 ms ago), n3 (never); ") {
		t.Errorf("two do not: %q", got)
	}
}
