package host_test

import (
	"bufio"
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

	"onevoice/cert"
	"onevoice/client"
	"onevoice/host"
	"onevoice/problem"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/subject"
	"onevoice/wire"
)

// authority issues the certificates of a test.
func authority(t testing.TB, id wire.ID) *cert.Authority {
	t.Helper()
	a, err := cert.CreateAuthority(filepath.Join(t.TempDir(), "ca"), id, time.Now(), cert.AuthorityValid)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issue writes a certificate and gives its files; bundle is what the holder believes.
func issue(t testing.TB, a *cert.Authority, r cert.Request, at time.Time, bundle ...*cert.Authority) cert.Files {
	t.Helper()
	r.Valid = 24 * time.Hour
	c, key, err := a.Issue(r, at)
	if err != nil {
		t.Fatal(err)
	}
	var trusted []byte
	for _, b := range append(bundle, a)[:max(1, len(bundle))] {
		trusted = append(trusted, b.PEM()...)
	}
	files, err := cert.WriteIssued(t.TempDir(), r.Name, c, key, trusted)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func serverRequest(number uint64) cert.Request {
	return cert.Request{Kind: subject.Server, Name: "n" + string(rune('0'+number)), Server: number, Hosts: []string{"127.0.0.1"}}
}

func clientRequest(rights subject.Rights) cert.Request {
	return cert.Request{Kind: subject.Client, Name: "bob", Organisation: "Airline", Rights: rights}
}

func keeper(t testing.TB, id wire.ID, number uint64, files cert.Files, now func() time.Time) *cert.Keeper {
	t.Helper()
	k, err := cert.Open(cert.Options{Files: files, Cluster: id, Server: number, Now: now, Log: slog.New(slog.NewTextHandler(logTo{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// testNeeds lets everybody with the right to read ask, and to write add; group 2 is the members'.
func testNeeds(group uint32, kind wire.Kind, op []byte) subject.Rights {
	switch {
	case group != testGroup:
		return subject.Members
	case kind != wire.KindCommand:
		return subject.Read
	case len(op) == 0:
		return subject.All
	}
	return subject.Write
}

// secure starts server 1 of three, which never run, with certificates.
func secure(t *testing.T, now func() time.Time) (*cluster, *server, *cert.Authority) {
	c := newCluster(t)
	a := authority(t, c.id)
	c.create(1)
	c.certs = map[uint64]*cert.Keeper{1: keeper(t, c.id, 1, issue(t, a, serverRequest(1), time.Now()), now)}
	return c, c.start(1), a
}

// TestWhoMayConnect is the table of who connects to a server with which certificate, and by which reason refusals are counted.
func TestWhoMayConnect(t *testing.T) {
	c, s, a := secure(t, nil)
	other, foreign := authority(t, c.id), authority(t, wire.ID{9})
	plain := cert.Files{}
	hello := wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 2, Store: wire.ID{2}, Boot: 5}
	asClient := wire.Hello{Role: wire.RoleClient, Cluster: c.id}
	now := time.Now()
	for _, v := range []struct {
		who    string
		files  cert.Files
		hello  wire.Hello
		reason string
	}{
		{"a client without TLS", plain, asClient, "tls"},
		{"a server without TLS", plain, hello, "tls"},
		{"a client that shows nothing", cert.Files{CA: "none"}, asClient, cert.Missing},
		{"a server that shows nothing", cert.Files{CA: "none"}, hello, cert.Missing},
		{"a client", issue(t, a, clientRequest(0), now), asClient, ""},
		{"an operator", issue(t, a, cert.Request{Kind: subject.Operator, Name: "alice"}, now), asClient, ""},
		{"a server as a client", issue(t, a, serverRequest(2), now), asClient, ""},
		{"a client as a server", issue(t, a, clientRequest(subject.All), now), hello, cert.BadKind},
		{"an operator as a server", issue(t, a, cert.Request{Kind: subject.Operator, Name: "alice"}, now), hello, cert.BadKind},
		{"server 2", issue(t, a, serverRequest(2), now), hello, ""},
		{"server 3 as server 2", issue(t, a, serverRequest(3), now), hello, cert.BadServer},
		{"server 4, which is none of ours", issue(t, a, serverRequest(4), now), wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 4}, "server"},
		{"server 2 of another authority", issue(t, other, serverRequest(2), now), hello, cert.BadAuthority},
		{"a client of another authority", issue(t, other, clientRequest(0), now), asClient, cert.BadAuthority},
		{"server 2 of another cluster", issue(t, foreign, serverRequest(2), now), hello, cert.BadCluster},
		{"server 2 that says another cluster", issue(t, a, serverRequest(2), now), wire.Hello{Role: wire.RoleServer, Cluster: wire.ID{9}, Server: 2}, "cluster"},
		{"server 2, expired", issue(t, a, serverRequest(2), now.Add(-48*time.Hour)), hello, cert.BadTime},
		{"a client, not valid yet", issue(t, a, clientRequest(0), now.Add(time.Hour)), asClient, cert.BadTime},
		{"server 2 with a wiped disk", issue(t, a, serverRequest(2), now),
			wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 2, Store: wire.ID{3}, Boot: 5}, "store"},
		{"server 2 with an older disk", issue(t, a, serverRequest(2), now),
			wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 2, Store: wire.ID{2}, Boot: 4}, "boot"},
	} {
		before := s.Status().Counters.Refused[v.reason]
		conn := dialSecure(t, s.Addr(), v.files)
		welcome, refusal := conn.hello(t, v.hello)
		if v.reason == "" {
			if refusal != nil || welcome.Server != 1 {
				t.Errorf("%s: %+v %v", v.who, welcome, refusal)
			}
			continue
		}
		if refusal == nil || refusal.Field != v.reason {
			t.Errorf("%s: %+v %v, want a refusal for %s", v.who, welcome, refusal, v.reason)
		}
		if n := s.Status().Counters.Refused[v.reason]; n != before+1 {
			t.Errorf("%s: %d refusals for %s are counted, want %d", v.who, n, v.reason, before+1)
		}
	}
}

// dialSecure connects without believing anybody: it is the server that is tried.
func dialSecure(t *testing.T, addr string, files cert.Files) *tcp {
	t.Helper()
	conn := dialTCP(t, addr)
	if files == (cert.Files{}) {
		return conn
	}
	config := &tls.Config{InsecureSkipVerify: true}
	if files.Cert != "" {
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	s := tls.Client(conn.Conn, config)
	if err := s.Handshake(); err != nil {
		t.Fatal(err)
	}
	return &tcp{s, bufio.NewReader(s)}
}

// TestThreeServersWithCertificates commits, reads and loses a server, all over TLS.
func TestThreeServersWithCertificates(t *testing.T) {
	c := newCluster(t)
	a := authority(t, c.id)
	c.certs = map[uint64]*cert.Keeper{}
	for number := range c.addrs {
		c.certs[number] = keeper(t, c.id, number, issue(t, a, serverRequest(number), time.Now()), nil)
	}
	c.startAll()
	var err error
	if c.tls, err = cert.ClientTLS(issue(t, a, clientRequest(0), time.Now())); err != nil {
		t.Fatal(err)
	}
	cl := c.client()
	c.add(cl, 5)
	down := c.waitLeader()
	c.stop(down)
	last := c.add(cl, 6)
	if got, _, err := c.read(down%3 + 1); err != nil || got != totalOf(last) {
		t.Errorf("%d, %v", got, err)
	}
	c.start(down)
	if got, _, err := c.read(down); err != nil || got != totalOf(last) {
		t.Errorf("after its restart: %d, %v", got, err)
	}
}

// TestRightsOfFrames asks with less than is needed.
func TestRightsOfFrames(t *testing.T) {
	c := newCluster(t)
	a := authority(t, c.id)
	c.certs = map[uint64]*cert.Keeper{}
	for number := range c.addrs {
		c.certs[number] = keeper(t, c.id, number, issue(t, a, serverRequest(number), time.Now()), nil)
	}
	c.startAll()
	ask := func(rights subject.Rights, group uint32, query bool) error {
		t.Helper()
		config, err := cert.ClientTLS(issue(t, a, clientRequest(rights), time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		o := client.Options{Group: group, Cluster: c.id, TLS: config}
		for number, addr := range c.addrs {
			o.Endpoints = append(o.Endpoints, client.Endpoint{Number: number, Addr: addr})
		}
		cl, err := client.Dial(o)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if query {
			_, err = cl.Query(ctx, nil)
		} else {
			_, err = cl.Do(ctx, add(1), nil)
		}
		return err
	}
	for _, v := range []struct {
		what    string
		rights  subject.Rights
		group   uint32
		query   bool
		allowed bool
	}{
		{"a reader reads", subject.Read, testGroup, true, true},
		{"a reader writes", subject.Read, testGroup, false, false},
		{"a writer writes", subject.Write, testGroup, false, true},
		{"a writer reads", subject.Write, testGroup, true, false},
		{"a plain client asks the members' group", subject.Read | subject.Write, 2, true, false},
	} {
		err := ask(v.rights, v.group, v.query)
		if v.allowed && err != nil || !v.allowed && !isKind(err, problem.Forbidden) {
			t.Errorf("%s: %v", v.what, err)
		}
	}
	var forbidden uint64
	for _, s := range c.servers {
		forbidden += s.Status().Counters.Forbidden
	}
	if forbidden < 3 {
		t.Errorf("%d are counted", forbidden)
	}
}

// TestConnectionsEndWithTheirCertificates lets a day pass: the connection ends, a new one with the same certificate is refused.
func TestConnectionsEndWithTheirCertificates(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	c, s, a := secure(t, now)
	files := issue(t, a, clientRequest(0), time.Now().Add(-23*time.Hour)) // ends an hour from now
	conn := dialSecure(t, s.Addr(), files)
	if _, refusal := conn.hello(t, wire.Hello{Role: wire.RoleClient, Cluster: c.id}); refusal != nil {
		t.Fatal(refusal)
	}
	passed.Store(int64(2 * time.Hour))
	ends(t, conn)
	eventually(t, "the end is counted", func() bool { return s.Status().Counters.LeasesEnded == 1 })
	again := dialSecure(t, s.Addr(), files)
	if _, refusal := again.hello(t, wire.Hello{Role: wire.RoleClient, Cluster: c.id}); refusal == nil || refusal.Field != cert.BadTime {
		t.Errorf("with an expired certificate: %v", refusal)
	}
}

// ends waits for the other side to end an idle connection.
func ends(t *testing.T, conn *tcp) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Recv(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection goes on: %v", err)
	}
}

// TestARemovedAuthorityIsBelievedNowhere exchanges the bundle under open connections.
func TestARemovedAuthorityIsBelievedNowhere(t *testing.T) {
	c := newCluster(t)
	a, old := authority(t, c.id), authority(t, c.id)
	files := issue(t, a, serverRequest(1), time.Now(), old, a)
	k := keeper(t, c.id, 1, files, nil)
	c.create(1)
	c.certs = map[uint64]*cert.Keeper{1: k}
	s := c.start(1)
	stays, goes := dialSecure(t, s.Addr(), issue(t, a, clientRequest(0), time.Now())), dialSecure(t, s.Addr(), issue(t, old, clientRequest(0), time.Now()))
	for _, conn := range []*tcp{stays, goes} {
		if _, refusal := conn.hello(t, wire.Hello{Role: wire.RoleClient, Cluster: c.id}); refusal != nil {
			t.Fatal(refusal)
		}
	}
	if err := errors.Join(os.WriteFile(files.CA, a.PEM(), 0o644), k.Check()); err != nil {
		t.Fatal(err)
	}
	ends(t, goes)
	if err := stays.Send([][]byte{(&wire.Query{Request: 7}).Encode(9, epoch0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := stays.Recv(); err != nil {
		t.Errorf("who is still believed was cut off: %v", err)
	}
}

// TestAServerIsBelievedByItsNumber has another server of the cluster answer at a peer's address, and one of another authority.
func TestAServerIsBelievedByItsNumber(t *testing.T) {
	for reason, make := range map[string]func(a *cert.Authority, c *cluster) cert.Files{
		cert.BadServer: func(a *cert.Authority, _ *cluster) cert.Files { return issue(t, a, serverRequest(3), time.Now()) },
		cert.BadAuthority: func(_ *cert.Authority, c *cluster) cert.Files {
			return issue(t, authority(t, c.id), serverRequest(2), time.Now())
		},
		"tls": func(*cert.Authority, *cluster) cert.Files { return cert.Files{} },
	} {
		c := newCluster(t)
		a := authority(t, c.id)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		c.addrs[2] = listener.Addr().String()
		go answer(listener, make(a, c))
		c.create(1)
		c.certs = map[uint64]*cert.Keeper{1: keeper(t, c.id, 1, issue(t, a, serverRequest(1), time.Now()), nil)}
		s := c.start(1)
		eventually(t, "refused for "+reason, func() bool { return s.Status().Counters.Refused[reason] > 0 })
		for _, p := range s.Status().Peers {
			if p.Connected {
				t.Errorf("%s: connected to server %d", reason, p.Server)
			}
		}
		c.stop(1)
	}
}

// answer takes connections with a certificate, or speaks without TLS.
func answer(l net.Listener, files cert.Files) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if files == (cert.Files{}) {
			_, _ = conn.Write(make([]byte, 64))
		} else if pair, err := tls.LoadX509KeyPair(files.Cert, files.Key); err == nil {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}).Handshake()
		}
		_ = conn.Close()
	}
}

// TestAServerWithoutCertificatesSaysSo has somebody speak TLS to a server that has no certificate: its operator forgot them.
func TestAServerWithoutCertificatesSaysSo(t *testing.T) {
	c := newCluster(t)
	c.create(1)
	s := c.start(1)
	defer c.stop(1)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Fatal("a handshake with a server that has no certificate")
	}
	eventually(t, "refused for tls", func() bool { return s.Status().Counters.Refused["tls"] == 1 })
}

func TestCertificatesNeedATableOfRights(t *testing.T) {
	c := newCluster(t)
	a := authority(t, c.id)
	c.create(1)
	disk, err := store.Open(c.path(1))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	node, err := replica.Open(c.config(1), disk.Scan)
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.Start(context.Background(), host.Options{Node: node, Store: disk, Self: 1, Cluster: c.id, Listen: "127.0.0.1:0",
		Certs: keeper(t, c.id, 1, issue(t, a, serverRequest(1), time.Now()), nil)})
	if err == nil || !strings.Contains(err.Error(), "Options.Needs") || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
