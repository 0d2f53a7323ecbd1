package astm

import (
	"strings"

	"onevoice/problem"
	"onevoice/subject"
)

// between stands between alternatives.
const between = " | "

// Check says whether who may ask for the operation; nil where it may. Unauthenticated (401): nothing that proves it was shown, or no token, which
// alone has scopes and names a manager. Forbidden (403): the scope lacks words. Neither tells more than what the interface description does.
func (o *Operation) Check(who subject.Subject) *problem.Error {
	if o.Scopes == "" {
		return nil
	}
	if who.Via != subject.ByToken || who.Name == "" {
		return &problem.Error{Kind: problem.Unauthenticated, Op: o.Name, Field: "Authorization", Value: "no token", Allowed: "a bearer token", Detail: "take one from your issuer"}
	}
	for words := range strings.SplitSeq(o.Scopes, between) {
		if who.HasScopes(strings.Fields(words)...) {
			return nil
		}
	}
	return &problem.Error{Kind: problem.Forbidden, Op: o.Name, Field: "scope", Value: problem.Clip(who.Scope), Allowed: strings.ReplaceAll(o.Scopes, between, ", or "),
		Detail: "take a token with that scope from your issuer"}
}
