package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"onevoice/client/core"
	"onevoice/wire"
)

// Pauses between two dials: doubling, with jitter, for ever.
const (
	redialFirst = 5 * time.Millisecond
	redialMost  = 200 * time.Millisecond
	// dialPatience bounds one dial with its handshake.
	dialPatience = 2 * time.Second
	// steady is how long a connection must have lasted for the next one to be dialled without a long pause.
	steady = time.Second
)

const (
	// maxOutBytes bounds what waits for a connection's writer; above it the connection is given up. A core sends no more than that
	// in many attempts.
	maxOutBytes = 4 * core.MaxUnfinishedBytes
	// maxArrivals is how many batches of one connection may wait for the owner; the reader waits at it.
	maxArrivals = 64
)

// errGivenUp is why a connection ended that went mute, or took too little.
var errGivenUp = errors.New("the connection went mute")

// link keeps a connection to one server.
type link struct {
	at       int
	endpoint Endpoint
	dial     func(context.Context, Endpoint) (Conn, error)
	mail     *mailbox
	redial   chan struct{}
}

func (l *link) run(ctx context.Context) {
	pause := redialFirst
	for ctx.Err() == nil {
		dialling, cancel := context.WithTimeout(ctx, dialPatience)
		conn, err := l.dial(dialling, l.endpoint)
		cancel()
		if err == nil {
			began := time.Now()
			l.carry(ctx, conn)
			if time.Since(began) >= steady {
				pause = redialFirst
			}
		} else {
			l.mail.give(event{kind: failed, at: l.at, err: err})
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
		pause = min(2*pause, redialMost)
	}
}

// carry runs one connection until it breaks, the core gives it up or ctx ends.
func (l *link) carry(ctx context.Context, conn Conn) {
	out := newOutbox()
	select {
	case <-l.redial: // it meant the connection before
	default:
	}
	if !l.mail.give(event{kind: connected, at: l.at, who: conn.Peer(), out: out}) {
		conn.Close()
		return
	}
	ended := make(chan error, 2)
	var group sync.WaitGroup
	group.Go(func() { ended <- l.read(conn, out) })
	group.Go(func() { ended <- write(conn, out) })
	var why error
	select {
	case <-ctx.Done():
	case <-l.redial:
		why = errGivenUp
	case why = <-ended:
	}
	conn.Close()
	out.close()
	group.Wait()
	l.mail.give(event{kind: broken, at: l.at, err: why})
}

// read brings the owner what arrives.
func (l *link) read(conn Conn, out *outbox) error {
	for {
		frames, err := conn.Recv()
		if err != nil {
			return err
		}
		select {
		case out.arrivals <- struct{}{}:
		case <-out.done:
			return nil
		}
		if !l.mail.give(event{kind: arrived, at: l.at, out: out, frames: frames}) {
			return nil
		}
	}
}

// write says what the connection is for, and then sends what the owner hands over.
func write(conn Conn, out *outbox) error {
	if err := conn.Send([][]byte{wire.EncodeListen()}); err != nil {
		return err
	}
	for frames := out.wait(); frames != nil; frames = out.wait() {
		if err := conn.Send(frames); err != nil {
			return err
		}
	}
	return nil
}

// outbox holds frames for a connection's writer.
type outbox struct {
	frames   [][]byte      // the owner's, until hand
	arrivals chan struct{} // one for each batch that waits for the owner

	mu    sync.Mutex
	queue [][]byte
	bytes int
	wake  chan struct{}
	done  chan struct{} // closed with the connection
}

func newOutbox() *outbox {
	return &outbox{arrivals: make(chan struct{}, maxArrivals), wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// hand gives the owner's frames to the writer; false where too much waits for it.
func (o *outbox) hand() bool {
	o.mu.Lock()
	o.queue = append(o.queue, o.frames...)
	for _, f := range o.frames {
		o.bytes += len(f)
	}
	room := o.bytes <= maxOutBytes
	o.mu.Unlock()
	clear(o.frames)
	o.frames = o.frames[:0]
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return room
}

// wait gives all that is there once there is something; nil when closed.
func (o *outbox) wait() [][]byte {
	for {
		select {
		case <-o.done:
			return nil
		case <-o.wake:
		}
		o.mu.Lock()
		frames := o.queue
		o.queue, o.bytes = nil, 0
		o.mu.Unlock()
		if len(frames) > 0 {
			return frames
		}
	}
}

func (o *outbox) close() { close(o.done) }
