// Package problem holds the few kinds of error that cross the wire, the same in Go, in frames, over HTTP and as exit codes.
// It is quiet and replicated: refusals of replicated machines are made of it.
package problem

import (
	"strings"
	"unicode/utf8"

	"onevoice/codec"
)

// Kind is what went wrong, as far as a caller must tell apart to act.
type Kind uint8

// The kinds of problem. The numbers are part of the wire and storage formats; never reuse one.
const (
	// Invalid: the request is wrong in itself; a field is named. HTTP 400, exit 2.
	Invalid Kind = iota + 1
	// NotFound: no such thing. HTTP 404, exit 1.
	NotFound
	// Conflict: the thing is there in another version, or is already there. HTTP 409 (412 for If-Match), exit 5.
	Conflict
	// Refused: the rules say no, though the request is well formed. HTTP 409, exit 5.
	Refused
	// TooLarge: over a stated limit. HTTP 413, exit 2.
	TooLarge
	// Overloaded: a queue or table is full; try again later. HTTP 503 with Retry-After, exit 1.
	Overloaded
	// NoVoice: this server cannot prove that it is current, or no majority answers. HTTP 503, exit 4.
	NoVoice
	// Stale: the answer is older than the caller allows. HTTP 503, exit 3.
	Stale
	// Expired: the session, lease or history asked for is gone. HTTP 410, exit 5.
	Expired
	// KeyReused: the same idempotency key came with another request. HTTP 422, exit 5.
	KeyReused
	// TwoVoices: two answers that cannot both be the service's. Exit 6.
	TwoVoices
	// Internal: a fault of the service. HTTP 500, exit 1.
	Internal
	// Forbidden: the caller may not do this from where it stands. HTTP 403, exit 5.
	Forbidden
	// PreconditionFailed: If-Match named another version. HTTP 412, exit 5.
	PreconditionFailed
	// Unauthenticated: the caller has not proved who it is, or its proof is no longer good. HTTP 401, exit 5.
	Unauthenticated
)

// Unknown is the one word, in Go, in frames, over HTTP and on the command line, for what cannot be proved: the outcome of a command that
// was applied once or not at all, and the answer to a question that nobody could answer as of now. It stands beside a kind, which says
// why, and never means "no" or "no one".
const Unknown = "UNKNOWN"

// Error is a problem with its operation and subject. Field, Value and Allowed are set for Invalid and TooLarge.
type Error struct {
	Kind    Kind
	Op      string // what was asked, as "put flight"
	Subject string // what it was about, as an identifier
	Field   string // the wrong field, as "path[3].altitude"
	Value   string // what it held, shortened to 64 bytes
	Allowed string // what it may hold
	Detail  string // one sentence for people, with the next step
}

// Error prints op, subject, field, value, range and detail on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	if e.Field != "" {
		b.WriteString(": " + e.Field + " is " + e.Value)
		if e.Allowed != "" {
			b.WriteString(", allowed: " + e.Allowed)
		}
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// String is the kind's word on the wire, as "not-found".
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not-found"
	case Conflict:
		return "conflict"
	case Refused:
		return "refused"
	case TooLarge:
		return "too-large"
	case Overloaded:
		return "overloaded"
	case NoVoice:
		return "no-voice"
	case Stale:
		return "stale"
	case Expired:
		return "expired"
	case KeyReused:
		return "key-reused"
	case TwoVoices:
		return "two-voices"
	case Internal:
		return "internal"
	case Forbidden:
		return "forbidden"
	case PreconditionFailed:
		return "precondition-failed"
	case Unauthenticated:
		return "unauthenticated"
	}
	return "unknown"
}

// MaxValueBytes bounds the part of a wrong value that an Error repeats.
const MaxValueBytes = 64

// Clip shortens a wrong value for an Error, at a whole character.
func Clip(value string) string {
	if len(value) > MaxValueBytes {
		return cut(value, MaxValueBytes) + "..."
	}
	return value
}

// cut is the longest start of s of at most most bytes that does not end within a UTF-8 character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// maxTextBytes bounds each text of an encoded Error; far above any that a person should read.
const maxTextBytes = 4096

// Append writes e in the project's encoding; a text over 4,096 bytes is cut there.
func (e *Error) Append(w *codec.Writer) {
	w.U8(uint8(e.Kind))
	for _, s := range []string{e.Op, e.Subject, e.Field, e.Value, e.Allowed, e.Detail} {
		w.String(cut(s, maxTextBytes))
	}
}

// Read takes an error written by Append.
func Read(r *codec.Reader) *Error {
	e := &Error{Kind: Kind(r.U8())}
	for _, s := range []*string{&e.Op, &e.Subject, &e.Field, &e.Value, &e.Allowed, &e.Detail} {
		*s = r.String(maxTextBytes)
	}
	return e
}

// AppendMaybe writes an error that may be nil.
func AppendMaybe(w *codec.Writer, e *Error) {
	w.Bool(e != nil)
	if e != nil {
		e.Append(w)
	}
}

// ReadMaybe takes what AppendMaybe has written.
func ReadMaybe(r *codec.Reader) *Error {
	if !r.Bool() {
		return nil
	}
	return Read(r)
}
