package cert

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"time"

	"onevoice/subject"
)

// Description is a certificate for people and for -o json.
type Description struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Cluster      string   `json:"cluster,omitempty"`
	Server       uint64   `json:"server,omitempty"`
	Organisation string   `json:"organisation,omitempty"`
	Rights       string   `json:"rights,omitempty"`
	Hosts        []string `json:"hosts,omitempty"`
	Serial       string   `json:"serial"`
	IssuedBy     string   `json:"issued_by"`
	NotBefore    string   `json:"not_before"`
	NotAfter     string   `json:"not_after"`
	DaysLeft     int      `json:"days_left"` // whole days; negative once it has expired
	SHA256       string   `json:"sha256"`
	// Warnings say what an operator should do something about.
	Warnings []string `json:"warnings,omitempty"`
}

// Describe says what stands in a certificate and what is wrong with it at an instant.
func Describe(c *x509.Certificate, now time.Time) Description {
	sum := sha256.Sum256(c.Raw)
	d := Description{
		Name: c.Subject.CommonName, Kind: "other", Serial: fmt.Sprintf("%x", c.SerialNumber), IssuedBy: c.Issuer.CommonName,
		NotBefore: instant(c.NotBefore), NotAfter: instant(c.NotAfter), SHA256: hex.EncodeToString(sum[:]),
		DaysLeft: int(c.NotAfter.Sub(now).Hours() / 24), Hosts: append([]string(nil), c.DNSNames...),
	}
	for _, ip := range c.IPAddresses {
		d.Hosts = append(d.Hosts, ip.String())
	}
	if len(c.Subject.Organization) > 0 {
		d.Organisation = c.Subject.Organization[0]
	}
	claim, err := subject.FindClaim(c.URIs)
	if err != nil {
		d.Warnings = append(d.Warnings, "no server takes it: "+err.Error())
	} else {
		d.Kind, d.Cluster, d.Server = string(claim.Kind), hex.EncodeToString(claim.Cluster[:]), claim.Server
		if claim.Kind != subject.Authority {
			d.Rights = claim.Rights.String()
		}
	}
	switch {
	case now.Before(c.NotBefore):
		d.Warnings = append(d.Warnings, fmt.Sprintf("not valid yet: it begins in %s", span(c.NotBefore.Sub(now))))
	case now.After(c.NotAfter):
		d.Warnings = append(d.Warnings, fmt.Sprintf("expired %s ago: renew it with onevoice cert renew", span(now.Sub(c.NotAfter))))
	case soon(c, now):
		d.Warnings = append(d.Warnings, fmt.Sprintf("ends in %s: renew it with onevoice cert renew", span(c.NotAfter.Sub(now))))
	}
	return d
}

// Fetch takes the certificates that a server shows on its port for peers or for HTTPS, without believing them.
func Fetch(ctx context.Context, address string) ([]*x509.Certificate, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("fetch certificate: %w", err)
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) // it is shown, not trusted
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("fetch certificate of %s: %w; does it speak TLS?", address, err)
	}
	return conn.ConnectionState().PeerCertificates, nil
}
