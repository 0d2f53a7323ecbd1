// Package token believes bearer tokens: JSON Web Tokens (RFC 7519) signed by EdDSA, ES256 or RS256 with a key of a file or of a
// key set that their issuer publishes.
// It is loud: it reads the files again when they change, asks for the key set over the network, and reads the clock.
//
// Tokens enter no log and no message, whole or in part.
package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
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

// Options are what a Keeper is made of. Files, KeySet or both are needed.
type Options struct {
	// Files hold public keys of issuers: each a JSON Web Key Set, or PEM.
	Files []string
	// KeySet is where an issuer publishes its keys; its zero value is nowhere.
	KeySet KeySet
	// Audiences are the names of this service, of which a token's aud has to hold one: 1 to MaxAudiences, none of them empty, or
	// tokens for other services would be good here.
	Audiences []string
	// Issuer, where not empty, has to be a token's iss.
	Issuer string
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	Log *slog.Logger
}

// MaxAudiences bounds the names of this service.
const MaxAudiences = 64

// Keeper believes tokens by the newest good keys. Its methods may be called from any goroutine.
type Keeper struct {
	files   *fresh.Keeper[*Keys] // nil where there are none
	set     *remote              // nil where there is none
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

// Open reads the keys of the files. Those of the key set are asked for by Run: an issuer that is down keeps no server from starting.
func Open(o Options) (*Keeper, error) {
	if len(o.Audiences) == 0 || len(o.Audiences) > MaxAudiences || slices.Contains(o.Audiences, "") {
		return nil, fmt.Errorf("tokens: %d audiences, allowed: 1 to %d, none of them empty; name this service as its tokens do in aud, or tokens for other services would be good here",
			len(o.Audiences), MaxAudiences)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{options: o, known: map[[32]byte]believed{}}
	var err error
	if len(o.Files) > 0 {
		if k.files, err = openFiles(o.Files, o.Log); err != nil {
			return nil, fmt.Errorf("tokens: %w", err)
		}
	}
	if o.KeySet.URL != "" {
		if k.set, err = newRemote(o.KeySet, o.Now, o.Log); err != nil {
			return nil, fmt.Errorf("tokens: %w", err)
		}
	}
	if k.files == nil && k.set == nil {
		return nil, errors.New("tokens: neither a file of keys nor a key set, allowed: at least one of them")
	}
	return k, nil
}

func openFiles(names []string, log *slog.Logger) (*fresh.Keeper[*Keys], error) {
	return fresh.Open("keys for tokens", names, func(contents [][]byte) (*Keys, error) {
		all := new(Keys)
		for i, content := range contents {
			keys, err := ParseKeys(content)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", names[i], err)
			}
			all.all = append(all.all, keys.all...)
		}
		if len(all.all) > maxKeys {
			return nil, fmt.Errorf("%d keys in all files, allowed: up to %d", len(all.all), maxKeys)
		}
		return all, nil
	}, log)
}

// Runs are what keeps the keys fresh: each to be run until its context ends, with a channel that brings a wish to look at once.
func (k *Keeper) Runs() []func(context.Context, <-chan os.Signal) {
	var list []func(context.Context, <-chan os.Signal)
	if k.files != nil {
		list = append(list, k.files.Run)
	}
	if k.set != nil {
		list = append(list, k.set.run)
	}
	return list
}

// Stats are how many times new keys were taken, and how many times what came was refused or nothing came.
func (k *Keeper) Stats() (taken, refused uint64) {
	if k.files != nil {
		taken, refused = k.files.Stats()
	}
	if k.set != nil {
		taken, refused = taken+k.set.taken.Load(), refused+k.set.refused.Load()
	}
	return taken, refused
}

// keys are the good keys of the moment, by where they come from; at most two.
func (k *Keeper) keys() []*Keys {
	list := make([]*Keys, 0, 2)
	if k.files != nil {
		list = append(list, k.files.Get())
	}
	if k.set != nil {
		if keys := k.set.get(); keys != nil {
			list = append(list, keys)
		}
	}
	return list
}

// Subject is whose token it is, with the rights and words of its scope, or why it is not believed.
func (k *Keeper) Subject(raw string) (subject.Subject, *problem.Error) {
	if len(raw) > MaxBytes {
		return subject.Anonymous(), refuse(fmt.Sprintf("%d bytes", len(raw)), fmt.Sprintf("at most %d bytes", MaxBytes))
	}
	keys, id := k.keys(), sha256.Sum256([]byte(raw))
	k.mu.Lock()
	b, ok := k.known[id]
	k.mu.Unlock()
	if !ok || !slices.Contains(keys, b.under) {
		var p *problem.Error
		if b, p = verify(keys, raw); p != nil {
			return subject.Anonymous(), p
		}
		k.remember(id, b)
	}
	if p := k.options.check(&b.claims); p != nil {
		return subject.Anonymous(), p
	}
	c := &b.claims
	return subject.Subject{
		UntilNs: c.Expiry.Time().Add(Leeway).UnixNano(), Name: c.Subject, Organisation: c.Organisation, Kind: subject.Client,
		Rights: subject.FromScope(c.Scope), Scope: c.Scope, Via: subject.ByToken,
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
	case !slices.ContainsFunc(o.Audiences, c.Audience.Contains):
		return refuse("for another audience", fmt.Sprintf("aud %q", o.Audiences))
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
func verify(sets []*Keys, raw string) (believed, *problem.Error) {
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256})
	if err != nil || len(signed.Signatures) != 1 {
		return believed{}, refuse("not in a form that is known", "a JSON Web Token signed by EdDSA, ES256 or RS256")
	}
	header := signed.Signatures[0].Header
	for _, keys := range sets {
		for _, key := range keys.fitting(header.Algorithm, header.KeyID) {
			payload, err := signed.Verify(key)
			if err != nil {
				continue
			}
			c, err := readClaims(payload)
			if err != nil {
				return believed{}, refuse("of claims that do not parse", "sub, org, scope as texts, exp, nbf, iat as numbers, aud as text or texts")
			}
			return believed{keys, c}, nil
		}
	}
	return believed{}, refuse("not signed by a key that is trusted here", "signed by a key that this server was started with, or that its issuer publishes")
}

func refuse(value, allowed string) *problem.Error {
	return &problem.Error{
		Kind: problem.Unauthenticated, Op: "check token", Field: Field, Value: problem.Clip(value), Allowed: allowed, Detail: "take a new one from its issuer",
	}
}
