package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"onevoice/members"
	"onevoice/web/api"
)

// trio is the list of servers of a demo.
func trio() []members.Server {
	return []members.Server{
		{Number: 1, Name: "n1", HTTP: "127.0.0.1:7480"},
		{Number: 2, Name: "n2", HTTP: "127.0.0.1:7481"},
		{Number: 3, Name: "n3", HTTP: "127.0.0.1:7482"},
	}
}

func newTest(t testing.TB) (*fake, *Server) {
	t.Helper()
	f := newFake(t, trio()...)
	return f, New(Options{Service: f, Node: "n1", Listen: "127.0.0.1:7480"})
}

// ask sends one request straight to the handler. header holds names and values in turn.
func ask(s *Server, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:7480"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// must sends a request that has to be answered with a status, and reads its body into out.
func must(t testing.TB, s *Server, status int, out any, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := ask(s, method, path, body, header...)
	if w.Code != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	if out != nil {
		decode(t, w.Body.Bytes(), out)
	}
	return w
}

func decode(t testing.TB, b []byte, out any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than one value in %s", b)
	}
}

const (
	box = `{"name":"Box","volumes":[{"polygon":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,48],[8,47]]]},` +
		`"floor":{"value":100,"unit":"FL","ref":"STD"},"ceiling":{"value":245,"unit":"FL","ref":"STD"}}]}`
	through = `{"callsign":"SWR1","from":"LSZH","to":"LSGG","uncertainty":{"lateral":{"value":0,"unit":"NM"},` +
		`"vertical":{"value":0,"unit":"ft"},"time":{"value":0,"unit":"s"}},"path":[` +
		`{"position":[7,47.5],"altitude":{"value":200,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:10:00Z"},` +
		`{"position":[10,47.5],"altitude":{"value":20000,"unit":"ft","ref":"STD"},"time":"2018-08-01T05:40:00Z"}]}`
)

func TestTheQuestion(t *testing.T) {
	_, s := newTest(t)
	var written api.Written
	must(t, s, 200, &written, "PUT", "/api/v1/sectors/BOX", box)
	w := must(t, s, 200, &written, "PUT", "/api/v1/flights/SWR1", through)
	if len(written.Windows) != 1 || written.Windows[0].Sector != "BOX" || written.Windows[0].EntersEarliest.String() != "2018-08-01T05:20:00Z" {
		t.Fatalf("written %+v", written)
	}
	if w.Header().Get("ETag") != `"`+written.Version+`"` || w.Header().Get("Onevoice-Index")+".0" != written.Version {
		t.Fatalf("headers %v of version %s", w.Header(), written.Version)
	}
	var page api.Presences
	w = must(t, s, 200, &page, "GET", "/api/v1/sectors/BOX/flights", "")
	if len(page.Flights) != 1 || page.Flights[0].Flight != "SWR1" || page.Flights[0].LeavesLatest.String() != "2018-08-01T05:30:00Z" || !page.Flights[0].Sure {
		t.Fatalf("page %+v", page)
	}
	if page.At != page.From || page.To-page.From != defaultSpan || w.Header().Get("Onevoice-As-Of") != page.At.String() {
		t.Fatalf("at %v from %v to %v as of %s", page.At, page.From, page.To, w.Header().Get("Onevoice-As-Of"))
	}
	must(t, s, 200, &page, "GET", "/api/v1/sectors/BOX/flights?from=2018-08-01T05:30:00Z&to=2018-08-01T06:00:00Z", "")
	if len(page.Flights) != 0 {
		t.Fatalf("after it has left: %+v", page.Flights)
	}
}
