package lab

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"onevoice/lab/cluster"
	"onevoice/lab/sim"
)

// Job says which seeds to run, and how.
type Job struct {
	From, To uint64 // both included
	// Off switches kinds of fault off.
	Off sim.KindSet
	// Faults overrides how long faults go on; 0 leaves it to the seed.
	Faults time.Duration
	// Bug is planted first, in a build with the tag mutants; empty for none. Each world then ends at the first broken law.
	Bug string
}

// ParseSeeds reads "A-B" or "A".
func ParseSeeds(s string) (from, to uint64, err error) {
	left, right, both := strings.Cut(s, "-")
	if !both {
		right = left
	}
	from, errFrom := strconv.ParseUint(left, 10, 64)
	to, errTo := strconv.ParseUint(right, 10, 64)
	if errFrom != nil || errTo != nil || from > to {
		return 0, 0, fmt.Errorf("lab: seeds is %q, allowed: A-B with A up to B, or one number", s)
	}
	return from, to, nil
}

// ParseOff reads kinds of fault, separated by commas.
func ParseOff(s string) (sim.KindSet, error) {
	var set sim.KindSet
	for word := range strings.SplitSeq(s, ",") {
		if word == "" {
			continue
		}
		k, ok := sim.ParseKind(word)
		if !ok {
			return 0, fmt.Errorf("lab: off is %q, allowed: %s", word, strings.Join(kindWords(^sim.KindSet(0)), ","))
		}
		set = set.With(k)
	}
	return set, nil
}

func kindWords(set sim.KindSet) []string {
	var words []string
	for _, k := range sim.Kinds() {
		if set.Has(k) {
			words = append(words, k.String())
		}
	}
	return words
}

// args is the job on a command line, after "lab sim" or "lab worker".
func (j Job) args() []string {
	args := []string{"--seeds", fmt.Sprintf("%d-%d", j.From, j.To)}
	if j.Off != 0 {
		args = append(args, "--off", strings.Join(kindWords(j.Off), ","))
	}
	if j.Faults != 0 {
		args = append(args, "--faults", j.Faults.String())
	}
	if j.Bug != "" {
		args = append(args, "--bug", j.Bug)
	}
	return args
}

// result is one line of a worker.
type result struct {
	cluster.Report
	RealNs int64 `json:"real_ns"`
}

// Worker memory: a world makes much garbage and keeps little.
const (
	workerGCPercent = 800
	workerMemory    = 512 << 20
)

// WorkerMain is the hidden command "lab worker": it runs the seeds named in args one after another and prints a line of JSON
// for each. Only RunSeeds and Mutants call it, in a process of its own.
func WorkerMain(ctx context.Context, args []string, stdout io.Writer) error {
	job, err := parseJob(args)
	if err != nil {
		return err
	}
	if job.Bug != "" {
		if err := plant(job.Bug); err != nil {
			return err
		}
	}
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(workerGCPercent)
	debug.SetMemoryLimit(workerMemory)
	lines := json.NewEncoder(stdout)
	for seed := job.From; seed <= job.To && ctx.Err() == nil; seed++ {
		start := time.Now()
		report, err := cluster.Run(job.options(seed), nil)
		if err != nil {
			return err
		}
		if err := lines.Encode(result{report, time.Since(start).Nanoseconds()}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (j Job) options(seed uint64) cluster.Options {
	return cluster.Options{Seed: seed, Off: j.Off, FaultNs: j.Faults.Nanoseconds(), Brief: j.Bug != ""}
}

func parseJob(args []string) (Job, error) {
	var j Job
	flags := flag.NewFlagSet("lab worker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	seeds := flags.String("seeds", "", "")
	off := flags.String("off", "", "")
	flags.DurationVar(&j.Faults, "faults", 0, "")
	flags.StringVar(&j.Bug, "bug", "", "")
	err := flags.Parse(args)
	if err == nil {
		j.From, j.To, err = ParseSeeds(*seeds)
	}
	if err == nil {
		j.Off, err = ParseOff(*off)
	}
	return j, err
}

// Explain runs one seed in this process and prints what was drawn, all that happens if trace is set, and what the judges say. The
// error says that a law was broken, or that the laboratory could not run.
func Explain(o cluster.Options, trace bool, w io.Writer) error {
	params := sim.Draw(o.Seed)
	fmt.Fprintf(w, "seed %d\n", o.Seed)
	params.Print(w)
	var text io.Writer
	if trace {
		text = w
	}
	report, err := cluster.Run(o, text)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "  cluster          %s\n", report.Drawn)
	fmt.Fprintf(w, "  trace hash       %s\n  simulated        %v\n", report.Trace, time.Duration(report.SimNs).Round(time.Millisecond))
	fmt.Fprintf(w, "  work             %+v\n", report.Work)
	for _, v := range report.Violations {
		fmt.Fprintf(w, "VIOLATION %v\n", v)
	}
	if n := len(report.Violations); n > 0 || report.Undecided > 0 {
		return fmt.Errorf("lab: seed %d broke a law %d times, %d keys undecided", o.Seed, n, report.Undecided)
	}
	return nil
}
