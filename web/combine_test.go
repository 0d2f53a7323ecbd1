package web

import (
	"strings"
	"testing"

	"onevoice/web/api"
)

// TestCombineAndSplit makes one sector of two for a time and ends that: who may be where follows, and a wrong order changes nothing.
func TestCombineAndSplit(t *testing.T) {
	_, s := newTest(t)
	west, east := strings.ReplaceAll(box, "[9,", "[8.5,"), strings.ReplaceAll(box, "[8,", "[8.5,")
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/WEST", west)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/EAST", east)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through)
	sectors := func() string {
		var f api.Flight
		must(t, s, 200, &f, "GET", "/api/v1/flights/F", "")
		var in []string
		for _, w := range f.Windows {
			in = append(in, w.Sector)
		}
		return strings.Join(in, " ")
	}
	if in := sectors(); in != "EAST WEST" && in != "WEST EAST" {
		t.Fatalf("before: %s", in)
	}
	const combine = `{"into":"BOTH","name":"Both","parts":["EAST","WEST"],"from":"2018-08-01T05:00:00Z","to":"2018-08-01T08:00:00Z"}`
	var done api.Written
	must(t, s, 200, &done, "POST", "/api/v1/sectors:combine", combine, "If-None-Match", "*")
	if in := sectors(); done.ID != "BOTH" || done.Rewindowed != 1 || in != "BOTH" {
		t.Fatalf("combined: %+v, in %s", done, in)
	}
	var part api.Sector
	must(t, s, 200, &part, "GET", "/api/v1/sectors/EAST", "")
	if part.Hours == nil || len(part.Hours.Periods) != 1 || part.Hours.Periods[0].Into != "BOTH" || part.Hours.Periods[0].Opens {
		t.Errorf("a part: %+v", part.Hours)
	}
	for body, want := range map[string]struct {
		status int
		field  string
	}{
		`{"into":"OTHER","parts":["EAST","WEST"]}`: {409, ""},
		`{"into":"OTHER","parts":["NOPE","NONE"]}`: {404, ""},
		`{"parts":["EAST","WEST"]}`:                {400, "into"},
		`{"into":"OTHER"}`:                         {400, "parts"},
		`{"into":"OTHER","parts":["EAST","WEST"],"from":"2018-08-01T08:00:00Z","to":"2018-08-01T07:00:00Z"}`: {400, "to"},
	} {
		var p api.Problem
		must(t, s, want.status, &p, "POST", "/api/v1/sectors:combine", body)
		if p.Field != want.field {
			t.Errorf("%s: %+v", body, p)
		}
	}
	must(t, s, 412, nil, "POST", "/api/v1/sectors:split", `{"sector":"BOTH"}`, "If-Match", `"1.0"`)
	must(t, s, 404, nil, "POST", "/api/v1/sectors:split", `{"sector":"NOPE"}`)
	must(t, s, 400, nil, "POST", "/api/v1/sectors:split", `{}`)
	if in := sectors(); in != "BOTH" {
		t.Errorf("what was refused changed something: in %s", in)
	}
	must(t, s, 200, &done, "POST", "/api/v1/sectors:split", `{"sector":"BOTH","at":"2018-08-01T05:00:00Z"}`)
	if in := sectors(); done.ID != "BOTH" || in != "EAST WEST" && in != "WEST EAST" {
		t.Errorf("split: %+v, in %s", done, in)
	}
}
