package core

import (
	"strings"
	"testing"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

func TestOverloadedPausesAndEndsAsOverloaded(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	id := s.ask(Ask{Op: []byte("x"), DeadlineNs: s.now + 1_000*ms})
	seq, attempts, first := uint64(0), 0, s.now
	for len(s.done) == 0 {
		for ; len(s.sent) > 0; attempts++ {
			m := s.nextCommand(0)
			if seq == 0 {
				seq = m.Seq
			}
			if m.Seq != seq {
				t.Fatalf("seq %d, then %d", seq, m.Seq)
			}
			s.status(0, m.Request, wire.Overloaded, 1)
			if attempts == 0 {
				s.pass(backoffFirstNs<<overloadPauses/2 - 1) // longer than after other refusals
				s.quiet()
			}
		}
		s.pass(ms)
	}
	if f := s.end(id, problem.Overloaded); f.MaybeApplied {
		t.Error("a command that was always refused may have been applied")
	}
	if took := s.now - first; attempts < 6 || attempts > 20 || took < 1_000*ms {
		t.Errorf("%d attempts in %d ms", attempts, took/ms)
	}
}

func TestDeadlineEndsWithoutAVoiceAndNamesWhoWasAsked(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	id := s.command("x")
	s.pass(DeadlineNs - 1)
	if len(s.done) != 0 {
		t.Fatal("ended before its deadline")
	}
	s.pass(1)
	f := s.end(id, problem.NoVoice)
	if !f.MaybeApplied {
		t.Error("a command that was sent and not answered is said not to be applied")
	}
	for _, want := range []string{"server 1 a", "server 2 b", "server 3 c"} {
		if !strings.Contains(f.Err.Error(), want) {
			t.Errorf("%q is not in: %v", want, f.Err)
		}
	}
}

func TestDeadlineOfACommandThatWasNeverSent(t *testing.T) {
	s := beginNearest(t, 2, -1)
	id := s.command("x")
	q := s.query("q")
	s.pass(DeadlineNs)
	if f := s.end(id, problem.NoVoice); f.MaybeApplied || !strings.Contains(f.Err.Error(), "0 of 2 connected") {
		t.Errorf("%v, may be applied: %v", f.Err, f.MaybeApplied)
	}
	if f := s.end(q, problem.NoVoice); !strings.Contains(f.Err.Error(), problem.Unknown) {
		t.Errorf("a question without an answer: %v", f.Err)
	}
	s.pass(SessionIdleNs)
	if s.c.DueNs() != 0 {
		t.Error("an idle core with nobody to ask still asks for ticks")
	}
	if got := s.c.Status().Unfinished; got != 0 {
		t.Errorf("%d unfinished", got)
	}
	s.up(0)
	s.nextQuery(0) // the probe
	s.quiet()      // no session is opened for nobody
}

func TestTooManyUnfinishedRequestsAreRefused(t *testing.T) {
	s := beginNearest(t, 1, -1)
	for range MaxUnfinished {
		s.query("q")
	}
	s.quiet()
	s.end(s.query("one more"), problem.Overloaded)
	s.pass(DeadlineNs)
	if len(s.done) != MaxUnfinished {
		t.Fatalf("%d ends", len(s.done))
	}
	s.done = nil
	s.query("q")
	s.quiet()
}

func TestTooManyBytesAreRefused(t *testing.T) {
	s := beginNearest(t, 1, -1)
	op := make([]byte, wire.MaxCommandBytes)
	for range MaxUnfinishedBytes / len(op) {
		s.ask(Ask{Op: op})
	}
	s.quiet()
	s.end(s.ask(Ask{Op: []byte{1}}), problem.Overloaded)
	s.end(s.ask(Ask{Op: append(op, 0)}), problem.TooLarge)
}

func TestQueriesOutAreBounded(t *testing.T) {
	s := begin(t, 1)
	for range MaxQueriesOut + 1 {
		s.query("q")
	}
	if len(s.sent) != MaxQueriesOut {
		t.Fatalf("%d sent", len(s.sent))
	}
	s.ok(0, s.nextQuery(0).Request, "")
	if len(s.sent) != MaxQueriesOut {
		t.Errorf("%d sent after one answer", len(s.sent))
	}
}

func TestTwoHashesForOneIndexEndAsTwoVoices(t *testing.T) {
	s := begin(t, 2)
	answer := func(index uint64, hash byte, kind problem.Kind) Finished {
		t.Helper()
		id := s.query("q")
		to := s.sent[0].Server
		s.reply(to, wire.Reply{Request: s.nextQuery(to).Request, Status: wire.OK, Index: index, Hash: [32]byte{hash}})
		return s.end(id, kind)
	}
	answer(7, 1, 0)
	answer(7, 1, 0)
	answer(7, 0, 0) // says nothing of the hash
	f := answer(7, 2, problem.TwoVoices)
	for _, want := range []string{"group 7 index 7", "01000000", "02000000"} {
		if !strings.Contains(f.Err.Error(), want) {
			t.Errorf("%q is not in: %v", want, f.Err)
		}
	}
	answer(7, 1, 0)
	for i := range uint64(MaxVoices - 1) {
		answer(100+i, 1, 0)
	}
	answer(7, 2, problem.TwoVoices)
	answer(5000, 1, 0)
	answer(7, 2, 0) // 1,024 later indices have been heard of: forgotten
	if got := s.c.Status().Stats.Contradicted; got != 2 {
		t.Errorf("%d contradictions counted, want 2", got)
	}
}

func TestStatusesThatEndARequest(t *testing.T) {
	for _, c := range []struct {
		status wire.Status
		query  bool
		kind   problem.Kind
		maybe  bool
	}{
		{wire.KeyReused, false, problem.KeyReused, false},
		{wire.TooLarge, false, problem.TooLarge, true},
		{wire.TooLarge, true, problem.TooLarge, false},
		{wire.Malformed, false, problem.Internal, true},
		{wire.Malformed, true, problem.Internal, false},
		{wire.AlreadyAcked, false, problem.Internal, true},
		{wire.SeqReused, false, problem.Internal, true},
	} {
		s := begin(t, 1)
		s.session(0, 5)
		id := s.ask(Ask{Op: []byte("x"), Query: c.query})
		_, r, _ := wire.Open(s.next(0))
		s.status(0, r.U64(), c.status, 1)
		if f := s.end(id, c.kind); f.MaybeApplied != c.maybe {
			t.Errorf("status %d: may be applied %v, want %v", c.status, f.MaybeApplied, c.maybe)
		}
		s.quiet()
	}
}

func TestStatusesThatPauseARequest(t *testing.T) {
	for _, status := range []wire.Status{wire.Overloaded, wire.Fenced, wire.OutOfWindow, wire.NoVoice, 77} {
		for _, query := range []bool{false, true} {
			s := begin(t, 1)
			s.session(0, 5)
			id := s.ask(Ask{Op: []byte("x"), Query: query})
			_, r, _ := wire.Open(s.next(0))
			s.status(0, r.U64(), status, 1)
			s.quiet()
			pause := int64(backoffFirstNs)
			if status == wire.Overloaded && !query {
				pause <<= overloadPauses
			}
			s.pass(pause)
			_, r, _ = wire.Open(s.next(0))
			s.ok(0, r.U64(), "")
			s.end(id, 0)
			s.quiet()
		}
	}
}

func TestCancelEndsARequestOnce(t *testing.T) {
	s := begin(t, 1)
	s.session(0, 5)
	id := s.command("x")
	m := s.nextCommand(0)
	s.c.Cancel(s.now, id, &s.out)
	s.take()
	if f := s.end(id, problem.NoVoice); !f.MaybeApplied || !strings.Contains(f.Err.Error(), "cancelled") {
		t.Errorf("%v, may be applied: %v", f.Err, f.MaybeApplied)
	}
	other := s.command("y") // takes the same slot
	n := s.nextCommand(0)
	if n.Acked != m.Seq {
		t.Errorf("acked %d, want the cancelled %d", n.Acked, m.Seq)
	}
	s.c.Cancel(s.now, id, &s.out)
	s.ok(0, m.Request, "late")
	s.take()
	s.quiet()
	s.ok(0, n.Request, "")
	s.end(other, 0)
}

func TestForeignFramesAreDroppedAndCounted(t *testing.T) {
	s := begin(t, 2)
	id := s.query("q")
	to := s.sent[0].Server
	q := s.nextQuery(to)
	p := wire.Reply{Request: q.Request, Status: wire.OK, Server: uint64(to + 1)}
	frames := [][]byte{nil, {1, 2, 3}, p.Encode(group+1, view.Epoch{}), q.Encode(group, view.Epoch{}),
		append(p.Encode(group, view.Epoch{}), 0)}
	p.Server = 9
	for _, f := range append(frames, p.Encode(group, view.Epoch{})) {
		s.c.Frame(s.now, to, f, &s.out)
	}
	s.take()
	s.quiet()
	if got := s.c.Status().Stats.Malformed; got != uint64(len(frames)+1) {
		t.Errorf("%d counted, want %d", got, len(frames)+1)
	}
	s.ok(to, q.Request+1<<slotBits, "of an attempt that was never made")
	s.quiet()
	s.ok(to, q.Request, "")
	s.end(id, 0)
}

func FuzzFrame(f *testing.F) {
	p := wire.Reply{Request: 1 << slotBits, Status: wire.NotLeader, Server: 1, Leader: 2}
	f.Add(p.Encode(group, view.Epoch{View: 1}))
	p.Status = wire.OK
	f.Add(p.Encode(group, view.Epoch{View: 1}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		s := begin(t, 2)
		s.command("x")
		s.query("q")
		s.c.Frame(s.now, 0, frame, &s.out)
		s.take()
		s.pass(DeadlineNs)
		if len(s.done) != 2 {
			t.Fatalf("%d of 2 requests ended", len(s.done))
		}
	})
}
