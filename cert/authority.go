package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"onevoice/internal/fresh"
	"onevoice/subject"
)

// The files of an authority's directory.
const (
	authorityFile    = "ca.crt"
	authorityKeyFile = "ca.key"
	// ClusterFile is the copy of the cluster's file there, which names its servers.
	ClusterFile = "cluster.json"
	// IssuedFile has a line for each certificate issued.
	IssuedFile = "issued.log"
)

const (
	// AuthorityValid is how long an authority's certificate is valid unless said otherwise.
	AuthorityValid = 10 * 365 * 24 * time.Hour
	// MaxValid bounds a certificate's life: what cannot be taken back should end by itself.
	MaxValid = 398 * 24 * time.Hour
	// clockSkew is how long before its making a certificate is valid, for machines whose clocks are behind.
	clockSkew = 5 * time.Minute
	// maxHosts bounds the names and addresses of one certificate.
	maxHosts = 64
)

// Authority issues the certificates of one cluster.
type Authority struct {
	// Certificate is the authority's own, which all verify by.
	Certificate *x509.Certificate
	// Cluster is the cluster whose certificates it issues.
	Cluster [16]byte

	dir string
	key crypto.Signer
}

// CreateAuthority makes a new authority in a directory: its key, readable by its owner alone, and its certificate. One that is
// there already is never overwritten.
func CreateAuthority(dir string, cluster [16]byte, now time.Time, valid time.Duration) (*Authority, error) {
	if valid <= 0 {
		return nil, fmt.Errorf("certificate authority: valid is %v, allowed: more than 0", valid)
	}
	for _, name := range []string{authorityFile, authorityKeyFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("certificate authority: %s is there already; an authority is never overwritten, take another directory", filepath.Join(dir, name))
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	number := serial()
	// The number tells two of one day apart, for people and for whoever looks for an issuer by its name.
	name := fmt.Sprintf("onevoice authority %08x of cluster %x since %s", number.Bytes()[:4], cluster[:4], now.UTC().Format(time.DateOnly))
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(valid),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		URIs: []*url.URL{subject.Claim{Cluster: cluster, Kind: subject.Authority}.URI()},
	}
	c, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	pemKey, err := encodeKey(key)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = writeNew(filepath.Join(dir, authorityKeyFile), pemKey, 0o600)
	}
	if err == nil {
		err = writeNew(filepath.Join(dir, authorityFile), encodeCertificates(c), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	return &Authority{Certificate: c, Cluster: cluster, dir: dir, key: key}, nil
}

// OpenAuthority reads the authority of a directory.
func OpenAuthority(dir string) (*Authority, error) {
	name := filepath.Join(dir, authorityFile)
	content, err := fresh.Read(name)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w; make one with onevoice cert init", err)
	}
	all, err := ParseCertificates(name, content)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	key, err := ReadKey(filepath.Join(dir, authorityKeyFile))
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	c := all[0]
	claim, err := subject.FindClaim(c.URIs)
	switch {
	case err != nil:
		return nil, fmt.Errorf("certificate authority: %s: %w", name, err)
	case claim.Kind != subject.Authority || !c.IsCA:
		return nil, fmt.Errorf("certificate authority: %s is a certificate of kind %s, allowed: an authority's", name, claim.Kind)
	case !samePublic(c.PublicKey, key.Public()):
		return nil, fmt.Errorf("certificate authority: %s does not belong to the key in %s", name, authorityKeyFile)
	}
	return &Authority{Certificate: c, Cluster: claim.Cluster, dir: dir, key: key}, nil
}

// PEM is the authority's certificate, as all who verify need it.
func (a *Authority) PEM() []byte { return encodeCertificates(a.Certificate) }

// Request is whom to issue a certificate to.
type Request struct {
	Kind         subject.Kind // Server, Operator or Client
	Name         string
	Server       uint64 // voter number, for a Server
	Organisation string
	Rights       subject.Rights // of an Operator or Client; 0 for those of its kind
	Hosts        []string       // DNS names and IP addresses of a Server
	Valid        time.Duration
}

// maxOrganisation bounds an organisation's name, as X.520 does.
const maxOrganisation = 64

func (r *Request) check() error {
	wrong := func(field, value, allowed string) error {
		return fmt.Errorf("issue certificate: %s is %q, allowed: %s", field, value, allowed)
	}
	switch {
	case r.Kind != subject.Server && r.Kind != subject.Operator && r.Kind != subject.Client:
		return wrong("kind", string(r.Kind), "server, client, operator")
	case !subject.ValidName(r.Name):
		return wrong("name", r.Name, subject.AllowedName)
	case len(r.Organisation) > maxOrganisation:
		return wrong("organisation", r.Organisation, fmt.Sprintf("up to %d bytes", maxOrganisation))
	case r.Valid <= 0 || r.Valid > MaxValid:
		return wrong("valid", r.Valid.String(), fmt.Sprintf("more than 0, up to %d days", MaxValid/(24*time.Hour)))
	case r.Kind == subject.Server && (r.Server == 0 || r.Server > subject.MaxServer):
		return wrong("server number", fmt.Sprint(r.Server), fmt.Sprintf("1 to %d", subject.MaxServer))
	case r.Kind == subject.Server && (len(r.Hosts) == 0 || len(r.Hosts) > maxHosts):
		return wrong("hosts", fmt.Sprint(len(r.Hosts)), fmt.Sprintf("1 to %d names or addresses by which others reach the server", maxHosts))
	case r.Kind != subject.Server && len(r.Hosts) > 0:
		return wrong("hosts", fmt.Sprint(r.Hosts), "none: only servers are reached by a name")
	case r.Kind == subject.Server && r.Rights != 0 && r.Rights != subject.All:
		return wrong("rights", r.Rights.String(), "none given: a server orders the log and so may do everything")
	}
	return nil
}

// Issue makes a key and a certificate for it, both PEM.
func (a *Authority) Issue(r Request, now time.Time) (certificate, key []byte, err error) {
	if r.Rights == 0 {
		r.Rights = r.Kind.Default()
	}
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	claim := subject.Claim{Cluster: a.Cluster, Kind: r.Kind, Name: r.Name, Server: r.Server, Rights: r.Rights}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: r.Name}, URIs: []*url.URL{claim.URI()}}
	if r.Organisation != "" {
		template.Subject.Organization = []string{r.Organisation}
	}
	for _, host := range r.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if r.Kind == subject.Server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	return a.make(template, r.Valid, now)
}

// Renew makes a new key and certificate for the holder of an old certificate of the same cluster, of whatever authority: all but
// time and key stay.
func (a *Authority) Renew(old *x509.Certificate, valid time.Duration, now time.Time) (certificate, key []byte, err error) {
	claim, err := subject.FindClaim(old.URIs)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("renew certificate: %w", err)
	case claim.Kind == subject.Authority:
		return nil, nil, errors.New("renew certificate: it is an authority's; make a new authority with onevoice cert init, and see the operations manual")
	case claim.Cluster != a.Cluster:
		return nil, nil, fmt.Errorf("renew certificate: it is of cluster %x, allowed: %x, the authority's", claim.Cluster, a.Cluster)
	case valid <= 0 || valid > MaxValid:
		return nil, nil, fmt.Errorf("renew certificate: valid is %v, allowed: more than 0, up to %d days", valid, MaxValid/(24*time.Hour))
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: old.Subject.CommonName, Organization: old.Subject.Organization},
		URIs:    old.URIs, DNSNames: old.DNSNames, IPAddresses: old.IPAddresses, ExtKeyUsage: old.ExtKeyUsage,
	}
	return a.make(template, valid, now)
}

// make completes and signs a template, and notes it in IssuedFile.
func (a *Authority) make(template *x509.Certificate, valid time.Duration, now time.Time) (certificate, keyPEM []byte, err error) {
	if now.After(a.Certificate.NotAfter) {
		return nil, nil, fmt.Errorf("issue certificate: the authority in %s expired at %s; make a new one with onevoice cert init", a.dir, instant(a.Certificate.NotAfter))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("issue certificate: %w", err)
	}
	template.SerialNumber, template.KeyUsage, template.BasicConstraintsValid = serial(), x509.KeyUsageDigitalSignature, true
	template.NotBefore, template.NotAfter = now.Add(-clockSkew), now.Add(valid)
	if template.NotAfter.After(a.Certificate.NotAfter) {
		template.NotAfter = a.Certificate.NotAfter
	}
	c, err := sign(template, a.Certificate, key.Public(), a.key)
	if err == nil {
		keyPEM, err = encodeKey(key)
	}
	if err == nil {
		err = a.note(c, now)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("issue certificate: %w", err)
	}
	return encodeCertificates(c), keyPEM, nil
}

// note appends a line to IssuedFile, so that an operator knows what is about.
func (a *Authority) note(c *x509.Certificate, now time.Time) error {
	f, err := os.OpenFile(filepath.Join(a.dir, IssuedFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s serial %x %s organisation %q until %s\n", instant(now), c.SerialNumber, c.URIs[0], c.Subject.Organization, instant(c.NotAfter))
	return errors.Join(err, f.Sync(), f.Close())
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// serial is 126 random bits, so that none comes twice.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:])  // never fails
	b[0] = b[0]&0x7f | 0x40 // positive, and always as long
	return new(big.Int).SetBytes(b[:])
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
