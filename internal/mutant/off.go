//go:build !mutants

package mutant

// On is always false in this build.
func On(Bug) bool { return false }
