package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"onevoice/problem"
	"onevoice/web/api"
)

// response is what a kind of problem is over HTTP.
type response struct {
	status int
	title  string
	retryS int // for Retry-After, 0 for none
}

// responses is the one table from kinds to statuses.
func responses(k problem.Kind) response {
	switch k {
	case problem.Invalid:
		return response{http.StatusBadRequest, "The request is wrong in itself", 0}
	case problem.NotFound:
		return response{http.StatusNotFound, "There is no such thing", 0}
	case problem.Conflict:
		return response{http.StatusConflict, "It is there already, or in another version", 0}
	case problem.Refused:
		return response{http.StatusConflict, "The rules say no", 0}
	case problem.TooLarge:
		return response{http.StatusRequestEntityTooLarge, "The request is over a limit", 0}
	case problem.Overloaded:
		return response{http.StatusServiceUnavailable, "The server is full; try again later", 1}
	case problem.NoVoice:
		return response{http.StatusServiceUnavailable, "This server cannot prove that it is current", 1}
	case problem.Stale:
		return response{http.StatusServiceUnavailable, "The answer would be older than allowed", 1}
	case problem.Expired:
		return response{http.StatusGone, "What was asked for is no longer held", 0}
	case problem.KeyReused:
		return response{http.StatusUnprocessableEntity, "The idempotency key came before with another request", 0}
	case problem.TwoVoices:
		return response{http.StatusInternalServerError, "Two answers that cannot both be the service's", 0}
	case problem.Forbidden:
		return response{http.StatusForbidden, "Not allowed", 0}
	case problem.Unauthenticated:
		return response{http.StatusUnauthorized, "Who asks is not known", 0}
	case problem.PreconditionFailed:
		return response{http.StatusPreconditionFailed, "It is there in another version", 0}
	}
	return response{http.StatusInternalServerError, "A fault of the service", 0}
}

// fault is an error with what only HTTP tells of it.
type fault struct {
	cause       *problem.Error
	current     string // version that is there
	first, last string // range that is held
	unknown     bool   // nobody can say whether a write took effect
	status      int    // in place of the table's, for what HTTP itself refuses: 404, 405, 415; 0 otherwise
}

func asFault(err error) fault {
	var f fault
	if errors.As(err, &f) {
		return f
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return fault{cause: p}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault{cause: &problem.Error{Kind: problem.NoVoice, Op: "answer", Detail: "no majority answered in time"}}
	}
	return fault{cause: &problem.Error{Kind: problem.Internal, Op: "answer", Detail: err.Error()}}
}

// Error implements error.
func (f fault) Error() string { return f.cause.Error() }

// Unwrap gives the problem itself.
func (f fault) Unwrap() error { return f.cause }

func refused(kind problem.Kind, op, detail string) error {
	return &problem.Error{Kind: kind, Op: op, Detail: detail}
}

func invalid(op, field, value, allowed string) *problem.Error {
	return &problem.Error{Kind: problem.Invalid, Op: op, Field: field, Value: problem.Clip(value), Allowed: allowed}
}

// problem makes the problem's body. Where this server cannot answer, it names itself, the last view it knew, and whom to ask.
func (s *Server) problem(f fault) api.Problem {
	e := f.cause
	r := responses(e.Kind)
	p := api.Problem{
		Type: api.URN + e.Kind.String(), Title: r.title, Status: r.status, Detail: e.Detail,
		Op: e.Op, Subject: e.Subject, Field: e.Field, Value: e.Value, Allowed: e.Allowed,
		Current: f.current, First: f.first, Last: f.last,
	}
	if f.status != 0 {
		p.Status = f.status
	}
	if f.unknown || e.Kind == problem.NoVoice {
		p.Outcome = problem.Unknown
	}
	if p.Status == http.StatusServiceUnavailable {
		p.Node, p.View = s.node, strconv.FormatUint(uint64(s.newestView()), 10)
		p.Try = s.others()
	}
	return p
}

// others are the URLs of the cluster's other servers.
func (s *Server) others() []string {
	var urls []string
	for _, server := range s.servers() {
		if server.Name != s.node {
			urls = append(urls, server.URL)
		}
	}
	return urls
}

// servers is the cluster's list of those that answer about the airspace.
func (s *Server) servers() []api.Server {
	list := []api.Server{}
	for _, server := range s.service.Servers() {
		if server.Oracle {
			continue
		}
		list = append(list, api.Server{Number: server.Number, Name: server.Name, URL: s.scheme() + server.HTTP})
	}
	return list
}

// refuse answers with a problem. A 503 carries node and last view only; others carry the headers of the state that the refusal
// was decided on, or of the newest one known where it was decided without.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	f := asFault(err)
	p := s.problem(f)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		unprove(h)
		h.Set(headerView, p.View)
		h.Set("Retry-After", strconv.Itoa(max(responses(f.cause.Kind).retryS, 1)))
	} else if p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden {
		unprove(h) // nothing is told to who may not ask
	} else if h.Get(headerIndex) == "" {
		s.prove(h, s.service.Latest())
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="onevoice"`)
	}
	h.Set(headerNode, s.node)
	b, err := json.Marshal(p)
	if err != nil {
		b = nil // not reached: a Problem is strings and numbers
	}
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(b, '\n')) // a client that has gone needs no answer
}
