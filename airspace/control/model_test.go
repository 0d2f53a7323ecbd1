package control

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/codec"
	"onevoice/fence"
	"onevoice/problem"
	"onevoice/view"
)

// naive is the same machine, told as plainly as possible.
type naive struct {
	now, renewed int64
	epoch        view.Epoch
	consoles     map[string]naiveLease // by position
	things       map[string]naiveThing // by thing and name
}

type naiveLease struct {
	holder       byte
	length, ends int64
}

type naiveThing struct {
	state        State
	owner        string
	to           Target
	length, ends int64
}

func (n *naive) attended(position string) bool { return n.consoles[position].holder != 0 }

func (n *naive) thing(t Thing, id string) naiveThing {
	got, ok := n.things[t.String()+id]
	switch {
	case ok:
		return got
	case t == Sector:
		return naiveThing{state: Uncontrolled}
	}
	return naiveThing{state: PreActive}
}

// receiver is who may accept.
func (n *naive) receiver(to Target) string {
	if to.Sector != "" {
		return n.thing(Sector, to.Sector).owner
	}
	return to.Position
}

// advance ends everything that is over, as one does without a bound.
func (n *naive) advance(now int64, epoch view.Epoch) {
	if epoch != n.epoch || now-n.now > 3e9 {
		n.epoch, n.renewed = epoch, now
	}
	n.now = now
	over := func(ends, length int64) bool { return max(ends, n.renewed+length) <= now }
	for id, l := range n.consoles {
		if l.holder != 0 && over(l.ends, l.length) {
			delete(n.consoles, id)
		}
	}
	for id, x := range n.things {
		if x.state == Handoff && over(x.ends, x.length) {
			n.things[id] = naiveThing{state: Controlled, owner: x.owner}
		}
	}
}

// may says whether a request may be done, one rule a line, and what it leaves.
func (n *naive) may(t Thing, id string, q Request) (naiveThing, bool) {
	x, me := n.thing(t, id), q.By.Position
	holds := n.attended(me) && n.consoles[me].holder == q.By.Holder[0]
	toMe := (x.state == Handoff || x.state == Coordinated) && n.receiver(x.to) == me
	nobody := x.state == PreActive || x.state == Uncontrolled
	mine := naiveThing{state: Controlled, owner: me}
	if q.Force {
		switch q.Act {
		case Take:
			return naiveThing{state: Controlled, owner: q.To.Position}, n.attended(q.To.Position) && (x.state != Controlled || x.owner != q.To.Position)
		case Release:
			return naiveThing{state: Uncontrolled}, !nobody
		}
	}
	if !holds {
		return x, false
	}
	switch q.Act {
	case Coordinate:
		return naiveThing{state: Coordinated, to: q.To}, t == Flight && (nobody || x.state == Coordinated && toMe)
	case Assume:
		return mine, nobody || x.state == Coordinated && toMe
	case Propose:
		length := q.TimeoutMs * 1e6
		if length == 0 {
			length = 60e9
		}
		exists := q.To.Position != "" && n.attended(q.To.Position) || q.To.Sector != "" && t == Flight
		return naiveThing{Handoff, me, q.To, length, n.now + length}, x.state == Controlled && x.owner == me && exists && n.receiver(q.To) != me
	case Accept:
		return mine, x.state == Handoff && toMe
	case Refuse:
		if x.state == Coordinated {
			return naiveThing{state: Uncontrolled}, toMe
		}
		return naiveThing{state: Controlled, owner: x.owner}, toMe
	case Recall:
		return mine, x.state == Handoff && x.owner == me
	case Release:
		return naiveThing{state: Uncontrolled}, x.state == Controlled && x.owner == me
	case Finish:
		return naiveThing{state: Finished}, x.state == Controlled && x.owner == me && t == Flight
	case Take:
		lost := x.owner != "" && !n.attended(x.owner) || x.state == Coordinated && !n.attended(n.receiver(x.to))
		return mine, lost
	}
	return x, false
}

// both is the machine and the model, side by side.
type both struct {
	*rapid.T
	m      *Machine
	n      *naive
	index  uint64
	events []Event
}

// emit also holds an event to its bytes.
func (b *both) emit(e Event) {
	b.events = append(b.events, e)
	var w, again codec.Writer
	e.Append(&w)
	r := codec.NewReader(w.B)
	back := ReadEvent(r)
	back.Append(&again)
	if r.Finish() != nil || !bytes.Equal(w.B, again.B) {
		b.Fatalf("event %+v is read as %+v: %v", e, back, r.Err())
	}
}

func (b *both) draw(what string, n int) int { return rapid.IntRange(0, n-1).Draw(b.T, what) }

func (b *both) position() string { return fmt.Sprintf("P%d", b.draw("position", 3)) }

func (b *both) by() By {
	return By{b.position(), fence.Holder{byte(1 + b.draw("holder", 2))}}
}

func (b *both) target() Target {
	if b.draw("to a sector", 3) == 0 {
		return Target{Sector: fmt.Sprintf("x%d", b.draw("sector", 2))}
	}
	return Target{Position: b.position()}
}

func (b *both) step() {
	b.events = nil
	b.index++
	at := Version{Index: b.index}
	switch b.draw("kind", 12) {
	case 0:
		passed := rapid.SampledFrom([]int64{0, 1, 1, 900e6, 2900e6, 3100e6}).Draw(b.T, "passed")
		if due := b.m.DueNs(); due > b.n.now && b.draw("to the end of something", 2) == 0 {
			passed = due - b.n.now
		}
		epoch := b.n.epoch
		epoch.Term += uint64(b.draw("term", 12) / 11)
		now := b.n.now + passed
		due := b.m.DueNs()
		b.n.advance(now, epoch)
		b.m.Advance(at, epoch, now, b.emit)
		if len(b.events) > 0 && due > now || b.m.DueNs() != 0 && b.m.DueNs() <= now {
			b.Fatalf("due at %d and then %d, and it is %d, with events %v", due, b.m.DueNs(), now, b.events)
		}
	case 1, 2, 3:
		b.signOn(at)
	case 4:
		b.signOff(at)
	default:
		b.act(at)
	}
	if b.draw("refusals", 4) == 0 {
		b.events = nil
		b.refusals()
		if len(b.events) > 0 {
			b.Fatalf("refusals emit %v", b.events)
		}
	}
	b.same()
}

func (b *both) signOn(at Version) {
	by := b.by()
	length := rapid.SampledFrom([]int64{1_000, 4_000, 60_000}).Draw(b.T, "lease")
	old := b.n.consoles[by.Position]
	if b.draw("keep", 3) == 0 {
		p := b.m.Keep(by)
		b.want("keep", p, old.holder == by.Holder[0], problem.Expired)
		if p == nil {
			old.ends = b.n.now + old.length
			b.n.consoles[by.Position] = old
		}
		return
	}
	p := b.m.SignOn(at, by, "console", length, b.emit)
	b.want("sign on", p, old.holder == 0 || old.holder == by.Holder[0], problem.Refused)
	if p == nil {
		b.n.consoles[by.Position] = naiveLease{by.Holder[0], length * 1e6, b.n.now + length*1e6}
	}
}

func (b *both) signOff(at Version) {
	by, leave := b.by(), b.draw("leave", 2) == 0
	if b.draw("forget", 2) == 0 {
		b.drop()
		return
	}
	old := b.n.consoles[by.Position]
	if b.draw("force", 4) == 0 {
		p := b.m.End(at, by.Position, b.emit)
		b.want("end", p, old.holder != 0, problem.NotFound)
		delete(b.n.consoles, by.Position)
		return
	}
	p := b.m.SignOff(at, by, leave, b.emit)
	owns := false
	for _, x := range b.n.things {
		owns = owns || x.owner == by.Position
	}
	if old.holder != by.Holder[0] {
		b.want("sign off", p, false, problem.Expired)
		return
	}
	b.want("sign off", p, leave || !owns, problem.Refused)
	if p == nil {
		delete(b.n.consoles, by.Position)
	}
}

// refusals asks for everything that may not be done.
func (b *both) refusals() {
	targets := []Target{{Position: "P0"}, {Position: "P1"}, {Position: "P2"}, {Sector: "x0"}, {Sector: "x1"}}
	for _, act := range Acts() {
		for p := range 3 {
			id := fmt.Sprintf("P%d", p)
			by := By{id, fence.Holder{b.n.consoles[id].holder}}
			for _, to := range targets {
				b.refusal(Flight, Request{Act: act, By: by, To: to})
				b.refusal(Sector, Request{Act: act, By: by, To: to})
			}
		}
	}
}

func (b *both) refusal(t Thing, q Request) {
	if _, ok := b.n.may(t, "x0", q); ok {
		return
	}
	if _, p := b.m.Do(Version{Index: b.index}, t, "x0", q, b.emit); p == nil {
		b.Fatalf("%s %s x0 by %s to %+v was done", q.Act, t, q.By.Position, q.To)
	}
}

// drop forgets a flight or sector.
func (b *both) drop() {
	id := fmt.Sprintf("x%d", b.draw("id", 2))
	if b.draw("drop", 2) == 0 {
		b.m.DropFlight(id)
		delete(b.n.things, Flight.String()+id)
		return
	}
	b.m.DropSector(id)
	delete(b.n.things, Sector.String()+id)
}

func (b *both) act(at Version) {
	t := rapid.SampledFrom([]Thing{Flight, Flight, Sector}).Draw(b.T, "thing")
	id := fmt.Sprintf("x%d", b.draw("id", 2))
	q := b.request(t, id)
	want, ok := b.n.may(t, id, q)
	stale := b.draw("stale", 8) == 0
	if stale {
		q.Match = &Version{Index: 1 << 40}
	}
	got, p := b.m.Do(at, t, id, q, b.emit)
	if (p == nil) != (ok && !stale) {
		b.Fatalf("%s %s %s by %+v to %+v: %v, want done: %v, stale: %v", q.Act, t, id, q.By, q.To, p, ok, stale)
	}
	if p != nil {
		if len(b.events) > 0 || p.Detail == "" {
			b.Fatalf("refused with %d events: %v", len(b.events), p)
		}
		return
	}
	b.n.things[t.String()+id] = want
	if e := b.events; len(e) != 1 || e[0].Act != q.Act || *e[0].Record != got || got.Version != at {
		b.Fatalf("events %+v for %+v", e, got)
	}
}

// request is any, or one of those that may be done.
func (b *both) request(t Thing, id string) Request {
	var all []Request
	for _, act := range Acts() {
		for i := range 3 {
			p := fmt.Sprintf("P%d", i)
			q := Request{Act: act, By: By{p, fence.Holder{b.n.consoles[p].holder}}}
			if act == Coordinate || act == Propose {
				q.To, q.TimeoutMs = b.target(), rapid.SampledFrom([]int64{0, 1_000, 5_000}).Draw(b.T, "timeout")
			}
			if _, ok := b.n.may(t, id, q); ok {
				all = append(all, q)
			}
		}
	}
	if len(all) > 0 && b.draw("allowed", 4) > 0 {
		return rapid.SampledFrom(all).Draw(b.T, "request")
	}
	q := Request{Act: rapid.SampledFrom(Acts()).Draw(b.T, "act"), By: b.by()}
	switch q.Act {
	case Coordinate, Propose:
		q.To = b.target()
	case Take, Release:
		if b.draw("force", 3) == 0 {
			q.Force, q.By, q.To = true, By{}, Target{Position: b.position()}
		}
	}
	return q
}

func (b *both) want(what string, p *problem.Error, ok bool, kind problem.Kind) {
	if (p == nil) != ok || p != nil && (p.Kind != kind || len(b.events) > 0) {
		b.Fatalf("%s: %v, want done: %v, else %v", what, p, ok, kind)
	}
}

// same holds everything that can be asked against the model.
func (b *both) same() {
	s := b.m.Board()
	for i := range 3 {
		id := fmt.Sprintf("P%d", i)
		p, _ := s.Position(id)
		if l := b.n.consoles[id]; p.Holder[0] != l.holder || s.Attended(id) != (l.holder != 0) || l.holder != 0 && p.EndsNs != max(l.ends, b.n.renewed+l.length) {
			b.Fatalf("position %+v, want %+v", p, l)
		}
	}
	for _, t := range []Thing{Flight, Sector} {
		for i := range 2 {
			id := fmt.Sprintf("x%d", i)
			r, x := s.Record(t, id), b.n.thing(t, id)
			if r.State != x.state || r.Position != x.owner || r.To != x.to || !r.valid() {
				b.Fatalf("%s %s is %+v, want %+v", t, id, r, x)
			}
			if x.state == Handoff && r.EndsNs != max(x.ends, b.n.renewed+x.length) {
				b.Fatalf("offer of %s %s ends at %d, want %+v", t, id, r.EndsNs, x)
			}
		}
		b.lists(t)
	}
	held := 0
	for i := range 3 {
		id := fmt.Sprintf("P%d", i)
		owns := slices.ContainsFunc(slices.Collect(maps.Values(b.n.things)), func(x naiveThing) bool { return x.owner == id })
		if b.n.attended(id) || owns {
			held++
		}
	}
	if n := s.PositionCount(); n != held || len(s.Positions("", MaxPage)) != held {
		b.Fatalf("%d positions are held, want %d", n, held)
	}
}

func (b *both) lists(t Thing) {
	for i := range 3 {
		id, want := fmt.Sprintf("P%d", i), []string(nil)
		for j := range 2 {
			name := fmt.Sprintf("x%d", j)
			x := b.n.thing(t, name)
			if x.owner == id || (x.to != Target{}) && b.n.receiver(x.to) == id {
				want = append(want, name)
			}
		}
		var got []string
		for after := ""; ; {
			page := b.m.Board().List(t, id, after, 1)
			if len(page) == 0 {
				break
			}
			after = page[0].ID
			got = append(got, after)
		}
		if !slices.Equal(got, want) {
			b.Fatalf("list of %ss of %s is %v, want %v", t, id, got, want)
		}
	}
}

func saved(s *Board) []byte {
	var all codec.Writer
	s.Save(func(write func(*codec.Writer)) bool {
		var w codec.Writer
		write(&w)
		all.Bytes(w.B)
		return true
	})
	return all.B
}

func load(t interface{ Fatalf(string, ...any) }, b []byte) *Machine {
	m, r := New(), codec.NewReader(b)
	for r.Len() > 0 {
		if err := m.Load(codec.NewReader(r.Bytes(1<<20)), func(Thing, string) bool { return true }); err != nil {
			t.Fatalf("load: %v", err)
		}
	}
	if err := m.Loaded(); err != nil {
		t.Fatalf("loaded: %v", err)
	}
	return m
}

// TestTheMachineIsTheModel also goes on from a snapshot now and then, and holds what was copied to what it was.
func TestTheMachineIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &both{T: t, m: New(), n: &naive{now: 1e18, renewed: 1e18, consoles: map[string]naiveLease{}, things: map[string]naiveThing{}}}
		b.m.Advance(Version{Index: 1}, b.n.epoch, b.n.now, b.emit)
		b.index = 1
		for range rapid.IntRange(20, 80).Draw(t, "steps") {
			copied := b.m.Board().Copy()
			before := saved(&copied)
			b.step()
			if !bytes.Equal(before, saved(&copied)) {
				t.Fatalf("a copy changed")
			}
			if b.draw("snapshot", 10) == 0 {
				was := saved(b.m.Board())
				b.m = load(t, was)
				if !bytes.Equal(was, saved(b.m.Board())) {
					t.Fatalf("a snapshot of what was loaded differs")
				}
			}
		}
	})
}
