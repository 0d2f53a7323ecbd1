package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestHTTP loads a server of the standard library: a connection is used again, whatever the answer, and not after a failure.
func TestHTTP(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Onevoice-Index", "12")
		if r.URL.Path == "/late" {
			<-r.Context().Done()
		}
		if r.URL.Path == "/long" {
			body = []byte(strings.Repeat("x", maxAnswer+1))
		}
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusConflict)
		}
		w.Write(body) //nolint:errcheck // a client that goes early is part of the test
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	h := &HTTP{Address: server.Listener.Addr().String()}
	t.Cleanup(func() { h.Close(); server.Close() })
	do := func(ctx context.Context, path, body string) (got Answer, text string, err error) {
		request := func(b []byte) []byte {
			return fmt.Appendf(b, "PUT %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		}
		err = h.Do(ctx, request, func(a Answer) error { got, text = a, string(a.Body); return nil })
		return got, text, err
	}
	for path, status := range map[string]int{"/yes": 200, "/no": 409} {
		if a, text, err := do(t.Context(), path, "body"+path); err != nil || a.Status != status || a.Index != 12 || text != "body"+path {
			t.Errorf("%s: %+v %q %v", path, a, text, err)
		}
	}
	refusal := errors.New("refused")
	get := func(b []byte) []byte { return append(b, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"...) }
	if err := h.Do(t.Context(), get, func(Answer) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("the check's error is lost: %v", err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, one after the other needs 1", n)
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for path, ctx := range map[string]context.Context{"/late": soon, "/long": t.Context()} {
		if _, _, err := do(ctx, path, ""); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
	if a, text, err := do(t.Context(), "/yes", "again"); err != nil || a.Status != 200 || text != "again" {
		t.Errorf("after failures: %+v %q %v", a, text, err)
	}
}
