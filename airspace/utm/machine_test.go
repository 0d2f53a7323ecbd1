package utm

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/codec"
	"onevoice/problem"
)

func quiet(Happening, *Entity) {}

// world runs both machines side by side.
type world struct {
	*rapid.T
	m     *Machine
	n     *naive
	index uint64
	drawn int
}

func (w *world) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(w.T, label) }

// ovn draws a new OVN, as the rim does.
func (w *world) ovn() OVN {
	w.drawn++
	return ovnOf(w.drawn)
}

func (w *world) manager() string { return []string{"uss1", "uss2"}[w.pick("manager", 5)/4] }

func (w *world) extent() Extent {
	floor := int32(w.pick("floor", 4)) * 1000
	begin := w.n.now + int64(w.pick("begin", 5)-1)*100*second
	return Extent{cellsAt(w.pick("cell", 4), 1+w.pick("cells", 3)), floor, floor + 1000*int32(1+w.pick("height", 2)), begin, begin + int64(1+w.pick("length", 6))*200*second}
}

// match is mostly the present OVN.
func (w *world) match(k Kind, id ID) OVN {
	if e := w.n.find(k, id); e != nil && w.pick("stale", 10) > 0 {
		return e.OVN
	}
	return []OVN{"", ovnOf(0)}[w.pick("wrong", 8)/7]
}

func (w *world) key() (key []OVN) {
	for _, e := range w.n.things {
		if e.Kind <= Constraint && w.pick("known", 12) > 0 {
			key = append(key, e.OVN)
		}
	}
	return key
}

func (w *world) put() *Put {
	k := Kind(1 + w.pick("kind", 5))
	id := idOf(int(k)*256 + w.pick("id", 14))
	p := &Put{Kind: k, ID: id, Manager: w.manager(), URL: "https://uss", Extent: w.extent(), Match: w.match(k, id), OVN: w.ovn()}
	switch k {
	case Subscription:
		p.NotifyConstraints = w.pick("constraints", 2) == 0
		p.NotifyIntents = !p.NotifyConstraints || w.pick("intents", 4) > 0
		if w.pick("wide", 2) == 0 {
			p.Extent.Cells, p.Extent.FloorCm, p.Extent.CeilingCm, p.Extent.EndNs = cellsAt(0, 8), NoFloorCm, NoCeilingCm, p.Extent.BeginNs+20*hour
		}
	case Intent:
		p.State = State(1 + w.pick("state", 4))
		p.MayOffNominal = w.pick("right", 5) > 0
		p.Key = w.key()
		if how := w.pick("subscription", 5); how < 2 || p.State != Accepted && how == 4 {
			w.drawn++
			p.Implicit = &Implicit{idOf(4096 + w.drawn%24), w.ovn(), "https://uss", w.pick("constraints", 2) == 0}
		} else if how < 4 {
			p.Subscription = w.someSubscription()
		}
	}
	return p
}

func (w *world) someSubscription() ID {
	var list []ID
	for _, e := range w.n.things {
		if e.Kind == Subscription {
			list = append(list, e.ID)
		}
	}
	return append(list, idOf(9999))[w.pick("which", len(list)+1)]
}

func (w *world) apply(c Command) Result {
	wr := &codec.Writer{}
	AppendCommand(wr, c)
	r := codec.NewReader(wr.B)
	read := ReadCommand(r)
	if r.Finish() != nil {
		w.Fatalf("a command is not read: %+v", c)
	}
	w.index++
	return w.m.Apply(Position{w.index, 0}, read, quiet)
}

func (w *world) check(what string, r Result, kind problem.Kind, told []ID) {
	var got problem.Kind
	if r.Problem != nil {
		got = r.Problem.Kind
	}
	var ids []ID
	for _, s := range r.Subscribers {
		ids = append(ids, s.ID)
		if s.Notified != w.n.notified[s.ID] {
			w.Fatalf("%s: notification index %d of %s, want %d", what, s.Notified, s.ID, w.n.notified[s.ID])
		}
	}
	if got != kind || !slices.Equal(ids, told) {
		w.Fatalf("%s: %v (%v), told %v; want %v, told %v", what, got, r.Problem, ids, kind, told)
	}
}

func (w *world) same() {
	total := 0
	for k := Intent; k <= RIDSubscription; k++ {
		total += w.m.register.Count(k)
		for _, cells := range [][]uint64{cellsAt(0, 2), cellsAt(3, 4)} {
			x := Extent{cells, 500, 2500, w.n.now - hour, w.n.now + 500*second}
			found, err := w.m.register.Search(k, x, "", ID{}, MaxPage)
			var got []ID
			for _, f := range found {
				got = append(got, f.ID)
			}
			if want := w.n.near(k, &x); err != nil || !slices.Equal(got, want) {
				w.Fatalf("search of %s: %v %v, want %v", k, got, err, want)
			}
		}
	}
	for _, e := range w.n.things {
		got, ok := w.m.register.Get(e.Kind, e.ID)
		if !ok || got.OVN != e.OVN || got.Subscription != e.Subscription || got.Implicit != e.Implicit || got.Notified != w.n.notified[e.ID] {
			w.Fatalf("%s %s: %+v, want %+v", e.Kind, e.ID, got, e)
		}
	}
	if total != len(w.n.things) {
		w.Fatalf("%d entities, want %d", total, len(w.n.things))
	}
}

func save(s *Register) (records [][]byte) {
	s.Save(func(write func(*codec.Writer)) bool {
		w := &codec.Writer{}
		write(w)
		records = append(records, w.B)
		return true
	})
	return records
}

// reload goes on with a machine that has read a snapshot of the one before.
func (w *world) reload() {
	records := save(w.m.Register())
	m := New()
	for _, b := range records {
		if err := m.Load(codec.NewReader(b)); err != nil {
			w.Fatal(err)
		}
	}
	if err := m.Loaded(); err != nil {
		w.Fatal(err)
	}
	if again := save(m.Register()); !slices.EqualFunc(records, again, bytes.Equal) || len(records) != m.Register().Saved() {
		w.Fatal("what was loaded is saved otherwise")
	}
	w.m = m
}

func TestBothMachinesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{T: t, m: New(), n: &naive{now: epochNs, notified: map[ID]uint32{}, down: map[string]bool{}}}
		w.m.Advance(Position{}, epochNs, quiet)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			switch what := w.pick("what", 20); {
			case what < 13:
				p := w.put()
				r := w.apply(p)
				kind, told := w.n.put(p)
				w.check("put "+p.Kind.String(), r, kind, told)
			case what < 16:
				w.delete()
			case what < 18:
				w.index++
				now := w.n.now + int64(w.pick("pass", 8))*150*second
				w.m.Advance(Position{w.index, 0}, now, quiet)
				w.n.advance(now)
			case what < 19:
				a := Availability(w.pick("availability", 3))
				u := w.m.register.USS("uss1")
				if r := w.apply(&SetAvailability{"uss1", a, u.OVN, w.ovn()}); r.Problem != nil {
					t.Fatal(r.Problem)
				}
				w.n.down["uss1"] = a == Down
			default:
				w.reload()
			}
			w.same()
		}
	})
}

func (w *world) delete() {
	if len(w.n.things) == 0 {
		return
	}
	e := w.n.things[w.pick("thing", len(w.n.things))]
	d := &Delete{e.Kind, e.ID, w.manager(), w.match(e.Kind, e.ID)}
	kind, told := w.n.delete(d)
	w.check("delete "+e.Kind.String(), w.apply(d), kind, told)
}
