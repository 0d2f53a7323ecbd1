package cert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"onevoice/internal/fresh"
)

// ClientTLS is the configuration of who asks servers, over frames or HTTPS: it believes servers by their host name, as all
// programs do, and by the authorities of files.CA; where files.Cert and files.Key are given it shows them. They are read
// once.
func ClientTLS(files Files) (*tls.Config, error) {
	content, err := fresh.Read(files.CA)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	authorities, err := ParseCertificates(files.CA, content)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()}
	for _, c := range authorities {
		config.RootCAs.AddCert(c)
	}
	if files.Cert == "" && files.Key == "" {
		return config, nil
	}
	pair, err := readPair(files, time.Now())
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	// Always shown: without this Go keeps back what the server's list of authorities does not name.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

// readPair reads a certificate and its key, and says what is wrong before a server would.
func readPair(files Files, now time.Time) (tls.Certificate, error) {
	if files.Cert == "" || files.Key == "" {
		return tls.Certificate{}, errors.New("a certificate needs its key and a key its certificate: give both, or none")
	}
	content, err := fresh.Read(files.Cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	chain, err := ParseCertificates(files.Cert, content)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ReadKey(files.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if !samePublic(chain[0].PublicKey, key.Public()) {
		return tls.Certificate{}, fmt.Errorf("%s does not belong to the key in %s: give the two that were issued together", files.Cert, files.Key)
	}
	if p := timely(files.Cert, chain[0], now); p != nil {
		return tls.Certificate{}, p
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}
