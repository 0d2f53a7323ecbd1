package airspace

// spare are numbers that are no longer in use, the last one given back first. A copy of it goes on by itself.
type spare struct{ top *spareNumber }

type spareNumber struct {
	number uint32
	below  *spareNumber
}

// take gives a number, next where there is none to use again.
func (s *spare) take(next uint32) uint32 {
	if s.top == nil {
		return next
	}
	next, s.top = s.top.number, s.top.below
	return next
}

func (s *spare) give(number uint32) { s.top = &spareNumber{number, s.top} }
