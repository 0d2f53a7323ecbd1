package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onevoice/problem"
)

// saver is a server whose backups are what write writes.
func saver(t *testing.T, write func(io.Writer) error, err error) *Server {
	t.Helper()
	return New(Options{Service: newFake(t), Node: "n1", Listen: "127.0.0.1:7480", Backup: func(context.Context) (func(io.Writer) error, error) {
		return write, err
	}})
}

func TestABackupIsStreamed(t *testing.T) {
	s := saver(t, func(w io.Writer) error {
		for _, piece := range []string{"one ", "two ", "three"} {
			if _, err := io.WriteString(w, piece); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	w := ask(s, "GET", "/api/v1/backup", "")
	if w.Code != http.StatusOK || w.Body.String() != "one two three" || w.Header().Get("Content-Type") != backupType || w.Header().Get("Onevoice-Node") != "n1" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	if w := ask(s, "GET", "/api/v1/backup", ""); w.Code != http.StatusOK {
		t.Errorf("the next one: %d", w.Code)
	}
}

func TestBackupsThatAreRefused(t *testing.T) {
	silent := saver(t, nil, &problem.Error{Kind: problem.NoVoice, Op: "read"})
	if w := ask(silent, "GET", "/api/v1/backup", ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no-voice") {
		t.Errorf("without a majority: %d %s", w.Code, w.Body)
	}
	none := New(Options{Service: newFake(t), Node: "n1", Listen: "127.0.0.1:7480"})
	if w := ask(none, "GET", "/api/v1/backup", ""); w.Code != http.StatusNotFound {
		t.Errorf("where none are made: %d", w.Code)
	}
	var second *httptest.ResponseRecorder
	var s *Server
	s = saver(t, func(io.Writer) error {
		second = ask(s, "GET", "/api/v1/backup", "")
		return errors.New("and this one breaks off")
	}, nil)
	ask(s, "GET", "/api/v1/backup", "")
	if second.Code != http.StatusServiceUnavailable || !strings.Contains(second.Body.String(), "overloaded") || second.Header().Get("Retry-After") == "" {
		t.Errorf("a second one beside the first: %d %s", second.Code, second.Body)
	}
}

// TestABackupEndsWithItsReader takes the reader away in the middle: the one who writes is told.
func TestABackupEndsWithItsReader(t *testing.T) {
	told := make(chan error, 1)
	begun := make(chan struct{})
	s := saver(t, func(w io.Writer) error {
		close(begun)
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				told <- err
				return err
			}
		}
	}, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	cancel()
	answer.Body.Close()
	if err := <-told; err == nil {
		t.Error("nobody was told")
	}
}
