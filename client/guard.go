package client

import (
	"context"
	"sync"
	"time"
)

// guard closes the connection from which a Watcher receives, once the caller's context ends or nothing has come for
// watchSilence. It costs a receive nothing but a lock that nobody else holds: what watches over one goes on for the next.
type guard struct {
	mu    sync.Mutex
	conn  Conn      // received from at the moment, or nil
	since time.Time // when that receive began

	done <-chan struct{} // of the context that cancel is registered with
	stop func() bool     // ends the registration

	silence *time.Timer
	ticking bool // silence will call tick
}

// begin is called before a receive. The context may have ended already: ask it afterwards.
func (g *guard) begin(ctx context.Context, conn Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn, g.since = conn, time.Now()
	if done := ctx.Done(); done != g.done {
		g.forget()
		g.done, g.stop = done, context.AfterFunc(ctx, func() { g.cancel(done) })
	}
	switch {
	case g.silence == nil:
		g.silence = time.AfterFunc(watchSilence, g.tick)
	case !g.ticking:
		g.silence.Reset(watchSilence)
	}
	g.ticking = true
}

// end is called after a receive.
func (g *guard) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn = nil
}

// rest ends what goes on between receives.
func (g *guard) rest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget()
	if g.silence != nil {
		g.silence.Stop()
	}
	g.ticking = false
}

func (g *guard) forget() {
	if g.stop != nil {
		g.stop()
	}
	g.done, g.stop = nil, nil
}

// cancel runs when the context to which done belongs has ended.
func (g *guard) cancel(done <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn != nil && g.done == done {
		_ = g.conn.Close()
	}
}

// tick runs when a receive may have lasted too long.
func (g *guard) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ticking = g.conn != nil; !g.ticking {
		return
	}
	if left := watchSilence - time.Since(g.since); left > 0 {
		g.silence.Reset(left)
		return
	}
	g.ticking = false
	_ = g.conn.Close()
}
