package token

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// issuer publishes a key set.
type issuer struct {
	status  int
	content []byte
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(i.status)
	_, _ = w.Write(i.content)
}

func publish(t *testing.T, ids ...string) (*issuer, *Keeper, *time.Time, *bytes.Buffer) {
	t.Helper()
	i := &issuer{status: http.StatusOK}
	s := httptest.NewServer(i)
	t.Cleanup(s.Close)
	now, log := start, new(bytes.Buffer)
	k, err := Open(Options{KeySet: KeySet{URL: s.URL, IDs: ids, Refresh: time.Minute}, Audiences: []string{"sky"}, Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	return i, k, &now, log
}

// TestKeysOutliveAnOutageOfTheirIssuer, but not for ever, and go when the issuer takes them away.
func TestKeysOutliveAnOutageOfTheirIssuer(t *testing.T) {
	ed, ec, _ := pairs(t)
	i, k, now, log := publish(t)
	raw := sign(t, ed, body(t, `{"exp":1772500000}`))
	good := func(want bool, when string) {
		t.Helper()
		if _, p := k.Subject(raw); (p == nil) != want {
			t.Errorf("%s: %v", when, p)
		}
	}
	good(false, "before the first answer")
	i.content = set(t, ed)
	k.set.check(t.Context())
	good(true, "with the key")
	under := k.set.get()
	k.set.check(t.Context())
	if k.set.get() != under {
		t.Error("the same content forgets the tokens that are remembered")
	}
	for _, outage := range []issuer{{500, nil}, {200, []byte("{")}, {200, []byte(`{"keys":[]}`)}, {302, set(t, ec)}, {200, bytes.Repeat([]byte(" "), 1<<20)}} {
		*i = outage
		k.set.check(t.Context())
		good(true, "in an outage")
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("the outage is told %d times", n)
	}
	*now = start.Add(MaxStale)
	good(true, "at the end of the longest outage")
	*now = now.Add(time.Second)
	good(false, "after the longest outage")
	*now = start
	*i = issuer{200, set(t, ec)}
	k.set.check(t.Context())
	good(false, "after the key was taken away")
	if taken, refused := k.Stats(); taken != 2 || refused != 5 {
		t.Errorf("%d taken, %d refused", taken, refused)
	}
}

func TestOnlyTheKeysThatAreNamedAreTaken(t *testing.T) {
	ed, ec, rs := pairs(t)
	i, k, _, _ := publish(t, "ec", "rs")
	i.content = set(t, ed, ec, rs)
	k.set.check(t.Context())
	for _, p := range []pair{ed, ec, rs} {
		if _, refusal := k.Subject(sign(t, p, body(t, `{}`))); (refusal == nil) != (p.id != "ed") {
			t.Errorf("%s: %v", p.id, refusal)
		}
	}
}

func TestKeySetsThatAreRefused(t *testing.T) {
	for name, of := range map[string]KeySet{
		"http to another machine": {URL: "http://issuer.example/jwks", Refresh: time.Minute},
		"a password":              {URL: "https://a:b@issuer.example/jwks", Refresh: time.Minute},
		"a file":                  {URL: "file:///etc/keys", Refresh: time.Minute},
		"too often":               {URL: "https://issuer.example/jwks", Refresh: time.Millisecond},
		"too seldom":              {URL: "https://issuer.example/jwks", Refresh: 2 * time.Hour},
		"too many ids":            {URL: "https://issuer.example/jwks", Refresh: time.Minute, IDs: make([]string, maxKeys+1)},
	} {
		_, err := Open(Options{KeySet: of, Audiences: []string{"sky"}})
		if err == nil || !strings.Contains(err.Error(), "allowed:") || strings.Contains(err.Error(), "a:b@") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
