package dev

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/token"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTokensAreBelievedByTheKeysThatAreShown goes the whole way: key, files, issuer, keeper.
func TestTokensAreBelievedByTheKeysThatAreShown(t *testing.T) {
	now := time.Now
	made, err := New(rand.Reader, now)
	must(t, err)
	private, err := made.PrivatePEM()
	must(t, err)
	i, err := Parse(private, now)
	must(t, err)
	public, err := i.PublicPEM()
	must(t, err)
	name := filepath.Join(t.TempDir(), "dev.pub")
	must(t, os.WriteFile(name, public, 0o600))
	k, err := token.Open(token.Options{Files: []string{name}, Audiences: []string{"sky"}})
	must(t, err)
	for _, field := range []string{"audience", "intended_audience"} {
		w := ask(i, http.MethodGet, "127.0.0.1:8085", url.Values{"grant_type": {"client_credentials"}, field: {"sky"}, "sub": {"uss1"}, "scope": {"utm.strategic_coordination"}})
		var answer struct {
			Token string `json:"access_token"`
		}
		must(t, json.Unmarshal(w.Body.Bytes(), &answer))
		who, p := k.Subject(answer.Token)
		if p != nil || who.Name != "uss1" || !who.HasScopes("utm.strategic_coordination") || who.HasScopes("utm.strategic") || who.Rights != 0 {
			t.Errorf("%+v, %v", who, p)
		}
	}
}

func ask(i *Issuer, method, host string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/token?"+form.Encode(), nil)
	r.Host = host
	w := httptest.NewRecorder()
	i.Handler().ServeHTTP(w, r)
	return w
}

func TestTheIssuerRefuses(t *testing.T) {
	i, err := New(rand.Reader, time.Now)
	must(t, err)
	good := func() url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "audience": {"sky"}, "sub": {"uss1"}, "scope": {"x"}}
	}
	for name, c := range map[string]struct {
		host   string
		change func(url.Values)
		status int
	}{
		"nothing":                {"127.0.0.1:8085", func(url.Values) {}, 200},
		"a name of somebody":     {"evil.example:8085", func(url.Values) {}, 403},
		"another grant":          {"localhost:8085", func(v url.Values) { v.Set("grant_type", "password") }, 400},
		"no audience":            {"localhost:8085", func(v url.Values) { v.Del("audience") }, 400},
		"no sub":                 {"[::1]:8085", func(v url.Values) { v.Del("sub") }, 400},
		"scope twice":            {"[::1]:8085", func(v url.Values) { v.Add("scope", "y") }, 400},
		"a sub that is too long": {"[::1]:8085", func(v url.Values) { v.Set("sub", strings.Repeat("x", maxField+1)) }, 400},
	} {
		form := good()
		c.change(form)
		if w := ask(i, http.MethodPost, c.host, form); w.Code != c.status {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.status, w.Body)
		}
	}
	for _, address := range []string{":8085", "0.0.0.0:0", "192.0.2.1:0", "localhost:0", "[::]:0"} {
		if l, err := Listen(address); err == nil {
			l.Close()
			t.Errorf("it listens at %s", address)
		}
	}
	l, err := Listen("127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	for _, life := range []time.Duration{0, MaxLife + 1} {
		if _, err := i.Sign(Claims{Subject: "a", Audience: "b"}, life); err == nil {
			t.Errorf("a life of %v", life)
		}
	}
}
