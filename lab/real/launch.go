package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"onevoice/lab"
)

// LaunchOptions are those of the command "lab real".
type LaunchOptions struct {
	Scenarios []Scenario
	Seed      uint64 // of the first run; each repeat takes the next
	Servers   int    // 3 or 5
	Secs      int    // how long faults go on in each run, 1 to MaxSecs
	Repeats   int    // from 1
	Parallel  int    // runs at once, from 1
	// Worker starts a worker, to which the job is added as the last argument; empty for this program's "lab real-worker".
	Worker []string
	// Binary runs as the servers; empty for this program.
	Binary string
	// Env is added to the servers' environment.
	Env []string
	// Bug is planted in the servers, which are built for it from source; empty for none.
	Bug string
	// Evidence is where directories with logs and histories are made; empty for the system's temporary directory.
	Evidence string
	// Keep keeps those of good runs too.
	Keep bool
	// Progress gets a line for each run; nil for none.
	Progress io.Writer
}

// MaxSecs bounds the faults of one run, so that its record fits into memory.
const MaxSecs = 3600

// BugEnv names the environment variable by which a server with planted bugs is told which one is on.
const BugEnv = "ONEVOICE_LAB_BUG"

// grace is how long a run may take beyond its faults before it counts as hung.
const grace = 4 * time.Minute

func (o *LaunchOptions) check() error {
	switch {
	case o.Servers != 3 && o.Servers != 5:
		return fmt.Errorf("lab real: servers is %d, allowed: 3 or 5", o.Servers)
	case o.Secs < 1 || o.Secs > MaxSecs:
		return fmt.Errorf("lab real: secs is %d, allowed: 1 to %d", o.Secs, MaxSecs)
	case o.Repeats < 1 || o.Repeats > 100_000:
		return fmt.Errorf("lab real: repeats is %d, allowed: 1 to 100000", o.Repeats)
	case o.Parallel < 1 || o.Parallel > 32:
		return fmt.Errorf("lab real: parallel is %d, allowed: 1 to 32", o.Parallel)
	}
	return nil
}

// job is what a worker is told.
type job struct {
	Scenario string
	Options  RunOptions
}

// Launch runs scenarios, each in a worker with namespaces of its own. The error is about running them; a broken law is in a
// report.
func Launch(ctx context.Context, o LaunchOptions) ([]Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := Unable(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("lab real: %w", err)
	}
	if len(o.Worker) == 0 {
		o.Worker = []string{self, "lab", "real-worker"}
	}
	if o.Binary == "" {
		o.Binary = self
	}
	if o.Bug != "" {
		dir, err := os.MkdirTemp("", "onevoice-bugs-")
		if err != nil {
			return nil, fmt.Errorf("lab real: %w", err)
		}
		defer os.RemoveAll(dir)
		if o.Binary, err = lab.BuildWithBugs(ctx, dir); err != nil {
			return nil, err
		}
		o.Env = append(o.Env, BugEnv+"="+o.Bug)
	}
	return o.all(ctx)
}

// all runs every scenario as often as asked, some at once, and gives the reports in order.
func (o *LaunchOptions) all(ctx context.Context) ([]Report, error) {
	reports := make([]Report, o.Repeats*len(o.Scenarios))
	places := make(chan int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	for range o.Parallel {
		wg.Go(func() {
			for i := range places {
				report, err := o.one(ctx, o.Scenarios[i%len(o.Scenarios)], o.Seed+uint64(i/len(o.Scenarios)))
				mu.Lock()
				reports[i], failed = report, errors.Join(failed, err)
				if o.Progress != nil && err == nil {
					fmt.Fprintf(o.Progress, "%s seed %d: %s, %d acked, gap %d ms, in %d ms\n", report.Scenario, report.Seed, report.Verdict(), report.Acked, report.GapMs, report.TookMs)
				}
				mu.Unlock()
			}
		})
	}
	for i := range reports {
		select {
		case places <- i:
		case <-ctx.Done():
		}
	}
	close(places)
	wg.Wait()
	if ctx.Err() != nil {
		return reports, ctx.Err()
	}
	return reports, failed
}

// one runs one scenario in a worker, and clears up after it. Only what the laboratory itself cannot do is an error.
func (o *LaunchOptions) one(ctx context.Context, s Scenario, seed uint64) (Report, error) {
	dir, err := os.MkdirTemp(o.Evidence, fmt.Sprintf("onevoice-real-%s-%d-", s.Name, seed))
	if err != nil {
		return Report{}, fmt.Errorf("lab real: %w", err)
	}
	began := time.Now()
	run := RunOptions{Seed: seed, Servers: o.Servers, Secs: o.Secs, Binary: o.Binary, Dir: dir, Env: o.Env}
	report, err := o.work(ctx, job{s.Name, run})
	if ctx.Err() != nil {
		return report, errors.Join(ctx.Err(), os.RemoveAll(dir))
	}
	report.Scenario, report.Seed, report.Servers = s.Name, seed, o.Servers
	if err != nil {
		report.Error = err.Error()
	}
	report.TookMs = time.Since(began).Milliseconds()
	report.Rerun = fmt.Sprintf("onevoice lab real --scenario %s --seed %d --servers %d --secs %d", s.Name, seed, o.Servers, o.Secs)
	if o.Bug != "" {
		report.Rerun += " --bug " + o.Bug
	}
	if report.OK() && !o.Keep {
		return report, os.RemoveAll(dir)
	}
	report.Evidence = dir
	return report, nil
}

// work starts a worker and takes its report. The thread that starts it must live as long as it does: see Within.
func (o *LaunchOptions) work(ctx context.Context, j job) (Report, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.Secs)*time.Second+grace)
	defer cancel()
	text, err := json.Marshal(j)
	if err != nil {
		return Report{}, fmt.Errorf("lab real: %w", err)
	}
	cmd := exec.CommandContext(ctx, o.Worker[0], append(append([]string{}, o.Worker[1:]...), string(text))...)
	Within(cmd)
	log, err := os.Create(filepath.Join(j.Options.Dir, "worker.log"))
	if err != nil {
		return Report{}, fmt.Errorf("lab real: %w", err)
	}
	defer log.Close()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, log
	failed := cmd.Run()
	var report Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || failed != nil {
		return report, fmt.Errorf("the worker ended without a report (%w), see worker.log: %s", errors.Join(failed, err), tail(log.Name()))
	}
	return report, nil
}

// tail is the end of a file.
func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-5):], "; ")
}

// WorkerMain runs one job in the namespace of this process and writes its report.
func WorkerMain(ctx context.Context, text string, out io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("lab real: job: %w", err)
	}
	found, err := Find(j.Scenario)
	if err != nil {
		return err
	}
	report, err := Run(ctx, found[0], j.Options)
	if err != nil {
		report.Error = err.Error()
	}
	return json.NewEncoder(out).Encode(report)
}
