package oracle

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"onevoice/machine"
	"onevoice/members"
	"onevoice/view"

	"pgregory.net/rapid"
)

const (
	ms  = int64(1_000_000)
	sec = 1000 * ms
)

// world is a machine with the log time and index of its next entry, and what the servers would say.
type world struct {
	t      *testing.T
	m      *Machine
	at     machine.At
	boots  map[uint64]uint64           // by server; 0: it does not run
	holds  map[[2]uint64]view.Evidence // reporter, subject
	silent map[uint64]bool             // its beats do not come
	views  []view.View
}

func newWorld(t *testing.T, servers int) *world {
	g := members.Genesis{Groups: []uint32{1, 2}}
	w := &world{t: t, at: machine.At{Group: 2, Index: 10, LogTimeNs: 1000 * sec}, boots: map[uint64]uint64{}, holds: map[[2]uint64]view.Evidence{}, silent: map[uint64]bool{}}
	for n := range uint64(servers) {
		g.Servers = append(g.Servers, members.Server{Number: n + 1, Name: fmt.Sprintf("n%d", n+1), HTTP: fmt.Sprintf("h%d:1", n+1), Peer: fmt.Sprintf("h%d:2", n+1)})
		w.boots[n+1] = 1
	}
	w.m = New(g)
	return w
}

func (w *world) emit(event []byte) {
	e, ours, err := DecodeEvent(event)
	if err != nil {
		w.t.Fatal(err)
	}
	if ours {
		w.views = append(w.views, e.View)
	}
}

// observation is what all that run and are heard say.
func (w *world) observation() Observation {
	o := Observation{BoundNs: 60 * ms}
	for s := uint64(1); s <= uint64(len(w.boots)); s++ {
		if w.boots[s] == 0 || w.silent[s] {
			continue
		}
		row := Row{Server: s, Boot: w.boots[s]}
		for p := uint64(1); p <= uint64(len(w.boots)); p++ {
			if p != s {
				row.Seen = append(row.Seen, Seen{p, w.boots[p], w.holds[[2]uint64{s, p}]})
			}
		}
		o.Rows = append(o.Rows, row)
	}
	return o
}

// observe lets log time pass and applies what is said then.
func (w *world) observe(after int64) {
	o := w.observation()
	w.apply(after, o.Encode())
	if left := w.m.DueNs() - w.at.LogTimeNs; left > 0 && left <= gatherNs {
		w.pass(left)
	}
}

func (w *world) apply(after int64, op []byte) []byte {
	w.pass(after)
	return w.m.Apply(w.at, op, w.emit)
}

// pass is an entry without commands.
func (w *world) pass(after int64) {
	w.at.Index++
	w.at.LogTimeNs += after
	w.m.Advance(w.at, w.emit)
}

func (w *world) state() *State { return w.m.Root().(*State) }

func (w *world) is(server uint64, standing view.Standing, why view.Evidence) {
	w.t.Helper()
	v := w.state().View()
	p, ok := v.Process(server)
	if !ok || p.Standing != standing || p.Why != why {
		w.t.Errorf("view %d: server %d is %v, %v; want %v, %v", v.Number, server, p.Standing, p.Why, standing, why)
	}
}

// report has servers hold something against another, or nothing.
func (w *world) report(e view.Evidence, about uint64, by ...uint64) {
	for _, s := range by {
		w.holds[[2]uint64{s, about}] = e
	}
}

func TestTheBeginning(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	for s := uint64(1); s <= 3; s++ {
		w.is(s, view.Up, view.NoEvidence)
	}
	if v := w.state().View(); v.Number != 1 || len(w.views) != 1 || v.Hash != v.Chain([32]byte{}) {
		t.Errorf("view %d after %d events", v.Number, len(w.views))
	}
	w.observe(sec)
	if n := w.state().View().Number; n != 1 {
		t.Errorf("view %d though nothing has changed", n)
	}
}

func TestAMajorityTakesDown(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	w.report(view.Silent, 2, 1)
	w.observe(ms)
	w.is(2, view.Up, view.NoEvidence)
	w.report(view.Deaf, 2, 3)
	w.report(view.Silent, 2, 1)
	w.observe(ms)
	w.is(2, view.Down, view.Silent)
	if n := w.state().View().Number; n != 2 {
		t.Errorf("view %d, want one more", n)
	}
}

// TestDownIsFinal: a late word of the incarnation changes nothing; its next start is another one.
func TestDownIsFinal(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	first, _ := w.state().view.Process(2)
	w.report(view.Silent, 2, 1, 3)
	w.observe(ms)
	w.report(view.NoEvidence, 2, 1, 3)
	w.observe(ms)
	w.is(2, view.Down, view.Silent)
	w.boots[2] = 2
	w.observe(ms)
	w.is(2, view.Joining, view.NoEvidence) // since it spoke on
	w.report(view.Silent, 2, 1, 3)
	w.observe(ms)
	w.is(2, view.Joining, view.NoEvidence) // and who is joining is not taken down
	w.report(view.NoEvidence, 2, 1, 3)
	w.observe(ms)
	w.pass(holdNs)
	w.is(2, view.Up, view.NoEvidence)
	if p, _ := w.state().view.Process(2); p.Incarnation <= first.Incarnation || p.Boot != 2 {
		t.Errorf("%+v after %+v", p, first)
	}
	w.boots[2] = 1
	w.observe(ms)
	if p, _ := w.state().view.Process(2); p.Boot != 2 {
		t.Error("an earlier start has come back")
	}
}

// TestWhoDoesNotCount: the victim itself, who is down, a learner, and a reporter twice.
func TestWhoDoesNotCount(t *testing.T) {
	w := newWorld(t, 5)
	w.observe(0)
	w.report(view.Silent, 5, 1, 2, 3)
	w.observe(ms)
	w.is(5, view.Down, view.Silent)
	w.report(view.Silent, 1, 2, 3, 5) // 5 is down
	w.observe(ms)
	w.is(1, view.Up, view.NoEvidence)
	w.report(view.Silent, 1, 4)
	w.observe(ms)
	w.is(1, view.Down, view.Silent)
}

// TestOthersWhoDoNotCount: the victim about itself, and who has no vote.
func TestOthersWhoDoNotCount(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	w.report(view.Silent, 2, 1)
	o := w.observation()
	victim := &o.Rows[1]
	victim.Seen = []Seen{victim.Seen[0], {2, 1, view.Silent}, victim.Seen[1]}
	w.apply(ms, o.Encode())
	w.is(2, view.Up, view.NoEvidence)
	for _, g := range []uint32{1, 2} {
		w.apply(ms, members.Encode(members.Reached{Group: g, Change: 1}))
	}
	w.apply(ms, members.Encode(members.Remove{Server: 3}))
	w.report(view.Silent, 2, 3)
	w.observe(60 * ms)
	w.is(2, view.Up, view.NoEvidence)
}

// TestAMajorityStaysUp: of three of five that are reported two go, the ones with the higher numbers, and the third is called degraded; it comes
// back without a new incarnation.
func TestAMajorityStaysUp(t *testing.T) {
	w := newWorld(t, 5)
	w.observe(0)
	before, _ := w.state().view.Process(3)
	for _, s := range []uint64{3, 4, 5} {
		w.report(view.Silent, s, 1, 2, 3, 4, 5)
	}
	w.observe(ms)
	w.is(5, view.Down, view.Silent)
	w.is(4, view.Down, view.Silent)
	w.is(3, view.Degraded, view.Silent)
	w.observe(60 * ms)
	w.report(view.NoEvidence, 3, 1, 2, 3, 4, 5)
	w.boots[4], w.boots[5] = 0, 0
	w.observe(ms)
	w.is(3, view.Up, view.NoEvidence)
	if p, _ := w.state().view.Process(3); p.Incarnation != before.Incarnation {
		t.Errorf("%+v after %+v", p, before)
	}
}

// TestTwoThatGoTogetherAreOneView, and the third of five is safe from two.
func TestTwoThatGoTogetherAreOneView(t *testing.T) {
	w := newWorld(t, 5)
	w.observe(0)
	w.report(view.Silent, 5, 1, 2, 3, 4)
	w.report(view.Silent, 4, 1, 2, 3)
	w.observe(ms)
	w.is(5, view.Down, view.Silent)
	w.is(4, view.Down, view.Silent)
	w.is(3, view.Up, view.NoEvidence)
	w.report(view.Stuck, 3, 1, 2)
	w.observe(60 * ms)
	w.is(3, view.Up, view.NoEvidence)
	if n := w.state().View().Number; n != 2 {
		t.Errorf("view %d: two that go together are one view", n)
	}
}

// TestTheCut: while somebody is reported by a few, a decision about others waits, so that all that are cut off go in one view; but not
// for long.
func TestTheCut(t *testing.T) {
	w := newWorld(t, 7)
	w.observe(0)
	w.report(view.Silent, 6, 1, 2, 3, 4)
	w.report(view.Silent, 7, 1)
	w.observe(ms)
	w.is(6, view.Up, view.NoEvidence)
	w.report(view.Silent, 7, 2, 3, 4)
	w.observe(20 * ms)
	w.is(6, view.Down, view.Silent)
	w.is(7, view.Down, view.Silent)
	if n := w.state().View().Number; n != 2 {
		t.Errorf("view %d, want both in one", n)
	}
	u := newWorld(t, 7)
	u.observe(0)
	u.report(view.Silent, 6, 1, 2, 3, 4)
	u.report(view.Silent, 7, 1)
	u.observe(ms)
	left := unsettledNs - gatherNs // the latter has passed
	if due := u.m.DueNs(); due != u.at.LogTimeNs+left {
		t.Errorf("due at %d, want %d", due, u.at.LogTimeNs+left)
	}
	u.is(6, view.Up, view.NoEvidence)
	u.pass(left)
	u.is(6, view.Down, view.Silent)
	u.is(7, view.Up, view.NoEvidence)
}

// TestWhoAreCutOffTogetherGoTogether, though they were heard a tick apart.
func TestWhoAreCutOffTogetherGoTogether(t *testing.T) {
	w := newWorld(t, 5)
	w.observe(0)
	w.report(view.Silent, 4, 1, 2, 3)
	o := w.observation()
	w.apply(ms, o.Encode())
	w.pass(10 * ms)
	w.is(4, view.Up, view.NoEvidence)
	w.report(view.Silent, 5, 1, 2, 3)
	o = w.observation()
	w.apply(0, o.Encode())
	w.pass(10 * ms)
	w.is(4, view.Up, view.NoEvidence) // the other has just been reported
	w.pass(10 * ms)
	w.is(4, view.Down, view.Silent)
	w.is(5, view.Down, view.Silent)
	if n := w.state().View().Number; n != 2 {
		t.Errorf("view %d, want both in one", n)
	}
}

// TestWhoDiesIsBackAtOnce, however often: nobody was wrong about it.
func TestWhoDiesIsBackAtOnce(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	for boot := uint64(2); boot < 9; boot++ {
		w.boots[2] = 0
		w.report(view.Refused, 2, 1, 3)
		w.observe(ms)
		w.is(2, view.Down, view.Refused)
		w.boots[2] = boot
		w.report(view.NoEvidence, 2, 1, 3)
		w.observe(ms)
		w.is(2, view.Up, view.NoEvidence)
	}
}

// TestWhoFallsAgainWaits: who is called down and goes on speaking is back after a second, the next time after two.
func TestWhoFallsAgainWaits(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	for fall, wait := range []int64{sec, 2 * sec, 4 * sec} {
		w.report(view.Silent, 2, 1, 3)
		w.observe(ms)
		w.is(2, view.Down, view.Silent)
		w.observe(ms) // it speaks
		w.report(view.NoEvidence, 2, 1, 3)
		w.boots[2]++
		w.observe(ms)
		w.is(2, view.Joining, view.NoEvidence)
		w.pass(wait - 1)
		w.is(2, view.Joining, view.NoEvidence)
		if due := w.m.DueNs(); due != w.at.LogTimeNs+1 {
			t.Errorf("after fall %d: due at %d, want %d", fall+1, due, w.at.LogTimeNs+1)
		}
		w.pass(1)
		w.is(2, view.Up, view.NoEvidence)
	}
	w.pass(memoryNs)
	w.report(view.Silent, 2, 1, 3)
	w.observe(ms)
	w.report(view.NoEvidence, 2, 1, 3)
	w.boots[2]++
	w.observe(ms)
	w.is(2, view.Up, view.NoEvidence)
}

func TestWhoIsNotHeardStaysJoining(t *testing.T) {
	w := newWorld(t, 3)
	w.report(view.Silent, 3, 1, 2)
	w.boots[3] = 5
	o := w.observation()
	for i := range o.Rows {
		for k := range o.Rows[i].Seen {
			if s := &o.Rows[i].Seen[k]; s.Server == 3 {
				s.Boot, s.Evidence = 0, view.NoEvidence
			}
		}
	}
	w.apply(0, o.Encode())
	w.is(3, view.Joining, view.NoEvidence)
}

func TestWhoIsGoneLeavesTheView(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	w.apply(ms, members.Encode(members.Reached{Group: 1, Change: 1}))
	w.apply(ms, members.Encode(members.Reached{Group: 2, Change: 1}))
	w.apply(ms, members.Encode(members.Remove{Server: 3}))
	w.is(3, view.Up, view.NoEvidence)
	for _, g := range []uint32{1, 2} {
		w.apply(ms, members.Encode(members.Reached{Group: g, Change: 2}))
	}
	if _, ok := w.state().view.Process(3); ok {
		t.Error("it is still in the view")
	}
}

func TestLeadsAndTheBound(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	o := w.observation()
	o.Leads = []view.Lead{{Group: 1, Term: 4, Server: 2}}
	w.apply(ms, o.Encode())
	if v := w.state().View(); v.Number != 2 || !slices.Equal(v.Leads, o.Leads) {
		t.Errorf("%+v", v)
	}
	o.Leads = []view.Lead{{Group: 1, Term: 3, Server: 1}}
	o.BoundNs += boundGrain - 1
	w.apply(ms, o.Encode())
	if v := w.state().View(); v.Number != 2 || v.Leads[0].Server != 2 {
		t.Errorf("an older term, or a bound that hardly differs, has made %+v", v)
	}
	o.BoundNs++
	w.apply(ms, o.Encode())
	if v := w.state().View(); v.Number != 3 || v.BoundNs != 80*ms {
		t.Errorf("%+v", v)
	}
	o.BoundNs -= boundGrain
	w.apply(ms, o.Encode())
	o.BoundNs += boundGrain
	w.apply(lowerNs-ms, o.Encode())
	o.BoundNs -= boundGrain
	w.apply(ms, o.Encode())
	w.apply(lowerNs-1, o.Encode())
	if v := w.state().View(); v.Number != 3 {
		t.Errorf("a bound that was too high for less than a while is lowered: %+v", v)
	}
	w.pass(1)
	if v := w.state().View(); v.Number != 4 || v.BoundNs != 60*ms {
		t.Errorf("%+v", v)
	}
}

func TestExplain(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	w.report(view.Silent, 2, 1, 3)
	w.observe(ms)
	v, err := DecodeVerdict(w.state().Query(AskExplain(2)))
	if err != nil || v.View.Number != 2 || v.AtNs != w.at.LogTimeNs || v.Observed.Rows[0].Seen[0] != (Seen{2, 1, view.Silent}) {
		t.Errorf("%+v, %v", v, err)
	}
	if got := w.state().Query(AskExplain(3)); got != nil {
		t.Errorf("a view that is not there is explained: %x", got)
	}
	now, err := DecodeView(w.state().Query(AskView()))
	if err != nil || now.Hash != w.state().view.Hash {
		t.Errorf("%+v, %v", now, err)
	}
	if list, err := members.DecodeList(w.state().Query(members.List())); err != nil || len(list.Servers()) != 3 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t, 3)
	o := w.observation()
	for term := range uint64(maxHistory + 10) {
		o.Leads = []view.Lead{{Group: 1, Term: term + 1, Server: 1}}
		w.apply(ms, o.Encode())
	}
	all := w.state().History()
	if n := w.state().View().Number; len(all) != maxHistory || all[len(all)-1].View.Number != n || all[0].View.Number != n-maxHistory+1 {
		t.Errorf("%d views to %d", len(all), n)
	}
}

// TestAnyCourse: whatever is observed, the views are contiguous and chained, nobody leaves Down, no incarnation comes twice, a majority of
// voters is never down, and a snapshot loads to the same state.
func TestAnyCourse(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, rapid.IntRange(1, 5).Draw(r, "servers"))
		downs, seen := map[view.PID]bool{}, map[uint64]uint64{}
		for range rapid.IntRange(1, 40).Draw(r, "entries") {
			n := uint64(len(w.boots))
			a, b := rapid.Uint64Range(1, n).Draw(r, "a"), rapid.Uint64Range(1, n).Draw(r, "b")
			switch rapid.IntRange(0, 5).Draw(r, "what") {
			case 0:
				w.boots[a]++
			case 1:
				w.silent[a] = !w.silent[a]
			case 2:
				w.report(view.NoEvidence, b, 1, 2, 3, 4, 5)
			default:
				w.holds[[2]uint64{a, b}] = view.Evidence(rapid.IntRange(0, 4).Draw(r, "evidence"))
			}
			w.observe(rapid.SampledFrom([]int64{0, ms, 60 * ms, 3 * sec}).Draw(r, "after"))
			for _, p := range w.state().view.Processes {
				if downs[p.PID] && p.Standing != view.Down {
					r.Fatalf("%+v was down", p)
				}
				downs[p.PID] = p.Standing == view.Down
				if p.Incarnation < seen[p.Server] {
					r.Fatalf("%+v after incarnation %d", p, seen[p.Server])
				}
				seen[p.Server] = p.Incarnation
			}
		}
		hash := [32]byte{}
		for i, v := range w.views {
			if v.Number != view.Number(i+1) || v.Hash != v.Chain(hash) {
				r.Fatalf("view %d is number %d, or its hash does not chain", i+1, v.Number)
			}
			hash = v.Hash
		}
		again := New(members.Genesis{})
		for c := range w.state().Chunks() {
			if err := again.Load(bytes.Clone(c)); err != nil {
				r.Fatal(err)
			}
		}
		if err := again.Loaded(); err != nil {
			r.Fatal(err)
		}
		if a, b := chunks(w.state()), chunks(again.Root().(*State)); a != b {
			r.Fatalf("%x came back as %x", a, b)
		}
	})
}

func chunks(s *State) string {
	var all []byte
	for c := range s.Chunks() {
		all = append(all, c...)
	}
	return string(all)
}

// TestApplyIsTotal: what does not parse is refused, and changes nothing.
func TestApplyIsTotal(t *testing.T) {
	w := newWorld(t, 3)
	w.observe(0)
	before := chunks(w.state())
	o := w.observation()
	good := o.Encode()
	unsorted := o
	unsorted.Rows = []Row{o.Rows[1], o.Rows[0]}
	for _, bad := range [][]byte{nil, {1}, {1, 64}, {2, 64, 0}, good[:len(good)-1], append(bytes.Clone(good), 0), unsorted.Encode(), {1, 200}, {1, 160}} {
		result, err := members.DecodeResult(w.apply(0, bad))
		if err != nil || result.Problem == nil {
			t.Errorf("%x: %+v, %v", bad, result, err)
		}
	}
	if after := chunks(w.state()); after != before {
		t.Error("a refused command has changed the state")
	}
}

func FuzzApply(f *testing.F) {
	w := newWorld(nil, 3)
	o := w.observation()
	f.Add(o.Encode())
	f.Add(members.Encode(members.Promote{Server: 2}))
	f.Fuzz(func(t *testing.T, op []byte) {
		w := newWorld(t, 3)
		w.observe(0)
		w.apply(ms, op)
		w.observe(ms)
	})
}

func FuzzLoad(f *testing.F) {
	w := newWorld(nil, 3)
	for c := range w.state().Chunks() {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		m := New(members.Genesis{})
		if m.Load(chunk) == nil && m.Loaded() == nil {
			m.Apply(machine.At{Index: 5}, nil, func([]byte) {})
		}
	})
}
