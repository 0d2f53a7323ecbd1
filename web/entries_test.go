package web

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/airspace"
	"onevoice/chain"
	"onevoice/problem"
	"onevoice/watch"
	"onevoice/web/api"
)

// followed reads all entries in pages of two and follows the chain hash from the first index held.
func followed(t *testing.T, s *Server) (kinds []string, last api.Entry) {
	t.Helper()
	var l chain.Linker
	var hash chain.Hash
	for after := uint64(1); ; after = last.Index {
		var page api.Entries
		must(t, s, 200, &page, "GET", "/api/v1/entries?limit=2&after="+itoa(after), "")
		if after == 1 {
			unhex(t, hash[:], page.Hash)
		}
		if page.After != after || page.Hash != hex.EncodeToString(hash[:]) {
			t.Fatalf("after %d with %x: %+v", after, hash, page)
		}
		if len(page.Entries) == 0 {
			return kinds, last
		}
		for _, last = range page.Entries {
			link := chain.Entry{Index: last.Index, LogTimeNs: int64(last.LogTime), Events: last.Events}
			unhex(t, link.Digest[:], last.Digest)
			if hash = l.Next(hash, &link); hex.EncodeToString(hash[:]) != last.Hash {
				t.Fatalf("the hash after %d does not come of it", last.Index)
			}
			for _, b := range last.Events {
				e, err := airspace.DecodeEvent(b)
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, e.Kind.String())
			}
		}
	}
}

func unhex(t *testing.T, to []byte, text string) {
	t.Helper()
	if n, err := hex.Decode(to, []byte(text)); err != nil || n != len(to) {
		t.Fatalf("%q is no sum", text)
	}
}

func TestEntriesFollowTheChainHash(t *testing.T) {
	f := newFake(t)
	s := New(Options{Service: f, Node: "n1", Listen: "127.0.0.1:7480"})
	must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
	f.tick()
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	kinds, last := followed(t, s)
	if got := strings.Join(kinds, " "); got != "flight-put sector-put flight-rewindowed" {
		t.Error(got)
	}
	if want := f.Latest(); last.Index != want.Index || last.Hash != hex.EncodeToString(want.Hash[:]) || last.View != 3 || last.Term != 7 {
		t.Errorf("%+v", last)
	}
	for query, code := range map[string]int{"": 200, "?after=0": 400, "?after=99": 400, "?after=01": 400, "?after=2&wait_s=21": 400, "?after=2&limit=0": 400} {
		if w := ask(s, "GET", "/api/v1/entries"+query, ""); w.Code != code {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
	}
	f.journal.Restart(watch.Mark{Index: f.latest.Index, Hash: f.latest.Hash})
	f.tick()
	var p api.Problem
	if w := ask(s, "GET", "/api/v1/entries?after=2", ""); w.Code != http.StatusGone || json.Unmarshal(w.Body.Bytes(), &p) != nil || p.Kind() != problem.Expired {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.silent = true
	if w := ask(s, "GET", "/api/v1/entries?after="+itoa(f.latest.Index), ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a server that is cut off gives entries: %d", w.Code)
	}
}

func TestEntriesAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		s := New(Options{Service: f, Node: "n1", Listen: "127.0.0.1:7480"})
		f.tick()
		path := "/api/v1/entries?wait_s=5&after=" + itoa(f.latest.Index)
		var page api.Entries
		begun := time.Now()
		must(t, s, 200, &page, "GET", path, "")
		if waited := time.Since(begun); waited != 5*time.Second || len(page.Entries) > 0 {
			t.Errorf("after %s: %+v", waited, page)
		}
		go func() {
			time.Sleep(time.Second)
			_, _ = f.Do(context.Background(), time.Time{}, airspace.Encode(airspace.SetService{RateMilli: 2000}), nil)
		}()
		begun = time.Now()
		must(t, s, 200, &page, "GET", path, "")
		if waited := time.Since(begun); waited != time.Second || len(page.Entries) != 1 || len(page.Entries[0].Events) != 1 {
			t.Errorf("after %s: %+v", waited, page)
		}
	})
}

func TestTheWholeState(t *testing.T) {
	f := newFake(t)
	s := New(Options{Service: f, Node: "n1", Listen: "127.0.0.1:7480"})
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	for i := range 2*stateBatch + 1 {
		must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR"+itoa(uint64(i)), through)
	}
	w := ask(s, "GET", "/api/v1/state", "")
	var lines []api.StateLine
	for line := range bytes.Lines(w.Body.Bytes()) {
		var one api.StateLine
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		lines = append(lines, one)
	}
	n := len(lines)
	if n != 2*stateBatch+4 || lines[0].Head == nil || itoa(lines[0].Head.Index) != w.Header().Get(headerIndex) || lines[0].Head.Hash != w.Header().Get(headerHash) ||
		lines[1].Sector == nil || lines[1].Sector.ID != "BOX" || lines[2].Flight == nil || len(lines[2].Flight.Windows) != 1 ||
		lines[n-1].End == nil || *lines[n-1].End != (api.StateEnd{Sectors: 1, Flights: 2*stateBatch + 1}) {
		t.Errorf("%d lines: %.300s", n, w.Body)
	}
	s.listing.Store(true)
	if w := ask(s, "GET", "/api/v1/state", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("two at once: %d", w.Code)
	}
}
