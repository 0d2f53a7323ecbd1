package client

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/client/core"
)

func everybody(g *group, mute bool) func() {
	return func() { g.mute[1], g.mute[2], g.mute[3] = mute, mute, mute }
}

// TestStatesAreToldInOrder while all servers hang and come back.
func TestStatesAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(2)
		o := g.options()
		var told []State
		o.OnState = func(s State) { told = append(told, s) }
		c := mustDial(t, o)
		if got := c.State(); got != StateJeopardy {
			t.Errorf("a new client is in %v", got)
		}
		if _, err := c.Do(t.Context(), []byte("x"), nil); err != nil || c.State() != StateOK {
			t.Fatalf("%v, %v", c.State(), err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		g.set(everybody(g, true))
		if _, err := c.Query(t.Context(), nil); err == nil {
			t.Fatal("answered by nobody")
		}
		time.Sleep(time.Second)
		g.set(everybody(g, false))
		time.Sleep(5 * time.Second)
		g.set(everybody(g, true))
		_, _ = c.Query(t.Context(), nil) // nobody answers
		time.Sleep(core.SessionIdleNs)
		synctest.Wait()
		want := []State{StateOK, StateJeopardy, StateGrace, StateOK, StateJeopardy, StateGrace, StateExpired}
		if !slices.Equal(told, want) || c.State() != StateExpired {
			t.Errorf("told %v, is %v", told, c.State())
		}
		c.Close()
		g.work.Wait()
	})
}

// TestASlowListenerHoldsUpNobody: requests go on while it thinks, and it learns the newest state then.
func TestASlowListenerHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(2)
		o := g.options()
		var told []State
		proceed := make(chan struct{})
		o.OnState = func(s State) {
			<-proceed
			told = append(told, s)
		}
		c := mustDial(t, o)
		ask := func() error {
			_, err := c.Query(t.Context(), nil)
			return err
		}
		for range 3 {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			g.set(everybody(g, true))
			if err := ask(); err == nil {
				t.Fatal("answered by nobody")
			}
			g.set(everybody(g, false))
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		close(proceed)
		synctest.Wait()
		if !slices.Equal(told, []State{StateOK, StateOK}) {
			t.Errorf("told %v", told)
		}
		c.Close()
		g.work.Wait()
	})
}

// TestALostSessionIsToldEvenLate: what came after it does not hide it.
func TestALostSessionIsToldEvenLate(t *testing.T) {
	for _, c := range []struct{ come, want []State }{
		{[]State{StateExpired}, []State{StateExpired}},
		{[]State{StateExpired, StateOK}, []State{StateExpired, StateOK}},
		{[]State{StateExpired, StateOK, StateJeopardy}, []State{StateExpired, StateJeopardy}},
		{[]State{StateExpired, StateOK, StateExpired}, []State{StateExpired}},
		{[]State{StateOK, StateJeopardy}, []State{StateJeopardy}},
	} {
		var told []State
		ctx, cancel := context.WithCancel(context.Background())
		last := c.want[len(c.want)-1]
		teller := newTeller(func(s State) {
			if told = append(told, s); s == last {
				cancel()
			}
		})
		for _, s := range c.come {
			teller.tell(s)
		}
		teller.run(ctx)
		if !slices.Equal(told, c.want) {
			t.Errorf("%v: told %v", c.come, told)
		}
	}
}
