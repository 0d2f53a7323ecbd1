package cert

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"onevoice/internal/fresh"
	"onevoice/problem"
	"onevoice/subject"
)

// Files are where a party's own certificate, its key and the authorities' certificates lie, all PEM.
type Files struct{ CA, Cert, Key string }

// Options are what a Keeper is made of.
type Options struct {
	Files
	// Cluster is the server's, Server its voter number: the certificate has to be that server's.
	Cluster [16]byte
	Server  uint64
	// Now is the clock by which certificates are valid; time.Now where nil.
	Now func() time.Time
	Log *slog.Logger
}

// Keeper holds a server's certificate and whom it believes, while the files are exchanged. All methods may be called from any
// goroutine.
type Keeper struct {
	files *fresh.Keeper[*held]
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	known map[[32]byte]believed
}

// held is what one state of the files says.
type held struct {
	pair  tls.Certificate
	leaf  *x509.Certificate
	trust *Trust
}

// believed is a holder who was verified under one state of the files.
type believed struct {
	under  *held
	holder Holder
}

// maxKnown bounds the certificates whose verification is remembered: all connections that a server takes, so that none is
// verified for each request. When full it begins anew.
const maxKnown = 4096

// Open reads a server's files. The error says what is wrong with which.
func Open(o Options) (*Keeper, error) {
	k := &Keeper{now: o.Now, log: o.Log, known: map[[32]byte]believed{}}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	files, err := fresh.Open("certificates", []string{o.CA, o.Cert, o.Key}, func(contents [][]byte) (*held, error) {
		return o.build(contents, k.now())
	}, o.Log)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	k.files = files
	return k, nil
}

// build makes of the files what is in use, if it is that of this server and good now.
func (o Options) build(contents [][]byte, now time.Time) (*held, error) {
	authorities, err := ParseCertificates(o.CA, contents[0])
	if err != nil {
		return nil, err
	}
	chain, err := ParseCertificates(o.Cert, contents[1])
	if err != nil {
		return nil, err
	}
	if err := checkMode(o.Key); err != nil {
		return nil, err
	}
	key, err := ParseKey(o.Key, contents[2])
	if err != nil {
		return nil, err
	}
	if !samePublic(chain[0].PublicKey, key.Public()) {
		return nil, fmt.Errorf("%s does not belong to the key in %s: give the two that were issued together", o.Cert, o.Key)
	}
	trust, err := NewTrust(o.Cluster, authorities)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.CA, err)
	}
	for _, use := range []Use{ToAsk, ToServe} {
		holder, refusal := trust.Verify(chain, use, now)
		if refusal != nil {
			return nil, fmt.Errorf("%s: %w", o.Cert, refusal)
		}
		if holder.Kind != subject.Server || holder.Server != o.Server {
			return nil, fmt.Errorf("%s is that of %s %s, number %d, allowed: that of server number %d", o.Cert, holder.Kind, holder.Name, holder.Server, o.Server)
		}
	}
	h := &held{leaf: chain[0], trust: trust, pair: tls.Certificate{PrivateKey: key, Leaf: chain[0]}}
	for _, c := range chain {
		h.pair.Certificate = append(h.pair.Certificate, c.Raw)
	}
	return h, nil
}

// Accepting is the configuration for taking connections that speak one of protos. A certificate is asked for, not demanded, and
// verified by Verify after the handshake, so that who is refused can be told why.
func (k *Keeper) Accepting(protos ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protos, ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &k.files.Get().pair, nil },
	}
}

// Dialing is the configuration for connecting to a server of the cluster. Who answers is verified by our own rule, by cluster and
// server number instead of host name.
func (k *Keeper) Dialing() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, // in favour of VerifyConnection
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &k.files.Get().pair, nil },
		VerifyConnection: func(s tls.ConnectionState) error {
			if _, p := k.VerifyServer(s.PeerCertificates, 0); p != nil {
				return p
			}
			return nil
		},
	}
}

// Verify believes the certificates that the other side showed, or says why not.
func (k *Keeper) Verify(chain []*x509.Certificate, use Use) (Holder, *problem.Error) {
	under, now := k.files.Get(), k.now()
	if len(chain) == 0 {
		return under.trust.Verify(nil, use, now)
	}
	id := sha256.Sum256(append([]byte{byte(use)}, chain[0].Raw...))
	k.mu.Lock()
	b, ok := k.known[id]
	k.mu.Unlock()
	if ok && b.under == under && !now.Before(b.holder.NotBefore) && !now.After(b.holder.NotAfter) {
		return b.holder, nil
	}
	h, p := under.trust.Verify(chain, use, now)
	if p != nil {
		return h, p
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxKnown {
		clear(k.known)
	}
	k.known[id] = believed{under, h}
	return h, nil
}

// VerifyServer is Verify for who is dialled: it has to be a server, and that of a number where number is not 0.
func (k *Keeper) VerifyServer(chain []*x509.Certificate, number uint64) (Holder, *problem.Error) {
	h, p := k.Verify(chain, ToServe)
	if p != nil {
		return h, p
	}
	return h, IsServer(h, number)
}

// IsServer says what is wrong where a holder is not a server, or not that of a number; 0 stands for any.
func IsServer(h Holder, number uint64) *problem.Error {
	switch {
	case h.Kind != subject.Server:
		return refuse(h.Name, BadKind, string(h.Kind), string(subject.Server), "only a server's certificate speaks for a server")
	case number != 0 && h.Server != number:
		return refuse(h.Name, BadServer, fmt.Sprint(h.Server), fmt.Sprint(number), "a server speaks under its own number only")
	}
	return nil
}

// Subject is whose request came over a connection, or why its certificate is not believed; nobody where none was shown.
func (k *Keeper) Subject(s *tls.ConnectionState) (subject.Subject, *problem.Error) {
	if s == nil || len(s.PeerCertificates) == 0 {
		return subject.Anonymous(), nil
	}
	h, p := k.Verify(s.PeerCertificates, ToAsk)
	return h.Subject, p
}

// Now is the clock by which certificates are valid.
func (k *Keeper) Now() time.Time { return k.now() }

// Version differs after each exchange of the files; it is good for comparing only.
func (k *Keeper) Version() any { return k.files.Get() }

// Check looks at the files now: see fresh.Keeper.
func (k *Keeper) Check() error { return k.files.Check(true) }

// warnEvery is how often an operator is told of an end that comes near.
const warnEvery = 12 * time.Hour

// Run looks at the files until ctx ends, now and then and when hup brings something, and warns before the certificate ends.
func (k *Keeper) Run(ctx context.Context, hup <-chan os.Signal) {
	var group sync.WaitGroup
	group.Go(func() { k.files.Run(ctx, hup) })
	ticker := time.NewTicker(warnEvery)
	defer ticker.Stop()
	for {
		k.warn()
		select {
		case <-ctx.Done():
			group.Wait()
			return
		case <-ticker.C:
		}
	}
}

// warn tells of a certificate, own or of an authority, that has less than a quarter of its time left.
func (k *Keeper) warn() {
	h, now := k.files.Get(), k.now()
	for _, c := range append([]*x509.Certificate{h.leaf}, h.trust.authorities...) {
		if soon(c, now) {
			k.log.Warn("a certificate ends soon; see onevoice cert renew", "certificate", c.Subject.CommonName, "ends", instant(c.NotAfter), "left", span(c.NotAfter.Sub(now)))
		}
	}
}

// soon says whether less than a quarter of a certificate's time is left, or none.
func soon(c *x509.Certificate, now time.Time) bool {
	return c.NotAfter.Sub(now) < c.NotAfter.Sub(c.NotBefore)/4
}

// Stats are a Keeper's figures.
type Stats struct {
	// Taken and Refused count exchanges of the files: those in use since, and those that were wrong.
	Taken, Refused uint64
	// NotAfter is when the own certificate ends.
	NotAfter time.Time
	// Left is the time until then, 0 after it.
	Left time.Duration
	// Err is why the files as they are now are not in use; empty where they are.
	Err string
}

// Stats takes the figures of this moment.
func (k *Keeper) Stats() Stats {
	var s Stats
	s.Taken, s.Refused = k.files.Stats()
	s.NotAfter = k.files.Get().leaf.NotAfter
	s.Left = max(0, s.NotAfter.Sub(k.now()))
	if err := k.files.Err(); err != nil {
		s.Err = err.Error()
	}
	return s
}
