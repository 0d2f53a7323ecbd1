package subject

import (
	"fmt"
	"strings"
)

// Rights is a set of rights.
type Rights uint16

// The rights. Their bits are in no format; only their words are.
const (
	// Read is to ask: sectors, flights, events, positions, status, metrics, the page.
	Read Rights = 1 << iota
	// Write is to put and cancel flights, to bring positions, and to hold locks.
	Write
	// Settings is to put and remove sectors, and to set the service's clock and the replicated switches.
	Settings
	// Members is to change which servers belong to the cluster, and to revoke locks of others.
	Members
	// Backup is to read the whole state at once, for keeping elsewhere.
	Backup
	// Debug is to look inside a running server: profiles, traces.
	Debug
	// Export is to follow the log's entries, and to read the whole state for that, to keep the history elsewhere.
	Export
	// Control is to sign positions on, and to act for them: to assume, hand over and release flights and sectors.
	Control
	// Supervise is to act by force where a position is stuck: to sign it off, and to take or release what it has.
	Supervise
	end
)

// All is every right there is.
const All = end - 1

// words are the rights' names, in the order of their bits.
func words() []string {
	return []string{"read", "write", "settings", "members", "backup", "debug", "export", "control", "supervise"}
}

// AllowedWords lists what ParseRights takes, for messages.
const AllowedWords = "read, write, settings, members, backup, debug, export, control, supervise, separated by commas, or all"

// Has says whether every right of want is in r.
func (r Rights) Has(want Rights) bool { return r&want == want }

// String is the words separated by commas, in a fixed order; "none" for no right.
func (r Rights) String() string {
	if r&All == 0 {
		return "none"
	}
	var list []string
	for i, word := range words() {
		if r.Has(1 << i) {
			list = append(list, word)
		}
	}
	return strings.Join(list, ",")
}

// ParseRights reads words separated by commas; "all" is every right. The error names the word that is unknown.
func ParseRights(text string) (Rights, error) {
	var r Rights
	for word := range strings.SplitSeq(text, ",") {
		one, ok := right(strings.TrimSpace(word))
		if !ok {
			return 0, fmt.Errorf("rights hold %.32q, allowed: %s", word, AllowedWords)
		}
		r |= one
	}
	return r, nil
}

func right(word string) (Rights, bool) {
	if word == "all" {
		return All, true
	}
	for i, known := range words() {
		if word == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// scopePrefix begins the words of a token's scope that are ours.
const scopePrefix = "onevoice."

// FromScope takes the rights of a token's scope: words separated by spaces, of which those that begin with "onevoice." are
// rights, as "onevoice.read onevoice.write". Other words belong to other services and give nothing; so does "onevoice.all".
func FromScope(scope string) Rights {
	var r Rights
	for word := range strings.FieldsSeq(scope) {
		if name, ours := strings.CutPrefix(word, scopePrefix); ours && name != "all" {
			one, _ := right(name)
			r |= one
		}
	}
	return r
}

// Default are the rights of a kind whose certificate names none.
func (k Kind) Default() Rights {
	switch k {
	case Server, Operator:
		return All
	case Client:
		return Read | Write
	}
	return 0
}
