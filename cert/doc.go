// Package cert proves who is at the other end of a connection: a small authority for one cluster, the certificates that it
// issues, and the rules by which they are believed, in one place.
// It is loud: files, randomness for keys, and the clock.
//
// All keys are ECDSA P-256, which browsers take, and all connections TLS 1.3. Who the holder of a certificate is stands in it
// as a subject.Claim. Keys enter no log and no message.
package cert

import (
	"fmt"
	"time"

	"onevoice/problem"
)

// The words of reasons for which a certificate is refused: the Field of the problem, and what refusals are counted by.
const (
	// Missing: none was shown.
	Missing = "certificate"
	// BadName: it does not say whose it is, as a subject.Claim.
	BadName = "certificate-name"
	// BadCluster: of another cluster.
	BadCluster = "certificate-cluster"
	// BadTime: expired, or not valid yet.
	BadTime = "certificate-time"
	// BadAuthority: not issued by an authority that is trusted here, or for another use.
	BadAuthority = "certificate-authority"
	// BadKind: it is not a server's.
	BadKind = "certificate-kind"
	// BadServer: it is another server's than the one that its holder claims to be.
	BadServer = "certificate-server"
)

// refuse makes a problem about a certificate.
func refuse(subject, field, value, allowed, detail string) *problem.Error {
	return &problem.Error{
		Kind: problem.Unauthenticated, Op: "check certificate", Subject: subject, Field: field, Value: problem.Clip(value), Allowed: allowed,
		Detail: detail,
	}
}

// instant prints a time to the second, UTC.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// span prints a length of time as people say it.
func span(d time.Duration) string {
	d = d.Abs()
	if d < 48*time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
