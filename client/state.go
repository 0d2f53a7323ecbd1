package client

import (
	"context"
	"sync"

	"onevoice/client/core"
)

// State is what a client can prove: see core.State, which says when each begins and ends.
type State = core.State

// The states, from the best to the worst.
const (
	StateOK       = core.StateOK
	StateJeopardy = core.StateJeopardy
	StateGrace    = core.StateGrace
	StateExpired  = core.StateExpired
)

// teller calls OnState from a goroutine of its own, so that the owner never waits for it. It holds at most two calls back: the newest
// state, and before it that the session was lost, which nobody may miss.
type teller struct {
	call func(State)

	mu      sync.Mutex
	newest  State // 0 for none
	expired bool  // before the newest
	wake    chan struct{}
}

func newTeller(call func(State)) *teller { return &teller{call: call, wake: make(chan struct{}, 1)} }

// tell notes a state; it never waits.
func (t *teller) tell(s State) {
	t.mu.Lock()
	t.expired = t.expired || t.newest == StateExpired
	t.newest = s
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take gives what is to be told, 0 for nothing.
func (t *teller) take() (first, last State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expired && t.newest != StateExpired {
		first = StateExpired
	}
	last, t.newest, t.expired = t.newest, 0, false
	return first, last
}

func (t *teller) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		first, last := t.take()
		for _, s := range []State{first, last} {
			if s != 0 && ctx.Err() == nil {
				t.call(s)
			}
		}
	}
}
