package lease

import (
	"strings"

	"onevoice/fence"
)

// Limits of locks. At each a command is refused with the limit in its words.
const (
	// MaxLeases bounds the names that are held or wait for their lock-delay.
	MaxLeases = 1 << 16
	// MaxNameBytes and MaxOwnerBytes bound texts.
	MaxNameBytes, MaxOwnerBytes = 128, 256
	// MinTTLMs and MaxTTLMs bound how long a lease lasts that is not kept, in milliseconds of log time.
	MinTTLMs, MaxTTLMs = 1_000, 600_000
	// MaxDelayMs bounds the lock-delay.
	MaxDelayMs = 300_000
	// MaxPage bounds the leases of one answer.
	MaxPage = 1_000
)

// Standing is what has become of a lease.
type Standing uint8

// The standings. The numbers are part of the format.
const (
	// Held: the holder may keep it.
	Held Standing = 1
	// Revoked: an operator has ended it; it is not kept any more, and lapses in its time.
	Revoked Standing = 2
	// Lapsed: the holder has it no more, and nobody else gets it before the lock-delay is over.
	Lapsed Standing = 3
)

// String is the standing's word in tables and JSON.
func (s Standing) String() string {
	switch s {
	case Held:
		return "held"
	case Revoked:
		return "revoked"
	case Lapsed:
		return "lapsed"
	}
	return "unknown"
}

// Lease is one name that is not free.
type Lease struct {
	Name string
	// Token is what the holder shows to resources. It stays the same for as long as the holder keeps the lease.
	Token fence.Token
	// Owner says for people who holds it.
	Owner string
	// TTLMs is how long it lasts from when it is granted or kept, DelayMs the lock-delay behind it.
	TTLMs, DelayMs int64
	Standing       Standing
	// EndsNs is the log time at which the lease lapses, or, where it has, at which the name is free.
	EndsNs int64
}

const allowedName = "1 to 128 letters, digits and . - _ / : @"

func validName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/:@"
	return name != "" && len(name) <= MaxNameBytes && strings.Trim(name, letters) == ""
}

const allowedOwner = "up to 256 printable ASCII characters"

// validOwner keeps to ASCII: what is printable beyond differs from one Unicode to the next, and so from build to build.
func validOwner(owner string) bool {
	return len(owner) <= MaxOwnerBytes && !strings.ContainsFunc(owner, func(r rune) bool { return r < ' ' || r >= 127 })
}
