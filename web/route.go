package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"onevoice/problem"
	"onevoice/web/ui"
)

// answer handles a request; what it returns is answered as a problem.
type answer func(w http.ResponseWriter, r *http.Request) error

// route is one thing that the server answers. Every row stands in openapi.yaml as well; a test holds the two together.
type route struct {
	method, path string
	answer       answer
	// kind says which bound the route counts against.
	kind routeKind
}

type routeKind int

const (
	request routeKind = iota // counts as a request under way
	probe                    // always answered
	stream                   // counts as a stream once it has begun, see Server.stream
)

// base begins the paths of the native API.
const base = "/api/v1"

func (s *Server) routes() []route {
	return []route{
		{"GET", base + "/sectors", s.listSectors, request},
		{"GET", base + "/sectors/{id}", s.getSector, request},
		{"PUT", base + "/sectors/{id}", s.putSector, request},
		{"DELETE", base + "/sectors/{id}", s.removeSector, request},
		{"GET", base + "/sectors/{id}/flights", s.who, request},
		{"GET", base + "/flights", s.listFlights, request},
		{"POST", base + "/flights/query", s.queryVolume, request},
		{"GET", base + "/flights/{id}", s.getFlight, request},
		{"PUT", base + "/flights/{id}", s.putFlight, request},
		{"DELETE", base + "/flights/{id}", s.cancelFlight, request},
		{"GET", base + "/settings/service-time", s.getServiceTime, request},
		{"PUT", base + "/settings/service-time", s.putServiceTime, request},
		{"GET", base + "/status", s.status, probe},
		{"GET", base + "/hash", s.hash, request},
		{"GET", base + "/events", s.events, stream},
		{"GET", base + "/tracks", s.getTracks, stream},
		{"POST", base + "/tracks", s.postTracks, request},
		{"GET", "/livez", s.livez, probe},
		{"GET", "/readyz", s.readyz, request},
		{"GET", "/metrics", s.serveMetrics, probe},
		{"GET", "/openapi.yaml", s.openapi, request},
		{"GET", "/{$}", s.page, request},
		{"GET", "/ui/{file}", s.page, request},
	}
}

// mux routes requests; what no route answers is a problem too.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.method+" "+r.path, s.handle(r))
	}
	mux.Handle("/", s.handle(route{method: "", path: "other", kind: request, answer: func(w http.ResponseWriter, r *http.Request) error {
		return nowhere(mux, w, r)
	}}))
	return mux
}

// nowhere says that there is nothing at a path, or nothing by that method.
func nowhere(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	path := problem.Clip(r.URL.Path)
	if len(allowed) == 0 {
		return &problem.Error{Kind: problem.NotFound, Op: "find", Subject: path, Detail: "nothing is served here; /openapi.yaml says what is"}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	e := invalid("find", "method", r.Method, strings.Join(allowed, ", "))
	e.Subject = path
	return fault{cause: e, status: http.StatusMethodNotAllowed}
}

// handle runs a route: bounds it, measures it, and turns its error into a problem.
func (s *Server) handle(rt route) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		w := &meter{ResponseWriter: rw}
		defer func() { s.metrics.observe(rt, w.status, time.Since(begun)) }()
		if rt.kind == request {
			if s.requests.Add(1) > MaxRequests {
				s.requests.Add(-1)
				s.refuse(w, refused(problem.Overloaded, "answer", "too many requests are under way"))
				return
			}
			defer s.requests.Add(-1)
		}
		if err := rt.answer(w, r); err != nil {
			s.refuse(w, err)
			if w.status >= http.StatusInternalServerError && w.status != http.StatusServiceUnavailable {
				s.log.Error("request failed", "route", rt.path, "error", err)
			}
		}
	})
}

// meter remembers the status of an answer.
type meter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (m *meter) WriteHeader(status int) {
	if m.status == 0 {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (m *meter) Write(b []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	return m.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// page serves the page and its files.
func (s *Server) page(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	body, kind, ok := ui.File(name)
	if !ok {
		return &problem.Error{Kind: problem.NotFound, Op: "find", Subject: problem.Clip(r.URL.Path)}
	}
	w.Header().Set("Content-Security-Policy", s.policy())
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	return s.write(w, body)
}

// policy lets the page load nothing but itself, and ask nobody but the cluster's servers.
func (s *Server) policy() string {
	connect := []string{"connect-src 'self'"}
	for _, server := range servers(s.service.Latest()) {
		connect = append(connect, server.URL)
	}
	slices.Sort(connect[1:])
	return "default-src 'self'; " + strings.Join(connect, " ") + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
