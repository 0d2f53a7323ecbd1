package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"onevoice/problem"
	"onevoice/web/api"
)

func TestVersions(t *testing.T) {
	_, s := newTest(t)
	const path = "/api/v1/sectors/BOX"
	var first, second api.Written
	must(t, s, 200, &first, "PUT", path, box, "If-None-Match", "*")
	var p api.Problem
	w := must(t, s, 409, &p, "PUT", path, box, "If-None-Match", "*")
	if p.Type != api.URN+"conflict" || p.Current != first.Version || w.Header().Get("ETag") != `"`+first.Version+`"` {
		t.Errorf("already there: %+v", p)
	}
	must(t, s, 200, &second, "PUT", path, box, "If-Match", `"`+first.Version+`"`)
	must(t, s, 412, &p, "PUT", path, box, "If-Match", `"`+first.Version+`"`)
	if p.Type != api.URN+"precondition-failed" || p.Current != second.Version {
		t.Errorf("stale: %+v", p)
	}
	if w := must(t, s, 304, nil, "GET", path, "", "If-None-Match", `"1.0", "`+second.Version+`"`); w.Body.Len() > 0 || w.Header().Get("Onevoice-Hash") == "" {
		t.Errorf("304 with %q and %v", w.Body, w.Header())
	}
	must(t, s, 200, nil, "GET", path, "", "If-None-Match", `"1.0", "`+first.Version+`"`)
	must(t, s, 412, nil, "DELETE", path, "", "If-Match", `"`+first.Version+`"`)
	must(t, s, 200, nil, "DELETE", path, "", "If-Match", `"`+second.Version+`"`)
	must(t, s, 404, nil, "DELETE", path, "")
	w = must(t, s, 404, nil, "GET", path, "")
	if w.Header().Get("Onevoice-Index") == "" || w.Header().Get("Onevoice-Hash") == "" {
		t.Errorf("a 404 without proof: %v", w.Header())
	}
}

// TestWritesAtOnceKeepTheirBodies has bodies read into memory that other writes have used before.
func TestWritesAtOnceKeepTheirBodies(t *testing.T) {
	_, s := newTest(t)
	var writers sync.WaitGroup
	const each = 20
	for i := range 8 {
		writers.Go(func() {
			for n := range each {
				name := fmt.Sprintf("F%d-%d", i, n)
				body := strings.Replace(through, "SWR1", name, 1) + strings.Repeat(" ", n)
				if w := ask(s, "PUT", "/api/v1/flights/"+name, body, "Idempotency-Key", name); w.Code != 200 {
					t.Errorf("%s: %s", name, w.Body)
				}
				if w := ask(s, "PUT", "/api/v1/flights/"+name, body+" ", "Idempotency-Key", name); w.Code != 422 {
					t.Errorf("%s again, with another body: %s", name, w.Body)
				}
				var f api.Flight
				if must(t, s, 200, &f, "GET", "/api/v1/flights/"+name, ""); f.Callsign != name || f.ID != name {
					t.Errorf("%s is held as %s of %s", name, f.ID, f.Callsign)
				}
			}
		})
	}
	writers.Wait()
}

// TestAnswersSayTheirLength is over a connection: net/http finds the length of small ones.
func TestAnswersSayTheirLength(t *testing.T) {
	_, s := newTest(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Path[1:])
		if err != nil || s.write(w, make([]byte, n)) != nil {
			t.Error(r.URL.Path, err)
		}
	}))
	defer server.Close()
	for _, method := range []string{"GET", "HEAD"} {
		for _, n := range []int{1, ownLength, ownLength + 1, 100_000} {
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/"+strconv.Itoa(n), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.Header.Get("Content-Length") != strconv.Itoa(n) || len(answer.TransferEncoding) > 0 {
				t.Errorf("%s of %d bytes: %v %v", method, n, answer.Header, answer.TransferEncoding)
			}
		}
	}
}

// TestRequestsLeaveLittleBehind bounds what a request costs the heap, beside what net/http itself takes. It measures 20 and 9; with the race detector,
// under which pools forget a part of what they hold, up to 24 and 11.
func TestRequestsLeaveLittleBehind(t *testing.T) {
	s, put, get := newConstant(t)
	for _, of := range []struct {
		next func() *http.Request
		most float64
	}{{put, 24}, {get, 12}} {
		w := &sink{}
		if n := testing.AllocsPerRun(200, func() { serveOnce(t, s, w, of.next()) }); n > of.most {
			t.Errorf("%s: %v allocations, at most %v", of.next().Method, n, of.most)
		}
	}
}

func TestARepeatedWriteGetsTheSameAnswer(t *testing.T) {
	f, s := newTest(t)
	const path = "/api/v1/flights/SWR1"
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	f.set(func() { f.lose = 1 })
	var p api.Problem
	must(t, s, 503, &p, "PUT", path, through, "Idempotency-Key", "one", "If-None-Match", "*")
	if !strings.Contains(p.Detail, "outcome is UNKNOWN") || p.Outcome != problem.Unknown || p.Subject != "SWR1" || p.Op != "put flight" {
		t.Errorf("a write of unknown outcome: %+v", p)
	}
	before := f.Latest().Index
	first := must(t, s, 200, nil, "PUT", path, through, "Idempotency-Key", "one", "If-None-Match", "*")
	must(t, s, 200, nil, "DELETE", path, "", "Idempotency-Key", "one")
	again := must(t, s, 200, nil, "PUT", path, through, "Idempotency-Key", "one", "If-None-Match", "*")
	if first.Body.String() != again.Body.String() {
		t.Errorf("first %s, again %s", first.Body, again.Body)
	}
	for _, name := range []string{"ETag", "Onevoice-Index", "Onevoice-As-Of", "Onevoice-Hash", "Onevoice-View"} {
		if a, b := first.Header().Get(name), again.Header().Get(name); a != b || a == "" {
			t.Errorf("%s: first %q, again %q", name, a, b)
		}
	}
	if after := f.Latest().Index; after != before+1 {
		t.Errorf("%d entries for a repeated PUT and one DELETE", after-before)
	}
	must(t, s, 422, &p, "PUT", path, through, "Idempotency-Key", "one")
	must(t, s, 422, &p, "PUT", path, through+" ", "Idempotency-Key", "one", "If-None-Match", "*")
	if p.Type != api.URN+"key-reused" {
		t.Errorf("another body: %+v", p)
	}
	must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR2", through, "Idempotency-Key", "one", "If-None-Match", "*")
}

func TestARepeatedRefusalStaysARefusal(t *testing.T) {
	_, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through)
	first := must(t, s, 409, nil, "PUT", "/api/v1/flights/F", through, "If-None-Match", "*", "Idempotency-Key", "k")
	must(t, s, 200, nil, "DELETE", "/api/v1/flights/F", "")
	again := must(t, s, 409, nil, "PUT", "/api/v1/flights/F", through, "If-None-Match", "*", "Idempotency-Key", "k")
	if first.Body.String() != again.Body.String() {
		t.Errorf("first %s, again %s", first.Body, again.Body)
	}
}

func TestServiceTime(t *testing.T) {
	_, s := newTest(t)
	var now api.ServiceTime
	w := must(t, s, 200, &now, "GET", "/api/v1/settings/service-time", "")
	if now.Rate != "1" || w.Header().Get("ETag") != `"`+now.Version+`"` || w.Header().Get("Onevoice-As-Of") != now.ServiceTime.String() {
		t.Errorf("%+v with %v", now, w.Header())
	}
	tag := w.Header().Get("ETag")
	must(t, s, 200, nil, "PUT", "/api/v1/settings/service-time", `{"service_time":"2018-08-01T06:00:00Z","rate":2.5}`, "If-Match", tag)
	must(t, s, 200, &now, "GET", "/api/v1/settings/service-time", "")
	if now.Rate != "2.5" || now.ServiceTime.String() != "2018-08-01T06:00:00Z" {
		t.Errorf("%+v", now)
	}
	must(t, s, 412, nil, "PUT", "/api/v1/settings/service-time", `{"rate":1}`, "If-Match", tag)
	var p api.Problem
	must(t, s, 409, &p, "PUT", "/api/v1/settings/service-time", `{"service_time":"2018-08-01T05:00:00Z","rate":1}`)
	if p.Type != api.URN+"refused" {
		t.Errorf("service time going back: %+v", p)
	}
	must(t, s, 200, nil, "PUT", "/api/v1/settings/service-time", `{"rate":0.001}`)
}

func TestRules(t *testing.T) {
	_, s := newTest(t)
	var now api.Rules
	w := must(t, s, 200, &now, "GET", "/api/v1/settings/rules", "")
	tag := w.Header().Get("ETag")
	if want := (api.Rules{CrossReference: 30_000, Retain: 6e11, Separation: api.Separation{Lateral: 926_000, Vertical: 30_480}, Version: now.Version}); now != want || tag != `"`+now.Version+`"` {
		t.Errorf("%+v with %s, want %+v", now, tag, want)
	}
	const three = `{"cross_reference":{"value":100,"unit":"m"},"retain":{"value":1,"unit":"h"},"separation":{"lateral":{"value":3,"unit":"NM"},"vertical":{"value":500,"unit":"ft"}}}`
	must(t, s, 200, nil, "PUT", "/api/v1/settings/rules", three, "If-Match", tag)
	must(t, s, 200, &now, "GET", "/api/v1/settings/rules", "")
	if want := (api.Rules{CrossReference: 10_000, Retain: 3600e9, Separation: api.Separation{Lateral: 555_600, Vertical: 15_240}, Version: now.Version}); now != want {
		t.Errorf("%+v, want %+v", now, want)
	}
	must(t, s, 412, nil, "PUT", "/api/v1/settings/rules", three, "If-Match", tag)
	for body, field := range map[string]string{
		`{"retain":{"value":1,"unit":"h"},"separation":{"lateral":{"value":3,"unit":"NM"},"vertical":{"value":500,"unit":"ft"}}}`: "cross_reference",
		strings.Replace(three, `"value":1,`, `"value":721,`, 1):                                                                   "retain.value",
		strings.Replace(three, `"value":500,`, `"value":0,`, 1):                                                                   "separation.vertical",
	} {
		var p api.Problem
		must(t, s, 400, &p, "PUT", "/api/v1/settings/rules", body)
		if p.Field != field {
			t.Errorf("%s: %+v", body, p)
		}
	}
	var after api.Rules
	if must(t, s, 200, &after, "GET", "/api/v1/settings/rules", ""); after != now {
		t.Errorf("what was refused changed something: %+v, was %+v", after, now)
	}
}

func TestNoVoice(t *testing.T) {
	f, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	f.set(func() { f.silent = true })
	for _, r := range [][3]string{
		{"GET", "/api/v1/sectors/BOX/flights", ""}, {"GET", "/api/v1/sectors/NOPE/flights", ""}, {"GET", "/api/v1/sectors", ""},
		{"PUT", "/api/v1/sectors/BOX", box}, {"DELETE", "/api/v1/sectors/BOX", ""}, {"GET", "/readyz", ""},
	} {
		var p api.Problem
		w := must(t, s, 503, &p, r[0], r[1], r[2])
		if p.Type != api.URN+"no-voice" || p.Node != "n1" || p.View != "3" || strings.Join(p.Try, " ") != "http://127.0.0.1:7481 http://127.0.0.1:7482" {
			t.Errorf("%s %s: %+v", r[0], r[1], p)
		}
		h := w.Header()
		if h.Get("Retry-After") == "" || h.Get("Onevoice-Node") != "n1" || h.Get("Onevoice-View") != "3" {
			t.Errorf("%s %s: %v", r[0], r[1], h)
		}
		for _, name := range []string{"Onevoice-Index", "Onevoice-Hash", "Onevoice-As-Of", "ETag"} {
			if h.Get(name) != "" {
				t.Errorf("%s %s: a 503 says %s %s", r[0], r[1], name, h.Get(name))
			}
		}
	}
	must(t, s, 200, nil, "GET", "/livez", "")
	must(t, s, 200, nil, "GET", "/api/v1/status", "")
}

func TestTooManyRequests(t *testing.T) {
	_, s := newTest(t)
	for range MaxRequests {
		if !s.requests.take("somebody") {
			t.Fatal("one alone may not have everything")
		}
	}
	var p api.Problem
	w := must(t, s, 503, &p, "GET", "/api/v1/sectors", "")
	if p.Type != api.URN+"overloaded" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%+v %v", p, w.Header())
	}
	must(t, s, 200, nil, "GET", "/livez", "")
	must(t, s, 200, nil, "GET", "/metrics", "")
	for range MaxRequests {
		s.requests.give("somebody")
	}
	must(t, s, 200, nil, "GET", "/api/v1/sectors", "")
	noneUnderWay(t, s)
	s.streams.Store(MaxStreams)
	must(t, s, 503, nil, "GET", "/api/v1/events", "")
	must(t, s, 503, nil, "GET", "/api/v1/tracks?stream=1", "")
	noneUnderWay(t, s)
	counts(t, "streams", &s.streams, MaxStreams)
	s.largeBodies.Store(MaxLargeBodies)
	must(t, s, 503, nil, "PUT", "/api/v1/flights/F", strings.Repeat(" ", smallBody+1)+through)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through)
	counts(t, "large bodies", &s.largeBodies, MaxLargeBodies)
	s.largeBodies.Store(0)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", strings.Repeat(" ", MaxBodyBytes-len(through))+through)
	must(t, s, http.StatusRequestEntityTooLarge, nil, "PUT", "/api/v1/flights/F", strings.Repeat(" ", MaxBodyBytes-len(through)+1)+through)
	counts(t, "large bodies", &s.largeBodies, 0)
}

// noneUnderWay checks that every place was given back.
func noneUnderWay(t *testing.T, s *Server) {
	t.Helper()
	if s.requests.total != 0 || len(s.requests.held) != 0 {
		t.Errorf("requests under way: %d of %v", s.requests.total, s.requests.held)
	}
}

func counts(t *testing.T, what string, n *atomic.Int64, want int64) {
	t.Helper()
	if n.Load() != want {
		t.Errorf("%s under way: %d, want %d", what, n.Load(), want)
	}
}
