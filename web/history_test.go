package web

import (
	"strings"
	"testing"

	"onevoice/web/api"
)

// What was known of a flight comes page by page with what each version brought, and a diff says what two of these times differ in.
func TestHistoryAndDiff(t *testing.T) {
	f, s := newTest(t)
	put := func(path, body string) string {
		return must(t, s, 200, nil, "PUT", path, body).Header().Get(headerIndex)
	}
	early := point("[7.5,47.5]", level, "2018-08-01T05:10:00Z")
	put("/api/v1/sectors/BOX", sectorWith("", "", `"unlimited"`))
	first := put("/api/v1/flights/F", flightWith(early, point("[9.5,47.5]", level, "2018-08-01T05:50:00Z")))
	f.tick()
	second := put("/api/v1/flights/F", flightWith(early, point("[7.6,47.5]", level, "2018-08-01T05:50:00Z")))
	third := put("/api/v1/sectors/BOX", sectorWith(`[[[7,47],[9,47],[9,48],[7,48],[7,47]]]`, "", `"unlimited"`))

	var seen []string
	for after := ""; ; {
		var page api.Versions
		must(t, s, 200, &page, "GET", "/api/v1/history?flight=F&limit=1"+after, "")
		for _, v := range page.Versions {
			seen = append(seen, v.Since.Index+" "+v.Change)
		}
		if page.Next == "" {
			break
		}
		after = "&after=" + page.Next
	}
	if got, want := strings.Join(seen, ", "), first+" put, "+second+" put, "+third+" rewindowed"; got != want {
		t.Errorf("versions %q, want %q", got, want)
	}
	var whole api.Diff
	must(t, s, 200, &whole, "GET", "/api/v1/diff?known_from="+first+"&known_to="+third+"&limit=1", "")
	if len(whole.Differences) != 1 || whole.Differences[0].Sector != "BOX" || whole.Differences[0].What[0] != "volumes" || whole.Next != "sector,BOX" {
		t.Errorf("the first page: %+v", whole)
	}
	var rest api.Diff
	must(t, s, 200, &rest, "GET", "/api/v1/diff?known_from="+first+"&known_to="+third+"&after="+whole.Next, "")
	if len(rest.Differences) != 1 || rest.Differences[0].Flight != "F" || strings.Join(rest.Differences[0].What, " ") != "plan windows" || rest.Next != "" {
		t.Errorf("the second page: %+v", rest)
	}
	for path, want := range map[string]struct {
		status int
		field  string
	}{
		"/history":                                          {400, "flight"},
		"/history?flight=F&sector=BOX":                      {400, "flight"},
		"/history?flight=F&after=x":                         {400, "after"},
		"/history?flight=F&known_to=999":                    {400, "known_to"},
		"/history?flight=NOBODY":                            {404, ""},
		"/diff?known_from=1999-01-01T00:00:00Z":             {410, "known_from"},
		"/diff?known_from=" + second + "&known_to=" + first: {400, "known_to"},
		"/diff?after=BOX":                                   {400, "after"},
		"/diff?sector=NOPE":                                 {404, ""},
	} {
		var p api.Problem
		must(t, s, want.status, &p, "GET", "/api/v1"+path, "")
		if p.Field != want.field {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestHistorySettings(t *testing.T) {
	_, s := newTest(t)
	const path = "/api/v1/settings/history"
	var now api.HistorySettings
	tag := must(t, s, 200, &now, "GET", path, "").Header().Get("ETag")
	if now.Records == 0 || now.Bytes == 0 || now.Span == 0 || tag != `"`+now.Version+`"` {
		t.Errorf("%+v with %s", now, tag)
	}
	const body = `{"span":{"value":1,"unit":"h"},"records":"1000","bytes":"1000000"}`
	must(t, s, 200, nil, "PUT", path, body, "If-Match", tag)
	must(t, s, 200, &now, "GET", path, "")
	if now.Span != 3600e9 || now.Records != 1000 || now.Bytes != 1_000_000 {
		t.Errorf("after it was set: %+v", now)
	}
	must(t, s, 412, nil, "PUT", path, body, "If-Match", tag)
	for body, field := range map[string]string{
		`{"records":"1000","bytes":"1000000"}`:                      "span",
		strings.Replace(body, `"1000"`, `"-1"`, 1):                  "records",
		strings.Replace(body, `"1000"`, `1000`, 1):                  "records",
		strings.Replace(body, `1,"unit":"h"`, `9999,"unit":"h"`, 1): "span.value",
	} {
		var p api.Problem
		must(t, s, 400, &p, "PUT", path, body)
		if p.Field != field || p.Allowed == "" {
			t.Errorf("%s: %+v", body, p)
		}
	}
}
