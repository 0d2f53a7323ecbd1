package peer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"onevoice/crowd"
	"onevoice/machine"
)

const ms = int64(1_000_000)

// net is peers that probe one another, and the machine whose rolls they hold.
type net struct {
	t     *testing.T
	m     *crowd.Machine
	at    machine.At
	peers []*Peer // by ID
	rand  *rand.Rand
	lose  map[uint64]float64 // of what comes to a member
	off   map[uint64]bool    // neither ticks nor answers
	last  map[uint64]crowd.Report
	rolls []crowd.Roll
}

func newNet(t *testing.T, members int) *net {
	n := &net{t: t, m: crowd.New(), at: machine.At{Index: 1, LogTimeNs: 1_000_000 * ms}, rand: rand.New(rand.NewPCG(1, 2)), lose: map[uint64]float64{},
		off: map[uint64]bool{}, last: map[uint64]crowd.Report{}}
	for i := range members {
		n.join(fmt.Sprintf("m%d", i))
	}
	n.pass(1_000 * ms)
	for _, p := range n.peers {
		p.Load(n.page(), n.members(), &Out{})
	}
	return n
}

func (n *net) members() []crowd.Member { return n.m.Root().(*crowd.State).Members() }

func (n *net) page() crowd.Head {
	p, err := crowd.DecodePage(n.m.Root().Query(crowd.AskList(0)))
	if err != nil {
		n.t.Fatal(err)
	}
	return p.Head
}

func (n *net) emit(b []byte) {
	e, err := crowd.DecodeEvent(b)
	if err != nil {
		n.t.Fatal(err)
	}
	n.rolls = append(n.rolls, e.Roll)
}

func (n *net) join(name string) *Peer {
	n.at.Index++
	r, err := crowd.DecodeResult(n.m.Apply(n.at, crowd.Encode(crowd.Join{Name: name, Address: name + ":1", Boot: 1}), n.emit))
	if err != nil || r.Problem != nil {
		n.t.Fatal(r.Problem, err)
	}
	p := New(r.ID)
	n.peers = append(n.peers, p)
	return p
}

func (n *net) pass(ns int64) {
	n.at.LogTimeNs += ns
	n.at.Index++
	n.m.Advance(n.at, n.emit)
}

// rounds lets everybody tick that often.
func (n *net) rounds(count int) {
	for range count {
		n.at.LogTimeNs += n.peers[0].PeriodNs()
		for _, p := range n.peers {
			n.tick(p)
		}
	}
}

func (n *net) tick(p *Peer) {
	if n.off[p.self] {
		return
	}
	var out Out
	p.Tick(n.at.LogTimeNs, &out)
	if len(out.Report.Marks) > 0 {
		n.last[p.self] = out.Report
	}
	for _, s := range out.Sends {
		q := n.peer(s.To)
		if n.off[s.To] || n.lost(s.To) {
			continue
		}
		var back Out
		q.Recv(s.Bytes, &back)
		for _, a := range back.Sends {
			if !n.lost(p.self) {
				p.Recv(a.Bytes, &out)
			}
		}
	}
}

func (n *net) lost(to uint64) bool { return n.rand.Float64() < n.lose[to] }

func (n *net) peer(id uint64) *Peer {
	for _, p := range n.peers {
		if p.self == id {
			return p
		}
	}
	n.t.Fatalf("no peer %d", id)
	return nil
}

// against counts who holds something against a member, by what it was told last.
func (n *net) against(id uint64, e crowd.Evidence) int {
	count := 0
	for _, p := range n.peers {
		if l := find(p.links, id); l != nil && l.told == e {
			count++
		}
	}
	return count
}

func TestNothingAgainstWhoAnswers(t *testing.T) {
	n := newNet(t, 60)
	for _, p := range n.peers {
		n.lose[p.self] = 0.01
	}
	n.rounds(400)
	for id, r := range n.last {
		t.Errorf("%d says %+v", id, r)
	}
}

// TestOneWayLossIsFound by all who observe the member, and its own opinion is not told.
func TestOneWayLossIsFound(t *testing.T) {
	n := newNet(t, 60)
	bad := n.peers[7].self
	n.lose[bad] = 0.3
	n.rounds(100)
	observers := n.against(bad, crowd.Lossy) + n.against(bad, crowd.Silent) + n.against(bad, crowd.Nothing)
	if got := n.against(bad, crowd.Lossy); got != observers || got < 7 {
		t.Errorf("%d of %d observers found it", got, observers)
	}
	for _, l := range n.peers[7].links {
		if l.opinion != crowd.Lossy || l.told != crowd.Nothing {
			t.Errorf("whose link is bad holds %v against %d, and told %v", l.opinion, l.id, l.told)
		}
	}
	delete(n.lose, bad)
	n.rounds(64)
	if got := n.against(bad, crowd.Nothing); got != observers {
		t.Errorf("%d of %d observers took it back", got, observers)
	}
}

func TestSilenceIsFoundInOneBound(t *testing.T) {
	n := newNet(t, 60)
	n.rounds(80)
	dead := n.peers[3].self
	n.off[dead] = true
	n.rounds(10)
	if got := n.against(dead, crowd.Silent); got != 0 {
		t.Errorf("%d say so after nine rounds", got)
	}
	n.rounds(1)
	first := n.against(dead, crowd.Silent)
	if first < 7 {
		t.Errorf("%d say so after ten rounds", first)
	}
	clear(n.last)
	n.rounds(9)
	if len(n.last) != 0 {
		t.Errorf("reports though nothing has changed: %v", n.last)
	}
	n.rounds(1)
	if len(n.last) != first {
		t.Errorf("%d of %d were said again after a bound", len(n.last), first)
	}
}

func TestALateTickSaysNothing(t *testing.T) {
	n := newNet(t, 20)
	n.rounds(20)
	p := n.peers[0]
	for range 20 {
		n.at.LogTimeNs += crowd.BoundNs(20)
		var out Out
		p.Tick(n.at.LogTimeNs, &out)
		if len(out.Report.Marks) > 0 {
			t.Errorf("%+v", out.Report)
		}
	}
	if got := p.Stats().Abstained; got != 20 {
		t.Errorf("%d ticks abstained", got)
	}
	for _, l := range p.links {
		if l.lost != 0 {
			t.Errorf("%d probes of %d count as lost", l.run, l.id)
		}
	}
}

// TestGapsAreRepaired, and who missed more than is kept gets the list.
func TestGapsAreRepaired(t *testing.T) {
	n := newNet(t, 20)
	for i := range 3 {
		n.join(fmt.Sprintf("new%d", i))
		n.pass(200 * ms)
	}
	p := n.peers[0]
	var out Out
	p.Hear(n.rolls[len(n.rolls)-1], &out)
	if !out.AskSince || out.Since != 1 || p.Roll().Number != 1 {
		t.Fatalf("%+v", out)
	}
	again := Out{}
	p.Hear(n.rolls[len(n.rolls)-1], &again)
	if again.AskSince {
		t.Error("asked twice at once")
	}
	for range askTicks - 1 {
		again = Out{}
		p.Tick(n.at.LogTimeNs, &again)
	}
	if !again.AskSince {
		t.Error("not asked again")
	}
	rolls, held := n.m.Root().(*crowd.State).Since(1)
	p.Since(rolls, held, &out)
	if p.Roll().Hash != n.rolls[3].Hash || !slices.Equal(p.Members(), n.members()) || p.Stats() != (Stats{Gaps: 1}) {
		t.Errorf("roll %d, %d members, %+v", p.Roll().Number, len(p.Members()), p.Stats())
	}
	for _, q := range n.peers[20:] {
		q.Load(n.page(), n.members(), &out)
	}
	if subjects := p.links; len(subjects) < 5 {
		t.Errorf("%d subjects", len(subjects))
	}
	out = Out{}
	if p.Since(nil, false, &out); !out.AskList {
		t.Error("the list is not asked for")
	}
}

// TestNewsTravelWithProbes: who was not told of a roll asks after the next probe.
func TestNewsTravelWithProbes(t *testing.T) {
	n := newNet(t, 20)
	n.join("new")
	n.pass(200 * ms)
	for _, p := range n.peers[1:20] {
		p.Hear(n.rolls[1], &Out{})
	}
	n.peers[20].Load(n.page(), n.members(), &Out{})
	n.rounds(1)
	var out Out
	n.peers[0].Tick(n.at.LogTimeNs+100*ms, &out)
	if !out.AskSince {
		t.Error("it does not ask")
	}
	n.peers[0].Since(nil, true, &out)
	out = Out{}
	n.peers[0].Tick(n.at.LogTimeNs+200*ms, &out)
	if out.AskSince {
		t.Error("it asks though the server knows of no more")
	}
}

func TestWhatDoesNotFollowIsNotTaken(t *testing.T) {
	n := newNet(t, 20)
	n.join("new")
	n.pass(200 * ms)
	other := n.rolls[1]
	other.Joined = slices.Clone(other.Joined)
	other.Joined[0].Name = "somebody else"
	var out Out
	p := n.peers[0]
	if p.Hear(other, &out); !out.AskList || p.Roll().Number != 1 || p.Stats().Torn != 1 {
		t.Errorf("%+v, roll %d", out, p.Roll().Number)
	}
	q := New(5)
	if q.Load(n.page(), n.members()[1:], &out); q.Roll().Number != 0 || q.Stats().Torn != 1 {
		t.Errorf("roll %d", q.Roll().Number)
	}
}

func TestWhoIsGoneKnowsIt(t *testing.T) {
	n := newNet(t, 20)
	p := n.peers[4]
	n.at.Index++
	n.m.Apply(n.at, crowd.Encode(crowd.Condemn{IDs: []uint64{p.self}}), n.emit)
	n.pass(200 * ms)
	var out Out
	if p.Hear(n.rolls[1], &out); !p.Down() || n.peers[5].Down() {
		t.Errorf("down: %v, %v", p.Down(), n.peers[5].Down())
	}
	if p.Recv((Probe{From: n.peers[5].self, To: p.self, Seq: 1}).Encode(), &out); len(out.Sends) != 0 {
		t.Error("it answers")
	}
}

func TestStrangersAreNotAnswered(t *testing.T) {
	n := newNet(t, 20)
	p := n.peers[0]
	var out Out
	p.Recv((Probe{From: 1, To: p.self + 1, Seq: 1}).Encode(), &out)
	p.Recv([]byte{9}, &out)
	p.Recv((Probe{Answer: true, From: p.links[0].id, To: p.self, Seq: 99}).Encode(), &out)
	if len(out.Sends) != 0 || p.links[0].answer {
		t.Errorf("%+v", out)
	}
}

func FuzzDecodeProbe(f *testing.F) {
	f.Add(Probe{true, 1, 2, 3, 4}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodeProbe(b); err == nil && string(p.Encode()) != string(b) {
			t.Fatalf("%x reads as %+v", b, p)
		}
	})
}
