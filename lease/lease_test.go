package lease

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"onevoice/fence"
	"onevoice/machine"
	"onevoice/problem"
	"onevoice/view"
)

const sec = 1000 * msNs

// world is a machine with the place of its next entry.
type world struct {
	t      testing.TB
	m      *Machine
	at     machine.At
	events []Event
}

func newWorld(t testing.TB) *world {
	return &world{t: t, m: New(), at: machine.At{Group: 2, Index: 10, LogTimeNs: 1000 * sec, Epoch: view.Epoch{View: 1, Term: 1}}}
}

func (w *world) emit(b []byte) {
	e, err := DecodeEvent(b)
	if err != nil {
		w.t.Fatal(err)
	}
	w.events = append(w.events, e)
}

// pass is an entry without commands.
func (w *world) pass(after int64) {
	w.at.Index++
	w.at.LogTimeNs += after
	w.m.Advance(w.at, w.emit)
}

// quiet lets log time pass as it does while somebody leads: an entry each second, and one where something is due.
func (w *world) quiet(after int64) {
	for end := w.at.LogTimeNs + after; w.at.LogTimeNs < end; {
		step := min(sec, end-w.at.LogTimeNs)
		if due := w.m.DueNs(); due > w.at.LogTimeNs {
			step = min(step, due-w.at.LogTimeNs)
		}
		w.pass(step)
	}
}

// leads is the first entry of a new leader.
func (w *world) leads(after int64) {
	w.at.Epoch.View++
	w.at.Epoch.Term++
	w.pass(after)
}

func (w *world) apply(op []byte) Result {
	w.t.Helper()
	r, err := DecodeResult(w.m.Apply(w.at, op, w.emit))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) do(c Command) Result {
	w.t.Helper()
	w.pass(0)
	return w.apply(Encode(c))
}

func (w *world) ok(c Command) Lease {
	w.t.Helper()
	r := w.do(c)
	if r.Problem != nil {
		w.t.Fatalf("%+v: %v", c, r.Problem)
	}
	return r.Lease
}

func (w *world) refuses(c Command, kind problem.Kind, word string) Lease {
	w.t.Helper()
	r := w.do(c)
	if r.Problem == nil || r.Problem.Kind != kind || !strings.Contains(r.Problem.Error(), word) {
		w.t.Errorf("%+v: %v, want %v with %q", c, r.Problem, kind, word)
	}
	return r.Lease
}

// saw gives the kinds of event since the last call.
func (w *world) saw(want ...EventKind) {
	w.t.Helper()
	var got []EventKind
	for _, e := range w.events {
		got = append(got, e.Kind)
	}
	if w.events = nil; !slices.Equal(got, want) {
		w.t.Errorf("events %v, want %v", got, want)
	}
}

func holder(n int) fence.Holder { return fence.Holder{byte(n), byte(n >> 8), 15: 1} }

func grant(name string, by int) Grant {
	return Grant{Name: name, Holder: holder(by), TTLMs: 10_000, DelayMs: 5_000, Owner: fmt.Sprint("worker ", by)}
}

func TestOneHolds(t *testing.T) {
	w := newWorld(t)
	first := w.ok(grant("a", 1))
	if first.Token != (fence.Token{Epoch: w.at.Epoch, Holder: holder(1), Seq: 1}) || first.EndsNs != w.at.LogTimeNs+10*sec || first.Standing != Held {
		t.Errorf("%+v", first)
	}
	w.saw(Granted)
	w.quiet(9 * sec)
	in := w.refuses(grant("a", 2), problem.Refused, "worker 1 (holder 01000000) holds it; the lease ends at 1970-01-01T00:16:50.000Z unless it is kept, lock-delay: 5000 ms")
	if in != first {
		t.Errorf("in the way is %+v", in)
	}
	w.refuses(Keep{"a", holder(2)}, problem.Expired, "was granted to worker 1")
	w.refuses(Release{"a", holder(2)}, problem.Expired, "was granted to worker 1")
	w.refuses(Keep{"b", holder(1)}, problem.Expired, "nobody holds the name")
	if l := w.ok(Keep{"a", holder(1)}); l.Token != first.Token || l.EndsNs != w.at.LogTimeNs+10*sec {
		t.Errorf("%+v", l)
	}
	w.quiet(9 * sec)
	if l := w.ok(grant("a", 1)); l.Token != first.Token || l.EndsNs != w.at.LogTimeNs+10*sec {
		t.Errorf("granted again: %+v", l)
	}
	w.saw()
	w.ok(Release{"a", holder(1)})
	w.saw(Released)
	w.refuses(Keep{"a", holder(1)}, problem.Expired, "nobody holds the name")
	if l := w.ok(grant("a", 2)); l.Token.Seq != 2 || l.Token.Compare(first.Token) <= 0 {
		t.Errorf("%+v after %+v", l, first)
	}
}

func TestALapseAndItsDelay(t *testing.T) {
	w := newWorld(t)
	w.ok(grant("a", 1))
	w.quiet(10*sec - 1)
	w.saw(Granted)
	w.quiet(1)
	w.saw(HasLapsed)
	w.refuses(Keep{"a", holder(1)}, problem.Expired, "not kept in time")
	w.refuses(Release{"a", holder(1)}, problem.Expired, "not kept in time")
	w.refuses(grant("a", 1), problem.Refused, "worker 1 (holder 01000000) had it and did not keep it; it is free at 1970-01-01T00:16:55.000Z")
	w.quiet(5*sec - 1)
	w.refuses(grant("a", 2), problem.Refused, "is free at")
	w.saw()
	w.quiet(1)
	w.saw(Freed)
	if w.m.DueNs() != 0 || w.m.State().Len() != 0 {
		t.Error("a free name is remembered")
	}
	w.ok(grant("a", 2))
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	l := w.ok(grant("a", 1))
	w.refuses(Revoke{"a", l.Token.Seq + 1}, problem.Refused, "by now it is grant 1, of worker 1")
	w.refuses(Revoke{"b", 1}, problem.NotFound, "nobody holds it")
	w.quiet(4 * sec)
	got := w.ok(Revoke{"a", l.Token.Seq})
	if got.Standing != Revoked || got.EndsNs != l.EndsNs {
		t.Errorf("%+v", got)
	}
	w.ok(Revoke{"a", l.Token.Seq})
	w.saw(Granted, WasRevoked)
	w.refuses(Keep{"a", holder(1)}, problem.Expired, "revoked")
	w.refuses(grant("a", 1), problem.Refused, "may hold it until 1970-01-01T00:16:50.000Z")
	w.quiet(6 * sec)
	w.saw(HasLapsed)
	w.refuses(Revoke{"a", l.Token.Seq}, problem.NotFound, "nobody holds it")
	w.quiet(5 * sec)
	w.ok(grant("a", 2))

	w.ok(Revoke{"a", 2})
	w.ok(Release{"a", holder(2)}) // a holder that hears of it may still say that it is done
	w.ok(grant("a", 3))
}

func TestWhatIsAllowed(t *testing.T) {
	with := func(change func(*Grant)) Grant {
		g := grant("a", 1)
		change(&g)
		return g
	}
	for word, c := range map[string]Command{
		`name is "", allowed: 1 to 128 letters, digits and . - _ / : @`: with(func(g *Grant) { g.Name = "" }),
		`name is "a b", allowed`:                      with(func(g *Grant) { g.Name = "a b" }),
		`name is "` + strings.Repeat("x", 64) + `...`: with(func(g *Grant) { g.Name = strings.Repeat("x", MaxNameBytes+1) }),
		"holder is zero":                              with(func(g *Grant) { g.Holder = fence.Holder{} }),
		"ttl is 999, allowed: 1000 to 600000 ms":      with(func(g *Grant) { g.TTLMs = 999 }),
		"ttl is 600001":                               with(func(g *Grant) { g.TTLMs = 600_001 }),
		"delay is -1, allowed: 0 to 300000 ms":        with(func(g *Grant) { g.DelayMs = -1 }),
		"delay is 300001":                             with(func(g *Grant) { g.DelayMs = 300_001 }),
		`owner is "\n", allowed: up to 256 printable`: with(func(g *Grant) { g.Owner = "\n" }),
		`owner is "\u00fc"`:                           with(func(g *Grant) { g.Owner = "ü" }),
		`owner is "` + strings.Repeat("x", 64):        with(func(g *Grant) { g.Owner = strings.Repeat("x", MaxOwnerBytes+1) }),
		`keep lock: invalid: name is "\x00"`:          Keep{"\x00", holder(1)},
		`release lock: invalid: name is "\x00"`:       Release{"\x00", holder(1)},
		`revoke lock: invalid: name is "\x00"`:        Revoke{"\x00", 1},
	} {
		w := newWorld(t)
		w.refuses(c, problem.Invalid, word)
		if w.m.State().Len() != 0 {
			t.Errorf("%+v has changed something", c)
		}
	}
	w := newWorld(t)
	w.ok(Grant{Name: strings.Repeat("x", MaxNameBytes), Holder: holder(1), TTLMs: MaxTTLMs, DelayMs: MaxDelayMs, Owner: strings.Repeat("~", MaxOwnerBytes)})
	w.ok(Grant{Name: "import/flights:v1@n1_2-3.", Holder: holder(1), TTLMs: MinTTLMs})
}

func TestTheTableIsFull(t *testing.T) {
	w := newWorld(t)
	w.pass(0)
	for i := range MaxLeases {
		if r := w.apply(Encode(grant(fmt.Sprint("n", i), i))); r.Problem != nil {
			t.Fatal(r.Problem)
		}
	}
	w.refuses(grant("more", 1), problem.Overloaded, "65536 locks are held, allowed: 65536")
	w.ok(grant("n7", 7))
	w.ok(Release{"n7", holder(7)})
	w.ok(grant("more", 1))
}

// many grants 1,000 leases, as members of a large service hold them.
func many(w *world) {
	for i := range 1000 {
		w.ok(grant(fmt.Sprintf("member/%03d", i), i))
	}
	w.events = nil
}

// TestManyLapseInTheirTurn: what is due at once goes a bounded amount at a time, and nobody notices.
func TestManyLapseInTheirTurn(t *testing.T) {
	w := newWorld(t)
	many(w)
	w.quiet(8 * sec)
	w.pass(2 * sec)
	if n := len(w.events); n != maxDue {
		t.Errorf("%d have lapsed in one entry, want %d", n, maxDue)
	}
	if due := w.m.DueNs(); due > w.at.LogTimeNs {
		t.Errorf("the rest is due at %d, it is %d", due, w.at.LogTimeNs)
	}
	r := w.apply(Encode(Keep{"member/999", holder(999)}))
	if r.Problem == nil || r.Problem.Kind != problem.Expired {
		t.Errorf("a lease that is due is kept: %v", r.Problem)
	}
	for range 3 {
		w.pass(0)
	}
	lapsed := map[string]bool{}
	for _, e := range w.events {
		if e.Kind != HasLapsed || lapsed[e.Lease.Name] {
			t.Fatalf("%+v", e)
		}
		lapsed[e.Lease.Name] = true
	}
	if len(lapsed) != 1000 || w.m.DueNs() <= w.at.LogTimeNs {
		t.Errorf("%d have lapsed, next due %d", len(lapsed), w.m.DueNs()-w.at.LogTimeNs)
	}
}

// TestNobodyLapsesBecauseTheServersWereAway: all servers lose power for an hour; or one of them alone stands still, so that the epoch stays.
func TestNobodyLapsesBecauseTheServersWereAway(t *testing.T) {
	for name, back := range map[string]func(*world){
		"a new leader": func(w *world) { w.leads(3600 * sec) },
		"a gap":        func(w *world) { w.pass(3600 * sec) },
	} {
		w := newWorld(t)
		many(w)
		w.quiet(3 * sec)
		back(w)
		begun := w.at.LogTimeNs
		w.refuses(grant("member/500", 2), problem.Refused, "worker 500")
		if l, _ := w.m.State().Find("member/500"); l.EndsNs != begun+10*sec {
			t.Errorf("%s: it ends %d s after the end of the outage, want its whole time", name, (l.EndsNs-begun)/sec)
		}
		w.quiet(9 * sec)
		for i := range 900 {
			w.ok(Keep{fmt.Sprintf("member/%03d", i), holder(i)})
		}
		w.saw()
		w.quiet(sec - 1)
		w.saw()
		w.quiet(1) // who has not come back has lost it, and no other
		w.quiet(sec)
		if n := len(w.events); n != 100 {
			t.Errorf("%s: %d have lapsed, want 100", name, n)
		}
	}
}

// TestADelayIsNotBegunAnew: it guards against what was sent before, and that has not grown younger.
func TestADelayIsNotBegunAnew(t *testing.T) {
	w := newWorld(t)
	w.ok(grant("a", 1))
	w.quiet(12 * sec)
	w.leads(3 * sec)
	w.ok(grant("a", 2))
}

func TestTokensRiseAcrossLeaders(t *testing.T) {
	w := newWorld(t)
	last := fence.Token{}
	for i := range 5 {
		l := w.ok(grant("a", i))
		if l.Token.Compare(last) <= 0 || l.Token.Epoch != w.at.Epoch {
			t.Errorf("%v after %v", l.Token, last)
		}
		last = l.Token
		w.leads(sec)
		if l := w.ok(Keep{"a", holder(i)}); l.Token != last {
			t.Errorf("kept under another leader it is %v, was %v", l.Token, last)
		}
		w.ok(Release{"a", holder(i)})
	}
}

func TestQuestions(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"c", "a", "d", "b"} {
		w.ok(grant(name, i))
	}
	w.leads(5 * sec)
	s := w.m.State()
	names := func(op []byte) string {
		now, list, err := DecodeLeases(s.Query(op))
		if err != nil || now != w.at.LogTimeNs {
			t.Errorf("%d, %v", now, err)
		}
		var all []string
		for _, l := range list {
			if l.EndsNs != now+10*sec {
				t.Errorf("%+v does not end when it does", l)
			}
			all = append(all, l.Name)
		}
		return strings.Join(all, " ")
	}
	for want, op := range map[string][]byte{
		"a b c d": AskList("", 9), "b c": AskList("a", 2), "d": AskList("cc", 9), "": AskList("d", 9), "c": AskHolder("c"),
	} {
		if got := names(op); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if names(AskHolder("e")) != "" || names(AskList("", 0)) != "" {
		t.Error("something of nothing")
	}
	for _, bad := range [][]byte{nil, {1}, {1, 96}, {2, 96, 1, 'c'}, {1, 98, 1, 'c'}, append(AskHolder("c"), 0)} {
		if got := s.Query(bad); got != nil {
			t.Errorf("%x is answered %x", bad, got)
		}
	}
	if s.Find("c"); s != w.m.State() {
		t.Error("an unchanged state is another one")
	}
}

// TestARootStays: what is being saved or read does not change with the machine.
func TestARootStays(t *testing.T) {
	w := newWorld(t)
	many(w)
	root := w.m.Root()
	before := chunks(root)
	for i := range 1000 {
		w.ok(Release{fmt.Sprintf("member/%03d", i), holder(i)})
	}
	if chunks(root) != before || w.m.State().Len() != 0 {
		t.Error("it has changed")
	}
}

func TestAPageIsBounded(t *testing.T) {
	w := newWorld(t)
	many(w)
	w.ok(grant("one more", 1).named("z"))
	if n := len(w.m.State().List("", 5000)); n != MaxPage {
		t.Errorf("%d leases on a page", n)
	}
}

func (c Grant) named(name string) Grant {
	c.Name = name
	return c
}

func chunks(r machine.Root) string {
	var all []byte
	for c := range r.Chunks() {
		all = append(all, c...)
	}
	return string(all)
}

// copied is a machine loaded from the snapshot of another.
func copied(t interface{ Fatal(...any) }, m *Machine) *Machine {
	again := New()
	for c := range m.Root().Chunks() {
		if err := again.Load(bytes.Clone(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.Loaded(); err != nil {
		t.Fatal(err)
	}
	return again
}

func TestASnapshotOfMany(t *testing.T) {
	w := newWorld(t)
	many(w)
	for i := range 2000 {
		w.ok(grant(fmt.Sprintf("other/%04d", i), i))
	}
	sizes := 0
	for c := range w.m.Root().Chunks() {
		if sizes++; len(c) > chunkBytes+1024 {
			t.Errorf("a chunk of %d bytes", len(c))
		}
	}
	if again := copied(t, w.m); sizes < 3 || chunks(again.Root()) != chunks(w.m.Root()) || again.DueNs() != w.m.DueNs() {
		t.Errorf("%d chunks, and another state", sizes)
	}
}

func BenchmarkKeep(b *testing.B) {
	w := newWorld(b)
	w.pass(0)
	for i := range MaxLeases {
		w.apply(Encode(grant(fmt.Sprint("n", i), i)))
	}
	w.events = nil
	i := 0
	for b.Loop() {
		i = (i + 7919) % MaxLeases
		w.at.LogTimeNs += 1000
		w.m.Advance(w.at, w.emit)
		w.m.Apply(w.at, Encode(Keep{fmt.Sprint("n", i), holder(i)}), w.emit)
		w.m.Root()
	}
}
