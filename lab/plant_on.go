//go:build mutants

package lab

import (
	"fmt"

	"onevoice/internal/mutant"
)

// plant turns one bug on for this process.
func plant(name string) error {
	for _, b := range mutant.All() {
		if b.String() == name {
			mutant.Plant(b)
			return nil
		}
	}
	return fmt.Errorf("lab: no planted bug is called %q", name)
}
