package web

import (
	"net/http/httptest"
	"testing"

	"onevoice/members"
	"onevoice/watch"
	"onevoice/web/api"
)

func TestHostAllowList(t *testing.T) {
	f := newFake(t, append(trio(), trio()[2])[:3]...)
	s := New(Options{Service: f, Node: "n1", Listen: "sky.example:7480"})
	for host, status := range map[string]int{
		"localhost": 200, "localhost:7480": 200, "127.0.0.1:9": 200, "[::1]:7480": 200, "[::1]": 200, "sky.example:7480": 200, "SKY.example": 200,
		"evil.example": 403, "evil.example:7480": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:7480": 403, "": 403, "192.168.0.1": 403,
	} {
		var p api.Problem
		w := ask(s, "GET", "/livez", "", "Host", host)
		if w.Code != status {
			t.Errorf("host %q: %d, want %d", host, w.Code, status)
		}
		if status == 403 {
			decode(t, w.Body.Bytes(), &p)
			if p.Field != "Host" || p.Type != api.URN+"forbidden" {
				t.Errorf("host %q: %+v", host, p)
			}
		}
	}
}

func TestHostsOfTheClusterAreAllowed(t *testing.T) {
	servers := trio()
	servers[1].HTTP = "two.sky.example:7481"
	f := newFake(t, servers...)
	s := New(Options{Service: f, Node: "n1", Listen: "127.0.0.1:7480"})
	if w := ask(s, "GET", "/livez", "", "Host", "two.sky.example:7481"); w.Code != 200 {
		t.Errorf("a server of the list: %d", w.Code)
	}
}

func TestServersThatComeAndGo(t *testing.T) {
	f, s := newTest(t)
	const fourth = "http://four.sky.example:7483"
	welcome := func() bool {
		return ask(s, "GET", "/livez", "", "Origin", fourth, "Sec-Fetch-Site", "same-site").Header().Get("Access-Control-Allow-Origin") == fourth
	}
	if welcome() {
		t.Error("a page of who is no server is trusted")
	}
	f.set(func() {
		f.servers = append(trio()[1:], members.Server{Number: 4, Name: "n4", HTTP: "four.sky.example:7483"})
	})
	if !welcome() {
		t.Error("a page of a server that joined is not trusted")
	}
	if w := ask(s, "GET", "/livez", "", "Origin", "http://127.0.0.1:7480", "Sec-Fetch-Site", "same-site"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page of a server that was removed is trusted")
	}
	var st api.Status
	must(t, s, 200, &st, "GET", "/api/v1/status", "")
	if len(st.Servers) != 3 || st.Servers[2].URL != fourth {
		t.Errorf("%+v", st.Servers)
	}
}

func TestOrigins(t *testing.T) {
	_, s := newTest(t)
	const own, peer, evil = "http://127.0.0.1:7480", "http://127.0.0.1:7481", "http://evil.example"
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
		cors               string
	}{
		{"no browser", "GET", "/api/v1/sectors", nil, 200, ""},
		{"own page", "GET", "/api/v1/sectors", []string{"Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"typed in", "GET", "/api/v1/sectors", []string{"Sec-Fetch-Site", "none"}, 200, ""},
		{"page of another server", "GET", "/api/v1/sectors", []string{"Origin", peer, "Sec-Fetch-Site", "same-site"}, 200, peer},
		{"page of another server by its other name", "GET", "/api/v1/sectors", []string{"Origin", "http://localhost:7481", "Sec-Fetch-Site", "cross-site"}, 200, "http://localhost:7481"},
		{"foreign page", "GET", "/api/v1/sectors", []string{"Origin", evil, "Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"foreign page in an old browser", "GET", "/api/v1/sectors", []string{"Origin", evil}, 200, ""},
		{"page of another port", "GET", "/api/v1/sectors", []string{"Origin", "http://127.0.0.1:3000", "Sec-Fetch-Site", "same-site"}, 403, ""},
		{"image on a foreign page", "GET", "/api/v1/sectors", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403, ""},
		{"link to the page", "GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, ""},
		{"link to an answer", "GET", "/api/v1/sectors", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403, ""},
		{"frame of the page", "GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403, ""},
		{"foreign write", "DELETE", "/api/v1/sectors/S", []string{"Origin", evil, "Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"foreign write in an old browser", "DELETE", "/api/v1/sectors/S", []string{"Origin", evil}, 403, ""},
		{"write from another server's page", "DELETE", "/api/v1/sectors/S", []string{"Origin", peer, "Sec-Fetch-Site", "same-site"}, 403, ""},
		{"write from the own page", "DELETE", "/api/v1/sectors/S", []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 404, ""},
		{"null origin", "GET", "/api/v1/sectors", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"preflight of another server's page", "OPTIONS", "/api/v1/events", []string{"Origin", peer, "Sec-Fetch-Site", "same-site", "Access-Control-Request-Method", "GET"}, 204, peer},
		{"foreign preflight", "OPTIONS", "/api/v1/events", []string{"Origin", evil, "Access-Control-Request-Method", "PUT"}, 204, ""},
	} {
		w := ask(s, c.method, c.path, "", c.header...)
		h := w.Header()
		if w.Code != c.status || h.Get("Access-Control-Allow-Origin") != c.cors {
			t.Errorf("%s: %d for %q, want %d for %q: %s", c.name, w.Code, h.Get("Access-Control-Allow-Origin"), c.status, c.cors, w.Body)
		}
		if c.cors != "" && h.Get("Access-Control-Expose-Headers") != exposed {
			t.Errorf("%s: exposes %q", c.name, h.Get("Access-Control-Expose-Headers"))
		}
		if m := h.Get("Access-Control-Allow-Methods"); m != "" && m != "GET, HEAD" || c.cors == "" && m != "" {
			t.Errorf("%s: allows %q", c.name, m)
		}
	}
}

func TestNothingIsKnownYet(t *testing.T) {
	nothing := &fake{silent: true, age: -1, now: func() int64 { return epochNs }, journal: watch.NewLog(watch.DefaultLimits())}
	s := New(Options{Service: nothing, Node: "n1", Listen: "127.0.0.1:7480"})
	must(t, s, 200, nil, "GET", "/livez", "")
	must(t, s, 503, nil, "GET", "/readyz", "")
	must(t, s, 200, nil, "GET", "/", "")
}

func TestPositionsComeFromThisMachine(t *testing.T) {
	_, s := newTest(t)
	r := httptest.NewRequest("POST", "http://127.0.0.1:7480/api/v1/tracks", nil)
	r.RemoteAddr = "192.0.2.7:1234"
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("%d", w.Code)
	}
}
