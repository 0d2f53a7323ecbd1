package web

import (
	"context"
	"math/bits"
	"net/http"
	"strings"
	"sync/atomic"

	"onevoice/problem"
	"onevoice/subject"
)

// anyone is the right of routes that need none: probes, which tell nothing but yes or no.
const anyone subject.Rights = 1 << 15

// denials count requests that were not allowed.
type denials struct{ unknown, forbidden atomic.Uint64 }

type subjectKey struct{}

// subjectOf is who asks, as authorize found.
func subjectOf(r *http.Request) subject.Subject {
	if who, ok := r.Context().Value(subjectKey{}).(subject.Subject); ok {
		return who
	}
	return subject.Loopback()
}

// authorize says whether a request may take a route, and notes in it who asks. Where the server has neither certificates nor
// keys for tokens, and so listens on loopback only, everybody may do everything.
func (s *Server) authorize(rt route, r *http.Request) (*http.Request, error) {
	if s.certificate == nil && s.token == nil || rt.right == anyone {
		return r, nil
	}
	who, p := s.identify(r)
	if p == nil && !who.Rights.Has(rt.right) {
		p = lacking(rt, who)
	}
	if p == nil {
		return r.WithContext(context.WithValue(r.Context(), subjectKey{}, who)), nil
	}
	counter := &s.denied.forbidden
	if p.Kind == problem.Unauthenticated {
		counter = &s.denied.unknown
	}
	if n := counter.Add(1); bits.OnesCount64(n) == 1 { // the 1st, 2nd, 4th, ...: one who asks for ever must not fill the log
		s.log.Warn("request not allowed", "from", r.RemoteAddr, "subject", who.String(), "route", rt.method+" "+rt.path, "why", p.Error(), "times", n)
	}
	return r, p
}

// lacking is the refusal of a route for whose right a subject's do not suffice.
func lacking(rt route, who subject.Subject) *problem.Error {
	op := rt.method + " " + rt.path
	if who.Via == "" {
		return &problem.Error{Kind: problem.Unauthenticated, Op: op, Field: "right", Value: who.Rights.String(), Allowed: rt.right.String(),
			Detail: "show a client certificate (onevoice: --cert and --key) or a bearer token"}
	}
	return &problem.Error{Kind: problem.Forbidden, Op: op, Subject: who.String(), Field: "right", Value: who.Rights.String(), Allowed: rt.right.String(),
		Detail: "ask whoever issues certificates or tokens for that right"}
}

// identify says who asks: whose the bearer token is, where there is one, else whose the client certificate is.
func (s *Server) identify(r *http.Request) (subject.Subject, *problem.Error) {
	wrong := func(value, allowed, detail string) (subject.Subject, *problem.Error) {
		return subject.Anonymous(), &problem.Error{Kind: problem.Unauthenticated, Op: r.Method + " " + problem.Clip(r.URL.Path), Field: "Authorization",
			Value: value, Allowed: allowed, Detail: detail}
	}
	switch given := r.Header.Values("Authorization"); {
	case len(given) > 1:
		return wrong("there more than once", "one", "")
	case len(given) == 1:
		scheme, raw, ok := strings.Cut(given[0], " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return wrong("of another scheme", "Bearer", "")
		}
		if s.token == nil {
			return wrong("a token", "a client certificate", "this server has no keys for tokens: start it with --public-key-files or --jwks-endpoint")
		}
		return s.token(strings.TrimSpace(raw))
	case s.certificate != nil && r.TLS != nil:
		return s.certificate(r.TLS)
	}
	return subject.Anonymous(), nil
}

// audited says whether what a route does is told in the log with who did it: all that needs more than to read, to write and to control.
func (rt *route) audited() bool {
	return rt.right != anyone && rt.right&(subject.Read|subject.Write|subject.Control) == 0
}

// audit tells who did what, and at which place of the log.
func (s *Server) audit(rt *route, w *meter, r *http.Request) {
	who := subjectOf(r)
	if who.Via == subject.ByLoopback {
		return // it is not known who asks
	}
	s.log.Info("audit", "subject", who.String(), "right", rt.right.String(), "operation", rt.method+" "+rt.path, "on", problem.Clip(r.PathValue("id")),
		"status", w.status, "index", w.Header().Get(headerIndex))
}
