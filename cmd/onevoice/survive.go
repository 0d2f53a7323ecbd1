package main

import (
	"fmt"
	"slices"

	"onevoice/web/api"
)

// electorate is who votes in the groups of one role, and which of them have failed already.
type electorate struct {
	oracles bool
	voters  []uint64
	down    []uint64
}

// electorateOf is the agreed set of a role, with the standings of the newest view.
func electorateOf(all *api.Members, oracles bool) *electorate {
	e := &electorate{oracles: oracles}
	for _, m := range all.Members {
		if m.Wish == "voter" && m.Oracle == oracles {
			e.voters = append(e.voters, m.Number)
		}
		if m.Standing == "down" || m.Standing == "" && all.View != 0 {
			e.down = append(e.down, m.Number)
		}
	}
	return e
}

func (e *electorate) add(number uint64) { e.drop(number); e.voters = append(e.voters, number) }

func (e *electorate) drop(number uint64) {
	e.voters = slices.DeleteFunc(e.voters, func(v uint64) bool { return v == number })
}

// words say how many voters there are and how many of them may fail.
func (e *electorate) words(now string) string {
	failed := 0
	for _, v := range e.voters {
		if slices.Contains(e.down, v) {
			failed++
		}
	}
	voters := voterCount(len(e.voters)) + now
	if e.oracles {
		voters = "oracles: " + voters
	}
	if failed > 0 {
		voters += fmt.Sprintf(", %d of them down", failed)
	}
	switch may := len(e.voters) - failed - (len(e.voters)/2 + 1); {
	case may < 0:
		return voters + ": no majority is up"
	case may == 0:
		return voters + ": none may fail"
	default:
		return voters + fmt.Sprintf(": any %d may fail", may)
	}
}

func voterCount(n int) string {
	if n == 1 {
		return "1 voter"
	}
	return fmt.Sprintf("%d voters", n)
}

// survival says how many failures the groups of a role survive now, and after a change.
func survival(all *api.Members, oracles bool, change func(*electorate)) string {
	after := electorateOf(all, oracles)
	change(after)
	return electorateOf(all, oracles).words(" now") + ". After this: " + after.words("") + "."
}

// nothing is a change that leaves the voters as they are.
func nothing(*electorate) {}

func promoting(m *api.Member) func(*electorate) {
	return func(e *electorate) { e.add(m.Number) }
}

// removing takes a server out. Whom it was to replace comes back with that, where it is not gone.
func removing(all *api.Members, m *api.Member) func(*electorate) {
	return func(e *electorate) {
		e.drop(m.Number)
		for _, old := range all.Members {
			if old.Number == m.Replaces && old.Wish == "removed" && !old.Gone {
				e.add(old.Number)
			}
		}
	}
}

// replacing puts a server in another's place; fresh is 0 for one that is to join yet.
func replacing(old *api.Member, fresh uint64) func(*electorate) {
	return func(e *electorate) { e.drop(old.Number); e.add(fresh) }
}

func fencing(m *api.Member) func(*electorate) {
	return func(e *electorate) { e.down = append(e.down, m.Number) }
}
