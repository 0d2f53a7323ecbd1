//go:build mutants

package airspace

import (
	"os"

	"onevoice/internal/mutant"
)

// The laboratory runs single tests of this package with a bug planted.
var _ = mutant.PlantNamed(os.Getenv(mutant.EnvName))
