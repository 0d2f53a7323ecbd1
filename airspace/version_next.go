//go:build nextversion

package airspace

import "onevoice/problem"

// MaxVersion is that of a build made only to test upgrades with.
const MaxVersion = 2

// evolve gives version 2 another word where there is nothing: harmless, and plain to see in results and hashes.
func evolve(version uint32, res *Result) {
	if version >= MaxVersion && res.Problem != nil && res.Problem.Kind == problem.NotFound {
		res.Problem.Detail = "there is none at this index"
	}
}
