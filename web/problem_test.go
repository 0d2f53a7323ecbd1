package web

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"onevoice/problem"
)

// The bodies of problems are what clients are written against; a change here breaks them.
func TestProblemBodies(t *testing.T) {
	f, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box, "Idempotency-Key", "k")
	for _, c := range []struct {
		status             int
		method, path, body string
		header             []string
		want               string
	}{
		{404, "GET", "/api/v1/sectors/NOPE/flights", "", nil,
			`{"type":"urn:onevoice:problem:not-found","title":"There is no such thing","status":404,"detail":"there is no such sector","op":"who","subject":"NOPE"}`},
		{400, "PUT", "/api/v1/sectors/S", sectorWith(`[[[8,47],[9,47],[9,48],[8,48]]]`, "", ""), nil,
			`{"type":"urn:onevoice:problem:invalid","title":"The request is wrong in itself","status":400,"op":"put sector","subject":"S",` +
				`"field":"volumes[0].polygon.coordinates[0]","value":"not closed: it begins at [8,47] and ends at [8,48]","allowed":"a closed ring, its last position repeating the first"}`},
		{412, "DELETE", "/api/v1/sectors/BOX", "", []string{"If-Match", `"1.0"`},
			`{"type":"urn:onevoice:problem:precondition-failed","title":"It is there in another version","status":412,` +
				`"detail":"version 1.0 was expected, but it is at version 2.0","op":"remove sector","subject":"BOX","current":"2.0"}`},
		{422, "PUT", "/api/v1/sectors/BOX", box + " ", []string{"Idempotency-Key", "k"},
			`{"type":"urn:onevoice:problem:key-reused","title":"The idempotency key came before with another request","status":422,` +
				`"detail":"take a new Idempotency-Key for another request","op":"put sector","subject":"BOX"}`},
		{404, "GET", "/api/v1/hash?index=99", "", nil,
			`{"type":"urn:onevoice:problem:not-found","title":"There is no such thing","status":404,` +
				`"detail":"this server does not hold the hash at that index","op":"get hash","subject":"99","first":"1","last":"3"}`},
		{404, "GET", "/nothing", "", nil,
			`{"type":"urn:onevoice:problem:not-found","title":"There is no such thing","status":404,` +
				`"detail":"nothing is served here; /openapi.yaml says what is","op":"find","subject":"/nothing"}`},
		{405, "POST", "/livez", "", nil,
			`{"type":"urn:onevoice:problem:invalid","title":"The request is wrong in itself","status":405,"op":"find","subject":"/livez","field":"method","value":"POST","allowed":"GET"}`},
		{403, "GET", "/livez", "", []string{"Host", "evil.example"},
			`{"type":"urn:onevoice:problem:forbidden","title":"Not allowed","status":403,"op":"answer","field":"Host","value":"\"evil.example\"",` +
				`"allowed":"localhost, 127.0.0.1, [::1], the listen address, or a server of the cluster"}`},
	} {
		if w := ask(s, c.method, c.path, c.body, c.header...); w.Code != c.status || strings.TrimSuffix(w.Body.String(), "\n") != c.want {
			t.Errorf("%s %s: %d\n got %swant %s", c.method, c.path, w.Code, w.Body, c.want)
		}
	}
	f.set(func() { f.silent = true })
	want := `{"type":"urn:onevoice:problem:no-voice","title":"This server cannot prove that it is current","status":503,"detail":"no majority answered in time",` +
		`"op":"read","outcome":"UNKNOWN","node":"n1","view":"3","try":["http://127.0.0.1:7481","http://127.0.0.1:7482"]}` + "\n"
	if w := ask(s, "GET", "/api/v1/sectors/BOX/flights", ""); w.Body.String() != want {
		t.Errorf("no voice:\n got %swant %s", w.Body, want)
	}
}

func TestEveryKindHasItsStatus(t *testing.T) {
	_, s := newTest(t)
	for kind, want := range map[problem.Kind]int{
		problem.Invalid: 400, problem.NotFound: 404, problem.Conflict: 409, problem.Refused: 409, problem.TooLarge: 413, problem.Overloaded: 503,
		problem.NoVoice: 503, problem.Stale: 503, problem.Expired: 410, problem.KeyReused: 422, problem.TwoVoices: 500, problem.Internal: 500,
		problem.Forbidden: 403, problem.PreconditionFailed: 412, problem.Unauthenticated: 401,
	} {
		w := httptest.NewRecorder()
		s.refuse(w, fmt.Errorf("wrapped: %w", &problem.Error{Kind: kind, Op: "op"}))
		if w.Code != want || !strings.Contains(w.Body.String(), `"type":"urn:onevoice:problem:`+kind.String()+`"`) {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	s.refuse(w, errors.New("strange"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "no-voice") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
