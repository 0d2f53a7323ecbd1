package cert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"onevoice/problem"
	"onevoice/subject"
)

// Use is what a certificate has to be good for.
type Use = x509.ExtKeyUsage

// The uses: of who dials, and of who is dialled.
const (
	ToAsk   Use = x509.ExtKeyUsageClientAuth
	ToServe Use = x509.ExtKeyUsageServerAuth
)

// Holder is who holds a certificate that was believed.
type Holder struct {
	subject.Subject
	// NotBefore and NotAfter bound the time in which every certificate of the chain is valid.
	NotBefore, NotAfter time.Time
}

// Trust is whose certificates are believed.
type Trust struct {
	// Cluster is the only one whose certificates are taken.
	Cluster     [16]byte
	authorities []*x509.Certificate
	pool        *x509.CertPool
}

// NewTrust believes certificates of a cluster that one of the authorities issued. The error names an authority that cannot be
// one of this cluster's.
func NewTrust(cluster [16]byte, authorities []*x509.Certificate) (*Trust, error) {
	t := &Trust{Cluster: cluster, authorities: authorities, pool: x509.NewCertPool()}
	for _, c := range authorities {
		if !c.IsCA {
			return nil, fmt.Errorf("certificate of %q among the authorities cannot issue others, allowed: the ca.crt of onevoice cert init", c.Subject.CommonName)
		}
		// An authority of another origin need not name the cluster; all that it issues has to.
		if claim, err := subject.FindClaim(c.URIs); err == nil && claim.Cluster != cluster {
			return nil, fmt.Errorf("authority %q is of cluster %x, allowed: %x", c.Subject.CommonName, claim.Cluster, cluster)
		}
		t.pool.AddCert(c)
	}
	return t, nil
}

// Verify is the rule by which certificates are believed. In this order it asks: is there one, does it say whose it is, is it of
// this cluster, is it valid now, has an authority of the bundle issued it for this use? That the other side holds the key is
// TLS's to prove. chain is as it was shown, the holder's certificate first.
func (t *Trust) Verify(chain []*x509.Certificate, use Use, now time.Time) (Holder, *problem.Error) {
	if len(chain) == 0 {
		return Holder{}, refuse("", Missing, "missing", "one of onevoice cert issue", "give --ca, --cert and --key")
	}
	leaf := chain[0]
	name := problem.Clip(leaf.Subject.CommonName)
	claim, err := subject.FindClaim(leaf.URIs)
	if err == nil && claim.Kind == subject.Authority {
		err = errors.New("it is an authority's")
	}
	if err == nil && claim.Name != leaf.Subject.CommonName {
		err = fmt.Errorf("it names %s and %.40q", claim.Name, leaf.Subject.CommonName)
	}
	if err != nil {
		return Holder{}, refuse(name, BadName, err.Error(), "one of onevoice cert issue", "")
	}
	if claim.Cluster != t.Cluster {
		return Holder{}, refuse(name, BadCluster, fmt.Sprintf("%x", claim.Cluster), fmt.Sprintf("%x", t.Cluster),
			"it was issued for another cluster; give the files of this one")
	}
	if p := timely(name, leaf, now); p != nil {
		return Holder{}, p
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: t.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return Holder{}, t.unbelieved(name, leaf, err)
	}
	h := Holder{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Subject: subject.Subject{
		Name: claim.Name, Kind: claim.Kind, Rights: claim.Rights, Server: claim.Server, Via: subject.ByCertificate,
	}}
	if len(leaf.Subject.Organization) > 0 {
		h.Organisation = leaf.Subject.Organization[0]
	}
	for _, c := range chains[0] {
		if c.NotAfter.Before(h.NotAfter) {
			h.NotAfter = c.NotAfter
		}
	}
	h.UntilNs = h.NotAfter.UnixNano()
	return h, nil
}

// timely says whether a certificate is valid now.
func timely(name string, c *x509.Certificate, now time.Time) *problem.Error {
	if now.Before(c.NotBefore) {
		return refuse(name, BadTime, "not valid before "+instant(c.NotBefore), "valid at "+instant(now),
			fmt.Sprintf("it begins in %s: is a clock wrong?", span(c.NotBefore.Sub(now))))
	}
	if now.After(c.NotAfter) {
		return refuse(name, BadTime, "expired at "+instant(c.NotAfter), "valid at "+instant(now),
			fmt.Sprintf("it expired %s ago; onevoice cert renew makes a new one", span(now.Sub(c.NotAfter))))
	}
	return nil
}

func (t *Trust) unbelieved(name string, leaf *x509.Certificate, err error) *problem.Error {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return refuse(name, BadTime, "the authority's has expired", "valid", "exchange the authority: see the operations manual")
	}
	if errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage {
		return refuse(name, BadAuthority, "not for this use", "one of kind server to serve, of any kind to ask", "")
	}
	allowed := "an authority of the bundle"
	if len(t.authorities) > 0 {
		allowed = problem.Clip(t.authorities[0].Subject.CommonName)
	}
	return refuse(name, BadAuthority, "issued by "+leaf.Issuer.CommonName, allowed,
		"no trusted authority issued it; is the file given with --ca another cluster's, or older than the exchange of the authority?")
}
