package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/wire"
)

// watchSilence ends a connection of a Watcher on which nothing came: a server shows a sign of life every second.
const watchSilence = 3 * time.Second

// Compacted says that no server of a Watcher's holds all events after its place any more: read the state as of some index, and
// watch again from the end of that index.
type Compacted struct {
	After, First watch.Position
}

// Error names both places.
func (c *Compacted) Error() string {
	return fmt.Sprintf("client: events after %v are no longer held, the first held is %v: read the state and watch from the end of its index", c.After, c.First)
}

// Watcher gives the events of a group in the order of its log, each once, from any of its servers: where one goes silent it goes on
// with the next. One goroutine may use it.
type Watcher struct {
	o     Options
	at    int // place of the server in use
	conn  Conn
	pos   watch.Position
	index uint64 // newest index whose hash is known
	hash  [32]byte
	pause time.Duration
	guard guard
	lost  int   // servers in a row that no longer hold what follows
	why   error // why the last connection ended
}

// Watch makes a Watcher of the events after a place; watch.EndOf of the index of an answer goes on where that answer was read. It
// dials with the first Next, the server at Options.Nearest first. The error is about the options.
func Watch(o Options, after watch.Position) (*Watcher, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Dial == nil {
		o.Dial = dialer(o.Cluster, o.TLS, watchBufferBytes)
	}
	return &Watcher{o: o, at: max(o.Nearest-1, 0), pos: after, pause: redialFirst}, nil
}

// Position is the place after the last event given, or after the last index known to have no more: where to go on after a restart.
func (w *Watcher) Position() watch.Position { return w.pos }

// Next waits for events and gives those that have come, at least one. Their bytes belong to the caller. Servers that fail are
// replaced for as long as ctx lasts; only then is the error that of ctx, with the reason. It is *Compacted where events are
// lost to this Watcher, problem.TwoVoices where two servers contradicted each other, and otherwise what the server said for good.
func (w *Watcher) Next(ctx context.Context) ([]watch.Item, error) {
	for {
		if w.conn == nil {
			if err := w.connect(ctx); err != nil {
				return nil, err
			}
		}
		items, err := w.receive(ctx)
		if err != nil || len(items) > 0 {
			return items, err
		}
	}
}

// Close ends the connection. It never fails.
func (w *Watcher) Close() error {
	w.guard.rest()
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
	return nil
}

// connect tries one server after another until one takes the watch.
func (w *Watcher) connect(ctx context.Context) error {
	for ctx.Err() == nil {
		dialling, cancel := context.WithTimeout(ctx, dialPatience)
		conn, err := w.o.Dial(dialling, w.o.Endpoints[w.at])
		cancel()
		if err == nil {
			ask := wire.Watch{Index: w.pos.Index, Sub: w.pos.Sub}
			if err = conn.Send([][]byte{ask.Encode(w.o.Group, view.Epoch{})}); err == nil {
				w.conn = conn
				return nil
			}
			_ = conn.Close()
		}
		w.broken(err)
		select {
		case <-ctx.Done():
		case <-time.After(w.pause/2 + rand.N(w.pause/2)):
		}
		w.pause = min(2*w.pause, redialMost)
	}
	return fmt.Errorf("client: watch: %w: %w", ctx.Err(), errors.Join(w.why))
}

func (w *Watcher) broken(why error) {
	_ = w.Close()
	w.why = why
	w.at = (w.at + 1) % len(w.o.Endpoints)
}

// receive takes what arrives next. No events and no error mean a sign of life, or that the connection broke.
func (w *Watcher) receive(ctx context.Context) ([]watch.Item, error) {
	w.guard.begin(ctx, w.conn)
	var frames [][]byte
	err := ctx.Err()
	if err == nil {
		frames, err = w.conn.Recv()
	}
	w.guard.end()
	if ctx.Err() != nil {
		_ = w.Close()
		return nil, fmt.Errorf("client: watch: %w", ctx.Err())
	}
	if err != nil {
		w.broken(err)
		return nil, nil
	}
	var items []watch.Item
	for _, frame := range frames {
		items, err = w.frame(frame, items)
		var lost *Compacted
		if errors.As(err, &lost) {
			w.lost++ // another server may hold more: this one may have started since
		}
		if err != nil && len(items) == 0 && (lost == nil || w.lost >= len(w.o.Endpoints)) {
			_ = w.Close()
			return nil, err
		}
		if err != nil {
			w.broken(err) // what came before it is given first; the next server, or this one, says it again
			break
		}
	}
	return items, nil
}

// frame adds the events of one frame.
func (w *Watcher) frame(frame []byte, items []watch.Item) ([]watch.Item, error) {
	h, r, err := wire.Open(frame)
	if err != nil {
		return items, malformed(err)
	}
	switch h.Kind {
	case wire.KindEvents:
		m, err := wire.ReadEvents(r)
		if err != nil {
			return items, malformed(err)
		}
		w.pause = redialFirst
		if len(m.Items) > 0 {
			w.lost = 0
		}
		return w.take(m, items)
	case wire.KindWatchEnd:
		m, err := wire.ReadWatchEnd(r)
		switch {
		case err != nil:
			return items, malformed(err)
		case m.Problem.Kind == problem.Expired:
			return items, &Compacted{After: w.pos, First: watch.Position{Index: m.FirstIndex, Sub: m.FirstSub}}
		}
		return items, &Error{Problem: m.Problem}
	}
	return items, malformed(fmt.Errorf("frame of kind %d", h.Kind))
}

func (w *Watcher) take(m wire.Events, items []watch.Item) ([]watch.Item, error) {
	items = slices.Grow(items, len(m.Items))
	for _, e := range m.Items {
		at := watch.Position{Index: e.Index, Sub: e.Sub}
		if at.Compare(w.pos) <= 0 {
			return items, malformed(fmt.Errorf("event %v after %v", at, w.pos))
		}
		w.pos = at
		items = append(items, watch.Item{Position: at, Event: e.Body, LogTimeNs: e.LogTimeNs})
	}
	if m.Through == 0 {
		return items, nil
	}
	if m.Through == w.index && m.Hash != w.hash {
		return items, &Error{Problem: &problem.Error{Kind: problem.TwoVoices, Op: "watch", Subject: fmt.Sprintf("group %d", w.o.Group),
			Detail: fmt.Sprintf("index %d came with hash %x and with hash %x", m.Through, w.hash, m.Hash)}}
	}
	if m.Through >= w.index {
		w.index, w.hash = m.Through, m.Hash
	}
	if end := watch.EndOf(m.Through); end.Compare(w.pos) > 0 {
		w.pos = end
	}
	return items, nil
}

func malformed(err error) error {
	return &Error{Problem: &problem.Error{Kind: problem.Internal, Op: "watch", Detail: "the server sent what makes no sense: " + err.Error()}, cause: err}
}
