package core

import (
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

// news tells the core by server k that another one leads in a term.
func (s *script) news(k int, term, leader uint64) {
	s.newsOf(k, group, term, leader)
}

func (s *script) newsOf(k int, of uint32, term, leader uint64) {
	s.c.Frame(s.now, k, wire.News{Term: term, Leader: leader}.Encode(of, view.Epoch{}), &s.out)
	s.take()
}

// TestNewsMoveWhatAnotherServerHolds: under the seq it has, at once, and a question too.
func TestNewsMoveWhatAnotherServerHolds(t *testing.T) {
	s := beginNearest(t, 3, -1)
	for k := range 3 {
		s.up(k)
	}
	s.session(0, 5)
	id, ask := s.command("x"), s.query("q")
	m := s.nextCommand(0)
	s.nextQuery(0)
	s.news(1, 2, 3)
	again := s.nextCommand(2)
	if again.Session != m.Session || again.Seq != m.Seq || string(again.Op) != "x" {
		t.Errorf("first %+v, then %+v", m, again)
	}
	q := s.nextQuery(2)
	s.quiet()
	s.ok(2, again.Request, "r")
	s.end(id, 0)
	s.ok(2, q.Request, "a")
	s.end(ask, 0)
	s.command("y")
	s.nextCommand(2)
}

// TestNewsThatChangeNothing: of an earlier term, of another group, of the same term once more.
func TestNewsThatChangeNothing(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	s.news(1, 7, 1)
	s.command("x")
	s.nextCommand(0)
	s.news(1, 6, 2)
	s.news(2, 7, 3)
	s.newsOf(1, group+1, 8, 2)
	s.quiet()
	s.c.Frame(s.now, 1, wire.News{Term: 9}.Encode(group, view.Epoch{}), &s.out)
	if got := s.c.Status().Stats.Malformed; got != 1 {
		t.Errorf("%d malformed, want the news that nobody leads", got)
	}
}

// TestAnOlderAnswerDoesNotUndoNews: a server that has not heard yet names the old leader.
func TestAnOlderAnswerDoesNotUndoNews(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	s.news(2, 4, 3)
	s.command("x")
	m := s.nextCommand(2)
	s.replyAt(1, view.Epoch{View: 1, Term: 1}, wire.Reply{Request: 1 << 40, Status: wire.NotLeader, Leader: 1})
	s.command("y")
	s.nextCommand(2)
	s.ok(2, m.Request, "r")
}

// TestNewsOfWhoIsNotConnected: it is searched for.
func TestNewsOfWhoIsNotConnected(t *testing.T) {
	s := begin(t, 3)
	s.session(0, 5)
	s.down(2)
	s.command("x")
	s.nextCommand(0)
	s.news(1, 4, 3)
	if got := s.c.Status().Leader; got != 0 {
		t.Errorf("leader is %d, want none", got)
	}
	s.up(2)
	s.news(1, 4, 3)
	s.nextCommand(2)
}
