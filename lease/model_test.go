package lease

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"onevoice/fence"
	"onevoice/problem"
	"onevoice/view"

	"pgregory.net/rapid"
)

// naive is a lock service that does everything at once and by hand.
type naive struct {
	locks map[string]*naiveLock
	seq   uint64
	epoch view.Epoch
	nowNs int64
}

type naiveLock struct {
	holder         fence.Holder
	token          fence.Token
	ttlNs, delayNs int64
	endsNs, freeNs int64 // freeNs is 0 until it has lapsed
	revoked        bool
}

func (n *naive) entry(epoch view.Epoch, nowNs int64) {
	again := epoch != n.epoch || nowNs > n.nowNs+3*sec
	n.epoch, n.nowNs = epoch, nowNs
	for name, l := range n.locks {
		if again && l.freeNs == 0 {
			l.endsNs = max(l.endsNs, nowNs+l.ttlNs)
		}
		if l.freeNs == 0 && l.endsNs <= nowNs {
			l.freeNs = l.endsNs + l.delayNs
		}
		if l.freeNs != 0 && l.freeNs <= nowNs {
			delete(n.locks, name)
		}
	}
}

// do gives the kind of refusal, 0 for none.
func (n *naive) do(c Command) problem.Kind {
	switch c := c.(type) {
	case Grant:
		l, taken := n.locks[c.Name]
		if !taken {
			n.seq++
			l = &naiveLock{holder: c.Holder, token: fence.Token{Epoch: n.epoch, Holder: c.Holder, Seq: n.seq}}
			n.locks[c.Name] = l
		}
		if l.holder != c.Holder || l.freeNs != 0 || l.revoked {
			return problem.Refused
		}
		l.ttlNs, l.delayNs, l.endsNs = c.TTLMs*msNs, c.DelayMs*msNs, n.nowNs+c.TTLMs*msNs
	case Keep:
		l, taken := n.locks[c.Name]
		if !taken || l.holder != c.Holder || l.freeNs != 0 || l.revoked {
			return problem.Expired
		}
		l.endsNs = n.nowNs + l.ttlNs
	case Release:
		l, taken := n.locks[c.Name]
		if !taken || l.holder != c.Holder || l.freeNs != 0 {
			return problem.Expired
		}
		delete(n.locks, c.Name)
	case Revoke:
		l, taken := n.locks[c.Name]
		if !taken || l.freeNs != 0 {
			return problem.NotFound
		}
		if l.token.Seq != c.Seq {
			return problem.Refused
		}
		l.revoked = true
	}
	return 0
}

func (n *naive) lease(name string) string {
	l, taken := n.locks[name]
	if !taken {
		return "free"
	}
	is := Held
	if l.revoked {
		is = Revoked
	}
	if l.freeNs != 0 {
		is = Lapsed
	}
	return fmt.Sprint(l.token, is, cmp.Or(l.freeNs, l.endsNs))
}

func leaseOf(s *State, name string) string {
	l, taken := s.Find(name)
	if !taken {
		return "free"
	}
	return fmt.Sprint(l.Token, l.Standing, l.EndsNs)
}

func drawCommand(r *rapid.T, seq uint64) Command {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "name")
	by := holder(rapid.IntRange(1, 3).Draw(r, "holder"))
	switch rapid.IntRange(0, 7).Draw(r, "command") {
	case 0, 1, 2:
		return Grant{
			Name: name, Holder: by, TTLMs: rapid.SampledFrom([]int64{1000, 2000, 5000}).Draw(r, "ttl"),
			DelayMs: rapid.SampledFrom([]int64{0, 1000, 3000}).Draw(r, "delay"),
		}
	case 3, 4, 5:
		return Keep{name, by}
	case 6:
		return Release{name, by}
	}
	return Revoke{name, rapid.Uint64Range(1, seq+1).Draw(r, "seq")}
}

// TestAnyCourse: the machine answers as the naive one does, whoever leads and however long the log was silent; a copy loaded from a snapshot
// goes on in the same way; and whoever is granted a name gets a higher token than all before.
func TestAnyCourse(t *testing.T) {
	names := []string{"a", "b", "c"}
	rapid.Check(t, func(r *rapid.T) {
		w, n := newWorld(t), &naive{locks: map[string]*naiveLock{}}
		highest := map[string]fence.Token{}
		for range rapid.IntRange(1, 60).Draw(r, "entries") {
			after := rapid.SampledFrom([]int64{0, 1, 300 * msNs, sec, 3 * sec, 3*sec + 1, 60 * sec}).Draw(r, "after")
			if rapid.IntRange(0, 9).Draw(r, "leads") == 0 {
				w.leads(after)
			} else {
				w.pass(after)
			}
			n.entry(w.at.Epoch, w.at.LogTimeNs)
			for range rapid.IntRange(0, 3).Draw(r, "commands") {
				c := drawCommand(r, n.seq)
				want, got := n.do(c), problem.Kind(0)
				result := w.apply(Encode(c))
				if result.Problem != nil {
					got = result.Problem.Kind
				}
				if got != want {
					r.Fatalf("%+v at %v: %v, want %v", c, w.at.LogTimeNs, result.Problem, want)
				}
			}
			for _, name := range names {
				if got, want := leaseOf(w.m.State(), name), n.lease(name); got != want {
					r.Fatalf("at %d %s is %s, want %s", w.at.LogTimeNs, name, got, want)
				}
			}
			if rapid.IntRange(0, 4).Draw(r, "restart") == 0 {
				again := copied(r, w.m)
				if a, b := chunks(w.m.Root()), chunks(again.Root()); a != b || again.DueNs() != w.m.DueNs() {
					r.Fatalf("%x came back as %x", a, b)
				}
				w.m = again
			}
		}
		for _, e := range w.events {
			if e.Kind != Granted {
				continue
			}
			if e.Lease.Token.Compare(highest[e.Lease.Name]) <= 0 {
				r.Fatalf("%v after %v", e.Lease.Token, highest[e.Lease.Name])
			}
			highest[e.Lease.Name] = e.Lease.Token
		}
		if got := w.m.State().List("", 9); len(got) != len(slices.Collect(maps.Keys(n.locks))) {
			r.Fatalf("%d leases, want %d", len(got), len(n.locks))
		}
	})
}
