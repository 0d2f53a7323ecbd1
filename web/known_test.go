package web

import (
	"fmt"
	"strings"
	"testing"

	"onevoice/web/api"
)

// Every read of which the past is held answers with it, says as of which entry, and refuses what is not held or not yet there.
func TestKnownAt(t *testing.T) {
	f, s := newTest(t)
	put := func(path, body string) string {
		return must(t, s, 200, nil, "PUT", path, body).Header().Get(headerIndex)
	}
	early := point("[7.5,47.5]", level, "2018-08-01T05:10:00Z")
	put("/api/v1/sectors/BOX", sectorWith("", "", `"unlimited"`))
	before := put("/api/v1/flights/F", flightWith(early, point("[9.5,47.5]", level, "2018-08-01T05:50:00Z")))
	f.tick()
	after := put("/api/v1/flights/F", flightWith(early, point("[7.6,47.5]", level, "2018-08-01T05:50:00Z")))
	put("/api/v1/sectors/BOX", sectorWith("[[[1,47],[2,47],[2,48],[1,48],[1,47]]]", "", `"unlimited"`))
	const volume = `{"volume":{"polygon":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,48],[8,47]]]},"floor":{"value":0,"unit":"ft","ref":"STD"},"ceiling":"unlimited"},"from":"2018-08-01T05:00:00Z","to":"2018-08-01T06:00:00Z"}`
	for _, read := range []struct{ method, path, body, then string }{
		{"GET", "/sectors/BOX/flights?from=2018-08-01T05:00:00Z", "", `"flight":"F"`},
		{"GET", "/sectors/BOX/load?from=2018-08-01T05:00:00Z", "", `"peak":1`},
		{"POST", "/volumes:query?limit=10", volume, `"flight":"F"`},
		{"GET", "/flights?limit=10", "", "9.5"},
		{"GET", "/flights/F?", "", "9.5"},
		{"GET", "/sectors?limit=10", "", "[9,48]"},
		{"GET", "/sectors/BOX?", "", "[9,48]"},
		{"GET", "/flows?from=2018-08-01T05:00:00Z", "", "BOX"},
		{"GET", "/routes?from=2018-08-01T05:00:00Z", "", "BOX"},
	} {
		path := func(known string) string { return "/api/v1" + read.path + "&known_at=" + known }
		for _, known := range []string{before, "2018-08-01T05:00:00.003999Z"} {
			w := must(t, s, 200, nil, read.method, path(known), read.body)
			if h := w.Header(); h.Get(headerKnown) != before || h.Get(headerIndex) == before || !strings.Contains(w.Body.String(), read.then) || strings.Contains(w.Body.String(), `"control"`) {
				t.Errorf("%s as of %s: %v, %s", read.path, known, h, w.Body)
			}
		}
		now := must(t, s, 200, nil, read.method, "/api/v1"+read.path, read.body)
		if strings.Contains(now.Body.String(), read.then) || now.Header().Get(headerKnown) != "" {
			t.Errorf("%s now: %v, %s", read.path, now.Header(), now.Body)
		}
		for known, status := range map[string]int{"1999-01-01T00:00:00Z": 410, "999": 400, "2030-01-01T00:00:00Z": 400, "0": 400, "1970-01-01T00:00:00Z": 400, "now": 400, "-1": 400} {
			var p api.Problem
			must(t, s, status, &p, read.method, path(known), read.body)
			if p.Field != "known_at" || status == 410 && !strings.Contains(p.Allowed, "index 1 (2018-08-01T05:00:00Z) to ") {
				t.Errorf("%s as of %s: %+v", read.path, known, p)
			}
		}
		var p api.Problem
		must(t, s, 400, &p, read.method, path("999"), read.body)
		if last := fmt.Sprintf("to %d (", f.Latest().Index); !strings.Contains(p.Allowed, last) {
			t.Errorf("in the future: %+v", p)
		}
	}
	for _, path := range []string{"/conflicts", "/positions", "/zones", "/breaches", "/flights/F/control"} {
		var p api.Problem
		must(t, s, 400, &p, "GET", "/api/v1"+path+"?known_at="+after, "")
		if p.Field != "known_at" {
			t.Errorf("%s: %+v", path, p)
		}
	}
}
