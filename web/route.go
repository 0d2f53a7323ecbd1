package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"onevoice/airspace/control"
	"onevoice/problem"
	"onevoice/subject"
	"onevoice/web/api"
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
	// right is what who asks needs; anyone for none. A route without is a mistake, and answers nobody.
	right subject.Rights
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
	return slices.Concat(s.skyRoutes(), s.controlRoutes(), s.memberRoutes())
}

// memberRoutes are those of the membership.
func (s *Server) memberRoutes() []route {
	return []route{
		{"GET", base + "/members", s.getMembers, request, subject.Read},
		{"POST", base + "/members/invitations", s.invite, request, subject.Members},
		{"DELETE", base + "/members/invitations/{number}", s.withdraw, request, subject.Members},
		{"POST", base + "/members/join", s.join, request, anyone},
		{"POST", base + "/members/transfer", s.transfer, request, subject.Members},
		{"POST", base + "/members/{number}/promote", s.promote, request, subject.Members},
		{"POST", base + "/members/{number}/remove", s.removeMember, request, subject.Members},
		{"POST", base + "/members/{number}/replace", s.replaceMember, request, subject.Members},
		{"POST", base + "/members/{number}/fence", s.fence, request, subject.Members},
		{"PUT", base + "/members/{number}/addresses", s.setAddresses, request, subject.Members},
	}
}

// controlRoutes are those of who controls which flight and sector.
func (s *Server) controlRoutes() []route {
	return []route{
		{"GET", base + "/flights/{id}/control", s.controlOf(control.Flight), request, subject.Read},
		{"POST", base + "/flights/{id}/control", s.act(control.Flight, control.Acts()), request, subject.Control},
		{"GET", base + "/flights/{id}/handoff", s.controlOf(control.Flight), request, subject.Read},
		{"POST", base + "/flights/{id}/handoff", s.act(control.Flight, handoffs()), request, subject.Control},
		{"POST", base + "/flights/{id}/supervise", s.supervise(control.Flight), request, subject.Supervise},
		{"GET", base + "/sectors/{id}/control", s.controlOf(control.Sector), request, subject.Read},
		{"POST", base + "/sectors/{id}/control", s.act(control.Sector, control.Acts()), request, subject.Control},
		{"POST", base + "/sectors/{id}/supervise", s.supervise(control.Sector), request, subject.Supervise},
		{"GET", base + "/positions", s.listPositions, request, subject.Read},
		{"GET", base + "/positions/{id}", s.getPosition, request, subject.Read},
		{"GET", base + "/positions/{id}/flights", s.positionFlights, request, subject.Read},
		{"POST", base + "/positions/{id}", s.signOn, request, subject.Control},
		{"POST", base + "/positions/{id}/keep", s.keepPosition, request, subject.Control},
		{"POST", base + "/positions/{id}/sign-off", s.signOff, request, subject.Control},
		{"POST", base + "/positions/{id}/end", s.endPosition, request, subject.Supervise},
	}
}

// skyRoutes are all others.
func (s *Server) skyRoutes() []route {
	return []route{
		{"GET", base + "/sectors", s.listSectors, request, subject.Read},
		{"GET", base + "/sectors/{id}", s.getSector, request, subject.Read},
		{"PUT", base + "/sectors/{id}", s.putSector, request, subject.Settings},
		{"DELETE", base + "/sectors/{id}", s.removeSector, request, subject.Settings},
		{"POST", base + "/sectors:combine", s.combineSectors, request, subject.Settings},
		{"POST", base + "/sectors:split", s.splitSector, request, subject.Settings},
		{"GET", base + "/sectors/{id}/flights", s.who, request, subject.Read},
		{"GET", base + "/sectors/{id}/load", s.load, request, subject.Read},
		{"GET", base + "/capacity", s.capacity, request, subject.Read},
		{"GET", base + "/conflicts", s.conflicts, request, subject.Read},
		{"POST", base + "/conflicts:query", s.queryConflicts, request, subject.Read},
		{"GET", base + "/flights", s.listFlights, request, subject.Read},
		{"POST", base + "/volumes:query", s.queryVolume, request, subject.Read},
		{"GET", base + "/flights/{id}", s.getFlight, request, subject.Read},
		{"PUT", base + "/flights/{id}", s.putFlight, request, subject.Write},
		{"DELETE", base + "/flights/{id}", s.cancelFlight, request, subject.Write},
		{"PUT", base + "/flights/{id}/progress", s.putProgress, request, subject.Write},
		{"GET", base + "/zones", s.listZones, request, subject.Read},
		{"GET", base + "/zones/{id}", s.getZone, request, subject.Read},
		{"PUT", base + "/zones/{id}", s.putZone, request, subject.Settings},
		{"DELETE", base + "/zones/{id}", s.removeZone, request, subject.Settings},
		{"GET", base + "/breaches", s.breaches, request, subject.Read},
		{"POST", base + "/commands", s.commands, request, subject.Write},
		{"GET", base + "/settings/service-time", s.getSettings("get service time", serviceTime), request, subject.Read},
		{"PUT", base + "/settings/service-time", s.putSettings("set service time", api.ReadServiceTime), request, subject.Settings},
		{"GET", base + "/settings/rules", s.getSettings("get rules", rules), request, subject.Read},
		{"PUT", base + "/settings/rules", s.putSettings("set rules", api.ReadRules), request, subject.Settings},
		{"GET", base + "/settings/history", s.getSettings("get history settings", historySettings), request, subject.Read},
		{"PUT", base + "/settings/history", s.putSettings("set history", api.ReadHistorySettings), request, subject.Settings},
		{"GET", base + "/history", s.history, request, subject.Read},
		{"GET", base + "/diff", s.diff, request, subject.Read},
		{"GET", base + "/status", s.status, probe, subject.Read},
		{"GET", base + "/hash", s.hash, request, subject.Read},
		{"GET", base + "/locks", s.listLocks, request, subject.Read},
		{"GET", base + "/locks/{lock}", s.getLock, request, subject.Read},
		{"POST", base + "/locks/{lock}", s.grantLock, request, subject.Write},
		{"POST", base + "/locks/{lock}/keep", s.keepLock, request, subject.Write},
		{"POST", base + "/locks/{lock}/release", s.releaseLock, request, subject.Write},
		{"POST", base + "/locks/{lock}/revoke", s.revokeLock, request, subject.Members},
		{"GET", base + "/view", s.getView, request, subject.Read},
		{"GET", base + "/views", s.views, stream, subject.Read},
		{"GET", base + "/upgrade", s.getUpgrade, probe, subject.Read},
		{"POST", base + "/upgrade", s.postUpgrade, request, subject.Members},
		{"GET", base + "/backup", s.backup, stream, subject.Backup},
		{"GET", base + "/flows", s.flows, request, subject.Read},
		{"GET", base + "/routes", s.routeList, request, subject.Read},
		{"GET", base + "/events", s.events, stream, subject.Read},
		{"GET", base + "/entries", s.entries, request, subject.Export},
		{"GET", base + "/state", s.state, stream, subject.Export},
		{"GET", base + "/tracks", s.getTracks, stream, subject.Read},
		{"POST", base + "/tracks", s.postTracks, request, subject.Write},
		{"GET", "/livez", s.livez, probe, anyone},
		{"GET", "/readyz", s.readyz, request, anyone},
		{"GET", "/metrics", s.serveMetrics, probe, subject.Read},
		{"GET", "/openapi.yaml", s.openapi, request, subject.Read},
		{"GET", "/{$}", s.page, request, subject.Read},
		{"GET", "/ui/{file}", s.page, request, subject.Read},
	}
}

// mux routes requests; what no route answers is a problem too.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		if !s.oracle || r.ofOracle() {
			mux.Handle(r.method+" "+r.path, s.handle(r))
		}
	}
	mux.Handle("/", s.handle(route{method: "", path: "other", kind: request, right: subject.Read, answer: func(w http.ResponseWriter, r *http.Request) error {
		if s.oracle {
			return &problem.Error{Kind: problem.NotFound, Op: "find", Subject: problem.Clip(r.URL.Path), Detail: "this is an oracle, which holds no airspace: ask another server"}
		}
		return nowhere(mux, w, r)
	}}))
	return mux
}

// ofOracle says whether an oracle serves the route too.
func (rt *route) ofOracle() bool {
	switch rt.path {
	case "/livez", "/readyz", "/metrics", base + "/status", base + "/upgrade", base + "/view", base + "/views":
		return true
	}
	return strings.HasPrefix(rt.path, base+"/members")
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
	seconds := s.metrics.of(rt)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		w := &meter{ResponseWriter: rw}
		defer func() { seconds.observe(w.status, time.Since(begun)) }()
		r, err := s.authorize(rt, r)
		if err != nil {
			s.refuse(w, err)
			return
		}
		if rt.audited() {
			defer func() { s.audit(&rt, w, r) }()
		}
		if rt.kind == request {
			who := holder(r)
			if !s.requests.take(who) {
				s.refuse(w, refused(problem.Overloaded, "answer", "too many requests are under way"))
				return
			}
			defer s.requests.give(who)
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
	for _, server := range s.servers() {
		connect = append(connect, server.URL)
	}
	slices.Sort(connect[1:])
	return "default-src 'self'; " + strings.Join(connect, " ") + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
