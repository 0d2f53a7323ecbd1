// Package dev makes tokens for development: whoever can ask gets a token for whatever they ask for.
// It is loud: it draws a key, answers HTTP, and reads the clock. Nothing of it may be believed by a service that somebody relies on.
package dev

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Warning is what everybody who starts an issuer is told.
const Warning = "for development only: whoever can read this key or reach this issuer can be anybody; never let a service that people rely on believe it"

const (
	// DefaultLife is how long a token is good where nothing else is asked for.
	DefaultLife = time.Hour
	// MaxLife bounds a token's life.
	MaxLife = 24 * time.Hour
	// maxField bounds each field of a request, bytes.
	maxField = 1024
	// maxBody bounds a request, bytes.
	maxBody = 8 << 10
	// keyID is the kid of the one key.
	keyID = "development"
)

// Claims are what a token shall say.
type Claims struct {
	Issuer       string `json:"iss"`
	Subject      string `json:"sub"`
	Organisation string `json:"org,omitempty"`
	Audience     string `json:"aud"`
	Scope        string `json:"scope"`
}

// Issuer signs tokens with one Ed25519 key. Its methods may be called from any goroutine.
type Issuer struct {
	key ed25519.PrivateKey
	now func() time.Time
}

// New draws an issuer's key from random.
func New(random io.Reader, now func() time.Time) (*Issuer, error) {
	_, key, err := ed25519.GenerateKey(random)
	if err != nil {
		return nil, err
	}
	return &Issuer{key, now}, nil
}

// Parse reads an issuer's key as PrivatePEM writes it.
func Parse(content []byte, now func() time.Time) (*Issuer, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("not a key for development, allowed: one PEM block of type PRIVATE KEY")
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("a key that does not parse, allowed: Ed25519 in PKCS #8") // the cause could quote the key
	}
	key, ok := any.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a key that is %T, allowed: Ed25519", any)
	}
	return &Issuer{key, now}, nil
}

// PrivatePEM is the key, for a file that only its owner may read.
func (i *Issuer) PrivatePEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// PublicPEM is what a server's --public-key-files takes.
func (i *Issuer) PublicPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// Sign makes a token that is good from now for life, 1 s to MaxLife.
func (i *Issuer) Sign(c Claims, life time.Duration) (string, error) {
	if life < time.Second || life > MaxLife {
		return "", fmt.Errorf("a life of %v, allowed: 1s to %v", life, MaxLife)
	}
	if c.Subject == "" || c.Audience == "" {
		return "", errors.New("sub or audience is empty, allowed: the name of who asks, and of the service that is asked")
	}
	now := i.now().Unix()
	payload, err := json.Marshal(struct {
		Claims
		IssuedAt int64 `json:"iat"`
		Expiry   int64 `json:"exp"`
	}{c, now, now + int64(life/time.Second)})
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: i.key, KeyID: keyID}}, nil)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Listen listens on a loopback address, and refuses every other.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("an issuer for development at %.80q, allowed: a loopback address as 127.0.0.1:8085, since it gives everybody every token", address)
	}
	return net.Listen("tcp", address)
}

// Handler answers GET and POST /token, and GET /.well-known/jwks.json for a server's --jwks-endpoint.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/token", i.token)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: keyID, Use: "sig", Algorithm: string(jose.EdDSA)}}})
	})
	return ownHost(mux)
}

// ownHost keeps pages of others away, which can reach a loopback address by a name of their own.
func ownHost(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		ip, wrong := netip.ParseAddr(host)
		site := r.Header.Get("Sec-Fetch-Site")
		if err != nil || host != "localhost" && (wrong != nil || !ip.IsLoopback()) || cross.Check(r) != nil || site != "" && site != "none" && site != "same-origin" {
			answer(w, http.StatusForbidden, map[string]string{"error": "access_denied"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		refuse(w, "invalid_request", "the form does not parse")
		return
	}
	for name, all := range r.Form {
		if len(all) != 1 || len(all[0]) > maxField {
			refuse(w, "invalid_request", fmt.Sprintf("%.40q is there more than once or too long, allowed: once, up to %d bytes", name, maxField))
			return
		}
	}
	if grant := r.Form.Get("grant_type"); grant != "client_credentials" {
		refuse(w, "unsupported_grant_type", "grant_type is not client_credentials")
		return
	}
	audience := r.Form.Get("audience")
	if audience == "" {
		audience = r.Form.Get("intended_audience") // as the field's test tools ask
	}
	raw, err := i.Sign(Claims{Issuer: "http://" + r.Host, Subject: r.Form.Get("sub"), Audience: audience, Scope: r.Form.Get("scope")}, DefaultLife)
	if err != nil {
		refuse(w, "invalid_request", err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": raw, "token_type": "Bearer", "expires_in": int(DefaultLife / time.Second)})
}

func refuse(w http.ResponseWriter, kind, why string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": kind, "error_description": why})
}

func answer(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who asked is gone
}
