package crowd

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"

	"onevoice/crowd"
)

// Result is what one run showed. Times are in nanoseconds.
type Result struct {
	Seed uint64 `json:"seed,string"`
	// Rolls were made after all had joined.
	Rolls int `json:"rolls"`
	// Held is how long after its agreement members held a roll, over all rolls and members; RollP99 the worst p99 of a single roll.
	Held    Spread `json:"held"`
	RollP99 int64  `json:"roll_p99_ns"`
	// NotHeld counts members that did not hold a roll at the end of the run, or before the next one.
	NotHeld int `json:"not_held"`
	// Cut of the lossy members are gone, on CutRolls rolls, the last CutNs after their links became bad. HealthyCut others are gone.
	Cut        int   `json:"cut"`
	CutRolls   int   `json:"cut_rolls"`
	CutNs      int64 `json:"cut_ns"`
	HealthyCut int   `json:"healthy_cut"`
	// Refused is what the machine refused of what was reported.
	Refused crowd.Refused `json:"refused"`
	Probes  int           `json:"probes"`
	Reports int           `json:"reports"`
	Entries int           `json:"entries"`
	Asked   int           `json:"asked"`
	Frames  int           `json:"frames"`
	// RollBytes is the size of the largest roll.
	RollBytes int `json:"roll_bytes"`
	// Trace is a hash over every roll and when each member held it.
	Trace string `json:"trace"`
	// Broken says which rule does not hold, empty where all do.
	Broken string `json:"broken,omitempty"`

	FaultNs int64   `json:"-"`
	CutAtNs int64   `json:"-"`
	samples []int64 `json:"-"`
}

// Spread is how values lie, in nanoseconds.
type Spread struct {
	P50 int64 `json:"p50_ns"`
	P99 int64 `json:"p99_ns"`
	Max int64 `json:"max_ns"`
}

func spreadOf(values []int64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	slices.Sort(values)
	return Spread{part(values, 500), part(values, 990), values[len(values)-1]}
}

// part is the smallest of sorted values that so many in a thousand do not exceed.
func part(values []int64, permille int) int64 {
	return values[max(0, (len(values)*permille+999)/1000-1)]
}

func (w *world) finish() Result {
	r := w.result
	for _, run := range w.rolls {
		missing := max(0, run.want-len(run.heldNs))
		r.NotHeld += missing
		r.samples = append(r.samples, run.heldNs...)
		for range missing {
			run.heldNs = append(run.heldNs, runNs)
		}
		r.RollP99 = max(r.RollP99, spreadOf(run.heldNs).P99)
	}
	r.Held = spreadOf(r.samples)
	if r.CutAtNs > 0 {
		r.CutNs = r.CutAtNs - r.FaultNs
	}
	r.Refused = w.state().Refused()
	r.Trace = hex.EncodeToString(w.trace.Sum(nil)[:8])
	r.Broken = w.o.broken(&r)
	return r
}

// broken names the rule that a run breaks.
func (o *Options) broken(r *Result) string {
	switch {
	case r.RollP99 >= AimNs:
		return fmt.Sprintf("99 %% held a roll only after %s ms", inMs(r.RollP99))
	case r.HealthyCut > 0:
		return fmt.Sprintf("%d healthy members are gone", r.HealthyCut)
	case r.Cut != o.Lossy:
		return fmt.Sprintf("%d of %d lossy members are gone", r.Cut, o.Lossy)
	case o.Lossy > 0 && r.CutRolls != 1:
		return fmt.Sprintf("they went on %d rolls", r.CutRolls)
	}
	return ""
}

// Summary is what all seeds showed.
type Summary struct {
	Seeds   int           `json:"seeds"`
	Held    Spread        `json:"held"` // over all rolls of all seeds
	Cut     Spread        `json:"cut"`  // from the fault to the verdict
	Refused crowd.Refused `json:"refused"`
	// Worst is the worst p99 of a single roll.
	Worst      int64    `json:"worst_roll_p99_ns"`
	Lossy      int      `json:"lossy"`
	LossyCut   int      `json:"lossy_cut"`
	OneRoll    int      `json:"cut_on_one_roll"`
	HealthyCut int      `json:"healthy_cut"`
	Broken     []Result `json:"broken"`
	Last       Result   `json:"last"`
}

// RunSeeds runs seeds on all processors. Each is told as it ends, from one goroutine at a time.
func RunSeeds(ctx context.Context, from, to uint64, o Options, each func(Result)) (Summary, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := from
	var all []Result
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				mu.Unlock()
				if seed > to || ctx.Err() != nil {
					return
				}
				r := Run(seed, o)
				mu.Lock()
				all = append(all, r)
				each(r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return summarise(all, o), ctx.Err()
}

func summarise(all []Result, o Options) Summary {
	slices.SortFunc(all, func(a, b Result) int { return int(a.Seed) - int(b.Seed) })
	s := Summary{Seeds: len(all), Lossy: len(all) * o.Lossy}
	var held, cut []int64
	for _, r := range all {
		held, cut = append(held, r.samples...), append(cut, r.CutNs)
		s.Worst = max(s.Worst, r.RollP99)
		s.LossyCut += r.Cut
		s.HealthyCut += r.HealthyCut
		if r.Cut == o.Lossy && r.CutRolls == 1 {
			s.OneRoll++
		}
		s.Refused.Forged += r.Refused.Forged
		s.Refused.Old += r.Refused.Old
		s.Refused.Down += r.Refused.Down
		s.Refused.Late += r.Refused.Late
		if r.Broken != "" {
			s.Broken = append(s.Broken, r)
		}
		s.Last = r
	}
	s.Held, s.Cut = spreadOf(held), spreadOf(cut)
	return s
}

func inMs(ns int64) string { return fmt.Sprintf("%.1f", float64(ns)/float64(ms)) }

// Print writes a summary as a table.
func (s *Summary) Print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) { fmt.Fprintf(t, what+"\t"+format+"\n", args...) }
	row("seeds", "%d", s.Seeds)
	row("roll held, p50 / p99 / max", "%s / %s / %s ms after agreement", inMs(s.Held.P50), inMs(s.Held.P99), inMs(s.Held.Max))
	row("worst p99 of one roll", "%s ms", inMs(s.Worst))
	row("lossy members gone", "%d of %d", s.LossyCut, s.Lossy)
	row("all of them on one roll", "in %d of %d seeds", s.OneRoll, s.Seeds)
	row("verdict after the fault, p50 / p99 / max", "%s / %s / %s ms", inMs(s.Cut.P50), inMs(s.Cut.P99), inMs(s.Cut.Max))
	row("healthy members gone", "%d", s.HealthyCut)
	row("refused marks", "%d forged, %d old, %d of who is down, %d late", s.Refused.Forged, s.Refused.Old, s.Refused.Down, s.Refused.Late)
	row("last seed", "%d probes, %d reports, %d entries, %d rolls, the largest of %d bytes", s.Last.Probes, s.Last.Reports, s.Last.Entries, s.Last.Rolls, s.Last.RollBytes)
	t.Flush()
	for _, r := range s.Broken {
		fmt.Fprintf(out, "seed %d: %s\n", r.Seed, r.Broken)
	}
}
