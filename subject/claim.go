package subject

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Claim is what a certificate says of its holder, beside common name and organisation: one URI among its alternative names,
//
//	onevoice://CLUSTER/server/n1?number=1
//	onevoice://CLUSTER/client/console?rights=read,write
//	onevoice://CLUSTER/ca
//
// with the cluster's identity in 32 hexadecimal digits. It is plain text, so that any tool shows it and any authority can
// issue it.
type Claim struct {
	Cluster [16]byte
	// Kind is Server, Operator or Client; Authority for a certificate that issues others.
	Kind   Kind
	Name   string
	Server uint64 // voter number, for a Server; 1 to MaxServer
	Rights Rights
}

// Authority is the kind of an issuing certificate in a Claim; no subject is of it.
const Authority Kind = "ca"

// Scheme is that of the URI.
const Scheme = "onevoice"

// MaxServer is the highest voter number.
const MaxServer = 1 << 16

// maxNameBytes bounds a name; it stands in logs and file names.
const maxNameBytes = 64

// AllowedName says what ValidName takes, for messages.
const AllowedName = "1 to 64 letters, digits, dots, dashes, underscores, @; not beginning with a dot or dash"

// ValidName says whether a text can name a subject.
func ValidName(name string) bool {
	if name == "" || len(name) > maxNameBytes || name[0] == '.' || name[0] == '-' {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		return !letter && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' && c != '@'
	})
}

// URI is the claim as a certificate carries it.
func (c Claim) URI() *url.URL {
	u := &url.URL{Scheme: Scheme, Host: hex.EncodeToString(c.Cluster[:]), Path: "/" + string(c.Kind)}
	switch c.Kind {
	case Authority:
		return u
	case Server:
		u.RawQuery = "number=" + strconv.FormatUint(c.Server, 10)
	default:
		u.RawQuery = "rights=" + c.Rights.String()
	}
	u.Path += "/" + c.Name
	return u
}

// FindClaim takes the claim from a certificate's URIs: exactly one of them is ours.
func FindClaim(uris []*url.URL) (Claim, error) {
	var found *url.URL
	for _, u := range uris {
		if u == nil || u.Scheme != Scheme {
			continue
		}
		if found != nil {
			return Claim{}, fmt.Errorf("two %s:// names, allowed: one", Scheme)
		}
		found = u
	}
	if found == nil {
		return Claim{}, fmt.Errorf("no %s:// name, so that it is not a certificate of this service", Scheme)
	}
	return parseClaim(found)
}

func parseClaim(u *url.URL) (Claim, error) {
	var c Claim
	id, err := hex.DecodeString(u.Host)
	if err != nil || len(id) != len(c.Cluster) {
		return Claim{}, fmt.Errorf("its cluster is %.40q, allowed: 32 hexadecimal digits", u.Host)
	}
	copy(c.Cluster[:], id)
	kind, name, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	c.Kind, c.Name = Kind(kind), name
	switch c.Kind {
	case Authority:
	case Server:
		number, given := strings.CutPrefix(u.RawQuery, "number=")
		c.Server, err = strconv.ParseUint(number, 10, 64)
		if !given || err != nil || c.Server == 0 || c.Server > MaxServer {
			return Claim{}, fmt.Errorf("its server number is %.40q, allowed: number=1 to number=%d", u.RawQuery, MaxServer)
		}
		c.Rights = All
	case Operator, Client:
		list, given := strings.CutPrefix(u.RawQuery, "rights=")
		if !given {
			return Claim{}, fmt.Errorf("its rights are %.40q, allowed: rights= and %s", u.RawQuery, AllowedWords)
		}
		if list != "none" {
			if c.Rights, err = ParseRights(list); err != nil {
				return Claim{}, err
			}
		}
	default:
		return Claim{}, fmt.Errorf("its kind is %.40q, allowed: server, client, operator", kind)
	}
	if c.Kind != Authority && !ValidName(c.Name) {
		return Claim{}, fmt.Errorf("its name is %.80q, allowed: %s", c.Name, AllowedName)
	}
	if again := c.URI().String(); again != u.String() {
		return Claim{}, fmt.Errorf("its name is %.120q, allowed: as in %s", u.String(), again)
	}
	return c, nil
}
