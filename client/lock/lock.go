package lock

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"onevoice/fence"
	"onevoice/lease"
	"onevoice/problem"
)

// DefaultTTL is how long a lease lasts that is not kept: long enough for a change of leaders and for a machine that is busy.
const DefaultTTL = 10 * time.Second

// Options say how a lock is held.
type Options struct {
	// TTL is how long others wait for the lock of a program that is gone, 1 s to 10 min; DefaultTTL where 0. It is kept each third of it.
	TTL time.Duration
	// Delay is how long they wait beyond that, up to 5 min, for what that program sent last. A program that releases its lock causes none.
	Delay time.Duration
	// Owner says for people who holds it: up to 256 printable ASCII characters.
	Owner string
	// Holder, where not zero, is that of an earlier Lock. If its lease has not lapsed yet, as after an outage of all servers, it is taken up again
	// under the same token.
	Holder fence.Holder
}

// Lock is a lock that is held, or was. Its methods may be called from any goroutine.
type Lock struct {
	oracle Oracle
	name   string
	token  fence.Token
	ttl    time.Duration
	cancel context.CancelFunc
	keeper sync.WaitGroup
	done   chan struct{}

	mu sync.Mutex
	// until is when it is held no more, by the clock that is never set, and untilNs the same by the time of day.
	until   time.Time
	untilNs int64
	alarm   *time.Timer
	over    bool
	err     error
}

// Acquire asks for a lock once. Where somebody else holds it the error is a *problem.Error of kind Refused that says who, and until when. An
// error of another kind may leave the name taken for one TTL.
func Acquire(ctx context.Context, o Oracle, name string, opt Options) (*Lock, error) {
	h := opt.Holder
	if h == (fence.Holder{}) {
		if _, err := rand.Read(h[:]); err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
	}
	ttl := cmp.Or(opt.TTL, DefaultTTL).Truncate(time.Millisecond)
	begun := time.Now()
	granted, err := o.Do(ctx, lease.Grant{Name: name, Holder: h, TTLMs: ttl.Milliseconds(), DelayMs: opt.Delay.Milliseconds(), Owner: opt.Owner})
	if err != nil {
		return nil, err
	}
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{oracle: o, name: name, token: granted.Token, ttl: ttl, cancel: cancel, done: make(chan struct{})}
	l.until = begun.Add(l.holds())
	l.untilNs = l.until.UnixNano()
	l.alarm = time.AfterFunc(time.Until(l.until), l.ring)
	l.keeper.Go(func() { l.keep(keeping) })
	return l, nil
}

// holds is how long this side takes a lease for held, counted from before it asked.
func (l *Lock) holds() time.Duration { return l.ttl - l.ttl/10 }

// awaitPause is how often who waits looks whether a name is free. Looking writes nothing to the log.
const awaitPause = 250 * time.Millisecond

// Await asks for a lock until it has it, or ctx ends.
func Await(ctx context.Context, o Oracle, name string, opt Options) (*Lock, error) {
	for {
		l, err := Acquire(ctx, o, name, opt)
		var p *problem.Error
		if err == nil || !errors.As(err, &p) || p.Kind != problem.Refused {
			return l, err
		}
		for taken := true; taken; {
			select {
			case <-ctx.Done():
				return nil, errors.Join(err, ctx.Err())
			case <-time.After(awaitPause):
			}
			// Who cannot be asked now is asked again: the name is not free before somebody says so.
			if _, held, failed := o.Find(ctx, name); failed == nil {
				taken = held
			}
		}
	}
}

// Token is what the holder shows to resources.
func (l *Lock) Token() fence.Token { return l.token }

// Held says whether the lock is held at this moment.
func (l *Lock) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lasts(time.Now())
}

// lasts says whether the lock is held at a moment, by both clocks. The caller has mu.
func (l *Lock) lasts(now time.Time) bool {
	return !l.over && now.Before(l.until) && now.UnixNano() < l.untilNs
}

// Done is closed when the lock is held no more, for whatever reason.
func (l *Lock) Done() <-chan struct{} { return l.done }

// Err is why the lock was lost: nil while it is held, and where it was released.
func (l *Lock) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Release gives the lock back: from then on it is not held, whatever Release returns. Call it when nothing is under way any more that was
// done under the lock. Where the servers do not hear of it, the lease lapses by itself. Of a lock that was lost before, it returns why; the
// servers may still hold it for this holder, and are told too, so do not call it after the lock was taken up again under the same Holder.
func (l *Lock) Release(ctx context.Context) error {
	l.end(nil)
	l.keeper.Wait()
	_, err := l.oracle.Do(ctx, lease.Release{Name: l.name, Holder: l.token.Holder})
	if lost := l.Err(); lost != nil {
		return lost
	}
	return err
}

// keep keeps the lease until the lock is over.
func (l *Lock) keep(ctx context.Context) {
	for pause := l.ttl / 3; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if !l.Held() { // the machine slept
			l.end(l.lost("it was not kept in time"))
			return
		}
		begun := time.Now()
		err := l.once(ctx)
		var p *problem.Error
		switch {
		case err == nil:
			l.extend(begun.Add(l.holds()))
			pause = l.ttl / 3
		case errors.As(err, &p) && p.Kind == problem.Expired && p.Op == lease.OpKeep:
			l.end(err)
			return
		default:
			pause = l.ttl / 20
		}
	}
}

// once asks to keep the lease; what is not answered before the lock is over is of no use.
func (l *Lock) once(ctx context.Context) error {
	l.mu.Lock()
	until := l.until
	l.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	_, err := l.oracle.Do(ctx, lease.Keep{Name: l.name, Holder: l.token.Holder})
	return err
}

// extend moves the end of the lock. One that is over stays so.
func (l *Lock) extend(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.until, l.untilNs = until, until.UnixNano()
		l.alarm.Reset(time.Until(until))
	}
}

// ring ends a lock that nobody has extended.
func (l *Lock) ring() {
	if !l.Held() {
		l.end(l.lost("no server has confirmed it in time"))
	}
}

func (l *Lock) lost(why string) error {
	return &problem.Error{Kind: problem.Expired, Op: lease.OpKeep, Subject: l.name, Detail: why + ", so that another may hold it now"}
}

func (l *Lock) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over, l.err = true, why
	l.alarm.Stop()
	l.cancel()
	close(l.done)
}
