package token

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

const (
	// maxKeys bounds the keys of a file: each may have to be tried.
	maxKeys = 16
	// minRSABits and maxRSABits bound the keys of RS256: below lies what can be broken, above what costs too much.
	minRSABits, maxRSABits = 2048, 8192
)

// Keys are the public keys by which tokens are believed.
type Keys struct{ all []key }

type key struct {
	id        string // kid, may be empty
	algorithm jose.SignatureAlgorithm
	public    any
}

// ParseKeys reads a JSON Web Key Set, or PEM blocks of public keys or certificates: 1 to 16 keys, Ed25519, ECDSA P-256, or RSA of
// 2048 to 8192 bits. Private keys are refused: they have no business on a server that only verifies.
func ParseKeys(content []byte) (*Keys, error) {
	var k Keys
	var err error
	if trimmed := bytes.TrimSpace(content); len(trimmed) > 0 && trimmed[0] == '{' {
		err = k.readSet(trimmed, nil)
	} else {
		err = k.readPEM(content)
	}
	if err == nil && (len(k.all) == 0 || len(k.all) > maxKeys) {
		err = fmt.Errorf("%d keys, allowed: 1 to %d, as a JSON Web Key Set or PEM", len(k.all), maxKeys)
	}
	if err != nil {
		return nil, err
	}
	return &k, nil
}

// readSet reads a key set. Where only is not nil, it takes those that only says, and passes over what it can use for no token.
func (k *Keys) readSet(content []byte, only func(id string) bool) error {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(content, &set); err != nil {
		return errors.New("not a JSON Web Key Set of keys that are known") // the cause could quote a key
	}
	for _, one := range set.Keys {
		if one.Use == "enc" || only != nil && !only(one.KeyID) {
			continue
		}
		if !one.IsPublic() {
			return fmt.Errorf("key %.40q is not public, allowed: public keys only", one.KeyID)
		}
		if err := k.add(one.KeyID, one.Key); err != nil && only == nil {
			return err
		}
	}
	return nil
}

func (k *Keys) readPEM(content []byte) error {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return nil
		}
		var public any
		var err error
		switch block.Type {
		case "PUBLIC KEY":
			public, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "CERTIFICATE":
			var c *x509.Certificate
			if c, err = x509.ParseCertificate(block.Bytes); err == nil {
				public = c.PublicKey
			}
		default:
			return fmt.Errorf("a PEM block of type %.40q, allowed: PUBLIC KEY, CERTIFICATE", block.Type)
		}
		if err == nil {
			err = k.add("", public)
		}
		if err != nil {
			return fmt.Errorf("key %d: %w", len(k.all)+1, err)
		}
	}
}

// add takes a key for the one algorithm that it is for, so that no token chooses another.
func (k *Keys) add(id string, public any) error {
	one := key{id: id, public: public}
	switch p := public.(type) {
	case ed25519.PublicKey:
		one.algorithm = jose.EdDSA
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return fmt.Errorf("key %.40q is of curve %s, allowed: P-256", id, p.Curve.Params().Name)
		}
		one.algorithm = jose.ES256
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n < minRSABits || n > maxRSABits {
			return fmt.Errorf("key %.40q is RSA of %d bits, allowed: %d to %d", id, n, minRSABits, maxRSABits)
		}
		one.algorithm = jose.RS256
	default:
		return fmt.Errorf("key %.40q is a %T, allowed: Ed25519, ECDSA P-256, RSA", id, public)
	}
	k.all = append(k.all, one)
	return nil
}

// fitting are the keys that may have signed a token: those of its algorithm, and of its kid where keys have one.
func (k *Keys) fitting(algorithm, id string) []any {
	var list []any
	for _, one := range k.all {
		if string(one.algorithm) == algorithm && (id == "" || one.id == "" || one.id == id) {
			list = append(list, one.public)
		}
	}
	return list
}

// readClaims reads a payload whose signature was good.
func readClaims(payload []byte) (claims, error) {
	var c claims
	err := json.Unmarshal(payload, &c)
	return c, err
}
