package judge

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"onevoice/view"
)

func eventOf(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func court() *Court {
	c := NewCourt()
	c.EventID = func(_ uint32, _ uint64, e []byte) (uint64, bool) { return binary.BigEndian.Uint64(e), true }
	return c
}

func entry(index uint64, ids ...uint64) Applied {
	a := Applied{Index: index, Epoch: view.Epoch{View: 1, Term: 2}, Hash: [32]byte{byte(index)}, LogTimeNs: int64(index)}
	for _, id := range ids {
		a.Events = append(a.Events, eventOf(id))
	}
	return a
}

// op is an acknowledged operation of group 1 from call to ret, at an index of the same number as its id.
func op(kind Kind, id uint64, key string, arg int64, call, ret int64, value int64) Op {
	return Op{
		ID: id, Group: 1, Kind: kind, Key: key, Arg: arg, CallNs: call, ReturnNs: ret, Outcome: OK, Found: true,
		Value: value, Changed: kind == Write || kind == Add, Index: id,
	}
}

func with(o Op, change func(*Op)) Op {
	change(&o)
	return o
}

// expect checks that a court found exactly the invariants of want, and nothing where want is empty.
func expect(t *testing.T, c *Court, want ...string) {
	t.Helper()
	var got []string
	for _, v := range c.Violations() {
		got = append(got, v.Invariant)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("found %q, want %q: %v", got, want, c.Violations())
	}
}

// judged runs a history over a log that holds the effects of its acknowledged changes.
func judged(ops ...Op) *Court {
	c := court()
	for _, o := range ops {
		if o.Outcome == OK && o.Changed {
			c.Applied("n1", 1, 1, entry(o.Index, o.ID))
		}
	}
	c.History(ops, time.Second)
	return c
}

func TestLinearizable(t *testing.T) {
	unknown := func(o *Op) { o.Outcome = Unknown }
	read := func(id uint64, call, ret, value int64) Op {
		return with(op(Read, id, "k", 0, call, ret, value), func(o *Op) { o.Query = true })
	}
	// plain, with a write in doubt that shows, and one that never does
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), read(1, 20, 30, 7)))
	doubt := with(op(Write, 9, "k", 8, 12, 13, 0), unknown)
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), doubt, read(9, 20, 30, 8)))
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), doubt, read(1, 20, 30, 7), read(1, 40, 50, 7)))

	// stale read; read of a value nobody wrote; a write in doubt that shows and vanishes
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), op(Write, 2, "k", 8, 11, 15, 8), read(2, 20, 30, 7)), "S1")
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), read(1, 20, 30, 6)), "S1")
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), doubt, read(9, 20, 30, 8), read(9, 40, 50, 7)), "S1")
	// compare-and-set that succeeded on a value that was not there
	cas := with(op(CompareAndSet, 2, "k", 9, 11, 12, 9), func(o *Op) { o.Old, o.Changed = 5, true })
	expect(t, judged(op(Write, 1, "k", 7, 0, 10, 7), cas), "S1")
	// an add that was lost
	expect(t, judged(op(Add, 1, "k", 2, 0, 10, 2), op(Add, 2, "k", 3, 11, 12, 3)), "S1")
}

func TestIndicesAgreeWithRealTime(t *testing.T) {
	late := op(Other, 5, "a", 0, 0, 10, 0)
	expect(t, judged(late, op(Other, 6, "b", 0, 20, 30, 0)))
	expect(t, judged(late, op(Other, 4, "b", 0, 5, 30, 0)))
	expect(t, judged(late, op(Other, 4, "b", 0, 20, 30, 0)), "S1")
	question := func(o *Op) { o.Query = true }
	expect(t, judged(late, with(op(Other, 5, "b", 0, 20, 30, 0), question)))
	expect(t, judged(with(late, question), op(Other, 5, "b", 0, 20, 30, 0)), "S1")
}

func TestUndecidedIsNoPass(t *testing.T) {
	var ops []Op
	c := court()
	for i := range uint64(40) {
		o := op(Add, i+1, "k", int64(1)<<i, 0, 10, 0)
		o.Outcome = Unknown
		ops = append(ops, o)
		c.Applied("n1", 1, 1, entry(i+1, i+1))
	}
	read := func(index uint64, call, ret, value int64) Op {
		return with(op(Read, 0, "k", 0, call, ret, value), func(o *Op) { o.Query, o.Index = true, index })
	}
	c.judgeKey("k", append(slices.Clip(ops), read(1, 20, 30, -1)), 10*time.Millisecond)
	if c.Undecided != 1 || len(c.Violations()) != 0 {
		t.Errorf("undecided %d, violations %v", c.Undecided, c.Violations())
	}
	// Where reads follow, the log says when each effect came, and there is little left to try.
	for i := range uint64(40) {
		at := int64(i+2) * 20
		ops = append(ops, read(i+1, at, at+10, int64(1)<<(i+1)-1))
	}
	c.judgeKey("k", ops, 10*time.Second)
	if c.Undecided != 1 || len(c.Violations()) != 0 {
		t.Errorf("undecided %d, violations %v", c.Undecided, c.Violations())
	}
	ops[len(ops)-1].Value--
	c.judgeKey("k", ops, 10*time.Second)
	expect(t, c, "S1")
}

func TestEpochs(t *testing.T) {
	at := func(index uint64, v view.Number, term uint64) Applied {
		a := entry(index)
		a.Epoch = view.Epoch{View: v, Term: term}
		return a
	}
	c := court()
	for i, a := range []Applied{at(1, 0, 0), at(2, 1, 2), at(3, 1, 2), at(4, 2, 5)} {
		c.Applied("n1", 1, 1, a)
		c.Applied("n2", 1, 1, a)
		c.Applied("n1", 1, 2, at(uint64(i+1), 7, 9))
	}
	expect(t, c)

	c = court()
	c.Applied("n1", 1, 1, at(2, 2, 2))
	c.Applied("n1", 1, 1, at(3, 1, 1))
	expect(t, c, "S2")

	c = court()
	c.Applied("n1", 1, 1, at(2, 1, 2))
	c.Applied("n2", 1, 1, at(2, 2, 3))
	expect(t, c, "S2")
}

// aView is one in which a server is in some start of a standing.
func aView(number view.Number, before [32]byte, boot, incarnation uint64, s view.Standing) view.View {
	v := view.View{Number: number, Processes: []view.Process{{PID: view.PID{Server: 7, Incarnation: incarnation}, Boot: boot, Standing: s}}}
	v.Hash = v.Chain(before)
	return v
}

func TestViews(t *testing.T) {
	one := aView(1, [32]byte{}, 1, 10, view.Up)
	for name, broken := range map[string][]view.View{
		"gap":            {one, aView(3, one.Hash, 1, 10, view.Down)},
		"chain":          {one, aView(2, [32]byte{1}, 1, 10, view.Down)},
		"two hashes":     {one, aView(1, [32]byte{}, 1, 10, view.Down)},
		"back from down": {aView(1, [32]byte{}, 1, 10, view.Down), aView(2, aView(1, [32]byte{}, 1, 10, view.Down).Hash, 1, 10, view.Up)},
		"earlier start":  {aView(1, [32]byte{}, 2, 10, view.Up), aView(2, aView(1, [32]byte{}, 2, 10, view.Up).Hash, 1, 11, view.Up)},
	} {
		c := court()
		for _, v := range broken {
			c.View(name, v)
		}
		expect(t, c, "S4")
	}
	c := court()
	two := aView(2, one.Hash, 1, 10, view.Down)
	for _, v := range []view.View{one, two, aView(3, two.Hash, 2, 11, view.Joining), one} {
		c.View("n1", v)
	}
	expect(t, c)
}

func TestNobodyWhoIsDownHasEffect(t *testing.T) {
	one := aView(1, [32]byte{}, 1, 10, view.Up)
	two := aView(2, one.Hash, 1, 10, view.Down)
	by := func(index uint64, boot uint64, v view.Number) Applied {
		a := entry(index)
		a.By, a.View = view.Start{Server: 7, Boot: boot}, v
		return a
	}
	c := court()
	c.View("n1", one)
	c.View("n1", two)
	c.Applied("n1", 1, 1, by(2, 1, 1))
	c.Applied("n1", 1, 1, by(3, 1, 2)) // it brings the view itself
	c.Applied("n1", 1, 1, by(4, 2, 2))
	expect(t, c)
	c.Applied("n1", 1, 1, by(5, 1, 2))
	expect(t, c, "S3")
	c.Applied("n1", 1, 1, by(6, 2, 1))
	expect(t, c, "S3", "S4")
	c.Applied("n2", 1, 1, by(4, 1, 2))
	expect(t, c, "S3", "S4", "S3")
}

func TestOneLeaderInATerm(t *testing.T) {
	c := court()
	c.Led("n1", 1, 1, 2)
	c.Led("n1", 1, 1, 3)
	c.Led("n2", 1, 2, 2)
	expect(t, c)
	c.Led("n1", 2, 1, 3)
	c.Led("n2", 1, 1, 2)
	expect(t, c, "S2", "S2")
}

func TestExactlyOnce(t *testing.T) {
	c := court()
	c.Replied(1, 5, 1, 10, 0, []byte("a"))
	c.Replied(1, 5, 1, 10, 0, []byte("a"))
	c.Replied(2, 5, 1, 11, 0, []byte("b"))
	expect(t, c)
	c.Replied(1, 5, 1, 12, 0, []byte("a"))
	expect(t, c, "S5")

	run := func(o Op, entries ...Applied) *Court {
		c := court()
		for _, a := range entries {
			c.Applied("n1", 1, 1, a)
		}
		c.History([]Op{o}, time.Second)
		return c
	}
	acked := op(Write, 3, "k", 7, 0, 10, 7)
	expect(t, run(acked, entry(3, 3)))
	expect(t, run(acked, entry(3, 3), entry(4, 3)), "S5")
	expect(t, run(with(acked, func(o *Op) { o.Outcome = Unknown }), entry(3, 3), entry(4, 3)), "S5")
	expect(t, run(with(acked, func(o *Op) { o.Outcome = Refused }), entry(3, 3)), "S5")
	expect(t, run(with(acked, func(o *Op) { o.Outcome = Refused })))

	once := op(Add, 1, "k", 5, 0, 10, 5)
	twice := with(op(Read, 0, "k", 0, 20, 30, 10), func(o *Op) { o.Query, o.Index = true, 1 })
	expect(t, judged(once, twice), "S5", "S1")
}

func TestAcknowledgedStays(t *testing.T) {
	acked := op(Write, 3, "k", 7, 0, 10, 7)
	c := court()
	c.Applied("n1", 1, 1, entry(2))
	c.History([]Op{acked}, time.Second)
	expect(t, c, "S6")

	// another entry took its index after everybody had crashed
	c = court()
	c.Applied("n1", 1, 1, entry(3, 3))
	other := entry(3)
	other.Hash = [32]byte{99}
	c.Applied("n1", 2, 1, other)
	c.History([]Op{acked}, time.Second)
	expect(t, c, "S7", "S6")

	// the answer carried another hash than the log
	c = court()
	c.Applied("n1", 1, 1, entry(3, 3))
	c.History([]Op{with(acked, func(o *Op) { o.Hash = [32]byte{98} })}, time.Second)
	expect(t, c, "S6")
}

func TestEqualIndexEqualState(t *testing.T) {
	c := court()
	c.Applied("n1", 1, 1, entry(3, 3))
	c.Applied("n2", 1, 1, entry(3, 3))
	c.State("n1", 1, 3, [32]byte{1})
	c.State("n2", 1, 3, [32]byte{1})
	c.State("n2", 2, 3, [32]byte{2})
	expect(t, c)
	c.State("n3", 1, 3, [32]byte{2})
	expect(t, c, "S7")

	for name, change := range map[string]func(*Applied){
		"hash":     func(a *Applied) { a.Hash[5] = 1 },
		"events":   func(a *Applied) { a.Events = nil },
		"log time": func(a *Applied) { a.LogTimeNs++ },
	} {
		c = court()
		c.Applied("n1", 1, 1, entry(3, 3))
		other := entry(3, 3)
		change(&other)
		c.Applied("n2", 1, 1, other)
		t.Run(name, func(t *testing.T) { expect(t, c, "S7") })
	}

	c = court() // the same server, twice in one start
	c.Applied("n1", 1, 1, entry(3))
	c.Applied("n1", 1, 1, entry(3))
	expect(t, c, "S7")
	c.Applied("n1", 2, 1, entry(3))
	expect(t, c, "S7")
}

func TestWatch(t *testing.T) {
	type got struct {
		index uint64
		sub   uint32
		id    uint64
	}
	for name, c := range map[string]struct {
		got  []got
		to   uint64
		want []string
	}{
		"all":         {got: []got{{2, 0, 20}, {2, 1, 21}, {4, 0, 40}}, to: 4},
		"to a middle": {got: []got{{2, 0, 20}}},
		"gap":         {got: []got{{2, 0, 20}, {4, 0, 40}}, want: []string{"S8"}},
		"tail":        {got: []got{{2, 0, 20}, {2, 1, 21}}, to: 4, want: []string{"S8"}},
		"twice":       {got: []got{{2, 0, 20}, {2, 0, 20}}, want: []string{"S8", "S8"}},
		"backwards":   {got: []got{{2, 1, 21}, {2, 0, 20}}, want: []string{"S8", "S8"}},
		"invented":    {got: []got{{2, 0, 20}, {2, 1, 21}, {3, 0, 30}}, want: []string{"S8"}},
		"changed":     {got: []got{{2, 0, 99}}, want: []string{"S8"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := court()
			for _, a := range []Applied{entry(1, 10), entry(2, 20, 21), entry(3), entry(4, 40)} {
				j.Applied("n1", 1, 1, a)
			}
			j.WatchFrom("w", 1, 1)
			for _, g := range c.got {
				j.Watched("w", "n1", g.index, g.sub, eventOf(g.id))
			}
			if c.to > 0 {
				j.WatchedTo("w", c.to)
			}
			j.CloseWatches()
			expect(t, j, c.want...)
		})
	}
}

func TestManyViolationsStayBounded(t *testing.T) {
	c := court()
	c.Now = func() int64 { return 5 }
	for i := range 100 {
		c.Fail("S1", "number %d", i)
	}
	if n := len(c.Violations()); n != mostViolations || c.Violations()[0].AtNs != 5 {
		t.Errorf("%d violations kept, the first %v", n, c.Violations()[0])
	}
	if s := fmt.Sprint(c.Violations()[0]); !strings.Contains(s, "S1") || !strings.Contains(s, "number 0") {
		t.Error(s)
	}
}
