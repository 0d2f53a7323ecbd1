//go:build !mutants

package lab

import "fmt"

// plant refuses: this build holds no bugs.
func plant(name string) error {
	return fmt.Errorf("lab: bug %q asked for, but this binary has no planted bugs: build it with -tags mutants", name)
}
