package dev

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"onevoice/token"
)

// TestThePublishedKeySetIsTaken: a keeper that is told of nothing but the issuer's address comes to believe its tokens.
func TestThePublishedKeySetIsTaken(t *testing.T) {
	i, err := New(rand.Reader, time.Now)
	must(t, err)
	s := httptest.NewServer(i.Handler())
	defer s.Close()
	k, err := token.Open(token.Options{KeySet: token.KeySet{URL: s.URL + "/.well-known/jwks.json", IDs: []string{keyID}, Refresh: time.Minute}, Audiences: []string{"sky"}})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	for _, run := range k.Runs() {
		group.Go(func() { run(ctx, make(chan os.Signal)) })
	}
	raw, err := i.Sign(Claims{Subject: "uss1", Audience: "sky"}, time.Minute)
	must(t, err)
	for end := time.Now().Add(20 * time.Second); ; {
		if _, p := k.Subject(raw); p == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(p)
		}
		if taken, refused := k.Stats(); refused > 0 {
			t.Fatalf("%d taken, %d refused", taken, refused)
		}
	}
}
