// Package predict measures how well entries into sectors are predicted, on a recording in its own time: what package predict says
// some minutes ahead, beside what constant velocity says, held against where the flights then went.
// It is laboratory.
//
// Each flight's plan holds only the first and the last point of the recording of it. A prediction at a moment looks at no row
// of a later time; routes are learned from the rows of flights so far. Of a flight that has no row yet there is the plan alone.
package predict

import (
	"time"

	"onevoice/predict"
)

// Options say what is measured.
type Options struct {
	Ahead time.Duration // how long before an entry it is predicted
	Step  time.Duration // between two predictions of one flight: an entry is predicted Ahead to Ahead+Step before it
	// HeldOutNs is the moment from which entries are counted apart, so that what was chosen on the part before can be checked
	// on one that it was not chosen on; 0 for no such part.
	HeldOutNs int64
	Room      predict.Options
}

// Defaults are ten minutes ahead, every half minute.
func Defaults() Options {
	return Options{Ahead: 10 * time.Minute, Step: 30 * time.Second, Room: predict.Defaults()}
}

const (
	// LimitS is how far a predicted entry may be from the true one, in seconds; further off the entry is missed.
	LimitS = 300.0
	// shortNs is how long a visit lasts at least that counts, and a pause between two: shorter ones touch a border.
	shortNs = int64(20 * time.Second)
)
