//go:build mutants

package main

import (
	"fmt"
	"os"

	"onevoice/internal/mutant"
	"onevoice/lab/real"
)

// plantBug turns on the bug that the laboratory asks of this server.
func plantBug() error {
	name := os.Getenv(real.BugEnv)
	if name == "" {
		return nil
	}
	for _, b := range mutant.All() {
		if b.String() == name {
			mutant.Plant(b)
			return nil
		}
	}
	return usageError{fmt.Errorf("serve: no planted bug is called %q", name)}
}
