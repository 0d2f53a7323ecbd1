package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"onevoice/airspace"
	"onevoice/problem"
	"onevoice/subject"
	"onevoice/watch"
	"onevoice/web/api"
)

const (
	// beat is the time between two heartbeats of a stream.
	beat = time.Second
	// patience is how long a reader of a stream may be in taking what it is sent, before the stream ends. It resumes by the
	// id of the last event it has.
	patience = 5 * time.Second
	// retryMs is how soon a browser comes back when a stream has ended.
	retryMs = 1000
)

// stream counts a stream and gives the context that ends with it, with its reader, or with the server.
func (s *Server) stream(r *http.Request, op string) (context.Context, func(), error) {
	if s.streams.Add(1) > MaxStreams {
		s.streams.Add(-1)
		return nil, nil, refused(problem.Overloaded, op, "too many streams are open")
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxStreamAge(subjectOf(r)))
	stop := context.AfterFunc(s.ending, cancel)
	return ctx, func() {
		stop()
		cancel()
		s.streams.Add(-1)
	}, nil
}

// streamAge bounds a stream where who reads it was proved: its reader resumes, and is proved again.
const streamAge = 8 * time.Hour

// maxStreamAge is how long a stream may last: no longer than the proof of who reads it holds.
func maxStreamAge(who subject.Subject) time.Duration {
	if who.UntilNs == 0 {
		return streamAge
	}
	return min(streamAge, time.Until(time.Unix(0, who.UntilNs)))
}

// send writes a piece of a stream, and says whether its reader took it in time.
func send(w http.ResponseWriter, b []byte) bool {
	c := http.NewResponseController(w)
	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := w.Write(b); err != nil {
		return false
	}
	return c.Flush() == nil
}

// beginStream begins the answer that is a stream of server-sent events, and gives its first bytes.
func beginStream(w http.ResponseWriter) []byte {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	return append(strconv.AppendInt([]byte("retry: "), retryMs, 10), "\n\n"...)
}

// events streams the changes of the agreed state as server-sent events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	const op = "watch events"
	position, filter, err := s.startOf(r, op)
	if err != nil {
		return err
	}
	ctx, done, err := s.stream(r, op)
	if err != nil {
		return err
	}
	defer done()
	// Whether the events are still held is known before the stream begins, for then it can be a status.
	now, cancel := context.WithCancel(ctx)
	cancel()
	items, err := s.service.Events(now, position)
	if err != nil && !errors.Is(err, context.Canceled) {
		return compacted(op, err)
	}
	s.prove(w.Header(), s.service.Latest())
	out := &eventWriter{server: s, w: w, last: position, given: position, filter: filter}
	out.b = beginStream(w)
	out.events(items)
	out.follow(ctx)
	return nil
}

// startOf is where a stream begins, and what passes: after Last-Event-ID, or the parameter after, or else after what is known now.
func (s *Server) startOf(r *http.Request, op string) (watch.Position, airspace.Filter, error) {
	q, values := parseLists(r, op, filterNames(), "after")
	filter := q.filter(values)
	if q.err != nil {
		return watch.Position{}, filter, q.err
	}
	p, err := s.placeOf(r, op, &q)
	return p, filter, err
}

// placeOf is where a stream begins.
func (s *Server) placeOf(r *http.Request, op string, q *query) (watch.Position, error) {
	field, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		field, text = "after", q.get("after")
	}
	if text == "" {
		return watch.EndOf(s.service.Latest().Index), nil
	}
	p, err := watch.ParsePosition(text)
	if err != nil {
		return p, invalid(op, field, strconv.Quote(text), "index.i or index, as 812.3 or 812")
	}
	if p.Index <= s.service.Latest().Index {
		return p, nil
	}
	// This server may be behind the one that gave the position; the cluster as a whole cannot be.
	snap, err := s.service.Read(r.Context())
	if err != nil {
		return p, err
	}
	if p.Index > snap.Index {
		return p, invalid(op, field, strconv.Quote(text), "at most "+strconv.FormatUint(snap.Index, 10)+", the newest index")
	}
	return p, nil
}

func compacted(op string, err error) error {
	var c *watch.Compacted
	if !errors.As(err, &c) {
		return err
	}
	return fault{cause: &problem.Error{
		Kind: problem.Expired, Op: op, Field: "after", Value: c.Position.String(), Allowed: "from " + c.First.String(),
		Detail: "events after that are no longer all held: read the state, and go on from the Onevoice-Index of that answer",
	}, first: c.First.String()}
}

// eventWriter writes one event stream.
type eventWriter struct {
	server *Server
	w      http.ResponseWriter
	b      []byte
	filter airspace.Filter
	last   watch.Position // of the events looked at
	given  watch.Position // the reader knows that it has all until there
	beaten time.Time
}

// follow sends events and heartbeats until the reader, the server or the journal ends it.
func (o *eventWriter) follow(ctx context.Context) {
	for {
		if time.Since(o.beaten) >= beat {
			o.heartbeat()
		}
		if len(o.b) > 0 && !send(o.w, o.b) {
			return
		}
		o.b = o.b[:0]
		wait, cancel := context.WithDeadline(ctx, o.beaten.Add(beat))
		items, err := o.server.service.Events(wait, o.last)
		cancel()
		switch {
		case err == nil:
			o.events(items)
		case ctx.Err() != nil:
			return
		case !errors.Is(err, context.DeadlineExceeded):
			o.end(err)
			return
		}
	}
}

// heartbeat is a comment with where this server stands, so that a reader tells silence from an idle sky.
func (o *eventWriter) heartbeat() {
	latest := o.server.service.Latest()
	o.beaten = time.Now()
	o.b = strconv.AppendUint(append(o.b, ": index="...), latest.Index, 10)
	o.b = strconv.AppendUint(append(o.b, " view="...), uint64(latest.Epoch.View), 10)
	if latest.State != nil {
		o.b = append(append(o.b, " as_of="...), api.Time(latest.State.ServiceNs()).String()...)
	}
	o.b = hex.AppendEncode(append(o.b, " hash="...), latest.Hash[:])
	o.b = append(o.b, "\n\n"...)
	if o.given != o.last {
		// Events were left out: a block without data moves the place where the reader resumes, and gives it nothing.
		o.b = append(append(append(o.b, "id: "...), o.last.String()...), "\n\n"...)
		o.given = o.last
	}
}

func (o *eventWriter) events(items []watch.Item) {
	for i := range items {
		o.last = items[i].Position
		d := o.server.digests.of(&items[i])
		if d.err != nil {
			o.server.log.Error("event does not parse", "position", o.last, "error", d.err)
		} else if !o.filter.Matches(&d.event) {
			continue
		}
		o.b, o.given = append(o.b, d.text...), o.last
	}
}

// end says why a stream ends that has begun.
func (o *eventWriter) end(err error) {
	name := "problem"
	var c *watch.Compacted
	if errors.As(err, &c) {
		name = "compacted"
	}
	p, _ := json.Marshal(o.server.problem(asFault(compacted("watch events", err))))
	o.b = append(append(append(o.b, "event: "...), name...), "\ndata: "...)
	send(o.w, append(append(o.b, p...), "\n\n"...))
}
