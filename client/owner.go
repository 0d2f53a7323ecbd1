package client

import (
	"context"
	"strings"
	"sync"
	"time"

	"onevoice/client/core"
	"onevoice/problem"
	"onevoice/view"
)

// call is one request of a caller, who waits for done.
type call struct {
	ask      core.Ask
	deadline time.Time
	id       core.ID
	finished core.Finished
	cause    error // where the client itself ended it
	done     chan struct{}
}

// kind says what an event is.
type kind uint8

const (
	submitted kind = iota // call asks
	cancelled             // call's caller has gone
	arrived               // frames came from the link at
	connected             // the link at is up
	broken                // the link at is down
	failed                // the link at could not be made
	asked                 // somebody wants the status
)

// event is something that the owner has to know. Those of one link come in order: connected, arrived, broken.
type event struct {
	kind   kind
	call   *call
	at     int
	who    view.Start
	out    *outbox
	frames [][]byte
	err    error
	status chan core.Status
}

// mailbox holds what is for the owner. It is bounded by the callers, each of whom waits, and by maxArrivals.
type mailbox struct {
	mu     sync.Mutex
	events []event
	closed bool
	wake   chan struct{}
}

func (m *mailbox) ask(x *call) bool { return m.give(event{kind: submitted, call: x}) }

// give adds an event; false once the owner has ended.
func (m *mailbox) give(e event) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.events = append(m.events, e)
	first := len(m.events) == 1
	m.mu.Unlock()
	if first {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take swaps what has come against an empty slice.
func (m *mailbox) take(empty []event) []event {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.events
	m.events = empty[:0]
	return taken
}

func (m *mailbox) close() []event {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.events
}

// owner is the one goroutine that calls the core.
type owner struct {
	core    *core.Core
	mail    *mailbox
	links   []*link
	outs    [core.MaxServers]*outbox // of links that are up
	reasons []error                  // why links are down
	waiting map[core.ID]*call
	out     core.Out
	tell    func(State)
	start   time.Time
}

func (o *owner) now() int64 { return int64(time.Since(o.start)) + 1 }

func (o *owner) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var events []event
	for {
		if due := o.core.DueNs(); due != 0 {
			timer.Reset(time.Duration(max(due-o.now(), 0)))
		} else {
			timer.Reset(time.Hour)
		}
		select {
		case <-ctx.Done():
			o.end()
			return
		case <-o.mail.wake:
		case <-timer.C:
		}
		events = o.mail.take(events)
		now := o.now()
		for i := range events {
			o.handle(now, &events[i])
		}
		clear(events)
		o.core.Tick(now, &o.out)
		o.deliver()
	}
}

func (o *owner) handle(now int64, e *event) {
	switch e.kind {
	case submitted:
		x := e.call
		if !x.deadline.IsZero() {
			x.ask.DeadlineNs = now + max(int64(time.Until(x.deadline)), 1)
		}
		x.id = o.core.Ask(now, x.ask, &o.out)
		o.waiting[x.id] = x
	case cancelled:
		o.core.Cancel(now, e.call.id, &o.out)
	case arrived:
		<-e.out.arrivals
		for _, f := range e.frames {
			o.core.Frame(now, e.at, f, &o.out)
		}
	case connected:
		o.outs[e.at] = e.out
		o.core.Up(now, e.at, e.who, &o.out)
	case broken:
		o.outs[e.at], o.reasons[e.at] = nil, e.err
		o.core.Down(now, e.at, &o.out)
	case failed:
		o.reasons[e.at] = e.err
	case asked:
		e.status <- o.core.Status()
	}
}

// deliver does what the core wants done.
func (o *owner) deliver() {
	for _, s := range o.out.Sends {
		if out := o.outs[s.Server]; out != nil {
			out.frames = append(out.frames, s.Frame)
		}
	}
	for k, out := range o.outs {
		if out != nil && len(out.frames) > 0 && !out.hand() {
			o.redial(k)
		}
	}
	for _, s := range o.out.States {
		o.tell(s) // before its requests end: who has an answer finds the state that it proves
	}
	for _, f := range o.out.Finished {
		o.finish(f, nil)
	}
	for _, k := range o.out.Redial {
		o.redial(k)
	}
	o.out.Reset()
}

// redial gives up a connection.
func (o *owner) redial(k int) {
	select {
	case o.links[k].redial <- struct{}{}:
	default:
	}
}

func (o *owner) finish(f core.Finished, cause error) {
	x := o.waiting[f.ID]
	delete(o.waiting, f.ID)
	if f.Err != nil && f.Err.Kind == problem.NoVoice && cause == nil {
		f.Err.Detail += o.why()
	}
	x.finished, x.cause = f, cause
	x.done <- struct{}{}
}

// why says why servers are not connected.
func (o *owner) why() string {
	var b strings.Builder
	for k, err := range o.reasons {
		if o.outs[k] != nil || err == nil {
			continue
		}
		reason, addr := err.Error(), o.links[k].endpoint.Addr
		if !strings.Contains(reason, addr) {
			reason = addr + ": " + reason
		}
		b.WriteString("; " + reason)
	}
	return b.String()
}

// end fails everybody who waits, as if each had cancelled.
func (o *owner) end() {
	for _, e := range o.mail.close() {
		switch e.kind {
		case submitted:
			o.handle(o.now(), &e)
		case asked:
			e.status <- o.core.Status()
		}
	}
	for id := range o.waiting {
		o.core.Cancel(o.now(), id, &o.out)
	}
	for _, f := range o.out.Finished {
		f.Err = closed()
		o.finish(f, ErrClosed)
	}
}
