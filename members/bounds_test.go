package members

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"onevoice/machine"
	"onevoice/problem"
)

// count gives how many events of a kind about a number came since the last call.
func (w *world) count(kind EventKind, number uint64) (n int) {
	for _, e := range w.events {
		if e.Kind == kind && e.Number == number {
			n++
		}
	}
	w.events = nil
	return n
}

func TestInvitationsEndInTheirTurn(t *testing.T) {
	w := newWorld(t)
	w.settle()
	late := w.ok(Invite{TTLNs: 3 * MinTTLNs}).Number
	soon := w.ok(Invite{TTLNs: MinTTLNs}).Number
	w.ok(Invite{TTLNs: 2 * MinTTLNs})
	w.events = nil
	for i, want := range []int64{MinTTLNs, 2 * MinTTLNs, 3 * MinTTLNs} {
		if due := w.m.DueNs(); due != w.nowNs+want {
			t.Errorf("the next ends at %d, want %d", due-w.nowNs, want)
		}
		root := w.m.Root()
		before := slices.Collect(root.Chunks())
		w.m.Advance(machine.At{LogTimeNs: w.nowNs + want - 1}, func([]byte) { t.Error("it ends too early") })
		w.m.Advance(machine.At{LogTimeNs: w.nowNs + want}, func(b []byte) {
			e, err := DecodeEvent(b)
			if ends := map[int]uint64{0: soon, 2: late}[i]; err != nil || ends != 0 && e.Number != ends {
				t.Errorf("the end of %d is %+v, %v", ends, e, err)
			}
		})
		if !slices.EqualFunc(slices.Collect(root.Chunks()), before, bytes.Equal) {
			t.Error("what is being saved changed with it")
		}
	}
	if due := w.m.DueNs(); due != 0 {
		t.Errorf("%d is due, of nothing", due)
	}
}

func TestWhatIsToldAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.ok(Remove{3})
	w.events = nil
	w.ok(Reached{1, 2})
	w.ok(Reached{1, 2})
	if n := w.count(GroupReached, 1); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	if w.m.state.Barred(3) {
		t.Error("gone while a group still has it")
	}
	w.ok(Reached{2, 2})
	if n := w.count(ServerChanged, 3); n != 1 || !w.m.state.Barred(3) {
		t.Errorf("%d events of its going, want 1", n)
	}
	w.ok(Remove{2})
	w.settle()
	if n := w.count(ServerChanged, 3); n != 0 {
		t.Errorf("%d events of who was gone already", n)
	}
}

// TestTheOnlyVotersReplacementIsTakenBack: it is the only voter wished, and may go because the old one comes back with that.
func TestTheOnlyVotersReplacementIsTakenBack(t *testing.T) {
	w := newWorld(t)
	w.m = New(Genesis{Groups: []uint32{1, 2}, Servers: []Server{{Number: 1, Name: "n1", HTTP: "h:1", Peer: "h:2", Gone: true}}})
	w.settle()
	w.refuses(Remove{1}, problem.Refused, "only voter")
	j := w.ok(w.invite(Invite{Replaces: 1}))
	w.wish([]uint64{j.Number}, nil)
	w.ok(Remove{j.Number})
	w.wish([]uint64{1}, nil)
	w.settle()
	if w.m.state.Barred(1) || !w.m.state.Barred(j.Number) {
		t.Error("the wrong one is gone")
	}
}

// TestADiskThatIsGoneJoinsNoMore, by the invitation that it once used either.
func TestADiskThatIsGoneJoinsNoMore(t *testing.T) {
	w := newWorld(t)
	w.settle()
	j := w.invite(Invite{})
	number := w.ok(j).Number
	w.settle()
	w.ok(Remove{number})
	w.settle()
	w.refuses(j, problem.Refused, "was used by server 4")
}

func TestHowManyServersThereMayBe(t *testing.T) {
	w := newWorld(t)
	w.settle()
	for range MaxServers - 3 {
		w.ok(w.invite(Invite{}))
		w.settle()
	}
	w.refuses(w.invite(Invite{}), problem.Refused, fmt.Sprintf("there are %d servers", MaxServers))
}

func TestNumbersRunOut(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.m.state.next = MaxNumber
	if r := w.ok(w.invite(Invite{})); r.Number != MaxNumber {
		t.Errorf("%+v", r)
	}
	w.settle()
	w.refuses(w.invite(Invite{}), problem.Refused, "numbers have been used")
}
