package members

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"onevoice/machine"
	"onevoice/problem"
)

// three is a cluster of three voters with two groups, of which 2 is the membership's.
func three() *Machine {
	g := Genesis{Groups: []uint32{1, 2}}
	for n := uint64(1); n <= 3; n++ {
		g.Servers = append(g.Servers, Server{Number: n, Name: fmt.Sprint("n", n), HTTP: fmt.Sprint("h:8", n), Peer: fmt.Sprint("h:9", n)})
	}
	return New(g)
}

// world runs commands on a machine, each in an entry of its own.
type world struct {
	t      *testing.T
	m      *Machine
	index  uint64
	nowNs  int64
	events []Event
}

func newWorld(t *testing.T) *world { return &world{t: t, m: three(), index: 1, nowNs: 1_000} }

func (w *world) do(c Command) Result {
	w.t.Helper()
	w.index++
	at := machine.At{Group: 2, Index: w.index, LogTimeNs: w.nowNs}
	emit := func(b []byte) {
		e, err := DecodeEvent(b)
		if err != nil {
			w.t.Fatal(err)
		}
		w.events = append(w.events, e)
	}
	w.m.Advance(at, emit)
	r, err := DecodeResult(w.m.Apply(at, Encode(c), emit))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) ok(c Command) Result {
	w.t.Helper()
	r := w.do(c)
	if r.Problem != nil {
		w.t.Fatalf("%+v: %v", c, r.Problem)
	}
	return r
}

func (w *world) refuses(c Command, kind problem.Kind, word string) {
	w.t.Helper()
	w.m.Advance(machine.At{LogTimeNs: w.nowNs}, func([]byte) {})
	before := w.m.state
	r := w.do(c)
	if r.Problem == nil || r.Problem.Kind != kind || !strings.Contains(r.Problem.Error(), word) {
		w.t.Errorf("%+v: %v, want %v with %q", c, r.Problem, kind, word)
	}
	if w.m.state != before {
		w.t.Errorf("%+v changed something although it was refused", c)
	}
}

// settle lets every group reach the newest change.
func (w *world) settle() {
	w.t.Helper()
	for _, g := range w.m.state.Groups() {
		wish := w.m.state.Wish(g.Number)
		c, due := w.m.state.Due(g.Number, wish.Change, wish.Voters, wish.Learners)
		if due {
			w.ok(c)
		}
	}
	if !w.m.state.Settled() {
		w.t.Fatal("not settled")
	}
}

func (w *world) invite(i Invite) Join {
	w.t.Helper()
	proof := Proof(fmt.Append(nil, "secret ", w.index))
	i.Hash, i.TTLNs = HashOf(proof), MinTTLNs
	id := w.ok(i).Number
	name := fmt.Sprint("x", id)
	return Join{Invitation: id, Proof: proof, Store: [16]byte{byte(w.index), 1}, Name: name, HTTP: name + ":8", Peer: name + ":9"}
}

func (w *world) wish(voters, learners []uint64) {
	w.t.Helper()
	if got := w.m.state.Wish(1); !slices.Equal(got.Voters, voters) || !slices.Equal(got.Learners, learners) {
		w.t.Errorf("wish is %v, want %v and %v", got, voters, learners)
	}
}

func TestAServerJoinsAndVotes(t *testing.T) {
	w := newWorld(t)
	j := w.invite(Invite{Organisation: "blue"})
	w.refuses(j, problem.Refused, "change 1")
	w.settle()
	forged := j
	forged.Proof[0]++
	w.refuses(forged, problem.Forbidden, "no such invitation")
	if r := w.ok(j); r.Number != 4 || r.Change != 2 {
		t.Fatalf("%+v", r)
	}
	w.wish([]uint64{1, 2, 3}, []uint64{4})
	if r := w.ok(j); r.Number != 4 || r.Change != 2 {
		t.Errorf("repeated: %+v", r)
	}
	other := j
	other.Store[0]++
	w.refuses(other, problem.Refused, "was used by server 4")
	w.refuses(Promote{4}, problem.Refused, "change 2, about server 4")
	w.settle()
	w.refuses(Promote{1}, problem.Refused, "voter already")
	w.refuses(Promote{9}, problem.NotFound, "server 9")
	w.ok(Promote{4})
	w.wish([]uint64{1, 2, 3, 4}, nil)
	if v, _ := w.m.state.Server(4); v.Organisation != "blue" || v.Change != 3 || v.Name != j.Name {
		t.Errorf("%+v", v)
	}
	w.settle()
	w.ok(Remove{1})
	w.wish([]uint64{2, 3, 4}, nil)
	if w.m.state.Barred(1) {
		t.Error("barred before its removal is reached")
	}
	w.settle()
	if !w.m.state.Barred(1) || w.m.state.Barred(4) || w.m.state.Barred(9) {
		t.Error("who is gone is not barred, or somebody else is")
	}
	w.refuses(Promote{1}, problem.Refused, "gone for good")
	w.ok(w.invite(Invite{Name: "n1"}).as("n1"))
}

// TestTheMembershipLetsGoLast: its own group keeps who is to go until the others have let go, so that a leader of them hears of it.
func TestTheMembershipLetsGoLast(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(Remove{3})
	if w.m.state.Wish(1).Keep || !w.m.state.Wish(2).Keep {
		t.Error("who keeps whom?")
	}
	if _, due := w.m.state.Due(2, 2, []uint64{1, 2}, nil); due {
		t.Error("the own group is done before the others")
	}
	w.ok(Reached{1, 2})
	if w.m.state.Wish(2).Keep || w.m.state.Settled() {
		t.Error("the own group keeps on")
	}
	if _, due := w.m.state.Due(2, 2, []uint64{1, 2, 3}, nil); due {
		t.Error("other members count as the wish")
	}
	w.settle()
}

func TestReplace(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(w.invite(Invite{}))
	w.settle()
	w.refuses(Replace{Old: 4, New: 4}, problem.Refused, "no voter")
	w.refuses(Replace{Old: 1, New: 2}, problem.Refused, "no learner")
	w.ok(Replace{Old: 3, New: 4})
	w.wish([]uint64{1, 2, 4}, nil)
	w.refuses(Promote{3}, problem.Refused, "gives way to server 4")
	w.ok(Remove{4}) // taken back: 3 stays
	w.wish([]uint64{1, 2, 3}, nil)
	w.settle()
	if !w.m.state.Barred(4) || w.m.state.Barred(3) {
		t.Error("the wrong one is gone")
	}
	j := w.invite(Invite{Replaces: 2})
	j.Name, j.HTTP, j.Peer = "n2", "h:82", "h:92" // the new machine takes name and addresses of the old one
	if r := w.ok(j); r.Number != 5 {
		t.Fatalf("%+v", r)
	}
	w.wish([]uint64{1, 3, 5}, nil)
	w.settle()
	w.refuses(w.invite(Invite{}).as("n2"), problem.Refused, "is named n2 already")
	if v, ok := w.m.state.Named("n2"); !ok || v.Number != 5 {
		t.Errorf("n2 is %+v", v)
	}
}

func (c Join) as(name string) Join {
	c.Name = name
	return c
}

func TestTakingBack(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(Remove{3})
	w.refuses(Remove{2}, problem.Refused, "about server 3")
	w.refuses(Remove{3}, problem.Refused, "under way already")
	w.ok(Promote{3})
	w.wish([]uint64{1, 2, 3}, nil)
	w.settle()
	w.ok(Remove{3})
	w.settle()
	w.ok(Remove{2})
	w.settle()
	w.refuses(Remove{1}, problem.Refused, "only voter")
}

func TestClaimAddressAndWithdraw(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.refuses(Claim{Server: 1}, problem.Invalid, "store is zero")
	w.ok(Claim{1, [16]byte{7}})
	w.ok(Claim{1, [16]byte{7}})
	w.refuses(Claim{1, [16]byte{8}}, problem.Refused, "another disk")
	w.refuses(SetAddress{1, "nowhere", "h:1"}, problem.Invalid, "http is nowhere")
	w.refuses(SetAddress{1, "h:82", "h:1"}, problem.Refused, "server 2 (n2) has one of the addresses")
	w.ok(SetAddress{1, "h:1", "h:2"})
	j := w.invite(Invite{})
	w.ok(Withdraw{j.Invitation})
	w.refuses(Withdraw{j.Invitation}, problem.NotFound, "invitation")
	w.refuses(j, problem.Forbidden, "no such invitation")
	j = w.invite(Invite{Name: "n9"})
	w.refuses(j, problem.Invalid, "allowed: n9")
	w.nowNs += MinTTLNs
	w.refuses(j.as("n9"), problem.Forbidden, "expired")
	if due := w.m.DueNs(); due != 0 {
		t.Errorf("due %d", due)
	}
	w.refuses(Invite{TTLNs: 5}, problem.Invalid, "ttl")
	w.refuses(Invite{TTLNs: MinTTLNs, Name: "a b"}, problem.Invalid, "name")
	w.refuses(Invite{TTLNs: MinTTLNs, Replaces: 8}, problem.NotFound, "server 8")
	w.refuses(Reached{9, 1}, problem.Invalid, "group is 9")
	w.refuses(Reached{1, 99}, problem.Invalid, "change is 99")
	for range MaxInvitations {
		w.invite(Invite{})
	}
	w.refuses(Invite{TTLNs: MinTTLNs}, problem.Refused, "100 invitations")
}

func TestNoMoreThanNineVote(t *testing.T) {
	w := newWorld(t)
	w.settle()
	for n := uint64(4); n <= 10; n++ {
		w.ok(w.invite(Invite{}))
		w.settle()
		if n == 10 {
			w.refuses(Promote{n}, problem.Refused, "9 voters")
			return
		}
		w.ok(Promote{n})
		w.settle()
	}
}

// reload is the machine made from another's snapshot.
func reload(m *Machine) (*Machine, error) {
	fresh := New(Genesis{Servers: []Server{{Number: 9, Name: "to be dropped"}}})
	for c := range m.Root().Chunks() {
		if err := fresh.Load(c); err != nil {
			return nil, err
		}
	}
	return fresh, fresh.Loaded()
}

func chunks(m *Machine) [][]byte { return slices.Collect(m.Root().Chunks()) }

func TestSnapshotAndList(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(w.invite(Invite{Organisation: "blue"}))
	w.settle()
	w.ok(Remove{2})
	w.settle()
	w.invite(Invite{})
	again, err := reload(w.m)
	if err != nil || !slices.EqualFunc(chunks(again), chunks(w.m), bytes.Equal) {
		t.Fatalf("%v: %x", err, chunks(again))
	}
	listed, err := DecodeList(w.m.state.Query(List()))
	if err != nil || len(listed.Servers()) != 3 || len(listed.Invitations()) != 0 || listed.Change() != 3 || !listed.Settled() {
		t.Errorf("%v: %+v", err, listed)
	}
	if a := w.m.state.Query([]byte("?")); a != nil {
		t.Errorf("nonsense is answered %x", a)
	}
	if _, err := DecodeList([]byte{1, 2}); err == nil {
		t.Error("two bytes are a membership")
	}
}

// TestTheSecretIsNotInTheLog: neither commands nor chunks hold what lets anybody join before it is used.
func TestTheSecretIsNotInTheLog(t *testing.T) {
	secret := []byte("the secret of the invitation")
	proof := Proof(secret)
	m := three()
	op := Encode(Invite{Hash: HashOf(proof), TTLNs: MinTTLNs})
	m.Apply(machine.At{Index: 5}, op, func([]byte) {})
	all := append(op, slices.Concat(chunks(m)...)...)
	if bytes.Contains(all, secret) || bytes.Contains(all, proof[:]) {
		t.Error("who reads the log can join")
	}
}

func TestGolden(t *testing.T) {
	for want, got := range map[string][]byte{
		"0103" + "0000000000000004":                      Encode(Promote{4}),
		"0107" + "00000002" + "0000000000000009":         Encode(Reached{2, 9}),
		"0105" + "0000000000000003" + "0000000000000004": Encode(Replace{Old: 3, New: 4}),
		"0100" + "0000000000000004" + "0000000000000007": Result{Number: 4, Change: 7}.Encode(),
		"0101" + "0000000000000004" + "0000000000000007": Event{WishChanged, 4, 7}.encode(),
		"0101" + "0000000000000001" + "0000000000000000" + "0000000000000004" + "02" + "00000001" + "0000000000000000" + "00000002" + "0000000000000000": chunks(three())[0],
	} {
		if fmt.Sprintf("%x", got) != want {
			t.Errorf("%x, golden is %s", got, want)
		}
	}
}

// FuzzApply: any bytes give a result, and what follows from them survives a snapshot.
func FuzzApply(f *testing.F) {
	for _, c := range []Command{
		Invite{TTLNs: MinTTLNs}, Join{Invitation: 2 << 16, Name: "a", HTTP: "a:1", Peer: "a:2", Store: [16]byte{1}}, Promote{1}, Remove{2},
		Replace{1, 2}, SetAddress{1, "a:1", "a:2"}, Reached{1, 1}, Claim{1, [16]byte{1}}, Withdraw{1},
	} {
		f.Add(Encode(c), Encode(Remove{3}))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		m := three()
		for i, op := range [][]byte{Encode(Reached{1, 1}), Encode(Reached{2, 1}), a, b, a} {
			at := machine.At{Index: uint64(i + 2), LogTimeNs: int64(i) << 40}
			m.Advance(at, func([]byte) {})
			if _, err := DecodeResult(m.Apply(at, op, func([]byte) {})); err != nil {
				t.Fatal(err)
			}
		}
		w := m.state.Wish(1)
		if len(w.Voters) == 0 || len(w.Voters) > MaxVoters || !slices.IsSorted(w.Voters) {
			t.Fatalf("wish %v", w)
		}
		again, err := reload(m)
		if err != nil || !slices.EqualFunc(chunks(again), chunks(m), bytes.Equal) {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzLoad: any chunks give an error, or a state that comes back from its own chunks.
func FuzzLoad(f *testing.F) {
	for _, c := range chunks(three()) {
		f.Add(c, []byte(nil))
	}
	f.Add(chunks(three())[0], chunks(three())[1])
	f.Fuzz(func(t *testing.T, a, b []byte) {
		m := New(Genesis{})
		if m.Load(a) != nil || len(b) > 0 && m.Load(b) != nil || m.Loaded() != nil {
			return
		}
		again, err := reload(m)
		if err != nil || !slices.EqualFunc(chunks(again), chunks(m), bytes.Equal) {
			t.Fatalf("%x and %x: %v: came back as %x", a, b, err, chunks(m))
		}
	})
}
