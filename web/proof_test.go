package web

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onevoice/airspace"
	"onevoice/geo"
	"onevoice/web/api"
)

func TestEveryAnswerCarriesItsProof(t *testing.T) {
	f, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	for _, c := range []struct {
		status                   int
		method, path, body, what string
	}{
		{200, "GET", "/api/v1/sectors", "", ""}, {200, "GET", "/api/v1/sectors/BOX", "", ""}, {200, "GET", "/api/v1/sectors/BOX/flights", "", ""},
		{404, "GET", "/api/v1/sectors/NOPE/flights", "", ""}, {400, "GET", "/api/v1/sectors/BOX/flights?x=1", "", ""}, {200, "GET", "/api/v1/flights", "", ""},
		{200, "PUT", "/api/v1/flights/F", through, ""}, {409, "PUT", "/api/v1/flights/F", through, "*"}, {200, "DELETE", "/api/v1/flights/F", "", ""},
		{200, "GET", "/api/v1/status", "", ""}, {200, "GET", "/api/v1/settings/service-time", "", ""}, {404, "GET", "/api/v1/nothing", "", ""}, {405, "POST", "/api/v1/sectors", "", ""},
		{200, "GET", "/readyz", "", ""},
	} {
		var header []string
		if c.what != "" {
			header = []string{"If-None-Match", c.what}
		}
		h := must(t, s, c.status, nil, c.method, c.path, c.body, header...).Header()
		latest := f.Latest()
		for name, want := range map[string]string{
			"Onevoice-View": "3", "Onevoice-Index": itoa(latest.Index), "Onevoice-Hash": hex.EncodeToString(latest.Hash[:]),
			"Onevoice-As-Of": api.Time(latest.State.ServiceNs()).String(), "Onevoice-Node": "n1",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", c.method, c.path, name, got, want)
			}
		}
	}
}

// What is kept of the last proof is that of another answer, unless everything in it is the same.
func TestProofsAreNotMixedUp(t *testing.T) {
	f, s := newTest(t)
	one := f.Latest()
	for _, change := range []func(*Snapshot){
		func(*Snapshot) {}, func(o *Snapshot) { o.Index++ }, func(o *Snapshot) { o.Hash[5]++ }, func(o *Snapshot) { o.Epoch.View++ },
	} {
		change(&one)
		h := http.Header{}
		s.prove(h, one)
		got := h.Get(headerIndex) + " " + h.Get(headerHash) + " " + h.Get(headerView)
		if want := fmt.Sprintf("%d %x %d", one.Index, one.Hash, one.Epoch.View); got != want {
			t.Errorf("proof is %s, want %s", got, want)
		}
	}
}

func TestHash(t *testing.T) {
	f, s := newTest(t)
	f.tick()
	w := ask(s, "GET", "/api/v1/sectors", "")
	index, hash := w.Header().Get("Onevoice-Index"), w.Header().Get("Onevoice-Hash")
	f.tick()
	var h api.Hash
	must(t, s, 200, &h, "GET", "/api/v1/hash?index="+index, "")
	if h.Hash != hash || itoa(h.Index) != index || h.Group != 1 || h.First != 1 || h.Last != f.Latest().Index {
		t.Errorf("%+v, the answer said %s at %s", h, hash, index)
	}
	for _, outside := range []string{"0", "99"} {
		var p api.Problem
		must(t, s, 404, &p, "GET", "/api/v1/hash?index="+outside, "")
		if p.Type != api.URN+"not-found" || p.First != "1" || p.Last != itoa(f.Latest().Index) {
			t.Errorf("outside: %+v", p)
		}
	}
}

func TestStatusAndMetrics(t *testing.T) {
	f, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	f.set(func() { f.age = 400 })
	var st api.Status
	must(t, s, 200, &st, "GET", "/api/v1/status", "")
	if st.Voice != api.OneVoice || st.Node != "n1" || st.View != 3 || st.Index != f.Latest().Index || st.Sectors != 1 || len(st.Servers) != 3 || st.Servers[1].URL != "http://127.0.0.1:7481" {
		t.Errorf("%+v", st)
	}
	text := must(t, s, 200, nil, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		"onevoice_voice_state 1\n", "onevoice_view 3\n", "onevoice_applied_index " + itoa(st.Index) + "\n", "onevoice_sectors 1\n",
		"onevoice_node_frames_dropped_total 2\n", "# TYPE onevoice_node_frames_dropped_total counter\n", "onevoice_node_sessions 1\n", "onevoice_node_refused_wrong_cluster_total 4\n",
		`onevoice_http_request_seconds_count{method="PUT",route="/api/v1/sectors/{id}",status="200"} 1` + "\n", "onevoice_agreed_age_seconds 0.4\n", "onevoice_clock_state 1\n", "onevoice_obeyed_view 4\n", "onevoice_up 1\n", "onevoice_detection_bound_seconds 0.06\n", "onevoice_fsync_p99_seconds 0.0025\n", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
	f.set(func() { f.age = api.MaxAgreedAgeMs + 1 })
	must(t, s, 200, &st, "GET", "/api/v1/status", "")
	if st.Voice != api.Silent {
		t.Errorf("voice %s after %d ms without a majority", st.Voice, st.AgreedAgeMs)
	}
}

func TestPages(t *testing.T) {
	_, s := newTest(t)
	for _, id := range []string{"A", "B", "C"} {
		must(t, s, 200, nil, "PUT", "/api/v1/sectors/"+id, box)
		must(t, s, 200, nil, "PUT", "/api/v1/flights/"+id, through)
	}
	var seen []string
	for next, first := "", true; first || next != ""; first = false {
		var page api.Sectors
		must(t, s, 200, &page, "GET", "/api/v1/sectors?limit=2"+after(next), "")
		for _, sector := range page.Sectors {
			seen = append(seen, sector.ID)
		}
		next = page.Next
	}
	for next, first := "", true; first || next != ""; first = false {
		var page api.Flights
		must(t, s, 200, &page, "GET", "/api/v1/flights?limit=1"+after(next), "")
		for _, flight := range page.Flights {
			seen = append(seen, flight.ID)
		}
		next = page.Next
	}
	for next, first := "", true; first || next != ""; first = false {
		var page api.Presences
		must(t, s, 200, &page, "GET", "/api/v1/sectors/B/flights?limit=2&from="+five+"&to="+six+after(next), "")
		for _, v := range page.Flights {
			seen = append(seen, v.Flight)
		}
		next = page.Next
	}
	if got := strings.Join(seen, " "); got != "A B C A B C A B C" {
		t.Errorf("pages hold %s", got)
	}
	var page api.Presences
	must(t, s, 200, &page, "POST", "/api/v1/volumes:query?limit=2", `{"volume":{"circle":{"center":[8.5,47.5],"radius":{"value":10,"unit":"km"}},"floor":`+level+`,"ceiling":"unlimited"},"from":"`+five+`"}`)
	if len(page.Flights) != 2 || page.Next == "" || page.Sector != "" {
		t.Errorf("volume: %+v", page)
	}
}

func TestAPageOfLongPathsEndsEarly(t *testing.T) {
	f, s := newTest(t)
	flight := airspace.Flight{Path: make([]geo.Point4D, maxPagePoints/6)}
	for i := range flight.Path {
		flight.Path[i] = geo.Point4D{Pos: geo.LatLon{LatE7: int32(i)}, Alt: geo.FlightLevel(100), AtNs: epochNs + int64(i+1)*1e9}
	}
	for _, flight.ID = range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
		f.must(t, airspace.PutFlight{Flight: flight})
	}
	var page api.Flights
	must(t, s, 200, &page, "GET", "/api/v1/flights", "")
	if len(page.Flights) != 6 || page.Next != "F" {
		t.Errorf("%d flights, next %q", len(page.Flights), page.Next)
	}
	must(t, s, 200, &page, "GET", "/api/v1/flights?after=F", "")
	if len(page.Flights) != 2 {
		t.Errorf("%d flights on the last page", len(page.Flights))
	}
}

// A body whose length is not told is bounded all the same, on a real connection.
func TestABodyOfUnknownLength(t *testing.T) {
	_, s := newTest(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	for bytes, status := range map[int]int{1000: 400, MaxBodyBytes + 1: 413} {
		req, err := http.NewRequest("PUT", server.URL+"/api/v1/flights/F", io.LimitReader(zeros{}, int64(bytes)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%d bytes: %d, want %d", bytes, resp.StatusCode, status)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func after(next string) string {
	if next == "" {
		return ""
	}
	return "&after=" + next
}

func TestThePageLoadsOnlyItself(t *testing.T) {
	_, s := newTest(t)
	for path, kind := range map[string]string{"/": "text/html; charset=utf-8", "/ui/app.js": "text/javascript; charset=utf-8", "/ui/style.css": "text/css; charset=utf-8"} {
		h := must(t, s, 200, nil, "GET", path, "").Header()
		policy := h.Get("Content-Security-Policy")
		if h.Get("Content-Type") != kind || !strings.HasPrefix(policy, "default-src 'self'; connect-src 'self' http://127.0.0.1:7480 http://127.0.0.1:7481 http://127.0.0.1:7482; ") {
			t.Errorf("%s: %v", path, h)
		}
	}
	must(t, s, 404, nil, "GET", "/ui/ui.go", "")
	must(t, s, 404, nil, "GET", "/favicon.ico", "")
}
