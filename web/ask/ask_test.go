package ask

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onevoice/problem"
	"onevoice/web/api"
)

// TestWhatNobodyAnswersIsUnknown says what is left open, and whom to ask next.
func TestWhatNobodyAnswersIsUnknown(t *testing.T) {
	answers := func(p api.Problem) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(p.Status)
			_ = json.NewEncoder(w).Encode(p)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	silent := answers(api.Problem{Type: api.URN + "no-voice", Status: 503, Outcome: problem.Unknown, Try: []string{"http://n9"}})
	full := answers(api.Problem{Type: api.URN + "overloaded", Status: 503})
	gone := httptest.NewServer(nil)
	gone.Close()
	put := Request{Method: http.MethodPut, Path: "/flights/A", Header: http.Header{"Idempotency-Key": {"k"}}}
	for _, c := range []struct {
		name      string
		endpoints []string
		request   Request
		want, not []string
	}{
		{"a question", []string{silent}, Request{Path: "/sectors"}, []string{"UNKNOWN: no server answered", silent, "ask next: http://n9"}, []string{"Idempotency-Key"}},
		{"a question to nobody", []string{gone.URL}, Request{Path: "/sectors"}, []string{"UNKNOWN", "ask next: the same servers later"}, nil},
		{"a change", []string{silent, full}, put, []string{"UNKNOWN, done once or not at all", "Idempotency-Key k,", "ask next: http://n9"}, nil},
		{"a change that nobody took", []string{gone.URL, full}, put, []string{"nothing was done"}, []string{"UNKNOWN", "ask next"}},
	} {
		ask := Client{Endpoints: c.endpoints, Timeout: 50 * time.Millisecond}
		_, err := ask.Do(t.Context(), c.request, nil)
		var p *problem.Error
		if !errors.As(err, &p) || p.Kind != problem.NoVoice {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", c.name, want, err)
			}
		}
		for _, not := range c.not {
			if strings.Contains(err.Error(), not) {
				t.Errorf("%s: %q is in: %v", c.name, not, err)
			}
		}
	}
}
