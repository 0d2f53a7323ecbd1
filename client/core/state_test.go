package core

import (
	"slices"
	"testing"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

// states takes what was told, which must be that.
func (s *script) states(want ...State) {
	s.t.Helper()
	if !slices.Equal(s.told, want) {
		s.t.Fatalf("told %v, wanted %v", s.told, want)
	}
	if n := len(want); n > 0 && s.c.Status().State != want[n-1] {
		s.t.Fatalf("status says %v, told last was %v", s.c.Status().State, want[n-1])
	}
	s.told = nil
}

// proved is a core of three servers with a session, whose state is OK.
func proved(t *testing.T) *script {
	s := begin(t, 3)
	if got := s.c.Status().State; got != StateJeopardy {
		t.Fatalf("a new client is in %v", got)
	}
	s.session(0, 5)
	s.states(StateOK)
	return s
}

func TestWhileNothingIsAskedAndTheLeaderIsThereAllIsWell(t *testing.T) {
	s := proved(t)
	s.pass(2 * SessionIdleNs)
	s.states()
	s.quiet() // and nothing is sent for it
	if due := s.c.DueNs(); due != 0 {
		t.Errorf("a tick is due at %d", due)
	}
}

func TestSilenceGoesFromJeopardyToExpired(t *testing.T) {
	s := proved(t)
	id := s.ask(Ask{Op: []byte("x"), DeadlineNs: s.now + 2*SessionIdleNs})
	s.pass(JeopardyNs)
	s.states()
	s.pass(1)
	s.states(StateJeopardy)
	s.pass(GraceNs - JeopardyNs - 1)
	s.states()
	s.pass(1)
	s.states(StateGrace)
	s.pass(SessionIdleNs - GraceNs - 1)
	s.states()
	s.pass(1)
	s.states(StateExpired)
	at := s.sent[len(s.sent)-1]
	m := readCommand(t, at.Frame)
	if m.Session != 5 {
		t.Errorf("a command under way changed its session: %+v", m)
	}
	s.ok(at.Server, m.Request, "")
	s.states(StateOK)
	s.end(id, 0)
}

// TestEveryAnswerBeginsTheDoubtAnew: as long as some requests are answered, others may wait.
func TestEveryAnswerBeginsTheDoubtAnew(t *testing.T) {
	s := proved(t)
	s.command("slow")
	s.nextCommand(0)
	for range 2 {
		s.query("q")
		q := s.nextQuery(0)
		s.pass(AttemptNs / 2)
		s.ok(0, q.Request, "")
		s.pass(AttemptNs / 3)
	}
	s.states()
}

// TestRequestsThatEndUnansweredAreNoProof: however short their deadlines are.
func TestRequestsThatEndUnansweredAreNoProof(t *testing.T) {
	s := proved(t)
	for range 5 {
		s.ask(Ask{Op: []byte("q"), Query: true, DeadlineNs: s.now + AttemptNs/5})
		s.pass(AttemptNs / 4)
	}
	s.states(StateJeopardy)
	if s.c.Status().Leader != 1 {
		t.Fatal("the test wants a leader that is there and says nothing")
	}
}

func TestTheViewsBoundCountsWhereItIsLonger(t *testing.T) {
	for _, c := range []struct{ bound, want int64 }{{AttemptNs / 2, JeopardyNs}, {2 * AttemptNs, 2 * AttemptNs}, {1 << 62, GraceNs}, {-1 << 62, JeopardyNs}} {
		s := proved(t)
		v := view.View{Number: 1, BoundNs: c.bound}
		s.c.Frame(s.now, 1, wire.EncodeView(&v), &s.out)
		s.command("x")
		s.pass(c.want)
		s.states()
		s.pass(1)
		if len(s.told) != 1 || s.told[0] == StateOK {
			t.Errorf("bound %d: %v after %d", c.bound, s.told, c.want)
		}
	}
}

// TestALeaderThatIsGoneIsSearchedForUnasked: by one small question, with growing pauses while nobody answers.
func TestALeaderThatIsGoneIsSearchedForUnasked(t *testing.T) {
	s := proved(t)
	s.down(0)
	s.pass(JeopardyNs/2 - 1)
	s.quiet()
	s.pass(1)
	to := s.sent[0].Server
	if q := s.nextQuery(to); to == 0 || len(q.Op) != 0 {
		t.Fatalf("asked %d for %q", to, q.Op)
	}
	s.quiet()
	s.pass(20 * DeadlineNs)
	s.states(StateJeopardy, StateGrace)
	if n := len(s.sent); n < 50 || n > 200 {
		t.Errorf("%d probes in 100 s", n)
	}
	if got := s.c.Status().Unfinished; got != 0 {
		t.Errorf("%d unfinished, and nobody has asked anything", got)
	}
	last := s.sent[len(s.sent)-1]
	s.sent = []Send{last}
	s.reply(last.Server, wire.Reply{Request: s.nextQuery(last.Server).Request, Status: wire.OK, Leader: 3})
	s.states(StateOK)
	s.quiet()
	s.pass(SessionIdleNs)
	s.states()
	s.quiet()
}

// TestAProbeThatIsRefusedPauses and is not answered by what another server says of the leader.
func TestAProbeThatIsRefusedPauses(t *testing.T) {
	s := proved(t)
	s.down(0)
	refused := 0
	for end := s.now + 30_000*ms; s.now < end; s.pass(ms) {
		for ; len(s.sent) > 0; refused++ {
			to := s.sent[0].Server
			s.status(to, s.nextQuery(to).Request, wire.Overloaded, 3)
		}
	}
	if s.states(StateJeopardy, StateGrace); refused < 10 || refused > 40 {
		t.Errorf("%d probes were refused in 30 s", refused)
	}
}

// TestNewsOfANewLeaderAreAProof also to who asks nothing, and old ones are none.
func TestNewsOfANewLeaderAreAProof(t *testing.T) {
	s := proved(t)
	s.news(1, 4, 1)
	s.command("x")
	s.pass(JeopardyNs + 1)
	s.states(StateJeopardy)
	s.news(2, 3, 2)
	s.news(2, 4, 1)
	s.newsOf(2, group+1, 9, 2)
	s.states()
	s.news(1, 5, 2)
	s.states(StateOK)
}

// TestAServersWordThatTheSessionIsGone is told once, and passes with the next proof.
func TestAServersWordThatTheSessionIsGone(t *testing.T) {
	s := proved(t)
	a, b := s.command("x"), s.command("y")
	m, n := s.nextCommand(0), s.nextCommand(0)
	s.status(0, m.Request, wire.NoSession, 1)
	s.states(StateExpired)
	s.status(0, n.Request, wire.NoSession, 1)
	s.states()
	s.opened(0, s.nextCommand(0).Request, 6)
	s.states(StateOK)
	for _, id := range []ID{a, b} {
		s.ok(0, s.nextCommand(0).Request, "")
		s.end(id, 0)
	}
	s.states()
}

// TestTwoVoicesAreNoProof of anything.
func TestTwoVoicesAreNoProof(t *testing.T) {
	s := proved(t)
	hash := func(k int, request uint64, b byte) {
		s.reply(k, wire.Reply{Request: request, Status: wire.OK, Leader: 1, Index: 9, Hash: [32]byte{b}})
	}
	q := s.query("q")
	hash(0, s.nextQuery(0).Request, 1)
	s.end(q, 0)
	q = s.query("q")
	r := s.nextQuery(0)
	s.pass(JeopardyNs + 1)
	s.states(StateJeopardy)
	hash(0, r.Request, 2)
	s.end(q, problem.TwoVoices)
	s.states()
}
