// Package token believes bearer tokens: JSON Web Tokens (RFC 7519) signed by EdDSA, ES256 or RS256 with a key of a file.
// It is loud: it reads the file again when it changes, and the clock.
//
// Tokens enter no log and no message, whole or in part.
package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"onevoice/internal/fresh"
	"onevoice/problem"
	"onevoice/subject"
)

const (
	// Leeway is how far this server's clock may be from the issuer's.
	Leeway = 30 * time.Second
	// maxLife bounds how far away a token's end may be: what cannot be taken back should end by itself.
	maxLife = 398 * 24 * time.Hour
	// MaxBytes bounds a token; headers as a whole are bounded by the HTTP server.
	MaxBytes = 8 << 10
	// maxSubjectBytes bounds sub and org: they stand in logs.
	maxSubjectBytes = 128
	// maxKnown bounds the tokens whose verification is remembered. When full it begins anew.
	maxKnown = 4096
)

// Field is that of every problem about a token.
const Field = "token"

// Options are what a Keeper is made of.
type Options struct {
	// Keys is the file of the issuers' public keys: a JSON Web Key Set, or PEM.
	Keys string
	// Audience has to be among a token's aud. It must not be empty, or tokens for other services would be good here.
	Audience string
	// Issuer, where not empty, has to be a token's iss.
	Issuer string
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	Log *slog.Logger
}

// Keeper believes tokens by the newest good keys of a file. Its methods may be called from any goroutine.
type Keeper struct {
	*fresh.Keeper[*Keys]
	options Options

	mu    sync.Mutex
	known map[[32]byte]believed
}

// believed is a token that was verified with one state of the keys.
type believed struct {
	under  *Keys
	claims claims
}

// claims are what we read of a token.
type claims struct {
	jwt.Claims
	Organisation string `json:"org"`
	Scope        string `json:"scope"`
}

// Open reads the keys.
func Open(o Options) (*Keeper, error) {
	if o.Audience == "" {
		return nil, errors.New("tokens: the audience is empty; name this service as its tokens do in aud, or tokens for other services would be good here")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	files, err := fresh.Open("keys for tokens", []string{o.Keys}, func(contents [][]byte) (*Keys, error) {
		keys, err := ParseKeys(contents[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Keys, err)
		}
		return keys, nil
	}, o.Log)
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return &Keeper{Keeper: files, options: o, known: map[[32]byte]believed{}}, nil
}

// Subject is whose token it is, with the rights of its scope, or why it is not believed.
func (k *Keeper) Subject(raw string) (subject.Subject, *problem.Error) {
	if len(raw) > MaxBytes {
		return subject.Anonymous(), refuse(fmt.Sprintf("%d bytes", len(raw)), fmt.Sprintf("at most %d bytes", MaxBytes))
	}
	keys, id := k.Get(), sha256.Sum256([]byte(raw))
	k.mu.Lock()
	b, ok := k.known[id]
	k.mu.Unlock()
	if !ok || b.under != keys {
		c, p := keys.verify(raw)
		if p != nil {
			return subject.Anonymous(), p
		}
		b = believed{keys, c}
		k.remember(id, b)
	}
	if p := k.options.check(&b.claims); p != nil {
		return subject.Anonymous(), p
	}
	c := &b.claims
	return subject.Subject{
		UntilNs: c.Expiry.Time().Add(Leeway).UnixNano(), Name: c.Subject, Organisation: c.Organisation, Kind: subject.Client, Rights: subject.FromScope(c.Scope), Via: subject.ByToken,
	}, nil
}

func (k *Keeper) remember(id [32]byte, b believed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxKnown {
		clear(k.known)
	}
	k.known[id] = b
}

// check holds claims whose signature is good against time and options.
func (o *Options) check(c *claims) *problem.Error {
	now := o.Now()
	// Seconds are compared, since an instant far away wraps round as a time.Time.
	after := func(d *jwt.NumericDate, end time.Time) bool { return d != nil && int64(*d) > end.Unix() }
	switch {
	case c.Expiry == nil:
		return refuse("without exp", "one that ends")
	case after(c.Expiry, now.Add(maxLife)):
		return refuse("good for too long", "exp within "+strconv.Itoa(int(maxLife/(24*time.Hour)))+" days")
	case int64(*c.Expiry) < now.Add(-Leeway).Unix():
		return refuse("expired at "+instant(c.Expiry), "good at "+now.UTC().Format(time.RFC3339))
	case after(c.NotBefore, now.Add(Leeway)):
		return refuse("not good before "+instant(c.NotBefore), "good at "+now.UTC().Format(time.RFC3339))
	case after(c.IssuedAt, now.Add(Leeway)):
		return refuse("issued at "+instant(c.IssuedAt)+", which is to come", "a clock within "+Leeway.String())
	case !c.Audience.Contains(o.Audience):
		return refuse("for another audience", fmt.Sprintf("aud %q", o.Audience))
	case o.Issuer != "" && c.Issuer != o.Issuer:
		return refuse("of another issuer", fmt.Sprintf("iss %q", o.Issuer))
	case !printable(c.Subject) || c.Subject == "":
		return refuse("without a good sub", fmt.Sprintf("1 to %d printable ASCII characters", maxSubjectBytes))
	case !printable(c.Organisation):
		return refuse("without a good org", fmt.Sprintf("up to %d printable ASCII characters", maxSubjectBytes))
	}
	return nil
}

func instant(d *jwt.NumericDate) string { return d.Time().UTC().Format(time.RFC3339) }

func printable(s string) bool {
	return len(s) <= maxSubjectBytes && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}

// verify checks a token's form and signature.
func (k *Keys) verify(raw string) (claims, *problem.Error) {
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256})
	if err != nil || len(signed.Signatures) != 1 {
		return claims{}, refuse("not in a form that is known", "a JSON Web Token signed by EdDSA, ES256 or RS256")
	}
	header := signed.Signatures[0].Header
	for _, key := range k.fitting(header.Algorithm, header.KeyID) {
		payload, err := signed.Verify(key)
		if err != nil {
			continue
		}
		c, err := readClaims(payload)
		if err != nil {
			return claims{}, refuse("of claims that do not parse", "sub, org, scope as texts, exp, nbf, iat as numbers, aud as text or texts")
		}
		return c, nil
	}
	return claims{}, refuse("not signed by a key that is trusted here", "signed by a key of the file given with --token-keys")
}

func refuse(value, allowed string) *problem.Error {
	return &problem.Error{
		Kind: problem.Unauthenticated, Op: "check token", Field: Field, Value: problem.Clip(value), Allowed: allowed, Detail: "take a new one from its issuer",
	}
}
