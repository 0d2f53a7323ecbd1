package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onevoice/internal/procs"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// TestKillUnderLoad kills each of three servers in turn while clients write: no acknowledged write may be lost or applied
// twice, answers go on, and a restarted server catches up. Then two are killed: silence, never an empty list.
func TestKillUnderLoad(t *testing.T) {
	c, client := servers(t, "")
	load := startLoad(t, client)
	seen := 0
	for _, s := range c.Genesis.Servers {
		load.passes(seen + 50)
		if err := c.Kill(s.Name); err != nil {
			t.Fatal(err)
		}
		seen = load.acked()
		load.passes(seen + 50)
		if err := c.Start(s.Name); err != nil {
			t.Fatal(err)
		}
		caughtUp(t, c, s.HTTP, client)
		seen = load.acked()
	}
	written := load.stop()
	t.Logf("%d writes acknowledged, %d without an answer", len(written.acked), len(written.open))
	checkWritten(t, c, client, written)
	silenceOfOne(t, c, client)
	checkWritten(t, c, client, written)
}

// writing is a load of flights that are put once each.
type writing struct {
	t      *testing.T
	cancel context.CancelFunc
	group  sync.WaitGroup
	wake   chan struct{}

	mu    sync.Mutex
	known map[string]string // acknowledged: flight to version
	open  []string          // no answer came
	wrong []error
}

// outcome is what a load knows in the end.
type outcome struct {
	acked map[string]string
	open  []string
}

func startLoad(t *testing.T, client *ask.Client) *writing {
	ctx, cancel := context.WithCancel(t.Context())
	w := &writing{t: t, cancel: cancel, wake: make(chan struct{}, 1), known: map[string]string{}}
	for worker := range 4 {
		w.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				w.put(ctx, client, fmt.Sprintf("LOAD-%d-%d", worker, n))
			}
		})
	}
	t.Cleanup(func() { cancel(); w.group.Wait() })
	return w
}

func (w *writing) put(ctx context.Context, client *ask.Client, id string) {
	begin := time.Now().Add(time.Hour).UTC()
	body := fmt.Sprintf(`{"callsign":%q,"from":"LSZH","to":"LSGG","uncertainty":{"lateral":{"value":0,"unit":"m"},"vertical":{"value":0,"unit":"ft"},"time":{"value":0,"unit":"s"}},"path":[`+
		`{"position":[8.5,47.4],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":%q},`+
		`{"position":[6.1,46.2],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":%q}]}`,
		id, begin.Format(time.RFC3339), begin.Add(30*time.Minute).Format(time.RFC3339))
	var answer api.Written
	_, err := client.Do(ctx, ask.Request{Method: http.MethodPut, Path: "/flights/" + id, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json"}, "If-None-Match": {"*"}}}, &answer)
	w.mu.Lock()
	defer w.mu.Unlock()
	var p *problem.Error
	switch {
	case err == nil:
		w.known[id] = answer.Version
	case ctx.Err() != nil, errors.As(err, &p) && p.Kind == problem.NoVoice:
		w.open = append(w.open, id)
	default:
		w.wrong = append(w.wrong, fmt.Errorf("%s: %w", id, err))
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writing) acked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.known)
}

// passes waits until n writes are acknowledged.
func (w *writing) passes(n int) {
	w.t.Helper()
	end := time.After(patience)
	for w.acked() < n {
		select {
		case <-w.wake:
		case <-end:
			w.t.Fatalf("%d writes acknowledged after %s, want %d; wrong: %v", w.acked(), patience, n, w.wrong)
		}
	}
}

func (w *writing) stop() outcome {
	w.cancel()
	w.group.Wait()
	// A refusal of a write that is made once can only come from a second application of it.
	for _, err := range w.wrong {
		w.t.Error(err)
	}
	return outcome{w.known, w.open}
}

// caughtUp waits until a server by itself answers as of an index that is agreed now.
func caughtUp(t *testing.T, c *procs.Cluster, address string, client *ask.Client) {
	t.Helper()
	one := &ask.Client{Endpoints: []string{ask.Endpoint(address)}, Timeout: time.Second}
	var proof ask.Proof
	eventually(t, c, func() (err error) {
		proof, err = one.Do(t.Context(), ask.Request{Path: "/flights?limit=1"}, nil)
		return err
	})
	if _, err := client.Confirm(t.Context(), proof); err != nil {
		t.Error(err)
	}
}

// checkWritten holds every server's flights and events against what was acknowledged.
func checkWritten(t *testing.T, c *procs.Cluster, client *ask.Client, w outcome) {
	t.Helper()
	for _, s := range c.Genesis.Servers {
		one := alone(client, s.HTTP)
		held := allFlights(t, one)
		for id, version := range w.acked {
			if held[id] != version {
				t.Errorf("%s: %s acknowledged as %s, held as %q", s.Name, id, version, held[id])
			}
		}
		for id := range held {
			if w.acked[id] == "" && !slices.Contains(w.open, id) {
				t.Errorf("%s holds %s, which nobody wrote", s.Name, id)
			}
		}
		proof, err := one.Do(t.Context(), ask.Request{Path: "/flights?limit=1"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Confirm(t.Context(), proof); err != nil {
			t.Error(err)
		}
	}
	checkEvents(t, client, w)
}

// alone asks one server by the means by which client asks all.
func alone(client *ask.Client, address string) *ask.Client {
	scheme, _, _ := strings.Cut(client.Endpoints[0], "://")
	return &ask.Client{Endpoints: []string{scheme + "://" + address}, HTTP: client.HTTP, Timeout: 10 * time.Second}
}

func allFlights(t *testing.T, client *ask.Client) map[string]string {
	t.Helper()
	held := map[string]string{}
	for path := "/flights?limit=1000"; ; {
		var page api.Flights
		if _, err := client.Do(t.Context(), ask.Request{Path: path}, &page); err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Flights {
			held[f.ID] = f.Version
		}
		if page.Next == "" {
			return held
		}
		path = "/flights?limit=1000&after=" + page.Next
	}
}

// checkEvents reads the stream from its beginning: each write is in it once.
func checkEvents(t *testing.T, client *ask.Client, w outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	times := map[string]int{}
	left := len(w.acked)
	err := watchStream(ctx, client, "/events", "1", func(_ string, data []byte) error {
		var e api.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		if e.Kind != "flight-put" {
			return nil
		}
		times[e.ID]++
		if times[e.ID] > 1 {
			t.Errorf("%s was applied %d times", e.ID, times[e.ID])
		}
		if w.acked[e.ID] != "" && times[e.ID] == 1 {
			if left--; left == 0 {
				cancel()
			}
		}
		return nil
	})
	if err != nil || left != 0 {
		t.Errorf("%d of %d acknowledged writes are not in the stream: %v", left, len(w.acked), err)
	}
}

// silenceOfOne kills two servers: the third says that it has no voice. Restarted, they answer again.
func silenceOfOne(t *testing.T, c *procs.Cluster, client *ask.Client) {
	t.Helper()
	for _, name := range []string{"n1", "n3"} {
		if err := c.Kill(name); err != nil {
			t.Fatal(err)
		}
	}
	n2, err := c.Genesis.Server("n2")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + n2.HTTP + "/api/v1/flights")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var p api.Problem
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusServiceUnavailable || p.Kind() != problem.NoVoice || p.Node != "n2" || len(p.Try) != 2 || answer.Header.Get("Onevoice-Index") != "" {
		t.Errorf("one of three answered %s, %+v", answer.Status, p)
	}
	stdout, stderr, code := run(t, "flights", "-e", endpoints(c))
	if code != exitNoVoice || stdout != "" || !strings.Contains(stderr, "no-voice") {
		t.Errorf("flights: exit %d\n%s%s", code, stdout, stderr)
	}
	for _, name := range []string{"n1", "n3"} {
		if err := c.Start(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range c.Genesis.Servers {
		caughtUp(t, c, s.HTTP, client)
	}
}
