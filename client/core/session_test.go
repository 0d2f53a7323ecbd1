package core

import (
	"fmt"
	"testing"

	"onevoice/problem"
	"onevoice/wire"
)

func TestFirstCommandOpensASession(t *testing.T) {
	s := begin(t, 1)
	id := s.command("x")
	m := s.nextCommand(0)
	if m.Session != 0 || m.Seq != 0 || len(m.Op) != 0 {
		t.Fatalf("first frame: %+v", m)
	}
	s.quiet()
	s.opened(0, m.Request, 99)
	m = s.nextCommand(0)
	if m.Session != 99 || m.Seq != 1 || m.Acked != 0 || string(m.Op) != "x" {
		t.Fatalf("command: %+v", m)
	}
	s.ok(0, m.Request, "done")
	if f := s.end(id, 0); string(f.Reply.Result) != "done" {
		t.Errorf("result %q", f.Reply.Result)
	}
	s.command("y")
	if m = s.nextCommand(0); m.Session != 99 || m.Seq != 2 || m.Acked != 1 {
		t.Errorf("second command: %+v", m)
	}
}

func TestAckedMovesOverWhatIsAnsweredWithoutAGap(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5) // seq 1
	s.command("2")
	s.command("3")
	s.command("4")
	two, three, four := s.nextCommand(0), s.nextCommand(0), s.nextCommand(0)
	s.ok(0, four.Request, "")
	s.ok(0, three.Request, "")
	s.command("5")
	if m := s.nextCommand(0); m.Seq != 5 || m.Acked != 1 {
		t.Errorf("with 2 unanswered: seq %d acked %d, want 5 and 1", m.Seq, m.Acked)
	}
	s.ok(0, two.Request, "")
	s.command("6")
	if m := s.nextCommand(0); m.Seq != 6 || m.Acked != 4 {
		t.Errorf("with 5 unanswered: seq %d acked %d, want 6 and 4", m.Seq, m.Acked)
	}
}

func TestTheTableOfSessionsIsFull(t *testing.T) {
	s := begin(t, 1)
	id := s.command("x")
	for len(s.done) == 0 {
		for len(s.sent) > 0 {
			s.status(0, s.nextCommand(0).Request, wire.Overloaded, 1)
		}
		s.pass(10 * ms)
	}
	if f := s.end(id, problem.Overloaded); f.MaybeApplied {
		t.Error("a command that was never sent may have been applied")
	}
}

func TestAFreshCommandMovesToANewSession(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	id := s.command("x")
	s.status(0, s.nextCommand(0).Request, wire.NoSession, 1)
	open := s.nextCommand(0)
	if open.Session != 0 {
		t.Fatalf("%+v, wanted a new session", open)
	}
	s.opened(0, open.Request, 6)
	m := s.nextCommand(0)
	if m.Session != 6 || m.Seq != 1 || string(m.Op) != "x" {
		t.Fatalf("%+v", m)
	}
	s.ok(0, m.Request, "")
	s.end(id, 0)
	s.quiet()
}

func TestACommandThatMayHaveBeenAppliedIsNotRunAgain(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	id := s.command("x")
	s.nextCommand(0)
	s.pass(AttemptNs)
	s.status(0, s.nextCommand(0).Request, wire.NoSession, 1)
	if f := s.end(id, problem.Expired); !f.MaybeApplied {
		t.Error("the outcome is unknown, and it says otherwise")
	}
	s.nextQuery(0) // the probe of who has lost its session
	s.quiet()
}

func TestAnAnswerUnderALostSessionIsOver(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	id := s.command("x")
	first := s.nextCommand(0)
	s.status(0, first.Request, wire.NoSession, 1)
	s.ok(0, first.Request, "which makes no sense")
	open := s.nextCommand(0)
	s.quiet()
	s.opened(0, open.Request, 6)
	s.status(0, first.Request, wire.NoSession, 1)
	s.ok(0, s.nextCommand(0).Request, "")
	s.end(id, 0)
	s.quiet()
}

func TestARefusalByAServerThatMayHaveLedLeavesTheOutcomeOpen(t *testing.T) {
	for _, status := range []wire.Status{wire.NotLeader, wire.NoVoice} {
		s := begin(t, 1)
		s.session(0, 5)
		id := s.ask(Ask{Op: []byte("x"), DeadlineNs: s.now + 1})
		s.status(0, s.nextCommand(0).Request, status, 0)
		s.pass(1)
		if f := s.end(id, problem.NoVoice); !f.MaybeApplied {
			t.Errorf("after status %d a command is said not to be applied", status)
		}
		id = s.command("y")
		s.pass(backoffFirstNs)
		s.status(0, s.nextCommand(0).Request, status, 0)
		s.pass(2 * backoffFirstNs)
		s.status(0, s.nextCommand(0).Request, wire.NoSession, 0)
		s.end(id, problem.Expired)
	}
}

func TestAnIdleSessionIsReplacedBeforeServersExpireIt(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	for range 3 { // in use it lasts
		s.pass(SessionIdleNs - 1)
		s.command("x")
		m := s.nextCommand(0)
		if m.Session != 5 {
			t.Fatalf("%+v", m)
		}
		s.ok(0, m.Request, "")
	}
	s.pass(SessionIdleNs)
	s.done = nil
	s.command("y")
	if m := s.nextCommand(0); m.Session != 0 {
		t.Errorf("%+v, wanted a new session", m)
	}
	s.quiet()
}

func TestAFullWindowOpensSessionsUpToTheMost(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 1)
	for i := range MaxSessions*Window + 10 {
		s.command(fmt.Sprint(i))
	}
	sent := map[uint64]int{}
	var oldest uint64
	for number := uint64(2); len(s.sent) > 0; {
		m := s.nextCommand(0)
		if m.Session == 0 {
			s.opened(0, m.Request, number)
			number++
			continue
		}
		if oldest == 0 {
			oldest = m.Request
		}
		sent[m.Session]++
		if m.Seq > m.Acked+Window {
			t.Fatalf("seq %d with acked %d is outside the window", m.Seq, m.Acked)
		}
	}
	if len(sent) != MaxSessions {
		t.Errorf("%d sessions, want %d", len(sent), MaxSessions)
	}
	for number, n := range sent {
		if n != Window {
			t.Errorf("session %d has %d commands, want %d", number, n, Window)
		}
	}
	s.ok(0, oldest, "")
	s.nextCommand(0)
	if len(s.sent) != 0 {
		t.Errorf("one place was free and %d more commands went out", len(s.sent)+1)
	}
}

func TestASessionNumberThatMakesNoSenseIsNotTaken(t *testing.T) {
	s := begin(t, 1)
	s.command("x")
	s.ok(0, s.nextCommand(0).Request, "abc")
	s.quiet()
	s.pass(backoffFirstNs)
	s.opened(0, s.nextCommand(0).Request, 0)
	s.quiet()
	s.pass(2 * backoffFirstNs)
	s.opened(0, s.nextCommand(0).Request, 3)
	if m := s.nextCommand(0); m.Session != 3 {
		t.Errorf("%+v", m)
	}
}
