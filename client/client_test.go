package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/client/core"
	"onevoice/problem"
	"onevoice/wire"
)

func mustDial(t testing.TB, o Options) *Client {
	c, err := Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDoAndQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(2)
		c := mustDial(t, g.options())
		for i := range 3 {
			op := fmt.Sprint("op", i)
			if r, err := c.Do(t.Context(), []byte(op), &wire.Key{}); err != nil || string(r.Result) != op || r.Server != 2 {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		if r, err := c.Query(t.Context(), []byte("q")); err != nil || string(r.Result) != "q" || r.Index != 4 {
			t.Fatalf("%+v, %v", r, err)
		}
		synctest.Wait()
		if s := c.Status(); s.Leader != 2 || s.Connected != 3 || s.Sessions != 1 || s.Unfinished != 0 {
			t.Errorf("%+v", s)
		}
		c.Close()
		g.work.Wait()
	})
}

// TestExactlyOnceWhileServersCrashAndHang has many callers while leaders crash, hang and change.
func TestExactlyOnceWhileServersCrashAndHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(1)
		c := mustDial(t, g.options())
		var sure, open, none atomic.Int64
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				for j := range 50 {
					ctx, cancel := t.Context(), func() {}
					if j%7 == 0 {
						ctx, cancel = context.WithTimeout(ctx, time.Duration(j)*time.Millisecond)
					}
					op := fmt.Appendf(nil, "%d-%d", i, j)
					r, err := c.Do(ctx, op, nil)
					cancel()
					switch {
					case err == nil && string(r.Result) != string(op):
						t.Errorf("%s got the answer %q", op, r.Result)
					case err == nil:
						sure.Add(1)
					case err.(*Error).MaybeApplied:
						open.Add(1)
					default:
						none.Add(1)
					}
					time.Sleep(time.Duration(i) * time.Millisecond / 4)
				}
			})
		}
		for n := range uint64(12) {
			time.Sleep(50 * time.Millisecond)
			at := n%3 + 1
			g.set(func() {
				clear(g.down)
				clear(g.mute)
				if n%2 == 0 {
					g.down[at] = true
				} else {
					g.mute[at] = true
				}
				g.leader = 0
			})
			time.Sleep(20 * time.Millisecond)
			g.set(func() { g.leader = at%3 + 1 })
		}
		g.set(func() { clear(g.down); clear(g.mute) })
		callers.Wait()
		c.Close()
		g.work.Wait()
		for op, n := range g.applied {
			if n != 1 {
				t.Errorf("%s was applied %d times", op, n)
			}
		}
		n := int64(len(g.applied))
		if n < sure.Load() || n > sure.Load()+open.Load() || sure.Load() < 2500 || open.Load() == 0 {
			t.Errorf("%d applied; %d answered, %d open, %d not applied", n, sure.Load(), open.Load(), none.Load())
		}
	})
}

func TestServersAreDialledForEverWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		o := Options{Group: 1, Endpoints: []Endpoint{{Addr: "nowhere"}}}
		o.Dial = func(context.Context, Endpoint) (Conn, error) {
			at = append(at, time.Since(start))
			return nil, errDown
		}
		c := mustDial(t, o)
		time.Sleep(time.Minute)
		synctest.Wait()
		c.Close()
		for i := 1; i < len(at); i++ {
			pause, most := at[i]-at[i-1], min(redialFirst<<min(i-1, 10), redialMost)
			if pause < most/2 || pause > most {
				t.Fatalf("pause %d took %v, want %v to %v", i, pause, most/2, most)
			}
		}
		if len(at) < 300 {
			t.Errorf("%d dials in a minute", len(at))
		}
	})
}

func TestAConnectionThatEndsAtOnceIsNotDialledInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		o := Options{Group: 1, Endpoints: []Endpoint{{Addr: "nowhere"}}}
		o.Dial = func(context.Context, Endpoint) (Conn, error) {
			dials++
			ours, theirs := pair(1)
			theirs.Close()
			return ours, nil
		}
		c := mustDial(t, o)
		time.Sleep(10 * time.Second)
		c.Close()
		if dials < 50 || dials > 120 {
			t.Errorf("%d dials in 10 s", dials)
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(0)
		g.set(func() { g.down = map[uint64]bool{1: true, 2: true, 3: true} })
		c := mustDial(t, g.options())
		defer c.Close()
		for _, after := range []time.Duration{0, 70 * time.Millisecond, 20 * time.Second} {
			ctx, cancel, want := t.Context(), func() {}, core.DeadlineNs*time.Nanosecond
			if after != 0 {
				ctx, cancel = context.WithTimeout(ctx, after)
				want = after
			}
			start := time.Now()
			_, err := c.Do(ctx, []byte("x"), nil)
			if took := time.Since(start); took < want || took > want+2*time.Millisecond {
				t.Errorf("ended after %v, want %v", took, want)
			}
			var p *problem.Error
			if !errors.As(err, &p) || p.Kind != problem.NoVoice || err.(*Error).MaybeApplied {
				t.Errorf("ended with %v", err)
			}
			if errors.Is(err, context.DeadlineExceeded) != (after != 0) {
				t.Errorf("deadline of the context %v: %v", after, err)
			}
			if !strings.Contains(err.Error(), "three: "+errDown.Error()) {
				t.Errorf("does not say why nobody is connected: %v", err)
			}
			cancel()
		}
	})
}

// TestTheEarlierDeadlineCounts has a command with a deadline of its own and a context with another.
func TestTheEarlierDeadlineCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(0)
		g.set(func() { g.down = map[uint64]bool{1: true, 2: true, 3: true} })
		c := mustDial(t, g.options())
		defer c.Close()
		const soon, late = 70 * time.Millisecond, 20 * time.Second
		for _, after := range []struct{ ctx, own, want time.Duration }{{late, soon, soon}, {soon, late, soon}, {0, late, late}} {
			ctx, cancel := t.Context(), func() {}
			start := time.Now()
			if after.ctx != 0 {
				ctx, cancel = context.WithDeadline(ctx, start.Add(after.ctx))
			}
			_, err := c.DoUntil(ctx, start.Add(after.own), []byte("x"), nil)
			if took := time.Since(start); took < after.want || took > after.want+2*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%+v: ended after %v by %v", after, took, err)
			}
			cancel()
		}
	})
}

func TestAnErrorSaysWhyAConnectionIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(1)
		c := mustDial(t, g.options())
		if _, err := c.Do(t.Context(), []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		g.set(func() { g.down = map[uint64]bool{1: true, 2: true} })
		_, err := c.Do(t.Context(), []byte("y"), nil)
		if err == nil || !strings.Contains(err.Error(), "one: ") || !strings.Contains(err.Error(), "two: ") || strings.Contains(err.Error(), "three: ") {
			t.Errorf("%v", err)
		}
		c.Close()
		g.work.Wait()
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(1)
		c := mustDial(t, g.options())
		if _, err := c.Do(t.Context(), []byte("first"), nil); err != nil {
			t.Fatal(err)
		}
		g.set(func() { g.mute[1] = true })
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(30 * time.Millisecond)
			cancel()
		}()
		start := time.Now()
		_, err := c.Do(ctx, []byte("x"), nil)
		if time.Since(start) != 30*time.Millisecond || !errors.Is(err, context.Canceled) || !err.(*Error).MaybeApplied || !strings.Contains(err.Error(), problem.Unknown) {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if _, err := c.Query(ctx, nil); !errors.Is(err, context.Canceled) || err.(*Error).MaybeApplied {
			t.Errorf("with an ended context: %v", err)
		}
		g.set(func() { clear(g.mute) })
		if _, err := c.Do(t.Context(), []byte("y"), nil); err != nil {
			t.Error(err)
		}
		c.Close()
		g.work.Wait()
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(1)
		c := mustDial(t, g.options())
		if _, err := c.Do(t.Context(), []byte("first"), nil); err != nil {
			t.Fatal(err)
		}
		g.set(func() { g.mute = map[uint64]bool{1: true, 2: true, 3: true} })
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				_, err := c.Do(t.Context(), []byte("x"), nil)
				if !errors.Is(err, ErrClosed) || !err.(*Error).MaybeApplied {
					t.Errorf("ended with %v", err)
				}
			})
		}
		synctest.Wait()
		c.Close()
		callers.Wait()
		g.work.Wait() // connections have ended
		_, err := c.Do(t.Context(), []byte("x"), nil)
		if !errors.Is(err, ErrClosed) || err.(*Error).MaybeApplied {
			t.Errorf("after Close: %v", err)
		}
		if c.Status() != (core.Status{}) {
			t.Error("a closed client has a status")
		}
		c.Close()
	})
}

func TestAMuteConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(1)
		o := g.options()
		o.Endpoints = o.Endpoints[:1]
		c := mustDial(t, o)
		g.set(func() { g.mute[1] = true })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		go func() {
			time.Sleep(core.MuteNs - time.Millisecond)
			g.set(func() {
				if g.dials != 1 {
					t.Errorf("%d dials before the connection counts as mute", g.dials)
				}
			})
			time.Sleep(20 * time.Millisecond)
			g.set(func() { clear(g.mute) })
		}()
		start := time.Now()
		if _, err := c.Do(ctx, []byte("x"), nil); err != nil {
			t.Error(err)
		}
		took := time.Since(start)
		c.Close()
		g.work.Wait()
		if g.dials != 2 || took > core.MuteNs+2*time.Second {
			t.Errorf("%d dials, %v", g.dials, took)
		}
	})
}

func TestAReaderWaitsWhileTheOwnerIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &link{mail: &mailbox{wake: make(chan struct{}, 1)}}
		ours, theirs := pair(1)
		out := newOutbox()
		var group sync.WaitGroup
		group.Go(func() { _ = l.read(ours, out) })
		for range maxArrivals + 10 {
			if theirs.Send([][]byte{{1}}) != nil {
				t.Fatal("closed")
			}
		}
		synctest.Wait()
		if n := len(l.mail.take(nil)); n != maxArrivals {
			t.Errorf("%d batches wait for the owner, want %d", n, maxArrivals)
		}
		out.close() // the reader ends though nobody takes anything
		group.Wait()
	})
}

func TestAnOutboxIsBounded(t *testing.T) {
	o := newOutbox()
	const parts = 64
	for part := make([]byte, maxOutBytes/parts); len(o.frames) < parts; {
		o.frames = append(o.frames, part)
	}
	if !o.hand() {
		t.Error("the limit itself was refused")
	}
	o.frames = append(o.frames, []byte{1})
	if o.hand() {
		t.Error("more than the limit was taken")
	}
	if n := len(o.wait()); n != parts+1 {
		t.Errorf("%d frames for the writer", n)
	}
	if o.frames = append(o.frames, []byte{1}); !o.hand() {
		t.Error("an empty outbox refused a byte")
	}
}

func TestOptionsOutsideTheirRanges(t *testing.T) {
	some := []Endpoint{{Addr: "a"}}
	for want, o := range map[string]Options{
		"0 endpoints":  {Group: 1},
		"33 endpoints": {Group: 1, Endpoints: make([]Endpoint, core.MaxServers+1)},
		"group 0":      {Endpoints: some},
		"nearest 2":    {Group: 1, Endpoints: some, Nearest: 2},
		"nearest -1":   {Group: 1, Endpoints: some, Nearest: -1},
	} {
		if _, err := Dial(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
