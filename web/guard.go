package web

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"onevoice/members"
	"onevoice/problem"
)

// guard stands before every route. A web page of somebody else must not reach a server, although it listens on loopback
// only: neither by a name of its own that resolves to this machine (so the Host header is checked), nor by requests to the
// true name (so origins are). Pages of the cluster's own servers may read from one another.
type guard struct {
	server *Server
	own    string // host part of the listen address
	cross  *http.CrossOriginProtection
	peers  atomic.Pointer[peers]
}

// peers is what the cluster's list of servers allows.
type peers struct {
	servers []members.Server
	hosts   []string // without port
	origins []string
}

func newGuard(s *Server) *guard {
	return &guard{server: s, own: hostOf(s.listen), cross: http.NewCrossOriginProtection()}
}

func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		if err := g.check(r); err != nil {
			g.server.refuse(w, err)
			return
		}
		if origin := originOf(r); origin != "" {
			h.Add("Vary", "Origin")
			if g.trusted(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions) {
				h.Set("Access-Control-Allow-Origin", origin)
				h.Set("Access-Control-Expose-Headers", exposed)
				h.Set("Access-Control-Allow-Credentials", "true") // the browser's client certificate
			}
		}
		if r.Method == http.MethodOptions {
			g.preflight(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// preflight answers what a browser asks before a request that is not simple; only reading is ever granted.
func (g *guard) preflight(w http.ResponseWriter) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Last-Event-ID, If-None-Match")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *guard) check(r *http.Request) error {
	// Over TLS a page of somebody else reaches us only under a name that our certificate carries.
	if r.TLS == nil && !g.hostAllowed(r.Host) {
		e := invalid("answer", "Host", strconv.Quote(r.Host), "localhost, 127.0.0.1, [::1], the listen address, or a server of the cluster")
		e.Kind = problem.Forbidden
		return e
	}
	if err := g.cross.Check(r); err != nil {
		return foreign(r)
	}
	switch site := r.Header["Sec-Fetch-Site"]; {
	case len(site) == 0, site[0] == "", site[0] == "none", site[0] == "same-origin":
		return nil
	}
	// A browser asks for a page of another site.
	if g.trusted(r) || isNavigation(r) {
		return nil
	}
	return foreign(r)
}

// originOf is the first Origin of a request, empty where it has none.
func originOf(r *http.Request) string {
	if all := r.Header["Origin"]; len(all) > 0 {
		return all[0]
	}
	return ""
}

func foreign(r *http.Request) error {
	origin := cmp.Or(originOf(r), "another site")
	e := invalid("answer", "Origin", origin, "this server's own pages; for reading also those of the cluster's servers")
	e.Kind = problem.Forbidden
	return e
}

// isNavigation says whether somebody follows a link to the page itself, which gives nothing to the site it stands on.
func isNavigation(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

func (g *guard) hostAllowed(hostport string) bool {
	host := hostOf(hostport)
	switch host {
	case "localhost", "127.0.0.1", "::1":
		return true
	case "":
		return false
	}
	return strings.EqualFold(host, g.own) || slices.Contains(g.list().hosts, strings.ToLower(host))
}

// trusted says whether the request comes from a page of one of the cluster's servers.
func (g *guard) trusted(r *http.Request) bool {
	origin := originOf(r)
	return origin != "" && slices.Contains(g.list().origins, origin)
}

// list is what the newest list of servers allows. It is made anew when that changes.
func (g *guard) list() *peers {
	servers := g.server.service.Servers()
	p := g.peers.Load()
	if p == nil || !slices.Equal(p.servers, servers) {
		p = newPeers(servers, g.server.scheme())
		g.peers.Store(p)
	}
	return p
}

func newPeers(servers []members.Server, scheme string) *peers {
	p := &peers{servers: servers}
	for _, server := range servers {
		address := strings.ToLower(server.HTTP)
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		p.hosts = append(p.hosts, host)
		p.origins = append(p.origins, scheme+address)
		// A browser may have opened the same loopback server by its other name.
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() && ip.Is4() {
			p.origins = append(p.origins, scheme+net.JoinHostPort("localhost", port))
		} else if host == "localhost" {
			p.origins = append(p.origins, scheme+net.JoinHostPort("127.0.0.1", port))
		}
	}
	return p
}

// hostOf is the host part of host:port, or of a host alone, without brackets.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
