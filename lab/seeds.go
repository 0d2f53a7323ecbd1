package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"onevoice/lab/cluster"
)

// SimOptions are those of the command "lab sim".
type SimOptions struct {
	Job
	// Workers is how many processes run at once; 0 means one a processor.
	Workers int
	// Command starts a worker, without the job's arguments; nil means this binary with "lab worker".
	Command []string
	// Progress gets a line now and then; nil for none.
	Progress io.Writer
}

// failedMost bounds the failed seeds that are kept whole; the others are only counted.
const failedMost = 50

// Summary is what a batch of seeds showed.
type Summary struct {
	Totals
	Real   time.Duration
	Failed []Failure // at most failedMost, in the order in which they ended
}

// Failure is a seed in which a law was broken, and the smallest options found under which it still is.
type Failure struct {
	Report cluster.Report
	Small  Job // From is 0 where nothing was tried
}

// OK says whether every seed was judged and none broke a law.
func (s *Summary) OK() bool { return s.Bad == 0 && s.Undecided == 0 && s.Seeds > 0 }

func newPool(command []string, workers int) (*pool, error) {
	if command == nil {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("lab: find this binary: %w", err)
		}
		command = []string{self, "lab", "worker"}
	}
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	return &pool{command: command, workers: workers}, nil
}

// RunSeeds runs a batch of seeds, then tries to shrink the first failures. The error is about the laboratory or ctx; broken laws are in
// the Summary.
func RunSeeds(ctx context.Context, o SimOptions) (Summary, error) {
	p, err := newPool(o.Command, o.Workers)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Totals: newTotals()}
	start, told := time.Now(), time.Now()
	err = p.run(ctx, o.Job, func(r result) error {
		s.add(&r)
		s.Real = time.Since(start)
		if len(r.Violations) > 0 && len(s.Failed) < failedMost {
			s.Failed = append(s.Failed, Failure{Report: r.Report})
			tell(o.Progress, "seed %d: %v\n    rerun: %s\n", r.Seed, r.Violations[0], rerun(Job{From: r.Seed, To: r.Seed, Off: o.Off, Faults: o.Faults}))
		}
		if r.Undecided > 0 {
			tell(o.Progress, "seed %d: %d keys undecided\n", r.Seed, r.Undecided)
		}
		if time.Since(told) >= progressEvery {
			told = time.Now()
			tell(o.Progress, "%d of %d seeds, %.0f a minute, %d bad\n", s.Seeds, o.To-o.From+1, s.perMinute(), s.Bad)
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	for i := range s.Failed[:min(len(s.Failed), shrinkMost)] {
		s.Failed[i].Small = p.shrink(ctx, o.Job, &s.Failed[i].Report)
	}
	return s, ctx.Err()
}

const progressEvery = 5 * time.Second

func tell(w io.Writer, format string, args ...any) {
	if w != nil {
		fmt.Fprintf(w, format, args...)
	}
}

func (s *Summary) perMinute() float64 { return float64(s.Seeds) / s.Real.Minutes() }

// rerun is the command that repeats a job.
func rerun(j Job) string { return "onevoice lab sim " + strings.Join(j.args(), " ") }
