package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/subject"
)

// template is a certificate as another tool might make it.
func template(name string, claim *subject.Claim, ends time.Time) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, NotBefore: start.Add(-day), NotAfter: ends,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if claim != nil {
		c.URIs = []*url.URL{claim.URI()}
	}
	return c
}

func asAuthority(c *x509.Certificate) *x509.Certificate {
	c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	return c
}

// signed gives a certificate and its key; parent nil signs it by itself.
func signed(t testing.TB, c, parent *x509.Certificate, by crypto.Signer) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	if parent == nil {
		parent, by = c, key
	}
	made, err := sign(c, parent, key.Public(), by)
	must(t, err)
	return made, key
}

// TestAChainOfAuthorities: what another tool issued through an intermediate is believed until the first of the chain ends.
func TestAChainOfAuthorities(t *testing.T) {
	root, rootKey := signed(t, asAuthority(template("root", nil, start.Add(900*day))), nil, nil)
	middle, middleKey := signed(t, asAuthority(template("middle", nil, start.Add(30*day))), root, rootKey)
	claim := subject.Claim{Cluster: ours, Kind: subject.Client, Name: "bob", Rights: subject.Read}
	leaf, _ := signed(t, template("bob", &claim, start.Add(90*day)), middle, middleKey)
	trust, err := NewTrust(ours, []*x509.Certificate{root})
	must(t, err)
	h, p := trust.Verify([]*x509.Certificate{leaf, middle}, ToAsk, start)
	if p != nil || h.Rights != subject.Read || h.Kind != subject.Client {
		t.Fatalf("%+v, %v", h, p)
	}
	if !h.NotAfter.Equal(middle.NotAfter) || h.UntilNs != middle.NotAfter.UnixNano() {
		t.Errorf("believed until %v, want until the intermediate ends, %v", h.NotAfter, middle.NotAfter)
	}
	if _, p := trust.Verify([]*x509.Certificate{leaf}, ToAsk, start); p == nil || p.Field != BadAuthority {
		t.Errorf("without the intermediate: %v", p)
	}
	if _, p := trust.Verify([]*x509.Certificate{leaf, middle}, ToAsk, start.Add(31*day)); p == nil || p.Field != BadTime {
		t.Errorf("after the intermediate's end: %v", p)
	}
}

func TestTheRightsAreThoseOfTheCertificate(t *testing.T) {
	a := authority(t, ours)
	trust, err := NewTrust(ours, []*x509.Certificate{a.Certificate})
	must(t, err)
	for _, c := range []struct {
		kind subject.Kind
		ask  subject.Rights
		want subject.Rights
	}{
		{subject.Client, 0, subject.Read | subject.Write},
		{subject.Client, subject.Read, subject.Read},
		{subject.Client, subject.All, subject.All},
		{subject.Operator, 0, subject.All},
		{subject.Operator, subject.Members | subject.Backup, subject.Members | subject.Backup},
	} {
		h, p := trust.Verify(issued(t, a, Request{Kind: c.kind, Name: "x", Rights: c.ask, Valid: day}), ToAsk, start)
		if p != nil || h.Rights != c.want {
			t.Errorf("%s who asked for %v: %v, %v, want %v", c.kind, c.ask, h.Rights, p, c.want)
		}
	}
}

func TestAnAuthoritySpeaksForNobody(t *testing.T) {
	claim := subject.Claim{Cluster: ours, Kind: subject.Authority}
	nameless, _ := signed(t, asAuthority(template("", &claim, start.Add(day))), nil, nil)
	trust, err := NewTrust(ours, []*x509.Certificate{nameless})
	must(t, err)
	if h, p := trust.Verify([]*x509.Certificate{nameless}, ToAsk, start); p == nil || p.Field != BadName {
		t.Errorf("%+v, %v", h, p)
	}
}

func TestAuthoritiesThatAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	for _, valid := range []time.Duration{0, -day} {
		if _, err := CreateAuthority(dir, ours, start, valid); err == nil || !strings.Contains(err.Error(), "more than 0") {
			t.Errorf("valid for %v: %v", valid, err)
		}
	}
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, authorityFile), nil, 0o600))
	if _, err := CreateAuthority(dir, ours, start, day); err == nil || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("beside a certificate that is there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, authorityKeyFile)); err == nil {
		t.Error("a key was left beside another's certificate")
	}
	claim := subject.Claim{Cluster: ours, Kind: subject.Client, Name: "bob", Rights: subject.All}
	c, key := signed(t, asAuthority(template("bob", &claim, start.Add(day))), nil, nil)
	content, err := encodeKey(key)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, authorityFile), encodeCertificates(c), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, authorityKeyFile), content, 0o600))
	if _, err := OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), "of kind client") {
		t.Errorf("a client's certificate as an authority's: %v", err)
	}
	r := server(1)
	r.Server = subject.MaxServer + 1
	if _, _, err := authority(t, ours).Issue(r, start); err == nil || !strings.Contains(err.Error(), "server number is") {
		t.Errorf("number %d: %v", r.Server, err)
	}
}

// TestWhoIsDialledIsThatServer: certificates that are believed, of the wrong holder or for the wrong use.
func TestWhoIsDialledIsThatServer(t *testing.T) {
	a, p := authority(t, ours), newPlace(t)
	p.bundle(a)
	p.issue(a, server(1), start)
	k := p.open(1, new(clock), nil)
	claim := subject.Claim{Cluster: ours, Kind: subject.Server, Name: "n2", Server: 2}
	asking, askingKey := signed(t, template("n2", &claim, start.Add(day)), a.Certificate, a.key)
	two, bob := issued(t, a, server(2)), issued(t, a, client())
	for name, c := range map[string]struct {
		chain  []*x509.Certificate
		number uint64
		field  string
	}{
		"the server":                 {two, 2, ""},
		"any server":                 {two, 0, ""},
		"another server":             {two, 3, BadServer},
		"a client":                   {bob, 0, BadAuthority},
		"a server that may ask only": {[]*x509.Certificate{asking}, 2, BadAuthority},
	} {
		if _, p := k.VerifyServer(c.chain, c.number); (p == nil) != (c.field == "") || p != nil && p.Field != c.field {
			t.Errorf("%s: %v, want %q", name, p, c.field)
		}
	}
	if who, p := k.Subject(&tls.ConnectionState{PeerCertificates: bob}); p != nil || who.Name != "bob" {
		t.Errorf("a client asks: %+v, %v", who, p)
	}
	content, err := encodeKey(askingKey)
	must(t, err)
	must(t, WriteRenewed(p.Files, encodeCertificates(asking), content))
	if _, err := Open(Options{Files: p.Files, Cluster: ours, Server: 2, Now: new(clock).now}); err == nil || !strings.Contains(err.Error(), "not for this use") {
		t.Errorf("a server whose certificate may ask only starts: %v", err)
	}
}

// TestWhoIsRememberedGoesWithItsAuthority: nobody is believed for having been believed before.
func TestWhoIsRememberedGoesWithItsAuthority(t *testing.T) {
	a, next, p := authority(t, ours), authority(t, ours), newPlace(t)
	p.bundle(a, next)
	p.issue(next, server(1), start)
	k := p.open(1, new(clock), nil)
	bob := issued(t, a, client())
	for range 2 {
		if _, p := k.Verify(bob, ToAsk); p != nil {
			t.Fatal(p)
		}
	}
	p.bundle(next)
	must(t, k.Check())
	if h, p := k.Verify(bob, ToAsk); p == nil || p.Field != BadAuthority {
		t.Errorf("%+v, %v", h, p)
	}
}
