package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/subject"
)

var (
	ours   = [16]byte{1, 2, 3}
	theirs = [16]byte{9}
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

const day = 24 * time.Hour

func authority(t testing.TB, cluster [16]byte) *Authority {
	t.Helper()
	a, err := CreateAuthority(filepath.Join(t.TempDir(), "ca"), cluster, start, AuthorityValid)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func server(number uint64) Request {
	return Request{Kind: subject.Server, Name: "n" + string(rune('0'+number)), Server: number, Organisation: "Skyguide", Hosts: []string{"127.0.0.1", "n.example"}, Valid: 90 * day}
}

func client() Request {
	return Request{Kind: subject.Client, Name: "bob", Organisation: "Airline", Valid: 90 * day}
}

func issue(t testing.TB, a *Authority, r Request, now time.Time) ([]byte, []byte) {
	t.Helper()
	c, key, err := a.Issue(r, now)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

func chain(t testing.TB, content []byte) []*x509.Certificate {
	t.Helper()
	all, err := ParseCertificates("test", content)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func issued(t testing.TB, a *Authority, r Request) []*x509.Certificate {
	t.Helper()
	c, _ := issue(t, a, r, start)
	return chain(t, c)
}

// TestWhoIsBelieved is the rule, case by case.
func TestWhoIsBelieved(t *testing.T) {
	a, other, foreign := authority(t, ours), authority(t, ours), authority(t, theirs)
	trust, err := NewTrust(ours, []*x509.Certificate{a.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := NewTrust(ours, []*x509.Certificate{other.Certificate, a.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	one, bob := issued(t, a, server(1)), issued(t, a, client())
	misnamed := *bob[0]
	misnamed.Subject.CommonName = "alice"
	unnamed := *bob[0]
	unnamed.URIs = nil
	for name, c := range map[string]struct {
		trust *Trust
		chain []*x509.Certificate
		use   Use
		now   time.Time
		field string
	}{
		"a server to serve":                   {trust, one, ToServe, start, ""},
		"a server to ask":                     {trust, one, ToAsk, start, ""},
		"a client to ask":                     {trust, bob, ToAsk, start, ""},
		"with a bundle of two authorities":    {bundle, one, ToServe, start, ""},
		"at its last second":                  {trust, bob, ToAsk, start.Add(90 * day), ""},
		"a machine five minutes behind":       {trust, bob, ToAsk, start.Add(-5 * time.Minute), ""},
		"none":                                {trust, nil, ToAsk, start, Missing},
		"a client to serve":                   {trust, bob, ToServe, start, BadAuthority},
		"expired":                             {trust, bob, ToAsk, start.Add(90*day + time.Second), BadTime},
		"not valid yet":                       {trust, bob, ToAsk, start.Add(-6 * time.Minute), BadTime},
		"of another cluster":                  {trust, issued(t, foreign, server(1)), ToServe, start, BadCluster},
		"of another authority of the cluster": {trust, issued(t, other, server(1)), ToServe, start, BadAuthority},
		"an authority itself":                 {trust, []*x509.Certificate{a.Certificate}, ToAsk, start, BadName},
		"of no service":                       {trust, []*x509.Certificate{&unnamed}, ToAsk, start, BadName},
		"of two names":                        {trust, []*x509.Certificate{&misnamed}, ToAsk, start, BadName},
	} {
		h, p := c.trust.Verify(c.chain, c.use, c.now)
		switch {
		case c.field == "" && (p != nil || h.Name != c.chain[0].Subject.CommonName || h.Organisation == "" || h.Rights == 0 || !h.NotAfter.Equal(c.chain[0].NotAfter)):
			t.Errorf("%s: %+v, %v", name, h, p)
		case c.field != "" && (p == nil || p.Field != c.field || h != (Holder{})):
			t.Errorf("%s: %+v, %v, want a refusal for %s", name, h, p, c.field)
		}
	}
	if _, err := NewTrust(ours, []*x509.Certificate{foreign.Certificate}); err == nil || !strings.Contains(err.Error(), "is of cluster") {
		t.Errorf("the authority of another cluster is taken: %v", err)
	}
	if _, err := NewTrust(ours, one); err == nil {
		t.Error("a server's certificate is taken as an authority's")
	}
}

// TestTheHoldersOfARenewedCertificate keeps everything but key and time, across authorities.
func TestTheHolderOfARenewedCertificateStays(t *testing.T) {
	a, next := authority(t, ours), authority(t, ours)
	old := issued(t, a, server(3))[0]
	c, _, err := next.Renew(old, 30*day, start.Add(200*day))
	if err != nil {
		t.Fatal(err)
	}
	renewed := chain(t, c)
	trust, err := NewTrust(ours, []*x509.Certificate{next.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	h, p := trust.Verify(renewed, ToServe, start.Add(200*day))
	if p != nil || h.Name != "n3" || h.Server != 3 || h.Organisation != "Skyguide" || h.Rights != subject.All {
		t.Fatalf("%+v, %v", h, p)
	}
	if samePublic(old.PublicKey, renewed[0].PublicKey) || old.SerialNumber.Cmp(renewed[0].SerialNumber) == 0 {
		t.Error("the old key or serial is used again")
	}
	if err := renewed[0].VerifyHostname("n.example"); err != nil {
		t.Error(err)
	}
	if _, _, err := authority(t, theirs).Renew(old, day, start); err == nil {
		t.Error("another cluster's authority renews it")
	}
	if _, _, err := a.Renew(a.Certificate, day, start); err == nil {
		t.Error("an authority is renewed as if it were a server")
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	a := authority(t, ours)
	for want, change := range map[string]func(*Request){
		"kind is":          func(r *Request) { r.Kind = "king" },
		"name is":          func(r *Request) { r.Name = "../x" },
		"organisation is":  func(r *Request) { r.Organisation = strings.Repeat("x", 65) },
		"valid is":         func(r *Request) { r.Valid = 399 * day },
		"server number is": func(r *Request) { r.Server = 0 },
		"hosts is":         func(r *Request) { r.Hosts = nil },
		"rights is":        func(r *Request) { r.Rights = subject.Read },
	} {
		r := server(1)
		change(&r)
		if _, _, err := a.Issue(r, start); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if _, _, err := a.Issue(Request{Kind: subject.Client, Name: "x", Hosts: []string{"h"}, Valid: day}, start); err == nil {
		t.Error("a client with a host name is taken")
	}
	if _, _, err := a.Issue(client(), start.Add(AuthorityValid+day)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired authority issues: %v", err)
	}
	c, _ := issue(t, a, client(), start.Add(AuthorityValid-day))
	if got := chain(t, c)[0].NotAfter; !got.Equal(a.Certificate.NotAfter) {
		t.Errorf("a certificate ends at %v, after its authority", got)
	}
}

func TestAnAuthorityIsReadAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	a, err := CreateAuthority(dir, ours, start, AuthorityValid)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenAuthority(dir)
	if err != nil || again.Cluster != ours || !again.Certificate.Equal(a.Certificate) {
		t.Fatal(err)
	}
	if _, err := CreateAuthority(dir, ours, start, AuthorityValid); err == nil {
		t.Error("an authority is overwritten")
	}
	key := filepath.Join(dir, authorityKeyFile)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its key has mode %v", info.Mode())
	}
	must(t, os.Chmod(key, 0o644))
	if _, err := OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that all may read is taken: %v", err)
	}
	must(t, os.Chmod(key, 0o600))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	content, err := encodeKey(other)
	must(t, err)
	must(t, os.WriteFile(key, content, 0o600))
	if _, err := OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), "does not belong") {
		t.Errorf("another's key is taken: %v", err)
	}
	issue(t, a, client(), start)
	if log, err := os.ReadFile(filepath.Join(dir, IssuedFile)); err != nil || !strings.Contains(string(log), "/client/bob?rights=read,write") || strings.Contains(string(log), "PRIVATE") {
		t.Errorf("%s %v", log, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDescription is the text of what cert show prints.
func TestDescription(t *testing.T) {
	a := authority(t, ours)
	c := issued(t, a, server(2))[0]
	d := Describe(c, start.Add(80*day))
	want := " of cluster 01020300 since 2026-03-01"
	if d.Name != "n2" || d.Kind != "server" || d.Server != 2 || d.Organisation != "Skyguide" || d.DaysLeft != 10 || !strings.HasSuffix(d.IssuedBy, want) ||
		d.NotAfter != "2026-05-30T12:00:00Z" || strings.Join(d.Hosts, " ") != "n.example 127.0.0.1" || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "ends in 10 days") {
		t.Errorf("%+v", d)
	}
	for at, want := range map[time.Duration]string{-day: "not valid yet", 100 * day: "expired 10 days ago", 0: ""} {
		d := Describe(c, start.Add(at))
		if want == "" && len(d.Warnings) != 0 || want != "" && (len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], want)) {
			t.Errorf("after %v: %v, want %q", at, d.Warnings, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	a := authority(f, ours)
	c, key := issue(f, a, client(), start)
	f.Add(c)
	f.Add(key)
	f.Add(append(a.PEM(), c...))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	trust, err := NewTrust(ours, []*x509.Certificate{a.Certificate})
	must(f, err)
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := ParseKey("key", content); err != nil && strings.Contains(err.Error(), "MIG") {
			t.Errorf("the error quotes the key: %v", err)
		}
		all, err := ParseCertificates("file", content)
		if err != nil {
			return
		}
		Describe(all[0], start)
		if h, p := trust.Verify(all, ToAsk, start); p == nil && h.Name != "bob" {
			t.Errorf("%+v is believed", h)
		}
	})
}
