package web

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/airspace"
	"onevoice/web/api"
)

// eventOf takes an event stream's block apart.
func eventOf(t *testing.T, block string) (id, name string, e api.Event) {
	t.Helper()
	for line := range strings.Lines(block) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				t.Fatalf("%v in %q", err, block)
			}
		}
	}
	return id, name, e
}

func TestEventsComeInOrderAndResume(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		begin := f.Latest().Index
		r := p.open(t, "/api/v1/events")
		if r.resp.StatusCode != 200 || r.resp.Header.Get("Content-Type") != "text/event-stream" || r.resp.Header.Get("Onevoice-Node") != "n1" {
			t.Fatalf("%v", r.resp)
		}
		must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
		must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
		must(t, s, 200, nil, "DELETE", "/api/v1/flights/SWR1", "")
		want := []string{"flight-put", "sector-put", "flight-rewindowed", "flight-cancelled"}
		var ids, blocks []string
		for _, kind := range want {
			block := r.next()
			id, name, e := eventOf(t, block)
			if name != kind || e.Kind != kind {
				t.Fatalf("event %s %+v, want %s", name, e, kind)
			}
			if kind == "flight-rewindowed" && (len(e.Windows) != 1 || e.Windows[0].Sector != "BOX" || e.Callsign != "SWR1") {
				t.Errorf("%+v", e)
			}
			ids, blocks = append(ids, id), append(blocks, block)
		}
		r.conn.Close()
		for i := range ids {
			other := p.open(t, "/api/v1/events?after=1", "Last-Event-ID", ids[i])
			for _, want := range blocks[i+1:] {
				if got := other.next(); got != want {
					t.Errorf("after %s came %q, want %q", ids[i], got, want)
				}
			}
			other.conn.Close()
		}
		from := p.open(t, "/api/v1/events?after="+itoa(begin))
		if got := from.next(); got != blocks[0] {
			t.Errorf("after %d came %q, want %q", begin, got, blocks[0])
		}
		from.conn.Close()
	})
}

func itoa(n uint64) string { b, _ := json.Marshal(n); return string(b) }

func TestHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		r := p.open(t, "/api/v1/events")
		if first := r.block(); first != "retry: 1000\n" {
			t.Errorf("begins with %q", first)
		}
		begun := time.Now()
		for beats := range 3 {
			f.tick()
			block := r.block()
			if beats == 0 {
				block = r.block() // the first stands with the head
			}
			took := time.Since(begun)
			if want := time.Duration(beats+1) * beat; took != want {
				t.Errorf("heartbeat %d after %v, want %v", beats, took, want)
			}
			if !strings.HasPrefix(block, ": index="+itoa(f.Latest().Index)+" view=3 as_of=2018-08-01T05:00:00.00") || !strings.Contains(block, " hash=") {
				t.Errorf("heartbeat %q", block)
			}
		}
		r.conn.Close()
	})
}

func TestCompactedBeforeAndInAStream(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		smallJournal(f)
		begin := f.Latest().Index
		r := p.open(t, "/api/v1/events")
		synctest.Wait()
		f.set(func() { // while nobody looks
			for range 3 {
				f.entry(airspace.Encode(airspace.SetService{RateMilli: 2000}))
			}
		})
		block := r.next()
		if !strings.HasPrefix(block, "event: compacted\ndata: {") || !strings.Contains(block, `"status":410`) {
			t.Errorf("%q", block)
		}
		if rest := r.next(); rest != "(end)" {
			t.Errorf("after it %q", rest)
		}
		var problem api.Problem
		w := must(t, s, 410, &problem, "GET", "/api/v1/events?after="+itoa(begin), "")
		if problem.Type != api.URN+"expired" || problem.First != itoa(begin+2)+".0" || w.Header().Get("Onevoice-Index") == "" {
			t.Errorf("%+v", problem)
		}
		r.conn.Close()
	})
}

func TestASlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		within(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
			r := p.open(t, "/api/v1/events")
			synctest.Wait()
			counts(t, "streams", &s.streams, 1)
			time.Sleep(beat + patience + time.Millisecond)
			synctest.Wait()
			counts(t, "streams", &s.streams, 0)
			r.conn.Close()
		})
	})
}

func TestStreamsEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := newTest(t)
		p, end := serve(t, s)
		events, tracks := p.open(t, "/api/v1/events"), p.open(t, "/api/v1/tracks?stream=1")
		last := make(chan string, 2)
		go func() { last <- events.next() }()
		go func() {
			io.Copy(io.Discard, tracks.in)
			last <- "(end)"
		}()
		begun := time.Now()
		end()
		if a, b := <-last, <-last; a != "(end)" || b != "(end)" || time.Since(begun) >= beat {
			t.Errorf("the streams end with %q and %q, after %v", a, b, time.Since(begun))
		}
		counts(t, "streams", &s.streams, 0)
	})
}

// A server that gets no answer from a majority is not ready, and says so soon.
func TestReadyDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newTest(t)
		must(t, s, 200, nil, "GET", "/readyz", "")
		f.set(func() { f.mute = true })
		begun := time.Now()
		must(t, s, 503, nil, "GET", "/readyz", "")
		if took := time.Since(begun); took != readyTimeout {
			t.Errorf("it took %v", took)
		}
	})
}
