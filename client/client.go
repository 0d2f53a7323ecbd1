// Package client is the Go library of onevoice: it gives a replicated group commands, each applied exactly once, and asks it
// questions, while servers crash, hang and change leaders.
// It is loud: it dials servers and owns goroutines. What it decides is decided by client/core.
//
// The group's machine is what it asks (package machine); a session, which it opens by itself, makes a command happen once (package
// consensus/session); the views that it hears tell it whom to listen to no more (package view). Package server runs the servers.
//
//	c, err := client.Dial(client.Options{
//		Group:     1,
//		Endpoints: []client.Endpoint{{Addr: "127.0.0.1:7483"}, {Addr: "127.0.0.1:7484"}, {Addr: "127.0.0.1:7485"}},
//	})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	reply, err := c.Do(ctx, op, nil) // op is a command in the encoding of the group's machine
//
// Dial returns at once: connections come and go while the client lives, and only a request's own deadline ends it. One
// client serves any number of goroutines and shares its connections among them; a second one gains nothing.
//
// # What an answer means
//
// A Reply is what the group's machine answered. That the machine refused is such an answer too: it stands in Result. For a command,
// Index and Sub are where in the log it was applied, once, however often it was sent. For a query, Index is as of when it was
// answered, which is never before the call. Answers as of one Index carry one Hash; where they do not, the request fails
// with problem.TwoVoices.
//
// # Errors
//
// Every error of Do and Query is an *Error. Its Problem.Kind says what to do:
//
//	problem.NoVoice      nobody answered in time: try again later
//	problem.Overloaded   a queue is full, here or there: try again later
//	problem.Expired      the session was lost after the command was sent: find out whether it was applied
//	problem.KeyReused    the idempotency key came before with another request: a fault of the caller
//	problem.TooLarge     over a limit, which is named: ask for less
//	problem.TwoVoices    two servers contradicted each other: stop, and keep their data as evidence
//	problem.Internal     a server answered what it should not: different builds?
//
// MaybeApplied says of a failed command that its outcome is UNKNOWN: it was applied once or not at all, and that may still be open.
// Without it the command was not applied and never will be. Who must know gives the command a wire.Key: for ten minutes the same key
// finds the first outcome, from any client. A failed query has no answer: who shows what he asked before says UNKNOWN beside it.
//
// # States
//
// State, and Options.OnState at each change, say what the client can prove without being asked: StateOK while the group answers,
// StateJeopardy from when nothing proves any more that anybody leads, StateGrace from when a failover cannot be why, StateExpired when the
// session is over. core.State has the exact words. A program that shows answers marks them when it leaves StateOK. A client that is not asked
// anything sends nothing while it is connected to the leader: who wants silence to be found out all the same asks an empty
// Query as often as that.
package client

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/client/core"
	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

// Endpoint is one server of the group.
type Endpoint struct {
	// Number is the server's voter number; 0 is learnt when it answers.
	Number uint64
	// Addr is host:port of its port for peers and framed clients.
	Addr string
	// From is the IP address of this side that connections to it come from; empty leaves it to the system.
	From string
}

// Options say whom a client talks to.
type Options struct {
	// Group is the number of the group asked, 1 for the airspace.
	Group uint32
	// Endpoints are 1 to core.MaxServers servers of one cluster.
	Endpoints []Endpoint
	// Nearest is the place in Endpoints, from 1, of the server that queries go to first; 0 for the leader.
	Nearest int
	// Cluster, where not zero, is the only cluster whose servers are accepted. Otherwise it is that of the first server
	// that answers.
	Cluster wire.ID
	// TLS is by what servers are believed and this client proves itself; nil for servers on loopback that speak without. It
	// is not used where Dial is set.
	TLS *tls.Config
	// Dial makes a connection; nil dials TCP and shakes hands, as DialTLS does. It must honour ctx, which gives it 2 s. It is called
	// for each endpoint from a goroutine of its own, again and again with pauses of 5 to 200 ms while there is no connection.
	Dial func(ctx context.Context, e Endpoint) (Conn, error)
	// OnState, where not nil, is called with each new State, in order, from one goroutine: what the program shows must be marked when
	// it is not proved any more. While a call lasts the states that come are put together: the newest is told, and before it
	// StateExpired where that was among them. It must return before Close can, so it does not call Close.
	OnState func(State)
}

// Conn carries whole frames both ways, in order, each at most once, after whatever handshake it needs. Send is called from
// one goroutine, Recv from another, Close from any.
type Conn interface {
	// Peer is the server at the other end, and which of its starts; start 0 where that is not known: then no view ends the connection.
	Peer() view.Start
	// Send takes one or more frames, which belong to the connection from then on; the slice that holds them does not. It may
	// wait. An error is the end of the connection.
	Send(frames [][]byte) error
	// Recv waits for at least one frame and gives all that have arrived. They belong to the caller. The error is the end of
	// the connection.
	Recv() ([][]byte, error)
	// Close ends the connection and with it a Send or Recv that waits. It may be called more than once.
	Close() error
}

// Error is why a request failed.
type Error struct {
	Problem *problem.Error
	// MaybeApplied says that the outcome of a command is problem.Unknown: it was applied once or not at all.
	MaybeApplied bool
	cause        error
}

// Error prints the problem, and that the outcome is UNKNOWN where it is.
func (e *Error) Error() string {
	if e.MaybeApplied {
		return e.Problem.Error() + "; the outcome is " + problem.Unknown + ": it was applied once or not at all"
	}
	return e.Problem.Error()
}

// Unwrap gives the problem, and beside it context.Canceled, context.DeadlineExceeded or ErrClosed where one of them ended the
// request.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Problem}
	}
	return []error{e.Problem, e.cause}
}

// ErrClosed ends the requests of a client that is closed; they are problem.NoVoice.
var ErrClosed = errors.New("the client is closed")

// Client is one client of one group. Its methods may be called from any goroutine.
type Client struct {
	mail   mailbox
	cancel context.CancelFunc
	group  sync.WaitGroup
	links  []*link
	calls  sync.Pool
	state  atomic.Uint32 // a State
}

// Dial starts a client. The error is about the options; servers are dialled behind it, for as long as the client lives.
func Dial(o Options) (*Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	cfg := core.Config{Group: o.Group, Nearest: o.Nearest - 1, Rand: rand.New(rand.NewChaCha8(seed))}
	for _, e := range o.Endpoints {
		cfg.Servers = append(cfg.Servers, core.Server{Number: e.Number, Name: e.Addr})
	}
	if o.Dial == nil {
		o.Dial = dialer(o.Cluster, o.TLS, bufferBytes)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{cancel: cancel}
	c.mail.wake = make(chan struct{}, 1)
	c.calls.New = func() any { return &call{done: make(chan struct{}, 1)} }
	for k, e := range o.Endpoints {
		l := &link{at: k, endpoint: e, dial: o.Dial, mail: &c.mail, redial: make(chan struct{}, 1)}
		c.links = append(c.links, l)
		c.group.Go(func() { l.run(ctx) })
	}
	owner := &owner{
		core: core.New(cfg), mail: &c.mail, links: c.links, reasons: make([]error, len(c.links)),
		waiting: map[core.ID]*call{}, start: time.Now(),
	}
	owner.tell = c.states(ctx, o.OnState)
	c.group.Go(func() { owner.run(ctx) })
	return c, nil
}

// check says what is wrong with the options.
func (o *Options) check() error {
	if n := len(o.Endpoints); n < 1 || n > core.MaxServers {
		return fmt.Errorf("client: %d endpoints, allowed: 1 to %d", n, core.MaxServers)
	}
	for _, e := range o.Endpoints {
		if e.From != "" && net.ParseIP(e.From) == nil {
			return fmt.Errorf("client: endpoint %s: from is %q, allowed: an IP address of this machine", e.Addr, e.From)
		}
	}
	if o.Group == 0 || o.Nearest < 0 || o.Nearest > len(o.Endpoints) {
		return fmt.Errorf("client: group %d, nearest %d, allowed: a group from 1, a place in Endpoints or 0", o.Group, o.Nearest)
	}
	return nil
}

// Do applies a command exactly once and gives the machine's result: see the package comment. op has at most
// wire.MaxCommandBytes and may not be changed until Do returns. key may be nil. The deadline is that of ctx, core.DeadlineNs from
// now where it has none. Any goroutine may call it; thousands may at once.
func (c *Client) Do(ctx context.Context, op []byte, key *wire.Key) (wire.Reply, error) {
	return c.ask(ctx, time.Time{}, core.Ask{Op: op, Key: key})
}

// DoUntil is Do with a deadline of its own, beside that of ctx: it saves who gives many commands a context and a timer for each.
func (c *Client) DoUntil(ctx context.Context, deadline time.Time, op []byte, key *wire.Key) (wire.Reply, error) {
	return c.ask(ctx, deadline, core.Ask{Op: op, Key: key})
}

// Query answers a question from a state no older than the call, and changes nothing. An empty op only asks at which
// index the group stands. Size, deadline and callers are as with Do.
func (c *Client) Query(ctx context.Context, op []byte) (wire.Reply, error) {
	return c.ask(ctx, time.Time{}, core.Ask{Op: op, Query: true})
}

// ask runs a request until the earlier of a deadline, where it is not zero, and that of ctx.
func (c *Client) ask(ctx context.Context, deadline time.Time, a core.Ask) (wire.Reply, error) {
	x := c.calls.Get().(*call)
	x.ask, x.deadline = a, deadline
	if ends, ok := ctx.Deadline(); ok && (deadline.IsZero() || ends.Before(deadline)) {
		x.deadline = ends
	}
	if !c.mail.ask(x) {
		return wire.Reply{}, &Error{Problem: closed(), cause: ErrClosed}
	}
	select {
	case <-x.done:
		f, cause := x.finished, x.cause
		if f.Err != nil && cause == nil && !x.deadline.IsZero() && !time.Now().Before(x.deadline) {
			cause = context.DeadlineExceeded
		}
		x.ask, x.finished = core.Ask{}, core.Finished{}
		c.calls.Put(x)
		return answer(f, cause)
	case <-ctx.Done():
		// The owner may read this after the request has ended, so the call is never used for another one.
		c.mail.give(event{kind: cancelled, call: x})
		<-x.done
		return answer(x.finished, cmp.Or(x.cause, ctx.Err()))
	}
}

func answer(f core.Finished, cause error) (wire.Reply, error) {
	if f.Err != nil {
		return wire.Reply{}, &Error{Problem: f.Err, MaybeApplied: f.MaybeApplied, cause: cause}
	}
	return f.Reply, nil
}

func closed() *problem.Error {
	return &problem.Error{Kind: problem.NoVoice, Op: "ask", Detail: ErrClosed.Error()}
}

// states is where the owner says its states.
func (c *Client) states(ctx context.Context, call func(State)) func(State) {
	c.state.Store(uint32(StateJeopardy))
	if call == nil {
		return func(s State) { c.state.Store(uint32(s)) }
	}
	t := newTeller(call)
	c.group.Go(func() { t.run(ctx) })
	return func(s State) {
		c.state.Store(uint32(s))
		t.tell(s)
	}
}

// State is what the client can prove at this moment; of one that is closed it is the last.
func (c *Client) State() State { return State(c.state.Load()) }

// Status says what the client believes and holds.
func (c *Client) Status() core.Status {
	answer := make(chan core.Status, 1)
	if !c.mail.give(event{kind: asked, status: answer}) {
		return core.Status{}
	}
	return <-answer
}

// Close ends the client: requests under way fail with ErrClosed. It returns when every goroutine of the client has ended, and
// never fails. It may be called more than once.
func (c *Client) Close() error {
	c.cancel()
	c.group.Wait()
	return nil
}
