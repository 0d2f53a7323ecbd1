package utm

import (
	"slices"
	"testing"

	"onevoice/problem"
)

// do applies a command and wants this kind of problem, 0 for none.
func do(t *testing.T, m *Machine, c Command, want problem.Kind) Result {
	t.Helper()
	r := m.Apply(Position{1, 0}, c, quiet)
	if r.Problem == nil && want != 0 || r.Problem != nil && r.Problem.Kind != want {
		t.Fatalf("%v, want %v", r.Problem, want)
	}
	return r
}

func begun() *Machine {
	m := New()
	m.Advance(Position{}, epochNs, quiet)
	return m
}

func ridSubscription(n int, manager string, cells []uint64) *Put {
	x := Extent{Cells: cells, FloorCm: NoFloorCm, CeilingCm: NoCeilingCm}
	return &Put{Kind: RIDSubscription, ID: idOf(n), Manager: manager, URL: "https://uss", Extent: x, OVN: ovnOf(n)}
}

func TestTenRemoteIDSubscriptionsInACell(t *testing.T) {
	m := begun()
	for i := range MaxRIDSubscriptions {
		do(t, m, ridSubscription(i+1, "uss1", cellsAt(i, 10)), 0) // all in cell 9
	}
	if r := do(t, m, ridSubscription(20, "uss1", cellsAt(9, 1)), problem.Overloaded); r.Problem.Field != "cells" {
		t.Fatalf("field %q", r.Problem.Field)
	}
	do(t, m, ridSubscription(20, "uss1", cellsAt(10, 1)), 0)
	do(t, m, ridSubscription(21, "uss2", cellsAt(9, 1)), 0)
	change := ridSubscription(1, "uss1", cellsAt(0, 10))
	change.Match, change.OVN = ovnOf(1), ovnOf(30)
	do(t, m, change, 0)
	m.Advance(Position{2, 0}, epochNs+24*hour, quiet)
	do(t, m, ridSubscription(22, "uss1", cellsAt(9, 1)), 0)
}

func TestASubscriptionServesWhatNamesIt(t *testing.T) {
	m := begun()
	x := Extent{cellsAt(0, 2), NoFloorCm, NoCeilingCm, epochNs, epochNs + 2*hour}
	sub := &Put{Kind: Subscription, ID: idOf(1), Manager: "uss1", URL: "https://uss", Extent: x, OVN: ovnOf(1), NotifyIntents: true, NotifyConstraints: true}
	do(t, m, sub, 0)
	intent := &Put{Kind: Intent, ID: idOf(2), Manager: "uss1", URL: "https://uss", Extent: x, OVN: ovnOf(2), State: Accepted, Subscription: idOf(1)}
	intent.Extent.EndNs = epochNs + hour
	do(t, m, intent, 0)
	change := *sub
	change.Match, change.OVN, change.NotifyIntents = ovnOf(1), ovnOf(3), false
	if r := do(t, m, &change, problem.Invalid); r.Problem.Field != "notify_for_operational_intents" {
		t.Fatalf("field %q", r.Problem.Field)
	}
	change.NotifyIntents, change.Extent.EndNs = true, epochNs+hour/2
	do(t, m, &change, problem.Invalid)
	change.Extent.EndNs = epochNs + hour
	do(t, m, &change, 0)
	do(t, m, &Delete{Subscription, idOf(1), "uss1", ovnOf(3)}, problem.Refused)
}

func TestWhatIsMissingIsBoundedAndSaid(t *testing.T) {
	m := begun()
	for i := range MaxMissing + 1 {
		p := busyPut(i, nil, true)
		p.State, p.MayOffNominal = Nonconforming, true
		do(t, m, p, 0)
	}
	r := do(t, m, busyPut(5000, []OVN{ovnOf(0)}, true), problem.Conflict)
	if len(r.MissingIntents) != MaxMissing || r.MoreMissing || r.MissingIntents[0] != busyPut(1, nil, true).ID {
		t.Fatalf("%d missing, more %v", len(r.MissingIntents), r.MoreMissing)
	}
	if r := do(t, m, busyPut(5000, nil, true), problem.Conflict); len(r.MissingIntents) != MaxMissing || !r.MoreMissing {
		t.Fatalf("%d missing, more %v", len(r.MissingIntents), r.MoreMissing)
	}
	if _, ok := m.Register().Get(Intent, busyPut(5000, nil, true).ID); ok {
		t.Fatal("what was refused is there")
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	m := begun()
	for i := range 25 {
		do(t, m, ridSubscription(i+1, "uss"+string(rune('a'+i)), cellsAt(0, 1)), 0)
	}
	x := Extent{cellsAt(0, 1), NoFloorCm, NoCeilingCm, epochNs, epochNs + hour}
	var got []ID
	for after := (ID{}); ; after = got[len(got)-1] {
		page, err := m.Register().Search(RIDSubscription, x, "", after, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, f := range page {
			got = append(got, f.ID)
		}
	}
	if len(got) != 25 || !slices.IsSortedFunc(got, func(a, b ID) int { return slices.Compare(a[:], b[:]) }) {
		t.Fatalf("%d on all pages", len(got))
	}
}

func TestExpiryIsBounded(t *testing.T) {
	m := begun()
	for i := range 2 * MaxDue {
		do(t, m, busyPut(i, nil, false), 0)
	}
	was := m.Register().Copy()
	m.Advance(Position{3, 0}, epochNs+hour+RetainNs, quiet)
	// Each intent takes its implicit subscription with it.
	if n := m.Register().Count(Intent); n != MaxDue || m.DueNs() == 0 || m.Register().Count(Subscription) != n {
		t.Fatalf("%d intents left, next at %d", n, m.DueNs())
	}
	m.Advance(Position{4, 0}, epochNs+hour+RetainNs, quiet)
	if m.Register().Saved() != 1 || m.DueNs() != 0 || was.Count(Intent) != 2*MaxDue {
		t.Fatalf("%d records left, %d in the copy", m.Register().Saved(), was.Count(Intent))
	}
}
