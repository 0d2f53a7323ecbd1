package cert

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onevoice/problem"
	"onevoice/subject"
)

// clock is a time that tests set.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time       { return start.Add(time.Duration(c.Load())) }
func (c *clock) pass(d time.Duration) { c.Add(int64(d)) }

// place is a directory with a server's files.
type place struct {
	t testing.TB
	Files
}

func newPlace(t testing.TB) place {
	dir := t.TempDir()
	return place{t, Files{CA: filepath.Join(dir, "ca.crt"), Cert: filepath.Join(dir, "s.crt"), Key: filepath.Join(dir, "s.key")}}
}

func (p place) bundle(all ...*Authority) {
	var content []byte
	for _, a := range all {
		content = append(content, a.PEM()...)
	}
	must(p.t, replace(p.CA, content, 0o644))
}

func (p place) issue(a *Authority, r Request, now time.Time) {
	c, key := issue(p.t, a, r, now)
	must(p.t, WriteRenewed(p.Files, c, key))
}

func (p place) open(number uint64, c *clock, log *slog.Logger) *Keeper {
	p.t.Helper()
	k, err := Open(Options{Files: p.Files, Cluster: ours, Server: number, Now: c.now, Log: log})
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

func TestWhatOpenRefuses(t *testing.T) {
	a, foreign := authority(t, ours), authority(t, theirs)
	for want, spoil := range map[string]func(p place){
		"holds no certificate":       func(p place) { must(t, os.WriteFile(p.CA, []byte("x"), 0o644)) },
		"no such file":               func(p place) { must(t, os.Remove(p.Key)) },
		"does not belong to the key": func(p place) { c, _ := issue(t, a, server(1), start); must(t, os.WriteFile(p.Cert, c, 0o644)) },
		"chmod 600":                  func(p place) { must(t, os.Chmod(p.Key, 0o644)) },
		"number 2":                   func(p place) { p.issue(a, server(2), start) },
		"is that of client bob":      func(p place) { p.issue(a, client(), start) },
		"is of cluster":              func(p place) { p.bundle(foreign) },
		"issued for another cluster": func(p place) { p.issue(foreign, server(1), start) },
		"issued by":                  func(p place) { p.bundle(authority(t, ours)) },
		"expired at":                 func(p place) { p.issue(a, server(1), start.Add(-91*day)) },
		"not valid before":           func(p place) { p.issue(a, server(1), start.Add(day)) },
		"keys in files of their own": func(p place) { b, _ := os.ReadFile(p.Key); must(t, os.WriteFile(p.Cert, b, 0o644)) },
		"up to 262144 bytes":         func(p place) { must(t, os.WriteFile(p.CA, make([]byte, 300<<10), 0o644)) },
	} {
		p := newPlace(t)
		p.bundle(a)
		p.issue(a, server(1), start)
		spoil(p)
		if _, err := Open(Options{Files: p.Files, Cluster: ours, Server: 1, Now: (&clock{}).now}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// handshake connects two keepers over a pipe and gives what the accepting side makes of it.
func handshake(t *testing.T, dial, accept *Keeper) (subject.Subject, error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	asked := make(chan error, 1)
	go func() {
		c := tls.Client(near, dial.Dialing())
		err := c.HandshakeContext(ctx)
		if err == nil {
			_, err = c.Write([]byte("x"))
		}
		asked <- err
	}()
	s := tls.Server(far, accept.Accepting())
	err := s.HandshakeContext(ctx)
	if err == nil {
		_, err = s.Read(make([]byte, 1))
	}
	if why := <-asked; why != nil {
		return subject.Subject{}, why
	}
	if err != nil {
		return subject.Subject{}, err
	}
	state := s.ConnectionState()
	who, p := accept.Subject(&state)
	if p != nil {
		return who, p
	}
	return who, nil
}

// TestAuthoritiesAreExchangedWithoutRestart goes from one authority to another in the three steps of the manual, with both
// servers running: at no step does either refuse the other.
func TestAuthoritiesAreExchangedWithoutRestart(t *testing.T) {
	old, next := authority(t, ours), authority(t, ours)
	var c clock
	one, two := newPlace(t), newPlace(t)
	for i, p := range []place{one, two} {
		p.bundle(old)
		p.issue(old, server(uint64(i+1)), start)
	}
	k1, k2 := one.open(1, &c, nil), two.open(2, &c, nil)
	meet := func(step string) {
		t.Helper()
		for _, pair := range [][2]*Keeper{{k1, k2}, {k2, k1}} {
			if who, err := handshake(t, pair[0], pair[1]); err != nil || who.Kind != subject.Server {
				t.Errorf("%s: %v, %v", step, who, err)
			}
		}
	}
	check := func(k *Keeper) {
		t.Helper()
		must(t, k.Check())
	}
	meet("before")
	one.bundle(old, next)
	check(k1)
	meet("one has the bundle")
	two.bundle(old, next)
	check(k2)
	meet("both have the bundle")
	one.issue(next, server(1), start)
	check(k1)
	meet("one has a certificate of the new authority")
	two.issue(next, server(2), start)
	check(k2)
	one.bundle(next)
	check(k1)
	meet("one has forgotten the old authority")
	two.bundle(next)
	check(k2)
	meet("after")
	if s := k1.Stats(); s.Taken != 3 || s.Refused != 0 || s.Err != "" {
		t.Errorf("%+v", s)
	}
	// Who is still of the old authority is refused now, by name of the reason.
	late := newPlace(t)
	late.bundle(old, next)
	late.issue(old, server(3), start)
	_, err := handshake(t, late.open(3, &c, nil), k1)
	var p *problem.Error
	if !errors.As(err, &p) || p.Field != BadAuthority {
		t.Errorf("a certificate of the old authority: %v", err)
	}
}

func TestBadFilesAreRefusedAndTheOldOnesStay(t *testing.T) {
	a := authority(t, ours)
	var c clock
	var text bytes.Buffer
	p := newPlace(t)
	p.bundle(a)
	p.issue(a, server(1), start)
	k := p.open(1, &c, slog.New(slog.NewTextHandler(&text, nil)))
	good := k.Version()
	_, key := issue(t, a, server(1), start)
	must(t, os.WriteFile(p.Key, key, 0o600))
	if err := k.files.Check(false); err == nil || k.Stats().Refused != 0 {
		t.Errorf("files that are exchanged just now are refused at the first look: %v %+v", err, k.Stats())
	}
	for range 3 {
		if err := k.files.Check(false); err == nil {
			t.Error("a key of another certificate is taken")
		}
	}
	if s := k.Stats(); s.Refused != 1 || !strings.Contains(s.Err, "does not belong to the key") || k.Version() != good {
		t.Errorf("%+v", s)
	}
	p.issue(a, server(2), start)
	if err := k.Check(); err == nil || k.Stats().Refused != 2 || k.Version() != good {
		t.Errorf("another server's certificate: %v %+v", err, k.Stats())
	}
	p.issue(a, server(1), start)
	must(t, k.Check())
	if s := k.Stats(); s.Taken != 1 || s.Err != "" || k.Version() == good {
		t.Errorf("%+v", s)
	}
	if strings.Contains(text.String(), "PRIVATE") || strings.Count(text.String(), "level=ERROR") != 2 {
		t.Errorf("the log: %s", text.String())
	}
}

func TestACertificateEndsWhileItIsRemembered(t *testing.T) {
	a := authority(t, ours)
	var c clock
	p := newPlace(t)
	p.bundle(a)
	p.issue(a, server(1), start)
	k := p.open(1, &c, nil)
	bob := issued(t, a, client())
	for range 2 {
		if h, refusal := k.Verify(bob, ToAsk); refusal != nil || h.Name != "bob" {
			t.Fatal(h, refusal)
		}
	}
	if _, refusal := k.Verify(bob, ToServe); refusal == nil {
		t.Error("what was believed for asking is believed for serving")
	}
	c.pass(90*day + time.Second)
	if _, refusal := k.Verify(bob, ToAsk); refusal == nil || refusal.Field != BadTime {
		t.Errorf("an expired certificate: %v", refusal)
	}
	if s := k.Stats(); s.Left != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTheOperatorIsWarned(t *testing.T) {
	a := authority(t, ours)
	var c clock
	var text bytes.Buffer
	p := newPlace(t)
	p.bundle(a)
	p.issue(a, server(1), start)
	k := p.open(1, &c, slog.New(slog.NewTextHandler(&text, nil)))
	k.warn()
	if text.Len() != 0 {
		t.Errorf("warned too early: %s", text.String())
	}
	c.pass(80 * day)
	k.warn()
	if !strings.Contains(text.String(), "certificate=n1") || !strings.Contains(text.String(), `left="10 days"`) {
		t.Errorf("%s", text.String())
	}
}

func TestClientFiles(t *testing.T) {
	a := authority(t, ours)
	dir := t.TempDir()
	c, key, err := a.Issue(client(), time.Now())
	must(t, err)
	files, err := WriteIssued(dir, "bob", c, key, a.PEM())
	must(t, err)
	if _, err := WriteIssued(dir, "bob", c, key, a.PEM()); err == nil {
		t.Error("an issued certificate is overwritten")
	}
	config, err := ClientTLS(files)
	if err != nil || config.MinVersion != tls.VersionTLS13 || config.InsecureSkipVerify {
		t.Fatalf("%+v, %v", config, err)
	}
	for want, f := range map[string]Files{
		"give both":    {CA: files.CA, Cert: files.Cert},
		"no such file": {CA: filepath.Join(dir, "none")},
		"private key":  {CA: files.CA, Cert: files.Cert, Key: files.Cert},
	} {
		if _, err := ClientTLS(f); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "0644") {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
	late := newPlace(t)
	late.bundle(a)
	late.issue(a, client(), time.Now().Add(-100*day))
	if _, err := ClientTLS(late.Files); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired certificate is shown: %v", err)
	}
}
