package web

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/web/api"
	"onevoice/wire"
)

type fencing struct{ server, incarnation uint64 }

// fakeViews holds some views.
type fakeViews struct {
	mu     sync.Mutex
	held   []api.View
	wake   chan struct{}
	mute   bool // no majority answers
	fenced []fencing
}

// make makes views until there are so many; keep of them stay held.
func (f *fakeViews) make(until uint64) { f.makeAndKeep(until, 1000) }

func (f *fakeViews) makeAndKeep(until uint64, keep int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := uint64(1)
	if len(f.held) > 0 {
		n = f.held[len(f.held)-1].Number + 1
	}
	for ; n <= until; n++ {
		f.held = append(f.held, api.View{Number: n, Processes: []api.Process{}, Leads: []api.Lead{}, DetectionBoundMs: 60})
	}
	f.held = f.held[max(0, len(f.held)-keep):]
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

func (f *fakeViews) setMute() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mute = true
}

func (f *fakeViews) View(ctx context.Context, number uint64) (api.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mute {
		f.mu.Unlock()
		<-ctx.Done()
		f.mu.Lock()
		return api.View{}, ctx.Err()
	}
	if len(f.held) == 0 {
		return api.View{}, nil
	}
	first, last := f.held[0].Number, f.held[len(f.held)-1].Number
	v := api.View{}
	switch {
	case number == 0:
		v = f.held[len(f.held)-1]
	case number >= first && number <= last:
		v = f.held[number-first]
		v.Observed = []api.Observer{{Server: 1, Name: "n1", Last: "none", Seen: []api.Seen{{Server: 2, Evidence: "silent"}}}}
	}
	v.First, v.Last = first, last
	return v, nil
}

func (f *fakeViews) Views(ctx context.Context, after uint64) ([]api.View, error) {
	for {
		f.mu.Lock()
		var later []api.View
		for _, v := range f.held {
			if v.Number > after {
				later = append(later, v)
			}
		}
		if f.wake == nil {
			f.wake = make(chan struct{})
		}
		wake := f.wake
		f.mu.Unlock()
		if len(later) > 0 {
			return later, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fakeViews) Fence(ctx context.Context, server, incarnation uint64, _ *wire.Key) (api.View, error) {
	f.fenced = append(f.fenced, fencing{server, incarnation})
	return f.View(ctx, 0)
}

func TestViewOverHTTP(t *testing.T) {
	_, s := newTest(t)
	f := &fakeMembership{}
	s.membership = f
	var problem api.Problem
	must(t, s, 404, &problem, "GET", "/api/v1/view", "")
	if problem.Detail != "no view has been made yet" || problem.First != "0" {
		t.Errorf("%+v", problem)
	}
	f.makeAndKeep(9, 4)
	w := must(t, s, 200, nil, "GET", "/api/v1/view", "")
	const want = `{"number":"9","hash":"","made":"1970-01-01T00:00:00Z","detectionBoundMs":60,"processes":[],"leads":[],"first":"6","last":"9"}` + "\n"
	if got := w.Body.String(); got != want {
		t.Errorf("got %swant %s", got, want)
	}
	var v api.View
	must(t, s, 200, &v, "GET", "/api/v1/view?number=7", "")
	if v.Number != 7 || len(v.Observed) != 1 || v.Observed[0].Seen[0].Evidence != "silent" {
		t.Errorf("%+v", v)
	}
	for _, gone := range []string{"1", "5", "10", "18446744073709551615"} {
		must(t, s, 404, &problem, "GET", "/api/v1/view?number="+gone, "")
		if problem.First != "6" || problem.Last != "9" || problem.Subject != gone || !strings.Contains(problem.Detail, "6 to 9") {
			t.Errorf("%s: %+v", gone, problem)
		}
	}
	for _, bad := range []string{"0", "-1", "01", "x", "18446744073709551616"} {
		must(t, s, 400, &problem, "GET", "/api/v1/view?number="+bad, "")
		if problem.Field != "number" || problem.Value != strconv.Quote(bad) {
			t.Errorf("%s: %+v", bad, problem)
		}
	}
	must(t, s, 400, nil, "GET", "/api/v1/view?view=1", "")
}

func TestViewsAreNotServedWithoutMembership(t *testing.T) {
	_, s := newTest(t)
	for _, path := range []string{"/api/v1/view", "/api/v1/views"} {
		must(t, s, 404, nil, "GET", path, "")
	}
}

// viewOf takes a block of a stream of views apart.
func viewOf(t *testing.T, block string) (id string, v api.View) {
	t.Helper()
	for line := range strings.Lines(block) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case key == "id":
			id = value
		case key == "event" && value != "view":
			t.Fatalf("%q", block)
		case key == "data":
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				t.Fatal(err)
			}
		}
	}
	return id, v
}

func TestViewsStreamAndResume(t *testing.T) {
	bubble(t, func(t *testing.T, _ *fake, s *Server, p *pipes) {
		f := &fakeMembership{}
		f.make(2)
		s.membership = f
		r := p.open(t, "/api/v1/views")
		if r.resp.StatusCode != 200 || r.resp.Header.Get("Content-Type") != "text/event-stream" || r.resp.Header.Get("Onevoice-Node") != "n1" {
			t.Fatalf("%v", r.resp)
		}
		if id, v := viewOf(t, r.next()); id != "2" || v.Number != 2 || v.DetectionBoundMs != 60 {
			t.Errorf("begins with %s, %+v", id, v)
		}
		f.make(4)
		for want := range uint64(2) {
			if _, v := viewOf(t, r.next()); v.Number != want+3 {
				t.Errorf("got %d, want %d", v.Number, want+3)
			}
		}
		r.conn.Close()
		for header, first := range map[string]uint64{"0": 1, "3": 4} {
			again := p.open(t, "/api/v1/views?after=1", "Last-Event-ID", header)
			if _, v := viewOf(t, again.next()); v.Number != first {
				t.Errorf("after %s comes %d", header, v.Number)
			}
			again.conn.Close()
		}
		must(t, s, 400, nil, "GET", "/api/v1/views?after=5", "")
		must(t, s, 400, nil, "GET", "/api/v1/views?after=x", "")
		f.makeAndKeep(6, 1)
		var problem api.Problem
		must(t, s, 410, &problem, "GET", "/api/v1/views?after=3", "")
		if problem.First == "" || problem.Allowed == "" {
			t.Errorf("%+v", problem)
		}
	})
}

// A stream of views shows each second that it misses none, and ends where it cannot: silence would look like calm.
func TestViewsEndWithoutAMajority(t *testing.T) {
	bubble(t, func(t *testing.T, _ *fake, s *Server, p *pipes) {
		f := &fakeMembership{}
		f.make(2)
		s.membership = f
		r := p.open(t, "/api/v1/views")
		viewOf(t, r.next())
		begun := time.Now()
		if block := r.block(); block != ": view=2\n" || time.Since(begun) != beat {
			t.Errorf("heartbeat %q after %v", block, time.Since(begun))
		}
		f.setMute()
		block := r.next()
		if !strings.HasPrefix(block, "event: problem\ndata: {") || !strings.Contains(block, "no-voice") || time.Since(begun) != 2*beat+majorityPatience {
			t.Errorf("%q after %v", block, time.Since(begun))
		}
		if rest := r.next(); rest != "(end)" {
			t.Errorf("after it %q", rest)
		}
		r.conn.Close()
	})
}

func TestViewsEndWhereSomeAreLost(t *testing.T) {
	bubble(t, func(t *testing.T, _ *fake, s *Server, p *pipes) {
		f := &fakeMembership{}
		f.make(1)
		s.membership = f
		r := p.open(t, "/api/v1/views")
		viewOf(t, r.next())
		synctest.Wait()
		f.mu.Lock()
		f.held = []api.View{{Number: 9}}
		f.mu.Unlock()
		f.make(1) // wakes
		if block := r.next(); !strings.HasPrefix(block, "event: compacted\ndata: {") || !strings.Contains(block, `"status":410`) {
			t.Errorf("%q", block)
		}
		r.conn.Close()
	})
}

func FuzzViewNumber(f *testing.F) {
	for _, text := range []string{"", "0", "12", "012", "+1", "18446744073709551615", "18446744073709551616"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := viewNumber(text); n != 0 && strconv.FormatUint(n, 10) != text {
			t.Fatalf("%q reads as %d", text, n)
		}
	})
}
