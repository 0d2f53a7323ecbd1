package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"onevoice/subject"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is an issuer's key.
type pair struct {
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
	id        string
}

func pairs(t testing.TB) (ed, ec, rs pair) {
	t.Helper()
	_, e, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	c, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return pair{jose.EdDSA, e, "ed"}, pair{jose.ES256, c, "ec"}, pair{jose.RS256, r, "rs"}
}

func set(t testing.TB, all ...pair) []byte {
	t.Helper()
	var s jose.JSONWebKeySet
	for _, p := range all {
		s.Keys = append(s.Keys, jose.JSONWebKey{Key: p.private.Public(), KeyID: p.id, Use: "sig"})
	}
	b, err := json.Marshal(s)
	must(t, err)
	return b
}

func pemOf(t testing.TB, all ...pair) []byte {
	t.Helper()
	var b []byte
	for _, p := range all {
		der, err := x509.MarshalPKIXPublicKey(p.private.Public())
		must(t, err)
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return b
}

func sign(t testing.TB, p pair, payload string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.algorithm, Key: jose.JSONWebKey{Key: p.private, KeyID: p.id}}, nil)
	must(t, err)
	signed, err := s.Sign([]byte(payload))
	must(t, err)
	raw, err := signed.CompactSerialize()
	must(t, err)
	return raw
}

// body is good claims, with some of them replaced; null takes one away.
func body(t testing.TB, changes string) string {
	t.Helper()
	claims := map[string]any{"sub": "app", "org": "Airline", "aud": "sky", "iss": "issuer", "scope": "onevoice.read other", "exp": start.Add(time.Hour).Unix()}
	must(t, json.Unmarshal([]byte(changes), &claims))
	for name, v := range claims {
		if v == nil {
			delete(claims, name)
		}
	}
	b, err := json.Marshal(claims)
	must(t, err)
	return string(b)
}

func open(t testing.TB, keys []byte, log *slog.Logger) (*Keeper, string, *time.Time) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	must(t, os.WriteFile(name, keys, 0o644))
	now := start
	k, err := Open(Options{Files: []string{name}, Audiences: []string{"air", "sky"}, Issuer: "issuer", Now: func() time.Time { return now }, Log: log})
	must(t, err)
	return k, name, &now
}

func TestGoodTokens(t *testing.T) {
	ed, ec, rs := pairs(t)
	for _, keys := range [][]byte{set(t, ed, ec, rs), pemOf(t, ed, ec, rs)} {
		k, _, _ := open(t, keys, nil)
		for _, p := range []pair{ed, ec, rs} {
			for range 2 { // the second time it is remembered
				who, refusal := k.Subject(sign(t, p, body(t, `{}`)))
				want := subject.Subject{Name: "app", Organisation: "Airline", Kind: subject.Client, Rights: subject.Read, Scope: "onevoice.read other", Via: subject.ByToken,
					UntilNs: start.Add(time.Hour + Leeway).UnixNano()}
				if refusal != nil || who != want {
					t.Errorf("%s: %+v, %v", p.algorithm, who, refusal)
				}
			}
		}
		if who, refusal := k.Subject(sign(t, ed, body(t, `{"aud":["other","sky"],"nbf":1772366430,"iat":1772366430,"scope":null,"org":null}`))); refusal != nil || who.Rights != 0 {
			t.Errorf("%+v, %v", who, refusal)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	ed, ec, rs := pairs(t)
	stranger, _, _ := pairs(t)
	k, _, _ := open(t, set(t, ed, ec, rs), nil)
	good := sign(t, ed, body(t, `{}`))
	parts := strings.Split(good, ".")
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	rsPublic, err := x509.MarshalPKIXPublicKey(rs.private.Public())
	must(t, err)
	mac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: rsPublic}, nil)
	must(t, err)
	forged, err := mac.Sign([]byte(body(t, `{}`)))
	must(t, err)
	confused, err := forged.CompactSerialize()
	must(t, err)
	for name, c := range map[string]struct{ raw, want string }{
		"empty":                        {"", "not in a form"},
		"no token":                     {"abc", "not in a form"},
		"too long":                     {strings.Repeat("a", MaxBytes+1), "8193 bytes"},
		"algorithm none":               {header(`{"alg":"none"}`) + "." + parts[1] + ".", "not in a form"},
		"a MAC by the public key":      {confused, "not in a form"},
		"another algorithm's key":      {header(`{"alg":"ES256","kid":"ec"}`) + "." + parts[1] + "." + parts[2], "not signed by"},
		"an unknown critical header":   {header(`{"alg":"EdDSA","kid":"ed","crit":["x"],"x":1}`) + "." + parts[1] + "." + parts[2], ""},
		"changed claims":               {parts[0] + "." + header(body(t, `{"sub":"root"}`)) + "." + parts[2], "not signed by"},
		"cut off":                      {good[:len(good)-4], ""},
		"a stranger's key":             {sign(t, stranger, body(t, `{}`)), "not signed by"},
		"a key id that is not there":   {sign(t, pair{ed.algorithm, ed.private, "none"}, body(t, `{}`)), "not signed by"},
		"expired":                      {sign(t, ed, body(t, `{"exp":1772366369}`)), "expired at"},
		"without exp":                  {sign(t, ed, body(t, `{"exp":null}`)), "without exp"},
		"without end":                  {sign(t, ed, body(t, `{"exp":9223372036854775807}`)), ""},
		"for years":                    {sign(t, ed, body(t, `{"exp":1972370000}`)), "good for too long"},
		"not before the end of time":   {sign(t, ed, body(t, `{"nbf":9223372036854775000}`)), ""},
		"expired before all time":      {sign(t, ed, body(t, `{"exp":-9223372036854775000}`)), ""},
		"not yet":                      {sign(t, ed, body(t, `{"nbf":1772366431}`)), "not good before"},
		"issued in the future":         {sign(t, ed, body(t, `{"iat":1772366431}`)), "which is to come"},
		"for another audience":         {sign(t, ed, body(t, `{"aud":"sea"}`)), "another audience"},
		"without audience":             {sign(t, ed, body(t, `{"aud":null}`)), "another audience"},
		"of another issuer":            {sign(t, ed, body(t, `{"iss":"x"}`)), "another issuer"},
		"without sub":                  {sign(t, ed, body(t, `{"sub":null}`)), "good sub"},
		"sub with a new line":          {sign(t, ed, body(t, `{"sub":"a\nb"}`)), "good sub"},
		"sub that is not ASCII":        {sign(t, ed, body(t, `{"sub":"\u00e9"}`)), "good sub"},
		"org with a control character": {sign(t, ed, body(t, `{"org":"\u0001"}`)), "good org"},
		"claims that are no object":    {sign(t, ed, `[]`), "do not parse"},
		"exp as text":                  {sign(t, ed, body(t, `{"exp":"tomorrow"}`)), "do not parse"},
		"scope as list":                {sign(t, ed, body(t, `{"scope":["onevoice.read"]}`)), "do not parse"},
		"sub twice":                    {sign(t, ed, `{"sub":"a","sub":"b","aud":"sky","iss":"issuer","exp":1772370000}`), "do not parse"},
	} {
		for range 2 {
			who, p := k.Subject(c.raw)
			if p == nil || p.Field != Field || !strings.Contains(p.Error(), c.want) || who.Rights != 0 {
				t.Errorf("%s: %+v, %v, want %q", name, who, p, c.want)
			} else if len(c.raw) > 20 && strings.Contains(p.Error(), c.raw[:12]) {
				t.Errorf("%s: the refusal quotes the token: %v", name, p)
			}
		}
	}
}

// TestARememberedTokenEnds lets time pass, and keys go.
func TestARememberedTokenEnds(t *testing.T) {
	ed, ec, _ := pairs(t)
	var text bytes.Buffer
	k, name, now := open(t, set(t, ed), slog.New(slog.NewTextHandler(&text, nil)))
	raw := sign(t, ed, body(t, `{}`))
	if _, p := k.Subject(raw); p != nil {
		t.Fatal(p)
	}
	*now = start.Add(time.Hour + Leeway)
	if _, p := k.Subject(raw); p != nil {
		t.Errorf("within the leeway: %v", p)
	}
	*now = now.Add(time.Second)
	if _, p := k.Subject(raw); p == nil {
		t.Error("an expired token is remembered as good")
	}
	*now = start
	must(t, os.WriteFile(name, []byte("{"), 0o644))
	if err := k.files.Check(true); err == nil {
		t.Error("a broken file is taken")
	}
	if _, p := k.Subject(raw); p != nil {
		t.Errorf("the old keys do not stay: %v", p)
	}
	must(t, os.WriteFile(name, set(t, ec), 0o644))
	must(t, k.files.Check(true))
	if _, p := k.Subject(raw); p == nil {
		t.Error("a token is good by a key that was taken away")
	}
	if taken, refused := k.Stats(); taken != 1 || refused != 1 {
		t.Errorf("%d taken, %d refused", taken, refused)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	ed, _, _ := pairs(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ed.private, KeyID: "k"}}})
	must(t, err)
	symmetric := []byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"s"}]}`)
	many := make([]pair, maxKeys+1)
	for i := range many {
		many[i] = ed
	}
	for want, content := range map[string][]byte{
		"0 keys":                nil,
		"16, as a JSON":         set(t, many...),
		"1024 bits":             pemOf(t, pair{private: weak}),
		"allowed: P-256":        pemOf(t, pair{private: wide}),
		"public keys only":      private,
		"\"s\" is not public":   symmetric,
		"not a JSON Web Key":    []byte("{"),
		"8200 bits":             hugeKey(t),
		"of type \"RSA PRIVATE": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(weak)}),
	} {
		if _, err := ParseKeys(content); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c2Vj") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := Open(Options{Files: []string{"none"}}); err == nil || !strings.Contains(err.Error(), "0 audiences, allowed: 1 to 64") {
		t.Errorf("%v", err)
	}
}

// hugeKey is an RSA key that would cost too much to verify by.
func hugeKey(t testing.TB) []byte {
	n := new(big.Int).SetBit(big.NewInt(1), 8199, 1)
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: 65537})
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestAKeyForEncryptionSignsNothing: it stands in the set beside others, and no token is good by it.
func TestAKeyForEncryptionSignsNothing(t *testing.T) {
	ed, ec, _ := pairs(t)
	content, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: ed.private.Public(), KeyID: ed.id, Use: "sig"}, {Key: ec.private.Public(), KeyID: ec.id, Use: "enc"},
	}})
	must(t, err)
	k, _, _ := open(t, content, nil)
	if _, p := k.Subject(sign(t, ed, body(t, `{}`))); p != nil {
		t.Error(p)
	}
	if _, p := k.Subject(sign(t, ec, body(t, `{}`))); p == nil {
		t.Error("a token signed by a key for encryption is believed")
	}
}

func TestFewTokensAreRemembered(t *testing.T) {
	ed, _, _ := pairs(t)
	k, _, _ := open(t, set(t, ed), nil)
	for i := range 3 * maxKnown {
		k.remember([32]byte{byte(i), byte(i >> 8)}, believed{})
	}
	if len(k.known) > maxKnown {
		t.Errorf("%d tokens, want up to %d", len(k.known), maxKnown)
	}
}

func FuzzToken(f *testing.F) {
	ed, ec, rs := pairs(f)
	k, _, _ := open(f, set(f, ed, ec, rs), nil)
	good := sign(f, ed, body(f, `{}`))
	f.Add(good)
	f.Add(sign(f, rs, body(f, `{"aud":["sky"]}`)))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, raw string) {
		who, p := k.Subject(raw)
		if p == nil && who.Name != "app" {
			t.Errorf("%q is believed as %+v", raw, who)
		}
	})
}

func FuzzKeys(f *testing.F) {
	ed, ec, rs := pairs(f)
	f.Add(set(f, ed, ec, rs))
	f.Add(pemOf(f, ed, ec, rs))
	f.Fuzz(func(t *testing.T, content []byte) {
		k, err := ParseKeys(content)
		if err == nil && (len(k.all) == 0 || len(k.all) > maxKeys) {
			t.Errorf("%d keys", len(k.all))
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add([]byte(body(f, `{}`)))
	f.Add([]byte(`{"exp":1e400,"aud":[1]}`))
	o := Options{Audiences: []string{"sky"}, Now: func() time.Time { return start }}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := readClaims(payload)
		if err != nil {
			return
		}
		if p := o.check(&c); p == nil && (c.Subject == "" || c.Expiry == nil || !printable(c.Organisation)) {
			t.Errorf("%q is good", payload)
		}
	})
}
