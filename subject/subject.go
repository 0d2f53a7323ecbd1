// Package subject holds who asks, and what they may do: names, kinds and rights, the same for frames and for HTTP.
// It is quiet: nouns, and the text by which a certificate carries them.
package subject

import "strings"

// Kind says what sort of party a subject is.
type Kind string

// The kinds of subject.
const (
	// Server is a server of the cluster. It orders the log with the others and so may do everything.
	Server Kind = "server"
	// Operator is a person or tool that runs the service.
	Operator Kind = "operator"
	// Client is a program or person that uses the service.
	Client Kind = "client"
	// Nobody has shown neither certificate nor token.
	Nobody Kind = "anonymous"
)

// Subject is who asks. The zero Subject is nobody, with no right.
type Subject struct {
	// Name and Organisation are those of the certificate (common name, organisation) or of the token (sub, org).
	Name, Organisation string
	Kind               Kind
	Rights             Rights
	// Scope is a token's scope as its issuer wrote it, for the interfaces whose rights are words of a standard; empty for all others.
	Scope string
	// Server is the voter number of a server, 0 for all others.
	Server uint64
	// UntilNs is when the proof ends, nanoseconds UTC; 0 for never.
	UntilNs int64
	// Via says how the subject proved itself: ByCertificate, ByToken, ByLoopback or nothing.
	Via string
}

// The ways by which a subject proves itself.
const (
	ByCertificate = "certificate"
	ByToken       = "token"
	ByLoopback    = "loopback"
)

// HasScopes says whether every one of the words is a word of the scope.
func (s Subject) HasScopes(words ...string) bool {
	for _, want := range words {
		found := false
		for word := range strings.FieldsSeq(s.Scope) {
			found = found || word == want
		}
		if !found {
			return false
		}
	}
	return true
}

// Loopback is everybody on this machine, where a server has neither certificates nor keys for tokens and so listens on
// loopback addresses only: anonymous, with every right.
func Loopback() Subject {
	return Subject{Kind: Nobody, Rights: All, Via: ByLoopback}
}

// Anonymous is who has shown nothing to a server that asks for proof: no right at all.
func Anonymous() Subject { return Subject{Kind: Nobody} }

// String is for logs, as "alice of Skyguide (operator, by certificate)". It holds no secret.
func (s Subject) String() string {
	if s.Name == "" {
		return string(Nobody)
	}
	var b strings.Builder
	b.WriteString(s.Name)
	if s.Organisation != "" {
		b.WriteString(" of " + s.Organisation)
	}
	b.WriteString(" (" + string(s.Kind))
	if s.Via != "" {
		b.WriteString(", by " + s.Via)
	}
	b.WriteString(")")
	return b.String()
}

// Key is a text that is the same for the same subject only, for keys such as those of idempotency.
func (s Subject) Key() string {
	if s.Name == "" {
		return string(Nobody)
	}
	return string(s.Kind) + "\x00" + s.Organisation + "\x00" + s.Name
}
