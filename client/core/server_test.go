package core

import (
	"fmt"
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

func TestARefusedCommandFollowsTheHintUnderItsSeq(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	id := s.command("x")
	m := s.nextCommand(0)
	s.status(0, m.Request, wire.NotLeader, 3)
	again := s.nextCommand(2)
	if again.Session != m.Session || again.Seq != m.Seq || string(again.Op) != "x" || again.Request == m.Request {
		t.Errorf("first %+v, then %+v", m, again)
	}
	s.ok(2, again.Request, "r")
	s.end(id, 0)
	s.command("y")
	s.nextCommand(2)
	s.quiet()
}

func TestWhileTheLeaderIsUnknownOneCommandAServerAsks(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	s.down(0)
	for i := range 50 {
		s.command(fmt.Sprint(i))
	}
	a, b := s.nextCommand(1), s.nextCommand(2)
	s.quiet()
	s.status(1, a.Request, wire.NotLeader, 0)
	s.quiet() // server 1 is left alone for a while
	s.status(2, b.Request, wire.NotLeader, 0)
	s.quiet()
	s.pass(backoffFirstNs)
	if len(s.sent) != 2 {
		t.Fatalf("%d frames after the pause, want one a server", len(s.sent))
	}
	to := s.sent[0].Server
	first := s.nextCommand(to)
	s.sent = nil
	s.ok(to, first.Request, "")
	if len(s.sent) != 48 { // all but the two that ask
		t.Errorf("%d commands went to the new leader, want 48", len(s.sent))
	}
	for range 48 {
		s.nextCommand(to)
	}
}

func TestServersThatPointAtOneAnotherAreNotAskedInALoop(t *testing.T) {
	s := begin(t, 2)
	s.session(0, 5)
	s.command("x")
	frames := 0
	for end := s.now + 1_000*ms; s.now < end; s.pass(ms / 2) {
		for ; len(s.sent) > 0; frames++ {
			to := s.sent[0].Server
			s.status(to, s.nextCommand(to).Request, wire.NotLeader, uint64(2-to))
		}
	}
	if frames < 10 || frames > 100 {
		t.Errorf("%d frames in a second, want 10 to 100", frames)
	}
}

func TestLostConnectionSendsElsewhereUnderTheSameSeq(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	id, q := s.command("x"), s.query("q")
	m := s.nextCommand(0)
	s.nextQuery(0)
	s.down(0)
	to := s.sent[0].Server
	again := s.nextCommand(to)
	if to == 0 || again.Session != m.Session || again.Seq != m.Seq {
		t.Errorf("first %+v, then %+v to %d", m, again, to)
	}
	to2 := s.sent[0].Server
	if to2 == 0 {
		t.Error("the query was sent to the lost server")
	}
	s.ok(to2, s.nextQuery(to2).Request, "a")
	s.end(q, 0)
	s.ok(to, again.Request, "r")
	s.end(id, 0)
	s.quiet()
}

func TestWithoutAConnectionRequestsWaitForOne(t *testing.T) {
	s := beginNearest(t, 2, -1)
	s.command("x")
	s.query("q")
	s.pass(1_000 * ms)
	s.quiet()
	s.up(1)
	s.nextCommand(1)
	s.nextQuery(1)
	s.quiet()
}

func TestSilenceSendsElsewhereAndALateResultCounts(t *testing.T) {
	s := begin(t, 2)
	s.session(0, 5)
	id := s.command("x")
	m := s.nextCommand(0)
	s.pass(AttemptNs - 1)
	s.quiet()
	s.pass(1)
	again := s.nextCommand(1)
	if again.Seq != m.Seq || again.Session != m.Session {
		t.Errorf("first %+v, then %+v", m, again)
	}
	s.status(0, m.Request, wire.Overloaded, 1) // of the attempt that is over: no matter
	s.quiet()
	s.ok(0, m.Request, "late")
	if f := s.end(id, 0); string(f.Reply.Result) != "late" {
		t.Errorf("result %q", f.Reply.Result)
	}
	s.ok(1, again.Request, "late")
	s.quiet()
	if got := s.c.Status().Stats; got.Late != 2 || got.Timeouts != 1 {
		t.Errorf("%+v", got)
	}
}

func TestRepetitionsOfASlowRequestThinOut(t *testing.T) {
	s := begin(t, 1)
	s.ask(Ask{Op: []byte("q"), Query: true, DeadlineNs: s.now + 100*DeadlineNs})
	for i, factor := range []int64{1, 2, 4, 4, 4} {
		s.nextQuery(0)
		s.pass(factor*AttemptNs - 1)
		s.quiet()
		if s.pass(1); len(s.sent) != 1 {
			t.Fatalf("repetition %d: %d frames after %d times AttemptNs", i+1, len(s.sent), factor)
		}
	}
}

func TestALeaderThatIsHeardIsNotSuspectedForOneSlowCommand(t *testing.T) {
	s := begin(t, 2)
	s.session(0, 5)
	s.command("slow")
	s.nextCommand(0)
	for range 4 {
		s.pass(AttemptNs / 4)
		s.query("q")
		for len(s.sent) > 1 { // the slow one, again
			s.nextCommand(0)
		}
		s.ok(0, s.nextQuery(0).Request, "")
	}
	s.pass(AttemptNs / 4)
	if got := s.c.Status().Leader; got != 1 {
		t.Errorf("the leader is believed to be %d", got)
	}
}

func TestASilentLeaderIsNotBelievedOnHearsay(t *testing.T) {
	for turn := range 3 {
		s := begin(t, 3)
		s.session(0, 5)
		s.c.turn = turn
		for i := range 10 {
			s.command(fmt.Sprint(i))
		}
		s.sent = nil
		s.pass(AttemptNs)
		if len(s.sent) != 3 || s.sent[2].Server != 0 {
			t.Fatalf("%d frames, want one a server and the suspected last", len(s.sent))
		}
		first := s.sent[0].Server
		s.status(first, s.nextCommand(first).Request, wire.NotLeader, 1)
		if len(s.sent) != 2 {
			t.Fatal("on the word of another server commands went to the suspected one")
		}
		second := s.sent[0].Server
		s.ok(second, s.nextCommand(second).Request, "")
		if len(s.sent) != 1+8 {
			t.Errorf("%d frames, want 1 to the suspected and 8 to the leader", len(s.sent))
		}
	}
}

// TestASuspectedServerGetsAnotherChance: it is asked for nothing while others can be asked, but not for ever, since it may lead.
func TestASuspectedServerGetsAnotherChance(t *testing.T) {
	s := begin(t, 2)
	s.session(0, 5)
	s.ask(Ask{Op: []byte("x"), DeadlineNs: s.now + 10*DeadlineNs})
	s.nextCommand(0)
	s.pass(AttemptNs) // nothing came: from here on server 1 of 2 is suspected
	suspected := s.now
	for {
		for len(s.sent) > 0 && s.sent[0].Server == 1 {
			s.sent = s.sent[1:] // the other one never says who leads, but shows that it lives
		}
		if len(s.sent) > 0 {
			break
		}
		if s.now > suspected+DoubtNs+4*AttemptNs {
			t.Fatal("the suspected server was never asked again")
		}
		s.pass(20 * ms)
		s.reply(1, wire.Reply{Request: 1})
	}
	if s.now < suspected+DoubtNs {
		t.Errorf("the suspected server was asked %d ns later", s.now-suspected)
	}
}

// TestAQueryLeavesWhoDoesNotAnswerIt, though it answers others.
func TestAQueryLeavesWhoDoesNotAnswerIt(t *testing.T) {
	s := begin(t, 3)
	s.session(2, 5)
	s.query("hangs")
	s.nextQuery(2)
	s.pass(AttemptNs - ms)
	s.query("q")
	s.ok(2, s.nextQuery(2).Request, "")
	s.pass(ms)
	if len(s.sent) != 1 || s.sent[0].Server == 2 {
		t.Fatalf("sent %+v, want one query to another server", s.sent)
	}
}

func TestQueriesGoToTheLeaderOrTheNearest(t *testing.T) {
	s := begin(t, 3)
	s.session(2, 5)
	s.query("q")
	s.nextQuery(2)
	s = beginNearest(t, 3, 1)
	for k := range 3 {
		s.up(k)
	}
	s.session(2, 5)
	s.query("q")
	s.nextQuery(1)
}

func TestQueriesLeaveANearestThatIsSilent(t *testing.T) {
	for nearest := range 3 {
		s := beginNearest(t, 3, nearest)
		for k := range 3 {
			s.up(k)
		}
		s.query("q")
		s.nextQuery(nearest)
		s.pass(AttemptNs)
		s.sent = nil
		s.query("another")
		if s.sent[0].Server == nearest {
			t.Errorf("it went to server %d, which is silent", nearest)
		}
	}
}

func TestAQueryWithoutAnAnswerGoesToAnother(t *testing.T) {
	s := begin(t, 3)
	s.session(2, 5)
	id := s.query("q")
	s.nextQuery(2)
	s.pass(AttemptNs)
	to := s.sent[0].Server
	if to == 2 {
		t.Fatal("it went to the silent server again")
	}
	s.status(to, s.nextQuery(to).Request, wire.NoVoice, 0)
	s.pass(backoffFirstNs)
	third := s.sent[0].Server
	if third == to {
		t.Fatal("it went to the server without a voice again")
	}
	s.ok(third, s.nextQuery(third).Request, "a")
	s.end(id, 0)
	s.quiet()
}

func TestALeaderWithAnOlderEpochIsNotBelieved(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	say := func(k int, e view.Epoch, leader uint64) {
		s.query("q")
		to := s.sent[0].Server
		q := s.nextQuery(to)
		s.replyAt(k, e, wire.Reply{Request: q.Request, Status: wire.OK, Leader: leader})
		s.done = nil
	}
	say(0, view.Epoch{View: 3, Term: 3}, 2)
	say(1, view.Epoch{View: 2, Term: 9}, 3)
	if got := s.c.Status(); got.Leader != 2 || got.Epoch != (view.Epoch{View: 3, Term: 3}) {
		t.Errorf("believes %+v", got)
	}
	say(1, view.Epoch{View: 3, Term: 4}, 3)
	if got := s.c.Status(); got.Leader != 3 {
		t.Errorf("believes %+v", got)
	}
}

func TestAMuteConnectionIsDialledAnew(t *testing.T) {
	s := begin(t, 2)
	s.session(0, 5)
	s.ask(Ask{Op: []byte("x"), DeadlineNs: s.now + 20*DeadlineNs})
	answer := func() {
		for len(s.sent) > 0 {
			if f := s.sent[0]; f.Server == 1 {
				s.status(1, s.nextCommand(1).Request, wire.NotLeader, 0)
			} else {
				s.sent = s.sent[1:]
			}
		}
	}
	for range (MuteNs - 1) / ms {
		answer()
		s.pass(ms)
	}
	if len(s.dial) != 0 {
		t.Fatal("dialled too early")
	}
	s.pass(ms)
	answer()
	if len(s.dial) != 1 || s.dial[0] != 0 {
		t.Fatalf("dialled %v, want the mute one", s.dial)
	}
	s.down(0)
	s.up(0)
	answer()
	for range MuteNs/ms - 10 {
		answer()
		s.pass(ms)
	}
	if len(s.dial) != 1 {
		t.Errorf("dialled %v", s.dial)
	}
}
