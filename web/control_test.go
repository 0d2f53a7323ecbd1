package web

import (
	"strings"
	"testing"

	"onevoice/web/api"
)

// TestControlOverHTTP is two consoles that work one flight, from signing on to the end.
func TestControlOverHTTP(t *testing.T) {
	_, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through)
	const flight = "/api/v1/flights/F"
	const r1, r2 = `"position":"R1","holder":"one"`, `"position":"R2","holder":"two"`
	for _, c := range []struct {
		status             int
		method, path, body string
		want               string
	}{
		{404, "GET", "/api/v1/positions/R1", "", "nobody has signed it on"},
		{200, "POST", "/api/v1/positions/R1", `{"holder":"one","owner":"alice","lease_ms":600000}`, `"id":"R1","attended":true,"owner":"alice","lease_ms":600000,"ends":"`},
		{409, "POST", "/api/v1/positions/R1", `{"holder":"other","lease_ms":600000}`, "alice has signed it on"},
		{200, "POST", "/api/v1/positions/R2", `{"holder":"two","lease_ms":600000}`, `"id":"R2"`},
		{200, "POST", "/api/v1/positions/R2/keep", `{"holder":"two"}`, `"id":"R2"`},
		{410, "POST", "/api/v1/positions/R2/keep", `{"holder":"one"}`, "signed on by"},
		{200, "GET", flight + "/control", "", `{"flight":"F","state":"pre-active","attended":false,"version":"0.0"}`},
		{200, "POST", "/api/v1/sectors/BOX/control", `{"act":"assume",` + r2 + `}`, `{"sector":"BOX","state":"controlled","position":"R2","attended":true,"version":"`},
		{200, "POST", flight + "/control", `{"act":"assume",` + r1 + `}`, `"state":"controlled","position":"R1"`},
		{409, "POST", flight + "/control", `{"act":"assume",` + r2 + `}`, "R1 has it; R1 may propose, release or finish it"},
		{410, "POST", flight + "/handoff", `{"act":"propose","position":"R1","holder":"two","to":{"sector":"BOX"}}`, "position R1 is signed on by alice; R1 has it"},
		{200, "POST", flight + "/handoff", `{"act":"propose",` + r1 + `,"to":{"sector":"BOX"},"timeout_ms":30000}`, `"state":"handoff","position":"R1","attended":true,"to":{"sector":"BOX"}`},
		{200, "GET", flight + "/handoff", "", `"receiver":"R2","timeout_ms":30000,"ends":"`},
		{200, "GET", "/api/v1/positions/R2/flights", "", `{"position":"R2","flights":[{"flight":"F","state":"handoff"`},
		{409, "POST", flight + "/handoff", `{"act":"accept",` + r1 + `}`, "R2 may accept or refuse it"},
		{200, "POST", flight + "/handoff", `{"act":"accept",` + r2 + `}`, `"state":"controlled","position":"R2"`},
		{400, "POST", flight + "/handoff", `{"act":"release",` + r2 + `}`, `"allowed":"propose, accept, refuse, recall"`},
		{400, "POST", flight + "/control", `{"act":"grab",` + r2 + `}`, `"field":"act"`},
		{400, "POST", flight + "/control", `{"act":"release","position":"R2","holder":""}`, `"field":"holder"`},
		{400, "POST", flight + "/control", `{"act":"release",` + r2 + `,"why":1}`, "unknown field"},
		{404, "POST", "/api/v1/flights/NOPE/control", `{"act":"release",` + r2 + `}`, "there is none"},
		{404, "GET", "/api/v1/sectors/NOPE/control", "", "no such sector"},
		{409, "POST", "/api/v1/positions/R2/sign-off", `{"holder":"two"}`, "it has sector BOX, flight F"},
		{409, "DELETE", flight, "", "removed by its controller only"},
		{200, "GET", "/api/v1/sectors/BOX/flights?from=2018-08-01T00:00:00Z&to=2018-08-02T00:00:00Z", "", `"control":"controlled","position":"R2","attended":true`},
		{200, "POST", "/api/v1/positions/R2/end", `{}`, `"id":"R2","attended":false`},
		{200, "GET", "/api/v1/positions", "", `"positions":[{"id":"R1"`},
		{200, "GET", "/api/v1/positions?limit=1", "", `"next":"R1"`},
		{200, "GET", flight + "/control", "", `"position":"R2","attended":false`},
		{200, "POST", flight + "/control", `{"act":"take",` + r1 + `}`, `"position":"R1"`},
		{200, "POST", "/api/v1/sectors/BOX/supervise", `{"act":"release"}`, `"state":"uncontrolled"`},
		{409, "POST", flight + "/supervise", `{"act":"take","to":{"position":"R2"}}`, "position R2 is not signed on"},
	} {
		w := ask(s, c.method, c.path, c.body, "Content-Type", "application/json")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
		if w.Code == 200 && w.Header().Get(headerHash) == "" {
			t.Errorf("%s %s proves nothing: %v", c.method, c.path, w.Header())
		}
	}
}

func TestOfTwoConsolesOneWins(t *testing.T) {
	_, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through)
	for _, p := range []string{"R1", "R2"} {
		must(t, s, 200, nil, "POST", "/api/v1/positions/"+p, `{"holder":"c","lease_ms":600000}`)
	}
	act := func(act, position string) string {
		return `{"act":"` + act + `","position":"` + position + `","holder":"c"}`
	}
	const path = "/api/v1/flights/F/control"
	tag := must(t, s, 200, nil, "POST", path, act("assume", "R1"), "If-None-Match", "*").Header().Get("ETag")
	var p api.Problem
	must(t, s, 412, &p, "POST", path, act("assume", "R2"), "If-None-Match", "*")
	if !strings.Contains(p.Detail, "R1 has it") || `"`+p.Current+`"` != tag {
		t.Errorf("the loser hears %+v, the record is at %s", p, tag)
	}
	must(t, s, 200, nil, "POST", path, act("release", "R1"), "If-Match", tag)
	must(t, s, 412, nil, "POST", path, act("assume", "R1"), "If-Match", tag)
	must(t, s, 200, nil, "POST", path, act("assume", "R2"))
	must(t, s, 409, nil, "PUT", "/api/v1/flights/F", through, "Onevoice-Position", "R1", "Onevoice-Holder", "c")
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through, "Onevoice-Position", "R2", "Onevoice-Holder", "c")
	must(t, s, 200, nil, "DELETE", "/api/v1/flights/F", "", "Onevoice-Position", "R2", "Onevoice-Holder", "c")
}
