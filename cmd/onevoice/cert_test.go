package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"onevoice/airspace"
	"onevoice/cert"
	"onevoice/internal/procs"
	"onevoice/lease"
	"onevoice/subject"
	"onevoice/web/ask"
	"onevoice/wire"
)

// certDir is where a test's authorities and certificates lie.
type certDir struct {
	t   *testing.T
	dir string
}

func (d certDir) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// good runs the command line, which has to succeed.
func (d certDir) good(args ...string) string {
	d.t.Helper()
	out, errs, code := run(d.t, args...)
	if code != exitOK {
		d.t.Fatalf("onevoice %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func (d certDir) issue(ca, kind, name string, more ...string) []string {
	d.t.Helper()
	d.good(append([]string{"cert", "issue", "--dir", d.path(ca), "--kind", kind, "--name", name, "--org", "Skyguide", "--out", d.path(ca + "-" + name)}, more...)...)
	return d.flags(ca, name)
}

func (d certDir) flags(ca, name string) []string {
	at := ca + "-" + name
	return []string{"--ca", d.path(at, "ca.crt"), "--cert", d.path(at, name+".crt"), "--key", d.path(at, name+".key")}
}

// bundle puts the certificates of some authorities where a holder looks for those that it believes.
func (d certDir) bundle(holder string, authorities ...string) {
	d.t.Helper()
	var all []byte
	for _, ca := range authorities {
		b, err := os.ReadFile(d.path(ca, "ca.crt"))
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, b...)
	}
	if err := os.WriteFile(d.path(holder, "ca.crt"), all, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// secured starts three real servers with certificates of the authority "ca".
func secured(t *testing.T) (*procs.Cluster, certDir) {
	t.Helper()
	c := newServers(t, "")
	d := certDir{t, t.TempDir()}
	d.good("cert", "init", "--dir", d.path("ca"), "--cluster-file", filepath.Join(c.Dir, "cluster.json"))
	for _, s := range c.Genesis.Servers {
		d.issue("ca", "server", s.Name)
	}
	c.ArgsOf = func(name string) []string { return d.flags("ca", name) }
	for _, s := range c.Genesis.Servers {
		if err := c.Start(s.Name); err != nil {
			t.Fatal(err)
		}
	}
	return c, d
}

// TestCertificatesOfRealServers is the operations manual: issue, ask, exchange the authority under load, with no restart and no
// write lost.
func TestCertificatesOfRealServers(t *testing.T) {
	c, d := secured(t)
	alice, bob := d.issue("ca", "operator", "alice"), d.issue("ca", "client", "bob", "--rights", "read")
	all := endpoints(c)
	command := func(who []string, args ...string) (string, int) {
		_, errs, code := run(t, append(append(args, "-e", all, "--timeout", "20s"), who...)...)
		return errs, code
	}
	eventually(t, c, func() error {
		if errs, code := command(alice, "sectors"); code != exitOK {
			return errors.New(errs)
		}
		return nil
	})
	if errs, code := command(alice, "status"); code != exitOK || !strings.Contains(errs, "holds the same") {
		t.Fatalf("an operator asks: exit %d\n%s%s", code, errs, lastLines(c))
	}
	if errs, code := command(bob, "sectors"); code != exitOK {
		t.Errorf("a reader asks: exit %d\n%s", code, errs)
	}
	if errs, code := command(bob[:2], "sectors"); code != exitRefused || !strings.Contains(errs, "--cert and --key") {
		t.Errorf("nobody asks: exit %d\n%s", code, errs)
	}
	if errs, code := command(nil, "sectors"); code != exitError || !strings.Contains(errs, "--ca") {
		t.Errorf("without TLS: exit %d\n%s", code, errs)
	}
	by := &swap{}
	by.now.Store(transportOf(t, d, "ca", "alice"))
	client := clientOf(c, by)
	load := startLoad(t, client)
	load.passes(20)
	for _, v := range []struct{ who, want string }{{"bob", "allowed: write"}, {"alice", ""}} {
		one := clientOf(c, transportOf(t, d, "ca", v.who))
		_, err := one.Do(t.Context(), ask.Request{Method: http.MethodDelete, Path: "/flights/NONE"}, nil)
		if err == nil || !strings.Contains(err.Error(), v.want) || v.want == "" && strings.Contains(err.Error(), "forbidden") {
			t.Errorf("%s writes: %v", v.who, err)
		}
	}
	exchange(c, d, load, by)
	if errs, code := command(alice, "sectors"); code != exitRefused && code != exitNoVoice {
		t.Errorf("with a certificate of the old authority: exit %d\n%s", code, errs)
	}
	written := load.stop()
	checkWritten(t, c, client, written)
	noSecrets(c, d)
}

// TestJoiningWithCertificates adds a server to a cluster with certificates, by what the commands themselves say.
func TestJoiningWithCertificates(t *testing.T) {
	c, d := secured(t)
	alice := d.issue("ca", "operator", "alice")
	all := endpoints(c)
	reached(t, all, alice...)
	as := func(args ...string) []string { return append(append(args, "-e", all), alice...) }
	token := mustType(t, "", as("members", "add", "n4")...)
	n4, dir := addressOf(t, "n4"), filepath.Join(c.Dir, "n4")
	join := []string{"join", "--dir", dir, "--invitation", "-", "--http", n4.HTTP, "--peer", n4.Peer}
	if _, err := typed(t, token, join...); err == nil || !strings.Contains(err.Error(), "give --ca") {
		t.Errorf("join without TLS: %v", err)
	}
	out := mustType(t, token, append(join, alice[:2]...)...)
	const next = "cert issue --dir CADIR --kind server --name n4 --number 4 --hosts 127.0.0.1 --out DIR\n"
	if !strings.Contains(out, next) || !strings.Contains(out, "serve --dir "+dir+" --ca ca.crt --cert n4.crt --key n4.key\n") {
		t.Fatalf("join says %q", out)
	}
	serves(t, c.Binary, dir, n4, d.issue("ca", "server", "n4", "--number", "4", "--hosts", "127.0.0.1")...)
	reached(t, all, alice...)
	mustType(t, "", as("members", "promote", "n4")...)
	all += "," + n4.HTTP
	m := reached(t, all, alice...)
	for _, g := range m.Groups {
		if len(g.Members) != 4 || g.Members[3].Is != "voter" {
			t.Errorf("%+v", g)
		}
	}
	out = d.good(append([]string{"status", "-o", "json", "-e", n4.HTTP}, alice...)...)
	if !strings.Contains(out, `"servers":[{"number":"1"`) || !strings.Contains(out, `"name":"n4","url":"https://`+n4.HTTP) {
		t.Errorf("n4 does not list itself: %s", out)
	}
}

// exchange replaces the authority in the manual's three steps; the load's own client follows as its user would.
func exchange(c *procs.Cluster, d certDir, load *writing, by *swap) {
	t := d.t
	t.Helper()
	d.good("cert", "init", "--dir", d.path("next"), "--cluster-file", filepath.Join(c.Dir, "cluster.json"))
	d.issue("next", "operator", "alice")
	all := c.Genesis.Servers
	taken := func(what string, has func(cert.Description) bool) {
		t.Helper()
		for _, s := range all {
			if err := c.Signal(s.Name, syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			eventually(t, c, func() error {
				var list []cert.Description
				if err := json.Unmarshal([]byte(d.good("cert", "show", s.HTTP, "-o", "json")), &list); err != nil {
					return err
				}
				if !has(list[0]) {
					return fmt.Errorf("%s: %s shows %+v", what, s.Name, list[0])
				}
				return nil
			})
		}
		load.passes(load.acked() + 20)
	}
	for _, s := range all {
		d.bundle("ca-"+s.Name, "ca", "next")
	}
	d.bundle("ca-alice", "ca", "next")
	taken("bundles", func(cert.Description) bool { return true })
	var old []cert.Description
	if err := json.Unmarshal([]byte(d.good("cert", "show", d.path("ca", "ca.crt"), "-o", "json")), &old); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		d.good("cert", "renew", "--dir", d.path("next"), "--cert", d.path("ca-"+s.Name, s.Name+".crt"))
	}
	d.bundle("next-alice", "ca", "next")
	by.now.Store(transportOf(t, d, "next", "alice"))
	taken("new certificates", func(x cert.Description) bool { return x.IssuedBy != old[0].Name })
	for _, s := range all {
		d.bundle("ca-"+s.Name, "next")
	}
	taken("the old authority is forgotten", func(cert.Description) bool { return true })
	one := alone(clientOf(c, transportOf(t, d, "ca", "alice")), all[0].HTTP)
	eventually(t, c, func() error {
		if _, err := one.Do(t.Context(), ask.Request{Path: "/sectors?limit=1"}, nil); err == nil {
			return fmt.Errorf("a certificate of the old authority is still believed")
		}
		return nil
	})
}

// clientOf asks all servers over HTTPS.
func clientOf(c *procs.Cluster, by http.RoundTripper) *ask.Client {
	all := &ask.Client{Timeout: 20 * time.Second, HTTP: &http.Client{Transport: by}}
	for _, s := range c.Genesis.Servers {
		all.Endpoints = append(all.Endpoints, "https://"+s.HTTP)
	}
	return all
}

// transportOf shows somebody's certificate.
func transportOf(t *testing.T, d certDir, ca, name string) *http.Transport {
	t.Helper()
	f := d.flags(ca, name)
	config, err := cert.ClientTLS(cert.Files{CA: f[1], Cert: f[3], Key: f[5]})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// swap lets a client that runs show another certificate.
type swap struct {
	now atomic.Pointer[http.Transport]
}

func (s *swap) RoundTrip(r *http.Request) (*http.Response, error) { return s.now.Load().RoundTrip(r) }

// noSecrets looks for keys in what servers have logged.
func noSecrets(c *procs.Cluster, d certDir) {
	d.t.Helper()
	for _, s := range c.Genesis.Servers {
		log, err := os.ReadFile(c.LogFile(s.Name))
		if err != nil {
			d.t.Fatal(err)
		}
		key, err := os.ReadFile(d.path("ca-"+s.Name, s.Name+".key"))
		if err != nil {
			d.t.Fatal(err)
		}
		if secret := bytes.Split(key, []byte("\n"))[1]; bytes.Contains(log, secret) || bytes.Contains(log, []byte("PRIVATE KEY")) {
			d.t.Errorf("a key is in the log of %s", s.Name)
		}
	}
}

func TestServeSaysWhatIsWrongWithItsFiles(t *testing.T) {
	c := newServers(t, "")
	d := certDir{t, t.TempDir()}
	file := filepath.Join(c.Dir, "cluster.json")
	d.good("cert", "init", "--dir", d.path("ca"), "--cluster-file", file)
	two, alice := d.issue("ca", "server", "n2"), d.issue("ca", "operator", "alice")
	for want, args := range map[string][]string{
		"allowed: that of server number 1": two,
		"operator alice":                   alice,
		"belong together":                  two[:4],
		"need --public-key-files":          {"--accepted-jwt-audiences", "sky"},
		"0 audiences":                      {"--public-key-files", two[1]},
		"a form that is safe":              {"--jwks-endpoint", "http://issuer.example/jwks", "--accepted-jwt-audiences", "sky"},
	} {
		_, errs, code := run(t, append([]string{"serve", "--dir", t.TempDir(), "--init-from", file, "--name", "n1"}, args...)...)
		if code == exitOK || !strings.Contains(errs, want) {
			t.Errorf("exit %d, %s: want %q", code, errs, want)
		}
	}
	if _, errs, code := run(t, "cert", "issue", "--dir", d.path("ca"), "--kind", "server", "--name", "n9", "--out", t.TempDir()); code != exitUsage || !strings.Contains(errs, "--number") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, errs, code := run(t, "cert", "issue", "--dir", d.path("ca"), "--kind", "client", "--name", "x", "--rights", "reign", "--out", t.TempDir()); code != exitUsage || !strings.Contains(errs, "reign") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, errs, code := run(t, "sectors", "--cert", alice[3], "--key", alice[5]); code != exitUsage || !strings.Contains(errs, "--ca") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestDescriptionsOfCertificates(t *testing.T) {
	var out, notes bytes.Buffer
	err := writeDescriptions(&out, &notes, []cert.Description{{
		Name: "n2", Kind: "server", Cluster: "8147f7c609e947c4a256a0f83917d999", Server: 2, Organisation: "Skyguide", Rights: "read,write,settings,members,backup,debug",
		Hosts: []string{"n2.example", "192.0.2.2"}, Serial: "4efbb288", IssuedBy: "onevoice authority 5a1c0f3e of cluster 8147f7c6 since 2026-03-01",
		NotBefore: "2026-03-01T11:55:00Z", NotAfter: "2026-05-30T12:00:00Z", DaysLeft: 10, SHA256: "d1a2b838", Warnings: []string{"ends in 10 days: renew it with onevoice cert renew"},
	}, {Name: "other", Kind: "other", Serial: "1", IssuedBy: "other", NotBefore: "2026-03-01T11:55:00Z", NotAfter: "2026-05-30T12:00:00Z", SHA256: "00"}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "certs.txt", func(w io.Writer) error {
		_, err := io.Copy(w, io.MultiReader(&out, &notes))
		return err
	})
}

func TestLengthsOfTimeInDays(t *testing.T) {
	for text, want := range map[string]string{"90d": "90d", "12h": "12h0m0s", "48h": "2d", "0d": "", "-1h": "", "d": "", "ten": ""} {
		var d daysValue
		if err := d.Set(text); (err == nil) != (want != "") || err == nil && d.String() != want {
			t.Errorf("%s: %s, %v", text, d.String(), err)
		}
	}
}

func TestRightsOfFrames(t *testing.T) {
	need := needs()
	for _, v := range []struct {
		what  string
		group uint32
		kind  wire.Kind
		op    []byte
		want  subject.Rights
	}{
		{"a query", airspaceGroup, wire.KindQuery, nil, subject.Read},
		{"a watch", airspaceGroup, wire.KindWatch, nil, subject.Read},
		{"a session", airspaceGroup, wire.KindCommand, nil, subject.All},
		{"a flight", airspaceGroup, wire.KindCommand, airspace.Encode(airspace.PutFlight{Flight: airspace.Flight{ID: "F"}}), subject.Write},
		{"a flight's end", airspaceGroup, wire.KindCommand, airspace.Encode(airspace.CancelFlight{ID: "F"}), subject.Write},
		{"a sector", airspaceGroup, wire.KindCommand, airspace.Encode(airspace.PutSector{}), subject.Settings},
		{"a sector's end", airspaceGroup, wire.KindCommand, airspace.Encode(airspace.RemoveSector{ID: "S"}), subject.Settings},
		{"the clock", airspaceGroup, wire.KindCommand, airspace.Encode(airspace.SetService{}), subject.Settings},
		{"the rules", airspaceGroup, wire.KindCommand, airspace.Encode(airspace.SetRules{}), subject.Settings},
		{"nonsense", airspaceGroup, wire.KindCommand, []byte{1}, subject.Settings},
		{"a query of the members", airspaceGroup + 1, wire.KindQuery, nil, subject.Members},
		{"a session with the members", membersGroup, wire.KindCommand, nil, subject.All},
		{"a lock", membersGroup, wire.KindCommand, lease.Encode(lease.Grant{}), subject.Write},
		{"a lock kept", membersGroup, wire.KindCommand, lease.Encode(lease.Keep{}), subject.Write},
		{"a lock given back", membersGroup, wire.KindCommand, lease.Encode(lease.Release{}), subject.Write},
		{"a lock of another", membersGroup, wire.KindCommand, lease.Encode(lease.Revoke{}), subject.Members},
		{"a question about locks", membersGroup, wire.KindQuery, lease.AskHolder("a"), subject.Read},
		{"a watch that looks like a lock", membersGroup, wire.KindWatch, lease.AskHolder("a"), subject.Members},
		{"a lock in the airspace", airspaceGroup, wire.KindCommand, lease.Encode(lease.Grant{}), subject.Settings},
		{"a command to the members", airspaceGroup + 1, wire.KindCommand, []byte{1}, subject.Members},
	} {
		if got := need(v.group, v.kind, v.op); got != v.want {
			t.Errorf("%s needs %v, want %v", v.what, got, v.want)
		}
	}
}
