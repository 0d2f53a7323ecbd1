package main

import (
	"fmt"
	"slices"
	"strings"

	"onevoice/web/api"
)

// wishIn is what a server shall be in a group: an oracle is in the membership's only, and where one votes there the others learn. See
// members.State.Wish.
func wishIn(all *api.Members, group uint32, m *api.Member) string {
	apart := slices.ContainsFunc(all.Members, func(v api.Member) bool { return v.Oracle && v.Wish == "voter" })
	switch {
	case m.Oracle && group != membersGroup:
		return "removed"
	case group == membersGroup && apart && !m.Oracle && m.Wish == "voter":
		return "learner"
	}
	return m.Wish
}

// deafTo says which servers hear no agreed word of who is up; empty where all do.
func deafTo(all []standing) string {
	var deaf []string
	for _, s := range all {
		if v := s.Status; v != nil && (v.OracleAgeMs < 0 || v.OracleAgeMs > api.MaxAgreedAgeMs) {
			deaf = append(deaf, fmt.Sprintf("%s (%s)", v.Node, age(v.OracleAgeMs)))
		}
	}
	if len(deaf) == 0 {
		return ""
	}
	return "no word of the oracle: " + strings.Join(deaf, ", ") + "; without it nobody is called up or down, joins or leaves, and the airspace goes on\n"
}
