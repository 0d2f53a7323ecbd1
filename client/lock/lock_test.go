package lock

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/fence"
	"onevoice/lease"
	"onevoice/machine"
	"onevoice/problem"
	"onevoice/view"
)

// service is the oracle in one process: a machine whose log time is the bubble's, with an entry each second and where something is due.
type service struct {
	mu sync.Mutex
	m  *lease.Machine
	at machine.At
}

func newService() *service {
	return &service{m: lease.New(), at: machine.At{Group: 2, LogTimeNs: time.Now().UnixNano(), Epoch: view.Epoch{View: 1, Term: 1}}}
}

// pass brings log time to now, under the lock.
func (s *service) pass() {
	emit := func([]byte) {}
	for now := time.Now().UnixNano(); ; {
		step := min(now-s.at.LogTimeNs, int64(time.Second))
		if due := s.m.DueNs(); due > s.at.LogTimeNs {
			step = min(step, due-s.at.LogTimeNs)
		}
		s.at.Index, s.at.LogTimeNs = s.at.Index+1, s.at.LogTimeNs+step
		if s.m.Advance(s.at, emit); step == 0 {
			return
		}
	}
}

func (s *service) find(name string) (lease.Lease, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass()
	return s.m.State().Find(name)
}

// path is one program's way to the service: each command takes a while there and back, and where it is cut nothing comes through.
type path struct {
	*service
	lag func() time.Duration // nil for none
	cut func() bool          // nil for never
}

func (p *path) travel(ctx context.Context) error {
	if p.cut != nil && p.cut() {
		<-ctx.Done()
	}
	if p.lag != nil {
		select {
		case <-ctx.Done():
		case <-time.After(p.lag()):
		}
	}
	if ctx.Err() != nil {
		return &problem.Error{Kind: problem.NoVoice, Op: "ask"}
	}
	return nil
}

func (p *path) Do(ctx context.Context, c lease.Command) (lease.Lease, error) {
	if err := p.travel(ctx); err != nil {
		return lease.Lease{}, err
	}
	p.mu.Lock()
	p.pass()
	r, err := lease.DecodeResult(p.m.Apply(p.at, lease.Encode(c), func([]byte) {}))
	p.mu.Unlock()
	if err == nil && r.Problem != nil {
		err = r.Problem
	}
	return r.Lease, errors.Join(err, p.travel(ctx))
}

func (p *path) Find(ctx context.Context, name string) (lease.Lease, bool, error) {
	if err := p.travel(ctx); err != nil {
		return lease.Lease{}, false, err
	}
	l, ok := p.find(name)
	return l, ok, nil
}

func (s *service) path() *path { return &path{service: s} }

func is(err error, kind problem.Kind, word string) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Kind == kind && strings.Contains(err.Error(), word)
}

func mustAcquire(t *testing.T, o Oracle, opt Options) *Lock {
	t.Helper()
	l, err := Acquire(t.Context(), o, "a", opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestALockIsKeptAndReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		one := mustAcquire(t, s.path(), Options{Owner: "one"})
		time.Sleep(time.Hour)
		if !one.Held() || one.Err() != nil {
			t.Fatalf("after an hour: %v", one.Err())
		}
		if _, err := Acquire(t.Context(), s.path(), "a", Options{Owner: "two"}); !is(err, problem.Refused, "one (holder ") {
			t.Errorf("a second holder: %v", err)
		}
		if err := one.Release(t.Context()); err != nil || one.Held() || one.Err() != nil {
			t.Errorf("released: %v, %v", err, one.Err())
		}
		<-one.Done()
		two := mustAcquire(t, s.path(), Options{})
		if two.Token().Compare(one.Token()) <= 0 || two.Token().Holder == one.Token().Holder {
			t.Errorf("%v after %v", two.Token(), one.Token())
		}
		if err := two.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestAHolderStopsFirst: whenever the way to the oracle is cut, the lock is over here before it is there.
func TestAHolderStopsFirst(t *testing.T) {
	for _, after := range []time.Duration{600 * time.Millisecond, 3333 * time.Millisecond, 9 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := newService()
			cutAt := time.Now().Add(after)
			p := s.path()
			p.lag = func() time.Duration { return 300 * time.Millisecond }
			p.cut = func() bool { return time.Now().After(cutAt) }
			l, err := Acquire(t.Context(), p, "a", Options{Delay: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			<-l.Done()
			at, held := s.find("a")
			if !held || at.Standing != lease.Held || at.EndsNs < time.Now().UnixNano()+int64(time.Second) {
				t.Errorf("cut after %v: it is over here, and there it is %v for %v", after, at.Standing, time.Duration(at.EndsNs-time.Now().UnixNano()))
			}
			if l.Held() || !is(l.Err(), problem.Expired, "another may hold it") {
				t.Errorf("%v", l.Err())
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := l.Release(ctx); !is(err, problem.Expired, "another may hold it") {
				t.Errorf("released: %v", err)
			}
			two, err := Await(t.Context(), s.path(), "a", Options{})
			if err != nil {
				t.Fatal(err)
			}
			if free := time.Unix(0, at.EndsNs).Add(time.Second); time.Now().Before(free) || time.Since(free) > awaitPause {
				t.Errorf("the next has it %v after the lock-delay", time.Since(free))
			}
			two.Release(t.Context())
		})
	}
}

// TestAShortCutCostsNothing: a lease outlives what is shorter than it.
func TestAShortCutCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		begun := time.Now()
		p := s.path()
		p.cut = func() bool { return time.Since(begun) > 3*time.Second && time.Since(begun) < 7*time.Second }
		fast := &hasty{p}
		l := mustAcquire(t, fast, Options{})
		time.Sleep(time.Minute)
		if !l.Held() {
			t.Error(l.Err())
		}
		l.Release(t.Context())
	})
}

// hasty gives up after a second, as an HTTP client does.
type hasty struct{ *path }

func (h *hasty) Do(ctx context.Context, c lease.Command) (lease.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return h.path.Do(ctx, c)
}

// TestALostLockIsGivenBack: who has lost it here and ends makes nobody wait for the rest of the lease there.
func TestALostLockIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		var cut atomic.Bool
		p := s.path()
		p.cut = cut.Load
		l := mustAcquire(t, p, Options{Delay: time.Minute})
		cut.Store(true)
		<-l.Done()
		cut.Store(false)
		if err := l.Release(t.Context()); !is(err, problem.Expired, "another may hold it") {
			t.Error(err)
		}
		two := mustAcquire(t, s.path(), Options{})
		l.Release(t.Context())
		if !two.Held() || two.Release(t.Context()) != nil {
			t.Error("who has lost it releases another's")
		}
	})
}

func TestARevokedLockIsLostWithTheNextKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		l := mustAcquire(t, s.path(), Options{})
		time.Sleep(time.Minute)
		if _, err := s.path().Do(t.Context(), lease.Revoke{Name: "a", Seq: l.Token().Seq}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		<-l.Done()
		if time.Since(begun) > DefaultTTL/3 || !is(l.Err(), problem.Expired, "revoked") {
			t.Errorf("after %v: %v", time.Since(begun), l.Err())
		}
	})
}

// TestAnOutageIsTakenUpAgain: all servers were away for longer than a lease; who comes back with its holder has the same token.
func TestAnOutageIsTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		var away atomic.Bool
		p := s.path()
		p.cut = away.Load
		l := mustAcquire(t, p, Options{})
		away.Store(true)
		<-l.Done()
		time.Sleep(time.Hour)
		away.Store(false)
		s.mu.Lock()
		s.at.LogTimeNs = time.Now().UnixNano()
		s.at.Epoch.Term++
		s.mu.Unlock()
		if _, err := Acquire(t.Context(), p, "a", Options{}); !is(err, problem.Refused, "") {
			t.Errorf("somebody else: %v", err)
		}
		again := mustAcquire(t, p, Options{Holder: l.Token().Holder})
		if again.Token() != l.Token() {
			t.Errorf("%v, was %v", again.Token(), l.Token())
		}
		again.Release(t.Context())
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		l := mustAcquire(t, s.path(), Options{Owner: "one"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := Await(ctx, s.path(), "a", Options{}); !is(err, problem.Refused, "one (holder") || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := Await(t.Context(), s.path(), "not a name", Options{}); !is(err, problem.Invalid, "name") {
			t.Error(err)
		}
		l.Release(t.Context())
	})
}

// TestTwoClocks: the time of day goes on while a machine sleeps, and the other clock when that is set back.
func TestTwoClocks(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		steady, ofDay time.Duration
		over, want    bool
	}{
		{1, 1, false, true}, {1, 1, true, false}, {-1, 1, false, false}, {1, -1, false, false}, {0, 1, false, false}, {1, 0, false, false},
	} {
		l := &Lock{until: now.Add(c.steady), untilNs: now.Add(c.ofDay).UnixNano(), over: c.over}
		if got := l.lasts(now); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestNeverTwo: programs come and go, are cut off and paused; at no moment do two hold the lock, and a guard never sees a token go back.
func TestNeverTwo(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { contend(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func contend(t *testing.T, r *rand.Rand) {
	s := newService()
	var mu sync.Mutex
	holding := map[int]*Lock{}
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return r.IntN(n)
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	guard := fence.Guard{Storage: shelf{}}
	var group sync.WaitGroup
	acquired := 0
	for n := range 3 {
		var cut atomic.Bool
		p := s.path()
		p.lag = func() time.Duration { return time.Duration(draw(400)) * time.Millisecond }
		p.cut = cut.Load
		group.Go(func() {
			for ctx.Err() == nil {
				l, err := Await(ctx, p, "a", Options{TTL: 2 * time.Second, Delay: time.Duration(draw(2)) * time.Second})
				if err != nil {
					continue
				}
				mu.Lock()
				holding[n] = l
				acquired++
				if l.Held() {
					if err := guard.Admit("a", l.Token()); err != nil {
						t.Error(err)
					}
				}
				mu.Unlock()
				pause(ctx, draw(5000))
				if draw(2) == 0 {
					cut.Store(true)
					<-l.Done()
					pause(ctx, draw(2000))
					cut.Store(false)
				}
				mu.Lock()
				delete(holding, n)
				mu.Unlock()
				l.Release(ctx)
			}
		})
	}
	for ctx.Err() == nil {
		pause(ctx, 7)
		at, taken := s.find("a")
		mu.Lock()
		for n, l := range holding {
			if l.Held() && (!taken || at.Standing != lease.Held || at.Token != l.Token()) {
				t.Fatalf("%d holds %v, and the oracle says %v %+v", n, l.Token(), taken, at)
			}
		}
		mu.Unlock()
	}
	group.Wait()
	if acquired < 10 {
		t.Errorf("only %d times has somebody had it", acquired)
	}
}

// pause lets time of the bubble pass, or ends with the test.
func pause(ctx context.Context, ms int) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(ms) * time.Millisecond):
	}
}

type shelf map[string]fence.Token

func (s shelf) Highest(name string) (fence.Token, error) { return s[name], nil }

func (s shelf) Keep(name string, t fence.Token) error {
	s[name] = t
	return nil
}
