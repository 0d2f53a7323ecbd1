package airspace

import (
	"onevoice/codec"
	"onevoice/problem"
)

// Dropped says why a staged change was given up: a flight that it would have given too many windows, or that takes too much work.
type Dropped struct{ Why *problem.Error }

func (d Dropped) appendTo(w *codec.Writer) { appendProblem(w, d.Why) }
