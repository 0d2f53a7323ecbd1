package web

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/airspace"
	"onevoice/web/api"
)

const closed = `{"kind":"closed","name":"Thun","owner":"CAA","volumes":[{"polygon":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,48],[8,47]]]},` +
	`"floor":{"value":0,"unit":"ft","ref":"STD"},"ceiling":"unlimited","from":"2018-08-01T05:00:00Z","to":"2018-08-01T08:00:00Z"}]}`

func TestZonesAndBreaches(t *testing.T) {
	_, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
	w := must(t, s, 200, nil, "PUT", "/api/v1/zones/R6", closed, "If-None-Match", "*")
	must(t, s, 200, nil, "PUT", "/api/v1/zones/R7", strings.Replace(closed, "closed", "notice", 1))
	var z api.Zone
	must(t, s, 200, &z, "GET", "/api/v1/zones/R6", "")
	if z.Kind != "closed" || z.Owner != "CAA" || len(z.Volumes) != 1 || `"`+z.Version+`"` != w.Header().Get("ETag") || z.Checking {
		t.Errorf("%+v", z)
	}
	var page api.Zones
	must(t, s, 200, &page, "GET", "/api/v1/zones?limit=1", "")
	if len(page.Zones) != 1 || page.Next != "R6" {
		t.Errorf("%+v", page)
	}
	for _, query := range []string{"", "?zone=R6", "?flight=SWR1", "?zone=R6&flight=SWR1&limit=1"} {
		var b api.Breaches
		must(t, s, 200, &b, "GET", "/api/v1/breaches"+query, "")
		if len(b.Breaches) != 1 || b.Breaches[0].Zone != "R6" || b.Breaches[0].Flight != "SWR1" || b.Breaches[0].EntersEarliest.String() != "2018-08-01T05:20:00Z" {
			t.Errorf("%s: %+v", query, b)
		}
		if b.Next != "" {
			var rest api.Breaches
			must(t, s, 200, &rest, "GET", "/api/v1/breaches"+query+"&after="+b.Next, "")
			if len(rest.Breaches) != 0 || rest.Next != "" {
				t.Errorf("after the last: %+v", rest)
			}
		}
	}
	must(t, s, 404, nil, "GET", "/api/v1/breaches?zone=none", "")
	must(t, s, 400, nil, "GET", "/api/v1/breaches?after=x", "")
	must(t, s, 400, nil, "PUT", "/api/v1/zones/R8", `{"kind":"open"}`)
	must(t, s, 412, nil, "DELETE", "/api/v1/zones/R6", "", "If-Match", `"1.1"`)
	must(t, s, 200, nil, "DELETE", "/api/v1/zones/R6", "")
	must(t, s, 404, nil, "GET", "/api/v1/zones/R6", "")
}

// named puts an id into a body.
func named(id, body string) string { return `{"id":"` + id + `",` + body[1:] }

func TestCommandsAsOne(t *testing.T) {
	f, s := newTest(t)
	all := `{"commands":[{"put_sector":` + named("BOX", box) + `,"if_none_match":"*"},{"put_flight":` + named("SWR1", through) + `},{"put_zone":` + named("R6", closed) + `}]}`
	var done api.Applied
	first := must(t, s, 200, &done, "POST", "/api/v1/commands", all, "Idempotency-Key", "one")
	if len(done.Results) != 3 || done.Results[1].ID != "SWR1" || len(done.Results[1].Windows) != 1 {
		t.Errorf("%+v", done)
	}
	if again := must(t, s, 200, nil, "POST", "/api/v1/commands", all, "Idempotency-Key", "one"); again.Body.String() != first.Body.String() {
		t.Errorf("again: %s", again.Body)
	}
	var p api.Problem
	must(t, s, 409, &p, "POST", "/api/v1/commands", `{"commands":[{"cancel_flight":"SWR1"},{"put_sector":`+named("BOX", box)+`,"if_none_match":"*"}]}`)
	if p.Field != "commands[1]" || p.Subject != "BOX" || p.Current != done.Version {
		t.Errorf("%+v", p)
	}
	if f.Latest().State.FlightCount() != 1 {
		t.Error("a refused request has cancelled a flight")
	}
	for _, body := range []string{
		`{"commands":[]}`, `{"commands":[{}]}`, `{"commands":[{"cancel_flight":"A","remove_zone":"B"}]}`, `{"commands":[{"cancel_flight":"A","if_match":"x"}]}`,
		`{"commands":[{"put_flight":{"id":"A"}}]}`, `{"commands":[{"cancel_flight":"A"},{"cancel_flight":"A"}]}`, `{"other":1}`, `{"commands":[{"cancel_flight":"A"}]} x`,
	} {
		must(t, s, 400, nil, "POST", "/api/v1/commands", body)
	}
}

func TestCommandsNeedTheRightOfEach(t *testing.T) {
	_, s := proved(t, nil)
	for body, want := range map[string]int{
		`{"commands":[{"put_flight":` + named("SWR1", through) + `}]}`: 200,
		`{"commands":[{"put_sector":` + named("BOX", box) + `}]}`:      403,
		`{"commands":[{"remove_zone":"R6"}]}`:                          403,
	} {
		if w := askAs(s, "write", "POST", "/api/v1/commands", body); w.Code != want {
			t.Errorf("%s: %d, want %d", body, w.Code, want)
		}
	}
}

func TestFilteredStreams(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
		must(t, s, 200, nil, "PUT", "/api/v1/zones/R6", closed)
		begin := "/api/v1/events?after=" + itoa(f.Latest().Index) + "&"
		must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
		must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", strings.NewReplacer("47.5", "57.5").Replace(through))
		must(t, s, 200, nil, "DELETE", "/api/v1/flights/SWR1", "")
		for query, want := range map[string][]string{
			"sector=BOX":                  {"flight-put", "flight-put"},
			"flight=SWR1&kind=flight-put": {"flight-put", "flight-put"},
			"zone=R6&zone=R7&kind=flight-put&kind=flight-expired": {"flight-put", "flight-put"},
			"volume=8,47,9,48,FL0,FL300&kind=flight-put":          {"flight-put", "flight-put"},
			"flight=OTHER": nil,
		} {
			r := p.open(t, begin+query)
			for _, kind := range want {
				if _, name, _ := eventOf(t, r.next()); name != kind {
					t.Errorf("%s: %s, want %s", query, name, kind)
				}
			}
			// What was left out moves the place without an event.
			last, name, _ := eventOf(t, r.next())
			if name != "" || last == "" {
				t.Errorf("%s: %s %s", query, last, name)
			}
			r.conn.Close()
			if rest := p.open(t, "/api/v1/events?"+query, "Last-Event-ID", last); rest.resp.StatusCode != 200 {
				t.Errorf("%s: does not go on after %s", query, last)
			} else {
				rest.conn.Close()
			}
		}
		must(t, s, 400, nil, "GET", "/api/v1/events?kind=nothing", "")
		must(t, s, 400, nil, "GET", "/api/v1/events?volume=1,2,3", "")
		must(t, s, 400, nil, "GET", "/api/v1/events?after=1&after=2", "")
	})
}

func TestEventsAreReadOnceForAllStreams(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		var readers []*reader
		for i := range 40 {
			readers = append(readers, p.open(t, fmt.Sprintf("/api/v1/events?flight=SWR%d", i%2)))
		}
		for range 5 {
			must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
		}
		for i, r := range readers {
			for range 5 * (i % 2) {
				r.next()
			}
			r.conn.Close()
		}
		synctest.Wait()
		if n := s.digests.made.Load(); n != 5 {
			t.Errorf("5 events were read %d times", n)
		}
	})
}

func TestAFilteredReaderThatLostEventsIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		smallJournal(f)
		r := p.open(t, "/api/v1/events?flight=OTHER")
		synctest.Wait()
		f.set(func() { // while nobody looks
			for range 3 {
				f.entry(airspace.Encode(airspace.SetService{RateMilli: 2000}))
			}
		})
		if block := r.next(); !strings.HasPrefix(block, "event: compacted\ndata: {") {
			t.Errorf("%q", block)
		}
		r.conn.Close()
	})
}

func TestASlowFilteredReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		within(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
			r := p.open(t, "/api/v1/events?flight=OTHER")
			synctest.Wait()
			counts(t, "streams", &s.streams, 1)
			time.Sleep(beat + patience + time.Millisecond)
			synctest.Wait()
			counts(t, "streams", &s.streams, 0)
			r.conn.Close()
		})
	})
}
