package crowd

import (
	"fmt"
	"slices"
	"testing"

	"onevoice/machine"

	"pgregory.net/rapid"
)

// TestAnyCourse: whatever comes, rolls are contiguous and chained, nobody that went comes back, no more go by report than may, and a snapshot
// loads to the same state, which goes on alike.
func TestAnyCourse(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, rapid.IntRange(0, 30).Draw(r, "members"))
		names := 40
		for range rapid.IntRange(1, 60).Draw(r, "entries") {
			w.any(r, names)
			w.pass(rapid.SampledFrom([]int64{0, msNs, 60 * msNs, secNs, 3 * secNs, 30 * secNs}).Draw(r, "after"))
		}
		checkCourse(r, w)
		again := New()
		for c := range w.state().Chunks() {
			if err := again.Load(slices.Clone(c)); err != nil {
				r.Fatal(err)
			}
		}
		if err := again.Loaded(); err != nil {
			r.Fatal(err)
		}
		if a, b := chunks(w.state()), chunks(again.Root().(*State)); a != b {
			r.Fatalf("%x came back as %x", a, b)
		}
		other := &world{t: t, m: again, at: w.at}
		n := len(w.rolls)
		w.pass(100 * secNs)
		other.pass(100 * secNs)
		if a, b := chunks(w.state()), chunks(other.state()); a != b || len(w.rolls)-n != len(other.rolls) {
			r.Fatal("after the snapshot it went on differently")
		}
	})
}

// any applies some command, most of them of sense.
func (w *world) any(r *rapid.T, names int) {
	s := w.state()
	some := func(what string) uint64 {
		if len(s.members) == 0 || rapid.IntRange(0, 9).Draw(r, what+" is strange") == 0 {
			return rapid.Uint64Range(0, 100).Draw(r, what) << 16
		}
		return rapid.SampledFrom(s.members).Draw(r, what).ID
	}
	switch rapid.IntRange(0, 5).Draw(r, "what") {
	case 0:
		w.apply(Join{fmt.Sprintf("m%d", rapid.IntRange(0, names).Draw(r, "name")), "a:1", rapid.Uint64Range(0, 6).Draw(r, "boot")})
	case 1:
		w.apply(Leave{some("who leaves")})
	case 2:
		w.apply(Reports{[]Report{{some("reporter"), rapid.Uint64Range(0, s.roll.Number+1).Draw(r, "roll"), []Mark{{some("subject"), Evidence(rapid.IntRange(0, 2).Draw(r, "evidence"))}}}}})
	case 3:
		w.apply(Condemn{[]uint64{some("condemned")}})
	default:
		p := some("subject")
		if n := len(w.observers(p)); n > 0 {
			w.report(p, rapid.IntRange(1, n).Draw(r, "reporters"), Silent)
		}
	}
}

func checkCourse(r *rapid.T, w *world) {
	var list []Member
	before := Roll{}
	gone := map[uint64]bool{}
	for i, roll := range w.rolls {
		if roll.Number != uint64(i+1) || roll.Hash != roll.Chain(before.Hash) || len(roll.Joined)+len(roll.Gone) == 0 {
			r.Fatalf("roll %d is number %d, says nothing, or its hash does not chain", i+1, roll.Number)
		}
		reported := 0
		for _, g := range roll.Gone {
			gone[g.ID] = true
			if g.Why == Reported {
				reported++
			}
		}
		if reported > limit(len(list)) {
			r.Fatalf("%d of %d went by report", reported, len(list))
		}
		next, ok := roll.Follow(list)
		if !ok {
			r.Fatalf("roll %d does not follow", roll.Number)
		}
		names := map[string]bool{}
		for _, m := range next {
			if gone[m.ID] || names[m.Name] {
				r.Fatalf("%+v has gone, or is there twice", m)
			}
			names[m.Name] = true
		}
		list, before = next, roll
	}
	for _, s := range w.state().suspects {
		observers := w.observers(s.subject)
		for _, h := range s.marks {
			if !slices.Contains(observers, h.reporter) {
				r.Fatalf("%d holds something against %d and is not its observer", h.reporter, s.subject)
			}
		}
	}
	if !slices.Equal(list, w.state().members) {
		r.Fatal("the rolls lead to another list")
	}
}

func chunks(s *State) string {
	var all []byte
	for c := range s.Chunks() {
		all = append(all, c...)
	}
	return string(all)
}

func commands() []Command {
	return []Command{
		Join{"a", "b:1", 7},
		Reports{[]Report{{1 << 16, 2, []Mark{{3 << 16, Lossy}, {4, Nothing}}}, {9, 9, nil}}},
		Leave{8},
		Condemn{[]uint64{1, 2}},
	}
}

func TestCommandsComeBack(t *testing.T) {
	for _, c := range commands() {
		got, err := Decode(Encode(c))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c) {
			t.Errorf("%+v came back as %+v, %v", c, got, err)
		}
	}
	for _, bad := range [][]byte{nil, {1}, {2, kindLeave, 0}, {1, 7}, {1, kindCondemn, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}} {
		if c, err := Decode(bad); err == nil {
			t.Errorf("%x reads as %+v", bad, c)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, c := range commands() {
		f.Add(Encode(c))
	}
	f.Fuzz(func(t *testing.T, op []byte) {
		w := newWorld(t, 5)
		w.m.Apply(w.at, op, w.emit)
		w.pass(secNs)
		w.state().Query(op)
		if c, err := Decode(op); err == nil && string(Encode(c)) != string(op) {
			t.Fatalf("%x reads as %+v", op, c)
		}
	})
}

func FuzzLoad(f *testing.F) {
	w := newWorld(f, 20)
	w.report(w.id(3), 2, Silent)
	w.apply(Leave{w.id(5)})
	for c := range w.state().Chunks() {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		m := New()
		if m.Load(chunk) == nil && m.Loaded() == nil {
			m.Apply(machine.At{Index: 5}, Encode(Join{"a", "b", 1}), func([]byte) {})
		}
	})
}

// FuzzAnswers reads what servers tell members.
func FuzzAnswers(f *testing.F) {
	w := newWorld(f, 20)
	f.Add((&Event{w.rolls[0]}).Encode())
	f.Add(w.state().Query(AskSince(0)))
	f.Add(w.state().Query(AskList(0)))
	f.Add(w.state().Query(AskStatus()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := DecodeEvent(b); err == nil {
			e.Roll.Follow(nil)
			if string(e.Encode()) != string(b) {
				t.Fatalf("%x is written otherwise", b)
			}
		}
		_, _, _ = DecodeSince(b)
		_, _ = DecodePage(b)
		_, _ = DecodeStatus(b)
		_, _ = DecodeResult(b)
	})
}
