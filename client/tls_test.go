package client

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/cert"
	"onevoice/subject"
	"onevoice/wire"
)

// TestServersAreBelievedByTheirCertificates has servers answer with certificates that are theirs, another's, or not a server's.
func TestServersAreBelievedByTheirCertificates(t *testing.T) {
	issue := func(a *cert.Authority, r cert.Request) cert.Files {
		t.Helper()
		r.Valid = time.Hour
		c, key, err := a.Issue(r, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		files, err := cert.WriteIssued(t.TempDir(), r.Name, c, key, a.PEM())
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	authority := func(cluster wire.ID) *cert.Authority {
		t.Helper()
		a, err := cert.CreateAuthority(filepath.Join(t.TempDir(), "ca"), cluster, time.Now(), cert.AuthorityValid)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, other, foreign := authority(ours), authority(ours), authority(wire.ID{9})
	server := func(number uint64, host string) cert.Request {
		return cert.Request{Kind: subject.Server, Name: "n", Server: number, Hosts: []string{host}}
	}
	for _, v := range []struct {
		who, want string
		files     cert.Files
	}{
		{"server 1", "", issue(a, server(1, "127.0.0.1"))},
		{"server 2 as server 1", "not that of server 1", issue(a, server(2, "127.0.0.1"))},
		{"a server at another address", "127.0.0.2", issue(a, server(1, "127.0.0.2"))},
		{"one of another authority", "unknown authority", issue(other, server(1, "127.0.0.1"))},
		{"one of another cluster", "unknown authority", issue(foreign, server(1, "127.0.0.1"))},
		{"a client", "", issue(a, cert.Request{Kind: subject.Client, Name: "c"})},
		{"one without TLS", "does not speak TLS", cert.Files{}},
	} {
		addr := listen(t, func(c net.Conn) {
			if v.files != (cert.Files{}) {
				pair, err := tls.LoadX509KeyPair(v.files.Cert, v.files.Key)
				if err != nil {
					t.Error(err)
				}
				c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
			}
			if _, err := greet(c, welcome(ours, 1)); err != nil {
				_, _ = c.Write(make([]byte, 32)) // it was no Hello
				return
			}
			_, _ = c.Read(make([]byte, 1)) // until the client goes
		})
		config, err := cert.ClientTLS(cert.Files{CA: filepath.Join(filepath.Dir(issue(a, server(1, "127.0.0.1")).CA), "ca.crt")})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := DialTLS(t.Context(), Endpoint{Number: 1, Addr: addr}, ours, config)
		good := v.who == "server 1"
		if good != (err == nil) || err != nil && !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: %v, want %q", v.who, err, v.want)
		}
		if err == nil {
			if _, ok := conn.(*tcp).conn.(sealed); !ok || conn.Peer().Server != 1 {
				t.Errorf("%s: not over TLS", v.who)
			}
			_ = conn.Close()
		}
	}
}
