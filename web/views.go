package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"onevoice/problem"
	"onevoice/web/api"
)

// getView answers the newest view, or an older one with what led to it.
func (s *Server) getView(w http.ResponseWriter, r *http.Request) error {
	const op = "get view"
	if s.membership == nil {
		return noMembership(op)
	}
	q := parseQuery(r, op, "number")
	number := uint64(0)
	if text := q.get("number"); text != "" {
		if number = viewNumber(text); number == 0 {
			q.refuse("number", text, "a number from 1, as 12")
		}
	}
	if q.err != nil {
		return q.err
	}
	v, err := s.membership.View(r.Context(), number)
	if err != nil {
		return err
	}
	if v.Number == 0 {
		return fault{cause: &problem.Error{Kind: problem.NotFound, Op: op, Subject: q.get("number"), Detail: heldViews(&v)},
			first: strconv.FormatUint(v.First, 10), last: strconv.FormatUint(v.Last, 10)}
	}
	return s.answerJSON(w, v)
}

// viewNumber reads the number of a view, 0 where it is none.
func viewNumber(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || text != strconv.FormatUint(n, 10) {
		return 0
	}
	return n
}

// heldViews says which views there are.
func heldViews(v *api.View) string {
	if v.Last == 0 {
		return "no view has been made yet"
	}
	return "the views " + strconv.FormatUint(v.First, 10) + " to " + strconv.FormatUint(v.Last, 10) + " are held"
}

// fence takes an incarnation of a server down.
func (s *Server) fence(w http.ResponseWriter, r *http.Request) error {
	const op = "fence"
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil || number == 0 {
		return invalid(op, "number", r.PathValue("number"), "a number from 1")
	}
	var in api.Fence
	ctx, done, err := s.membersRequest(w, r, op, &in)
	if err != nil {
		return err
	}
	defer done()
	if in.Incarnation == 0 {
		return invalid(op, "incarnation", "0", "as in the newest view")
	}
	key, err := idempotencyKey(r, op, nil)
	if err != nil {
		return err
	}
	v, err := s.membership.Fence(ctx, number, in.Incarnation, key)
	if err != nil {
		return unknownOutcome(err, op, strconv.FormatUint(number, 10))
	}
	return s.answerJSON(w, v)
}

// majorityPatience is for how long a stream of views may be unable to prove that it misses none.
const majorityPatience = 3 * time.Second

// views streams the views as server-sent events: at first the newest one, or those after a number.
func (s *Server) views(w http.ResponseWriter, r *http.Request) error {
	const op = "watch views"
	if s.membership == nil {
		return noMembership(op)
	}
	last, err := s.firstView(r, op)
	if err != nil {
		return err
	}
	ctx, done, err := s.stream(r, op)
	if err != nil {
		return err
	}
	defer done()
	out := &viewWriter{server: s, w: w, last: last}
	first, err := s.membership.Views(notLong(ctx), last)
	if err == nil {
		err = out.add(first)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err // it is known before the stream begins, for then it can be a status
	}
	w.Header().Set(headerNode, s.node)
	out.b = append(beginStream(w), out.b...)
	out.follow(ctx)
	return nil
}

// notLong is a context that has ended: what is there is given, and nothing waited for.
func notLong(ctx context.Context) context.Context {
	now, cancel := context.WithCancel(ctx)
	cancel()
	return now
}

// firstView is the view after which a stream begins: Last-Event-ID, or the parameter after, or else the last but one.
func (s *Server) firstView(r *http.Request, op string) (uint64, error) {
	q := parseQuery(r, op, "after")
	if q.err != nil {
		return 0, q.err
	}
	field, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		field, text = "after", q.get("after")
	}
	newest, err := s.membership.View(r.Context(), 0)
	if err != nil {
		return 0, err
	}
	if text == "" {
		return max(newest.Number, 1) - 1, nil
	}
	after := viewNumber(text)
	if after == 0 && text != "0" || after > newest.Number {
		return 0, invalid(op, field, strconv.Quote(text), "0 to "+strconv.FormatUint(newest.Number, 10)+", the newest view")
	}
	return after, nil
}

// viewWriter writes one stream of views.
type viewWriter struct {
	server *Server
	w      http.ResponseWriter
	b      []byte
	last   uint64
}

// add adds views to what is sent next. Where some before them are no longer held it says so.
func (o *viewWriter) add(views []api.View) error {
	for i := range views {
		v := &views[i]
		if v.Number != o.last+1 {
			first := strconv.FormatUint(v.Number, 10)
			return fault{cause: &problem.Error{
				Kind: problem.Expired, Op: "watch views", Field: "after", Value: strconv.FormatUint(o.last, 10), Allowed: "from " + strconv.FormatUint(v.Number-1, 10),
				Detail: "views after that are no longer all held: begin anew",
			}, first: first}
		}
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		o.last = v.Number
		o.b = append(strconv.AppendUint(append(o.b, "id: "...), v.Number, 10), "\nevent: view\ndata: "...)
		o.b = append(append(o.b, data...), "\n\n"...)
	}
	return nil
}

// follow sends views as they come, and each second a heartbeat: a majority has confirmed that there are no further ones. Where none does
// for majorityPatience the stream ends and says so: silence would look like calm.
func (o *viewWriter) follow(ctx context.Context) {
	for {
		if len(o.b) > 0 && !send(o.w, o.b) {
			return
		}
		o.b = o.b[:0]
		wait, cancel := context.WithTimeout(ctx, beat)
		views, err := o.server.membership.Views(wait, o.last)
		cancel()
		if err == nil {
			err = o.add(views)
		} else if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = o.heartbeat(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			o.end(err)
			return
		}
	}
}

func (o *viewWriter) heartbeat(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, majorityPatience)
	defer cancel()
	newest, err := o.server.membership.View(soon, 0)
	if err == nil {
		o.b = append(strconv.AppendUint(append(o.b, ": view="...), newest.Number, 10), "\n\n"...)
	}
	return err
}

// end says why a stream ends that has begun.
func (o *viewWriter) end(err error) {
	f := asFault(err)
	name := "problem"
	if f.cause.Kind == problem.Expired {
		name = "compacted"
	}
	p, _ := json.Marshal(o.server.problem(f))
	send(o.w, append(append(append([]byte("event: "+name+"\ndata: "), p...), '\n'), '\n'))
}
