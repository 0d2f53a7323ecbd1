package bench

import (
	"slices"
	"sync"
	"time"
)

// Gaps notes when operations were answered, to tell for any span of time how long nobody had an answer. It may be used from
// any goroutine.
type Gaps struct {
	mu   sync.Mutex
	done []answered
}

type answered struct {
	at   time.Time
	took time.Duration
}

// Done notes an operation that began at start and was answered now.
func (g *Gaps) Done(start time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.done = append(g.done, answered{now, now.Sub(start)})
}

// Span is what was answered in a span of time.
type Span struct {
	Answered int
	// Gap is the longest time between two answers, from the span's begin and to its end included.
	Gap time.Duration
	// P99 and Max are how long the operations took that were answered.
	P99, Max time.Duration
}

// Between gives the span from one moment to another.
func (g *Gaps) Between(from, to time.Time) Span {
	g.mu.Lock()
	defer g.mu.Unlock()
	byTime := func(a answered, t time.Time) int { return a.at.Compare(t) }
	first, _ := slices.BinarySearchFunc(g.done, from, byTime)
	end, _ := slices.BinarySearchFunc(g.done, to, byTime)
	s := Span{Answered: end - first}
	var took []time.Duration
	last := from
	for _, a := range g.done[first:end] {
		s.Gap = max(s.Gap, a.at.Sub(last))
		last = a.at
		took = append(took, a.took)
	}
	s.Gap = max(s.Gap, to.Sub(last))
	slices.Sort(took)
	s.P99, s.Max = quantile(took, 0.99), quantile(took, 1)
	return s
}
