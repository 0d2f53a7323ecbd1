//go:build mutants

package mutant

var planted Bug

// On says whether b is the planted bug.
func On(b Bug) bool { return planted == b }

// Plant turns one bug on, for the whole process.
func Plant(b Bug) { planted = b }

// PlantNamed turns the bug of that name on and says whether there is one.
func PlantNamed(name string) bool {
	b, ok := Named(name)
	if ok {
		Plant(b)
	}
	return ok
}
