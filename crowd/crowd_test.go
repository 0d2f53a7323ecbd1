package crowd

import (
	"fmt"
	"slices"
	"testing"

	"onevoice/machine"
	"onevoice/problem"
	"onevoice/ring"
)

const secNs = 1_000 * msNs

// world is a machine with the log time and index of its next entry, and the rolls that it made.
type world struct {
	t     testing.TB
	m     *Machine
	at    machine.At
	rolls []Roll
}

func newWorld(t testing.TB, members int) *world {
	w := &world{t: t, m: New(), at: machine.At{Index: 10, LogTimeNs: 1_000 * secNs}}
	for i := range members {
		w.join(fmt.Sprintf("m%d", i), 1)
	}
	w.pass(secNs)
	return w
}

func (w *world) emit(b []byte) {
	e, err := DecodeEvent(b)
	if err != nil {
		w.t.Fatal(err)
	}
	w.rolls = append(w.rolls, e.Roll)
}

func (w *world) apply(c Command) Result {
	w.at.Index++
	w.m.Advance(w.at, w.emit)
	b := w.m.Apply(w.at, Encode(c), w.emit)
	if b == nil {
		return Result{}
	}
	r, err := DecodeResult(b)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// pass lets log time go by, with an entry whenever one is due.
func (w *world) pass(ns int64) {
	end := w.at.LogTimeNs + ns
	for due := w.m.DueNs(); due != 0 && due <= end; due = w.m.DueNs() {
		w.at.LogTimeNs = max(due, w.at.LogTimeNs)
		w.at.Index++
		w.m.Advance(w.at, w.emit)
		if w.m.DueNs() != 0 && w.m.DueNs() <= w.at.LogTimeNs {
			w.t.Fatal("what was due is still due")
		}
	}
	w.at.LogTimeNs = end
}

func (w *world) join(name string, boot uint64) Result {
	return w.apply(Join{Name: name, Address: name + ":1", Boot: boot})
}

func (w *world) state() *State { return w.m.Root().(*State) }

func (w *world) id(i int) uint64 {
	m, ok := w.state().named(fmt.Sprintf("m%d", i))
	if !ok {
		w.t.Fatalf("m%d is no member", i)
	}
	return m.ID
}

func (w *world) observers(id uint64) []uint64 {
	t := w.m.begin(w.at)
	return slices.Clone(t.observers(id))
}

// report has the first n observers of a member report it.
func (w *world) report(subject uint64, n int, e Evidence) {
	var all []Report
	for _, o := range w.observers(subject)[:n] {
		all = append(all, Report{o, w.state().roll.Number, []Mark{{subject, e}}})
	}
	w.apply(Reports{all})
}

func (w *world) isMember(id uint64, want bool) {
	w.t.Helper()
	if _, ok := find(w.state().members, id); ok != want {
		w.t.Errorf("%d is a member: %v", id, ok)
	}
}

// withTen is a member that has ten observers, other than those given.
func (w *world) withTen(not ...uint64) uint64 {
	for _, m := range w.state().members {
		if len(w.observers(m.ID)) == 10 && !slices.Contains(not, m.ID) {
			return m.ID
		}
	}
	w.t.Fatal("nobody has ten observers")
	return 0
}

func TestJoining(t *testing.T) {
	w := newWorld(t, 0)
	a := w.join("a", 1)
	if again := w.join("a", 1); a.Problem != nil || again != a {
		t.Errorf("%+v, then %+v", a, again)
	}
	if len(w.rolls) != 0 {
		t.Error("a roll at once")
	}
	b := w.join("b", 4)
	w.pass(joinNs)
	if len(w.rolls) != 1 || len(w.rolls[0].Joined) != 2 || w.rolls[0].Count != 2 || w.rolls[0].Drawn != 1 {
		t.Fatalf("%+v", w.rolls)
	}
	later := w.join("b", 5)
	w.pass(joinNs)
	if last := w.rolls[len(w.rolls)-1]; len(w.rolls) != 2 || !slices.Equal(last.Gone, []Gone{{ID: b.ID, Why: Restarted}}) || last.Joined[0].ID != later.ID {
		t.Errorf("%+v", w.rolls)
	}
	for _, bad := range []Join{{"", "x", 1}, {"c", "x", 0}, {"b", "x", 4}} {
		if r := w.apply(bad); r.Problem == nil || r.Problem.Field == "" {
			t.Errorf("%+v: %+v", bad, r)
		}
	}
}

// TestWhoGoesIsFinal: the same start never comes back, and its reports do not count.
func TestWhoGoesIsFinal(t *testing.T) {
	w := newWorld(t, 40)
	a := w.id(3)
	subject := w.withTen(a)
	if r := w.apply(Leave{a}); r.Problem != nil {
		t.Fatal(r.Problem)
	}
	w.pass(goneNs)
	w.isMember(a, false)
	if r := w.join("m3", 1); r.Problem == nil || r.Problem.Kind != problem.Refused {
		t.Errorf("the same start is taken again: %+v", r)
	}
	w.apply(Reports{[]Report{{a, w.state().roll.Number, []Mark{{subject, Silent}}}}})
	if got := w.state().Refused(); got != (Refused{Down: 1}) {
		t.Errorf("%+v", got)
	}
	if r := w.apply(Leave{a}); r.Problem == nil || r.Problem.Kind != problem.NotFound {
		t.Errorf("%+v", r)
	}
}

func TestNineOfTenTakeDown(t *testing.T) {
	w := newWorld(t, 100)
	p := w.withTen()
	w.report(p, 8, Silent)
	w.pass(150 * msNs)
	w.isMember(p, true)
	w.report(p, 9, Silent)
	w.pass(settleNs - 1)
	w.isMember(p, true)
	w.pass(1)
	w.isMember(p, false)
	if got := w.rolls[len(w.rolls)-1].Gone; !slices.Equal(got, []Gone{{p, Reported, 9, 10}}) {
		t.Errorf("%+v", got)
	}
}

// TestEightOfTenIsNoVerdict: however long they say so.
func TestEightOfTenIsNoVerdict(t *testing.T) {
	w := newWorld(t, 100)
	p := w.withTen()
	for range 20 {
		w.report(p, 8, Silent)
		w.pass(secNs)
	}
	w.isMember(p, true)
}

// TestTheyGoTogether: who stands between noise and a verdict makes it wait, and is in it.
func TestTheyGoTogether(t *testing.T) {
	w := newWorld(t, 200)
	p := w.withTen()
	q := w.withTen(p)
	w.report(p, 9, Lossy)
	w.report(q, 3, Lossy)
	w.pass(secNs)
	w.isMember(p, true)
	w.report(p, 9, Lossy)
	w.report(q, 9, Lossy)
	before := len(w.rolls)
	w.pass(secNs)
	if len(w.rolls) != before+1 || len(w.rolls[before].Gone) != 2 {
		t.Errorf("%d rolls, the last %+v", len(w.rolls)-before, w.rolls[len(w.rolls)-1].Gone)
	}
}

// TestNoiseMakesNobodyWait, and who stays between makes others wait only so long: those that are silent one bound, those that lose packets six.
func TestNoiseMakesNobodyWait(t *testing.T) {
	w := newWorld(t, 200)
	p := w.withTen()
	q := w.withTen(p)
	w.report(q, 2, Silent)
	w.report(p, 9, Silent)
	w.pass(settleNs)
	w.isMember(p, false)
	for e, bounds := range map[Evidence]int64{Silent: silentBounds, Lossy: lossyBounds} {
		p = w.withTen(q)
		began := w.at.LogTimeNs
		for w.at.LogTimeNs < began+bounds*BoundNs(200) {
			w.isMember(p, true)
			w.report(q, 5, e)
			w.report(p, 9, e)
			w.pass(200 * msNs)
		}
		w.isMember(p, false)
		w.isMember(q, true)
	}
}

// TestWhoGoesHasNoSay: reporters that are to go themselves neither keep others nor hold them back.
func TestWhoGoesHasNoSay(t *testing.T) {
	ten := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	all := []tally{
		{subject: 9, observers: []uint64{20, 21, 22, 23, 24, 25, 26, 27, 28, 29}, against: []uint64{20, 21, 22, 23, 24, 25, 26, 27, 28}},
		{subject: 30, observers: ten, against: []uint64{1, 2, 3, 4, 5, 6, 7, 8}}, // of nine that stay eight: not enough
		{subject: 31, observers: []uint64{9, 2, 3, 4, 5, 6, 7, 8, 1}, against: []uint64{1, 2, 3, 4, 5, 6, 7, 8}},
		{subject: 32, observers: []uint64{9, 2, 3}, against: []uint64{9}},
		{subject: 33, observers: []uint64{9, 40, 41, 42}, against: []uint64{9, 40}}, // one of three that stay
	}
	over := verdicts(all)
	if !over[9] || over[30] || !over[31] || over[32] || over[33] || all[3].inBand(over) || !all[4].inBand(over) {
		t.Errorf("%v", over)
	}
}

// TestTwoThatDieTogether: in a small crowd each is an observer of the other.
func TestTwoThatDieTogether(t *testing.T) {
	w := newWorld(t, 6)
	p, q := w.id(0), w.id(1)
	var all []Report
	for i := 2; i < 6; i++ {
		all = append(all, Report{w.id(i), 1, []Mark{{p, Silent}, {q, Silent}}})
	}
	w.apply(Reports{all})
	w.pass(settleNs)
	if status := w.state(); len(status.members) != 5 || status.held != 1 { // a fifth of six is one
		t.Errorf("%d are left, %d held", len(status.members), status.held)
	}
}

// TestHalvesDoNotDecide: where each half reports the other nobody goes, and of two sides that differ only the smaller one may.
func TestHalvesDoNotDecide(t *testing.T) {
	for small, want := range map[int]int{6: 0, 4: 4} {
		var all []tally
		for s := range 12 {
			y := tally{subject: uint64(s)}
			for o := range 12 {
				if o != s {
					y.observers = append(y.observers, uint64(o))
				}
				if (o < small) != (s < small) {
					y.against = append(y.against, uint64(o))
				}
			}
			all = append(all, y)
		}
		if over := verdicts(all); len(over) != want || over[11] {
			t.Errorf("of %d and %d: %v", small, 12-small, over)
		}
	}
}

// TestSidesOnRings: where some of a thousand cannot reach the others, and all can reach the servers, nobody of the larger side goes. Of two halves a
// few do, who by chance have nine observers on the other side.
func TestSidesOnRings(t *testing.T) {
	var ids []uint64
	for i := range uint64(1_000) {
		ids = append(ids, i+1)
	}
	rings := ring.New(ring.Seed{5}, ids)
	for small, least := range map[uint64]int{50: 50, 100: 95, 200: 60, 300: 0, 400: 0, 500: 0} {
		var all []tally
		for _, id := range ids {
			y := tally{subject: id, observers: rings.Observers(id)}
			for _, o := range y.observers {
				if (o <= small) != (id <= small) {
					y.against = append(y.against, o)
				}
			}
			all = append(all, y)
		}
		over := verdicts(all)
		larger := 0
		for id := range over {
			if id > small {
				larger++
			}
		}
		if len(over) < least || larger > 0 && small < 500 || small >= 400 && len(over) > 20 {
			t.Errorf("of %d on the smaller side %d go, and %d of the larger", small, len(over)-larger, larger)
		}
	}
}

func TestScale(t *testing.T) {
	for d, want := range map[int][2]int{10: {9, 3}, 11: {10, 4}, 9: {9, 3}, 7: {7, 3}, 5: {5, 2}, 3: {3, 1}} {
		if got := [2]int{enough(d), noise(d)}; got != want {
			t.Errorf("of %d observers: %v, want %v", d, got, want)
		}
	}
}

// TestTwoDoNotDecide: of three members each is seen by two, which is too few for an opinion to count.
func TestTwoDoNotDecide(t *testing.T) {
	w := newWorld(t, 3)
	p := w.id(0)
	w.report(p, 2, Silent)
	w.pass(secNs)
	w.isMember(p, true)
	w = newWorld(t, 4)
	p = w.id(0)
	w.report(p, 3, Silent)
	w.pass(secNs)
	w.isMember(p, false)
}

func TestAFifthInTenSeconds(t *testing.T) {
	w := newWorld(t, 20)
	var all []uint64
	for i := range 6 {
		all = append(all, w.id(i))
	}
	say := func() {
		for _, p := range all {
			if _, ok := find(w.state().members, p); ok {
				w.report(p, len(w.observers(p)), Silent)
			}
		}
	}
	say()
	w.pass(settleNs)
	count := len(w.state().members)
	if status, err := DecodeStatus(w.state().Query(AskStatus())); err != nil || count != 16 || status.Held != 2 || status.Members != 16 {
		t.Errorf("%d of 20 are left, %+v, %v", count, status, err)
	}
	if r := w.apply(Condemn{[]uint64{all[5]}}); r.Problem != nil {
		t.Error(r.Problem)
	}
	w.pass(goneNs)
	w.isMember(all[5], false)
	for range 11 {
		say()
		w.pass(secNs)
	}
	w.isMember(all[4], false)
	if count := len(w.state().members); count != 14 {
		t.Errorf("%d of 20 are left in the end, want 14", count)
	}
}

func TestOldEvidenceDoesNotCount(t *testing.T) {
	w := newWorld(t, 100)
	p := w.withTen()
	w.report(p, 5, Silent)
	w.pass(evidenceBounds * BoundNs(100))
	var all []Report
	for _, o := range w.observers(p)[5:] {
		all = append(all, Report{o, w.state().roll.Number, []Mark{{p, Silent}}})
	}
	w.apply(Reports{all})
	w.pass(secNs)
	w.isMember(p, true)
	if n := len(w.state().suspects); n != 1 {
		t.Errorf("%d suspects", n)
	}
	w.pass(2 * secNs)
	if n, due := len(w.state().suspects), w.m.DueNs(); n != 0 || due != 0 {
		t.Errorf("%d suspects after all has grown old, due %d", n, due)
	}
}

func TestWhatIsTakenBackDoesNotCount(t *testing.T) {
	w := newWorld(t, 100)
	p := w.withTen()
	w.report(p, 5, Silent)
	w.report(p, 5, Nothing)
	if n := len(w.state().suspects); n != 0 {
		t.Errorf("%d suspects", n)
	}
	w.report(p, 8, Silent)
	w.report(p, 1, Nothing)
	var all []Report
	for _, o := range w.observers(p)[8:] {
		all = append(all, Report{o, w.state().roll.Number, []Mark{{p, Silent}}})
	}
	w.apply(Reports{all[:1]})
	w.pass(secNs)
	w.isMember(p, true)
	w.apply(Reports{all})
	w.pass(secNs)
	w.isMember(p, false)
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t, 100)
	p := w.withTen()
	observers := w.observers(p)
	var stranger uint64
	for _, m := range w.state().members {
		if m.ID != p && !slices.Contains(observers, m.ID) {
			stranger = m.ID
		}
	}
	number := w.state().roll.Number
	say := func(reporter, roll, subject uint64) {
		w.apply(Reports{[]Report{{reporter, roll, []Mark{{subject, Silent}}}}})
	}
	say(stranger, number, p)        // not an observer
	say(p, number, p)               // itself
	say(observers[0], number+1, p)  // a roll that is not yet
	say(1<<60, number, p)           // nobody
	say(observers[0], 0, p)         // before the rings
	say(observers[0], number, 1<<9) // about nobody
	if got, want := w.state().Refused(), (Refused{Forged: 4, Old: 1, Late: 1}); got != want || len(w.state().suspects) != 0 {
		t.Errorf("%+v, want %+v; %d suspects", got, want, len(w.state().suspects))
	}
	w.pass(drawBounds * BoundNs(100))
	w.join("new", 1)
	w.pass(joinNs)
	if w.state().roll.Drawn != w.state().roll.Number {
		t.Fatal("the rings stayed")
	}
	say(observers[0], number, p)
	if got := w.state().Refused(); got.Old != 2 {
		t.Errorf("%+v", got)
	}
}

// TestRingsStayWhileSomebodyIsReported: so that what observers found out is not lost when others join.
func TestRingsStayWhileSomebodyIsReported(t *testing.T) {
	w := newWorld(t, 100)
	p := w.withTen()
	w.pass(drawBounds * BoundNs(100))
	w.report(p, 2, Silent)
	w.join("new", 1)
	w.pass(joinNs)
	if w.state().roll.Drawn != 1 || len(w.state().suspects) != 1 {
		t.Errorf("drawn by roll %d, %d suspects", w.state().roll.Drawn, len(w.state().suspects))
	}
}

func TestWhoComesAndGoesWaits(t *testing.T) {
	w := newWorld(t, 100)
	for boot, want := range []int64{0, 0, secNs, 2 * secNs} {
		r := w.join("flapper", uint64(boot+1))
		if want > 0 && (r.Problem == nil || r.WaitNs <= want-secNs || r.WaitNs > want) {
			t.Errorf("start %d: %+v, want it to wait %d ms", boot+1, r, want/msNs)
		}
		w.pass(want)
		r = w.join("flapper", uint64(boot+1))
		if r.Problem != nil {
			t.Fatal(r.Problem)
		}
		w.pass(joinNs)
		w.report(r.ID, len(w.observers(r.ID)), Silent)
		w.pass(settleNs)
		w.isMember(r.ID, false)
	}
}

func TestTheCrowdIsBounded(t *testing.T) {
	w := newWorld(t, 0)
	for i := range MaxMembers {
		if r := w.join(fmt.Sprintf("m%d", i), 1); r.Problem != nil {
			t.Fatal(r.Problem)
		}
	}
	if r := w.join("one more", 1); r.Problem == nil || r.Problem.Kind != problem.Overloaded {
		t.Errorf("%+v", r)
	}
	w.pass(10 * secNs)
	s := w.state()
	if len(s.members) != MaxMembers || len(s.joining) != 0 || len(w.rolls) != MaxMembers/MaxJoined || len(s.history) > 9 {
		t.Errorf("%d members, %d joining, %d rolls, %d kept", len(s.members), len(s.joining), len(w.rolls), len(s.history))
	}
	for c := range s.Chunks() {
		if len(c) > 256<<10 {
			t.Errorf("a chunk of %d bytes", len(c))
		}
	}
	if got := pages(t, s); !slices.Equal(got, s.members) {
		t.Errorf("%d of %d members came in pages", len(got), len(s.members))
	}
}

func pages(t *testing.T, s *State) []Member {
	var all []Member
	for after := uint64(0); ; {
		p, err := DecodePage(s.Query(AskList(after)))
		if err != nil || p.Head.Roll.Hash != s.roll.Hash || p.Head.Seed != s.seed {
			t.Fatal(p.Head, err)
		}
		all = append(all, p.Members...)
		if !p.More {
			return all
		}
		after = all[len(all)-1].ID
	}
}

// TestSince: who missed rolls gets them, and the list is that which the hash says.
func TestSince(t *testing.T) {
	w := newWorld(t, 30)
	for i := range 10 {
		w.apply(Leave{w.id(i)})
		w.join(fmt.Sprintf("n%d", i), 1)
		w.pass(joinNs)
	}
	var list []Member
	last := Roll{}
	for {
		rolls, ok, err := DecodeSince(w.state().Query(AskSince(last.Number)))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if len(rolls) == 0 {
			break
		}
		for _, r := range rolls {
			next, good := r.Follow(list)
			if !good || r.Hash != r.Chain(last.Hash) {
				t.Fatalf("roll %d does not follow", r.Number)
			}
			list, last = next, r
		}
	}
	if !slices.Equal(list, w.state().members) || last.Hash != w.state().roll.Hash {
		t.Errorf("%d members after roll %d", len(list), last.Number)
	}
	if rolls, ok, err := DecodeSince(w.state().Query(AskSince(99))); ok || rolls != nil || err != nil {
		t.Error("rolls after one that is not there")
	}
}
