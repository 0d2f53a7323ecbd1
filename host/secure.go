package host

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"onevoice/cert"
	"onevoice/problem"
	"onevoice/subject"
	"onevoice/wire"
)

// maxConnAge bounds the life of a connection that was proved by certificates: what it was proved by may no longer hold. Each
// ends between three quarters of it and all of it, and is made anew at once.
const maxConnAge = 8 * time.Hour

// leaseCheck is how often connections are tried for their age and their certificates' end.
const leaseCheck = time.Second

// sealed is a connection over TLS. Close ends it without a farewell, which could wait for a side that does not read: frames have
// lengths, so that nothing can be cut off unseen.
type sealed struct{ *tls.Conn }

// Close ends the connection at once.
func (s sealed) Close() error { return s.NetConn().Close() }

// sealDialled makes a connection to server number one over TLS, or leaves it as it is where there are no certificates.
func (h *Host) sealDialled(ctx context.Context, conn net.Conn, number uint64) (net.Conn, error) {
	if h.certs == nil {
		return conn, nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	s := tls.Client(conn, h.certs.Dialing())
	if err := s.HandshakeContext(ctx); err != nil {
		return nil, plainer(err)
	}
	chain := s.ConnectionState().PeerCertificates
	holder, p := h.certs.VerifyServer(chain, number)
	if p != nil {
		return nil, p
	}
	h.leases.add(conn, chain, cert.ToServe, h.until(holder))
	return sealed{s}, nil
}

// plainer says what TLS's own words mean where the other side does not speak it.
func plainer(err error) error {
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return &problem.Error{Kind: problem.Unauthenticated, Op: "connect", Field: "tls", Value: "not spoken by the other side", Allowed: "TLS 1.3",
			Detail: "start that server with --ca, --cert and --key"}
	}
	return err
}

// overTLS says so where the first bytes are those of a handshake of TLS, RFC 8446 section 5.1.
func overTLS(r *bufio.Reader) *problem.Error {
	const handshake, major = 22, 3
	b, _ := r.Peek(2) // an error comes again with the next read
	if len(b) < 2 || b[0] != handshake || b[1] != major {
		return nil
	}
	return &problem.Error{Kind: problem.Unauthenticated, Op: "connect", Field: "tls", Value: "spoken by the other side", Allowed: "none: this server has no certificate",
		Detail: "start this server with --ca, --cert and --key"}
}

// sealTaken makes a connection from outside one over TLS; the error has been counted, and answered where it can be.
func (h *Host) sealTaken(conn net.Conn) (net.Conn, error) {
	if h.certs == nil {
		return conn, nil
	}
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	s := tls.Server(conn, h.certs.Accepting())
	err := s.Handshake()
	if err == nil {
		return sealed{s}, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, err // somebody looked whether the port is open
	}
	p := &problem.Error{Kind: problem.Unauthenticated, Op: "connect", Field: "tls", Value: problem.Clip(err.Error()), Allowed: "TLS 1.3",
		Detail: "give --ca, --cert and --key"}
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil {
		p.Value = "not spoken by the other side"
		h.refused(conn, p) // in the clear, as it asked
		linger(conn)
		return nil, err
	}
	h.refused(nowhere{conn}, p)
	return nil, err
}

// nowhere is a connection on which there is nobody to answer.
type nowhere struct{ net.Conn }

// Write drops what is written.
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// lingerTime is how long a refused side may take to read why.
const lingerTime = 100 * time.Millisecond

// linger lets the other side read what was written before the connection ends: closing with bytes unread would take it back.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil && conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, conn, wire.MaxHandshakeBytes)
	}
}

// prove says whose a connection from outside is, or why it may not be: the certificate has to be good, and that of the server
// whom the other side claims to be.
func (h *Host) prove(conn net.Conn, o wire.Hello) (subject.Subject, *problem.Error) {
	s, ok := conn.(sealed)
	if !ok {
		return subject.Loopback(), nil
	}
	chain := s.ConnectionState().PeerCertificates
	holder, p := h.certs.Verify(chain, cert.ToAsk)
	if p == nil && o.Role == wire.RoleServer {
		p = cert.IsServer(holder, o.Server)
	}
	if p != nil {
		return subject.Anonymous(), p
	}
	h.leases.add(s.NetConn(), chain, cert.ToAsk, h.until(holder))
	return holder.Subject, nil
}

// until is when a connection that is proved now has to be proved again.
func (h *Host) until(holder cert.Holder) time.Time {
	age := maxConnAge - rand.N(maxConnAge/4)
	if end := h.certs.Now().Add(age); end.Before(holder.NotAfter) {
		return end
	}
	return holder.NotAfter
}

// leases are the connections that were proved, and until when.
type leases struct {
	mu  sync.Mutex
	all map[net.Conn]lease
}

type lease struct {
	until time.Time
	chain []*x509.Certificate
	use   cert.Use
}

func (l *leases) add(conn net.Conn, chain []*x509.Certificate, use cert.Use, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[net.Conn]lease{}
	}
	l.all[conn] = lease{until, chain, use}
}

func (l *leases) remove(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, conn)
}

// end closes the connections whose time is over, or where again says that their certificates are no longer believed.
func (l *leases) end(now time.Time, again func(lease) bool) (ended uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn, one := range l.all {
		if !now.After(one.until) && (again == nil || again(one)) {
			continue
		}
		delete(l.all, conn)
		_ = conn.Close()
		ended++
	}
	return ended
}

// endLeases runs until the host stops. After an exchange of the files every connection is tried again, so that an authority
// that was removed is believed nowhere any more.
func (h *Host) endLeases() {
	version := h.certs.Version()
	for h.pause(leaseCheck) {
		var again func(lease) bool
		if v := h.certs.Version(); v != version {
			version = v
			again = func(l lease) bool { _, p := h.certs.Verify(l.chain, l.use); return p == nil }
		}
		if n := h.leases.end(h.certs.Now(), again); n > 0 {
			h.count.leasesEnded.Add(n)
			h.log.Info("connections end to be proved again", "connections", n)
		}
	}
}

// checkAddress refuses what other machines could reach while nothing is encrypted.
func (o *Options) checkAddress(field, address string) error {
	if o.Certs == nil {
		return loopbackOnly(field, address)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("host: %s is %q, allowed: host:port: %w", field, problem.Clip(address), err)
	}
	return nil
}

// alert is the problem where the other side has told by an alert of TLS that it does not like us; nil where err is another.
func alert(err error) *problem.Error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return nil
	}
	return &problem.Error{Kind: problem.Unauthenticated, Op: "connect", Field: "tls", Value: problem.Clip(op.Err.Error()), Allowed: "a server that it believes",
		Detail: "the other side does not take this server's certificate"}
}
