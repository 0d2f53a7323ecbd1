package web

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onevoice/problem"
	"onevoice/subject"
	"onevoice/web/api"
)

// proved is a server that asks who asks. The header X-Rights stands for a client certificate with those rights, the token
// "good" for one that may read.
func proved(t *testing.T, log *slog.Logger) (*fake, *Server) {
	f := newFake(t, trio()...)
	s := New(Options{
		Service: f, Node: "n1", Listen: "127.0.0.1:7480", TLS: &tls.Config{}, Log: log,
		Certificate: func(c *tls.ConnectionState) (subject.Subject, *problem.Error) {
			switch {
			case len(c.PeerCertificates) == 0:
				return subject.Anonymous(), nil
			case c.ServerName == "expired":
				return subject.Anonymous(), &problem.Error{Kind: problem.Unauthenticated, Op: "check certificate", Field: "certificate-time"}
			}
			rights, err := subject.ParseRights(c.ServerName)
			if err != nil {
				t.Fatal(err)
			}
			return subject.Subject{Name: "bob", Organisation: "Airline", Kind: subject.Client, Rights: rights, Via: subject.ByCertificate}, nil
		},
		Token: func(raw string) (subject.Subject, *problem.Error) {
			if raw != "good" {
				return subject.Anonymous(), &problem.Error{Kind: problem.Unauthenticated, Op: "check token", Field: "token"}
			}
			return subject.Subject{Name: "app", Kind: subject.Client, Rights: subject.Read, Via: subject.ByToken}, nil
		},
	})
	return f, s
}

// askAs asks with a certificate of some rights; none where empty.
func askAs(s *Server, rights, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://127.0.0.1:7480"+path, strings.NewReader(body))
	r.TLS = &tls.ConnectionState{}
	if rights != "" {
		r.TLS = &tls.ConnectionState{ServerName: rights, PeerCertificates: []*x509.Certificate{{}}}
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// TestEveryRouteHasARight walks all routes: each has exactly one right or is named here as open; without proof none of the others
// answers, and neither does it to who has every other right.
func TestEveryRouteHasARight(t *testing.T) {
	open := map[string]bool{"GET /livez": true, "GET /readyz": true}
	_, s := proved(t, nil)
	for _, r := range s.routes() {
		name := r.method + " " + r.path
		if name == joinRoute && r.right == anyone {
			continue // its proof is the invitation's secret
		}
		path := strings.NewReplacer("{$}", "", "{id}", "X", "{file}", "app.js").Replace(r.path)
		if bits.OnesCount16(uint16(r.right)) != 1 || r.right&^(subject.All|anyone) != 0 {
			t.Errorf("%s has the rights %b, want one", name, r.right)
			continue
		}
		w := askAs(s, "", r.method, path, "")
		if open[name] != (r.right == anyone) || open[name] != (w.Code == 200) {
			t.Errorf("%s: open is %v, right %v, without proof it answers %d", name, open[name], r.right, w.Code)
		}
		if open[name] {
			continue
		}
		var p api.Problem
		decode(t, w.Body.Bytes(), &p)
		if w.Code != 401 || p.Kind() != problem.Unauthenticated || p.Allowed != r.right.String() || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get(headerIndex) != "" {
			t.Errorf("%s without proof: %d %+v %v", name, w.Code, p, w.Header())
		}
		w = askAs(s, (subject.All &^ r.right).String(), r.method, path, "")
		decode(t, w.Body.Bytes(), &p)
		if w.Code != 403 || p.Kind() != problem.Forbidden || p.Field != "right" || p.Allowed != r.right.String() || !strings.Contains(p.Subject, "bob of Airline") || w.Header().Get(headerIndex) != "" {
			t.Errorf("%s with all rights but %v: %d %+v", name, r.right, w.Code, p)
		}
		if r.kind == stream {
			continue // allowed, it goes on for ever
		}
		if w = askAs(s, r.right.String(), r.method, path, ""); w.Code == 401 || w.Code == 403 {
			t.Errorf("%s with the right %v: %d %s", name, r.right, w.Code, w.Body)
		}
	}
	if w := askAs(s, "", "GET", "/nothing", ""); w.Code != 401 || w.Header().Get(headerIndex) != "" {
		t.Errorf("what is not there tells: %d %v", w.Code, w.Header())
	}
}

const joinRoute = "POST /api/v1/members/join"

// TestRightsOfRoutes is the table that the documentation has.
func TestRightsOfRoutes(t *testing.T) {
	want := map[string]string{
		"PUT /api/v1/sectors/{id}": "settings", "POST /api/v1/sectors:combine": "settings", "POST /api/v1/sectors:split": "settings", "DELETE /api/v1/sectors/{id}": "settings", "PUT /api/v1/settings/service-time": "settings", "PUT /api/v1/settings/rules": "settings", "PUT /api/v1/settings/history": "settings",
		"PUT /api/v1/flights/{id}": "write", "DELETE /api/v1/flights/{id}": "write", "PUT /api/v1/flights/{id}/progress": "write", "POST /api/v1/tracks": "write",
		"GET /api/v1/backup": "backup", "GET /api/v1/entries": "export", "GET /api/v1/state": "export", "POST /api/v1/upgrade": "members",
		"POST /api/v1/locks/{lock}": "write", "POST /api/v1/locks/{lock}/keep": "write", "POST /api/v1/locks/{lock}/release": "write",
		"POST /api/v1/locks/{lock}/revoke":  "members",
		"POST /api/v1/flights/{id}/control": "control", "POST /api/v1/flights/{id}/handoff": "control", "POST /api/v1/sectors/{id}/control": "control",
		"POST /api/v1/positions/{id}": "control", "POST /api/v1/positions/{id}/keep": "control", "POST /api/v1/positions/{id}/sign-off": "control",
		"POST /api/v1/positions/{id}/end": "supervise", "POST /api/v1/flights/{id}/supervise": "supervise", "POST /api/v1/sectors/{id}/supervise": "supervise",
		"PUT /api/v1/zones/{id}": "settings", "DELETE /api/v1/zones/{id}": "settings", "POST /api/v1/commands": "write",
	}
	_, s := proved(t, nil)
	for _, r := range s.routes() {
		name := r.method + " " + r.path
		right, told := want[name]
		switch {
		case told && r.right.String() != right:
			t.Errorf("%s needs %v, want %s", name, r.right, right)
		case !told && (r.method == "GET" || strings.HasSuffix(name, ":query")) && r.right&^(subject.Read|anyone) != 0,
			!told && r.method != "GET" && !strings.HasSuffix(name, ":query") && !strings.Contains(name, "/members"):
			t.Errorf("%s needs %v, which stands in no table", name, r.right)
		case strings.Contains(name, "/members") && r.method != "GET" && name != joinRoute && r.right != subject.Members:
			t.Errorf("%s needs %v, want members", name, r.right)
		}
	}
}

func TestTokensAndCertificates(t *testing.T) {
	_, s := proved(t, nil)
	for _, c := range []struct {
		name, rights, authorization string
		status                      int
		field                       string
	}{
		{"a certificate", "read", "", 200, ""},
		{"a token", "", "Bearer good", 200, ""},
		{"a token by another spelling", "", "bearer good", 200, ""},
		{"a bad token", "", "Bearer bad", 401, "token"},
		{"a bad token beside a good certificate", "read", "Bearer bad", 401, "token"},
		{"another scheme", "read", "Basic Zm9vOmJhcg==", 401, "Authorization"},
		{"no scheme", "", "good", 401, "Authorization"},
		{"a certificate that has expired", "expired", "", 401, "certificate-time"},
		{"nothing", "", "", 401, "right"},
	} {
		var header []string
		if c.authorization != "" {
			header = []string{"Authorization", c.authorization}
		}
		w := askAs(s, c.rights, "GET", "/api/v1/sectors", "", header...)
		var p api.Problem
		if w.Code != 200 {
			decode(t, w.Body.Bytes(), &p)
		}
		if w.Code != c.status || p.Field != c.field || strings.Contains(w.Body.String(), "Zm9v") {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	if w := askAs(s, "", "GET", "/api/v1/status", "", "Authorization", "Bearer good"); !strings.Contains(w.Body.String(), `"requests_unauthenticated_total":"6"`) &&
		!strings.Contains(w.Body.String(), `"requests_unauthenticated_total":6`) {
		t.Errorf("not counted: %s", w.Body)
	}
}

func TestAServerWithoutKeysTakesNoTokens(t *testing.T) {
	_, s := proved(t, nil)
	s.token = nil
	if w := askAs(s, "read", "GET", "/api/v1/sectors", "", "Authorization", "Bearer good"); w.Code != 401 || !strings.Contains(w.Body.String(), "--public-key-files") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestKeysOfOneSubjectAreNotAnothers puts under one Idempotency-Key as two subjects.
func TestKeysOfOneSubjectAreNotAnothers(t *testing.T) {
	f, s := proved(t, nil)
	if w := askAs(s, "settings", "PUT", "/api/v1/sectors/BOX", box, "Idempotency-Key", "k"); w.Code != 200 {
		t.Fatal(w.Body)
	}
	before := f.Latest().Index
	s.certificate = func(*tls.ConnectionState) (subject.Subject, *problem.Error) {
		return subject.Subject{Name: "carol", Kind: subject.Operator, Rights: subject.All, Via: subject.ByCertificate}, nil
	}
	if w := askAs(s, "settings", "PUT", "/api/v1/sectors/BOX", box, "Idempotency-Key", "k"); w.Code != 200 || f.Latest().Index == before {
		t.Errorf("another subject's answer was given: %d %s", w.Code, w.Body)
	}
}

func TestAudit(t *testing.T) {
	var text bytes.Buffer
	_, s := proved(t, slog.New(slog.NewTextHandler(&text, nil)))
	askAs(s, "settings", "PUT", "/api/v1/sectors/BOX", box)
	askAs(s, "write", "PUT", "/api/v1/flights/F", through)
	askAs(s, "read", "PUT", "/api/v1/sectors/BOX", box)
	askAs(s, "", "GET", "/api/v1/sectors", "", "Authorization", "Bearer tok-en-se-cret")
	got := text.String()
	if strings.Contains(got, "tok-en") {
		t.Errorf("a token is in the log: %s", got)
	}
	for _, want := range []string{"msg=audit", `subject="bob of Airline (client, by certificate)"`, `operation="PUT /api/v1/sectors/{id}"`, "on=BOX", "status=200", "right=settings"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Count(got, "msg=audit") != 1 || strings.Count(got, "request not allowed") != 2 {
		t.Errorf("%s", got)
	}
}

func TestAStreamEndsWithItsProof(t *testing.T) {
	if got := maxStreamAge(subject.Subject{UntilNs: time.Now().Add(time.Minute).UnixNano()}); got > time.Minute || got < 50*time.Second {
		t.Errorf("%v", got)
	}
	if got := maxStreamAge(subject.Loopback()); got != streamAge {
		t.Errorf("%v", got)
	}
}

func TestURLsOfServersFollowTheScheme(t *testing.T) {
	_, s := proved(t, nil)
	if w := askAs(s, "read", "GET", "/", ""); !strings.Contains(w.Header().Get("Content-Security-Policy"), "https://127.0.0.1:7481") {
		t.Errorf("%v", w.Header())
	}
	for origin, want := range map[string]string{"https://127.0.0.1:7481": "https://127.0.0.1:7481", "http://127.0.0.1:7481": ""} {
		w := askAs(s, "read", "GET", "/livez", "", "Origin", origin, "Sec-Fetch-Site", "same-site")
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: %q, %d", origin, got, w.Code)
		}
	}
	if w := askAs(s, "", http.MethodGet, "/livez", "", "Host", "anything.example"); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
}
