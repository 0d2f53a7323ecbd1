package cluster

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Token is an invitation as people carry it to a new server. Whoever has it can join: it is shown once and enters no log.
type Token struct {
	// Version is TokenVersion. A build that knows no further fields leaves them alone.
	Version   int      `json:"v"`
	Cluster   string   `json:"cluster"`
	Endpoints []string `json:"endpoints"` // HTTP addresses
	// Invitation is its number, Secret its proof, 32 bytes in hexadecimal.
	Invitation uint64 `json:"invitation,string"`
	Secret     string `json:"secret"`
	Name       string `json:"name,omitempty"` // that the server must have
}

// TokenVersion is the version that this build writes and reads.
const TokenVersion = 1

// tokenPrefix begins every token, so that people and scanners know one when they see it.
const tokenPrefix = "onevoice-invitation."

// maxTokenBytes bounds a token: some addresses.
const maxTokenBytes = 8 << 10

// String is the token as one word. It is a secret.
func (t Token) String() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // plain strings and numbers always marshal
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// ParseToken reads a token. The error does not repeat it.
func ParseToken(text string) (Token, error) {
	text = strings.TrimSpace(text)
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(text) > maxTokenBytes {
		return Token{}, fmt.Errorf("invitation: it does not begin with %q, or is longer than %d bytes: give the whole word that onevoice members add printed", tokenPrefix, maxTokenBytes)
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Token{}, errors.New("invitation: it was cut or changed on the way: give the whole word that onevoice members add printed")
	}
	var t Token
	if err := json.Unmarshal(b, &t); err != nil {
		return Token{}, errors.New("invitation: it was cut or changed on the way: give the whole word that onevoice members add printed")
	}
	secret, err := hex.DecodeString(t.Secret)
	switch {
	case t.Version != TokenVersion:
		return Token{}, fmt.Errorf("invitation: version %d, this build reads %d: join with the build that the cluster runs", t.Version, TokenVersion)
	case err != nil || len(secret) != 32 || len(t.Endpoints) == 0 || t.Invitation == 0:
		return Token{}, errors.New("invitation: it lacks its secret, its number or the servers to ask: ask for a new one")
	}
	return t, nil
}

// Parse reads a cluster file's content.
func Parse(content []byte) (Genesis, error) {
	var g Genesis
	if err := json.Unmarshal(content, &g); err != nil {
		return Genesis{}, fmt.Errorf("cluster file: %w", err)
	}
	return g, g.Validate()
}
