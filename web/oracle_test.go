package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onevoice/members"
)

// stateless is the service of an oracle: its group has no airspace.
type stateless struct{ *fake }

func (s stateless) Read(ctx context.Context) (Snapshot, error) {
	snap, err := s.fake.Read(ctx)
	snap.State = nil
	return snap, err
}

func (s stateless) Latest() Snapshot {
	snap := s.fake.Latest()
	snap.State = nil
	return snap
}

// TestAnOracleServesTheMembershipOnly, whatever it is asked; and nobody is sent to it for the airspace.
func TestAnOracleServesTheMembershipOnly(t *testing.T) {
	servers := []members.Server{{Number: 1, Name: "n1", HTTP: "127.0.0.1:1"}, {Number: 2, Name: "o1", HTTP: "127.0.0.1:2", Oracle: true}}
	s := New(Options{Service: stateless{newFake(t, servers...)}, Node: "o1", Listen: "127.0.0.1:2", Oracle: true})
	served := 0
	for _, r := range s.routes() {
		path := strings.NewReplacer("{id}", "S1", "{number}", "1", "{file}", "x", "{$}", "").Replace(r.path)
		request := httptest.NewRequest(r.method, "http://127.0.0.1:2"+path, nil)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, request)
		body := w.Body.String()
		if refused := w.Code == http.StatusNotFound && strings.Contains(body, "this is an oracle"); refused == r.ofOracle() {
			t.Errorf("%s %s: %d %s", r.method, path, w.Code, body)
		}
		if r.ofOracle() {
			served++
		}
		if r.path == base+"/status" && (!strings.Contains(body, "127.0.0.1:1") || strings.Contains(body, "127.0.0.1:2")) {
			t.Errorf("whom to ask: %s", body)
		}
		if h := w.Header().Get(headerIndex); h != "" {
			t.Errorf("%s %s proves index %s of a group that is not the airspace's", r.method, path, h)
		}
	}
	if served < 10 {
		t.Errorf("only %d routes are served", served)
	}
}
