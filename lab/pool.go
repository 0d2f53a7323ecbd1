package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"

	"onevoice/lab/judge"
)

// chunkSeeds is how many seeds one worker process runs: enough that its start is nothing, few enough that memory stays small.
const chunkSeeds = 100

// pool runs jobs in worker processes.
type pool struct {
	command []string // starts a worker, without the job's arguments
	workers int
}

// run spreads a job over the workers and calls each, from one goroutine at a time, for every seed as it ends. An error of each
// stops the rest.
func (p *pool) run(ctx context.Context, job Job, each func(result) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks := make(chan Job)
	go func() {
		defer close(chunks)
		size := min(chunkSeeds, (job.To-job.From)/uint64(p.workers)+1)
		for from := job.From; from <= job.To; from += size {
			part := job
			part.From, part.To = from, min(job.To, from+size-1)
			select {
			case chunks <- part:
			case <-ctx.Done():
				return
			}
		}
	}()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range p.workers {
		wg.Go(func() {
			for part := range chunks {
				err := p.chunk(ctx, part, func(r result) error {
					mu.Lock()
					defer mu.Unlock()
					if ctx.Err() != nil {
						return ctx.Err()
					}
					return each(r)
				})
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}

// chunk runs a job in one process after another: a process that dies has died of the first seed it did not report.
func (p *pool) chunk(ctx context.Context, job Job, each func(result) error) error {
	for job.From <= job.To {
		done, stderr, err := p.process(ctx, job, each)
		if err == nil && done == job.To+1-job.From {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var died *exec.ExitError
		if err != nil && !errors.As(err, &died) {
			return err
		}
		if done == 0 && !strings.Contains(stderr, "goroutine ") {
			return fmt.Errorf("lab: the worker %s does not run: %w: %s", strings.Join(p.command, " "), err, stderr)
		}
		seed := job.From + done
		dead := result{}
		dead.Seed = seed
		dead.Violations = []judge.Violation{{Invariant: "process", Evidence: fmt.Sprintf("the worker died: %v: %s", err, stderr)}}
		if err := each(dead); err != nil {
			return err
		}
		job.From = seed + 1
	}
	return nil
}

// stderrMost bounds what is kept of a dead worker's last words.
const stderrMost = 4 << 10

// lineMost bounds one line of a worker.
const lineMost = 1 << 20

func (p *pool) process(ctx context.Context, job Job, each func(result) error) (done uint64, stderr string, err error) {
	args := append(append([]string{}, p.command[1:]...), job.args()...)
	cmd := exec.CommandContext(ctx, p.command[0], args...)
	last := &head{}
	cmd.Stderr = last
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	if err := cmd.Start(); err != nil {
		return 0, "", fmt.Errorf("lab: start worker: %w", err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, lineMost)
	var failed error
	for failed == nil && lines.Scan() {
		var r result
		if failed = json.Unmarshal(lines.Bytes(), &r); failed == nil {
			done++
			failed = each(r)
		}
	}
	if failed != nil {
		_ = cmd.Process.Kill()
	}
	err = cmd.Wait()
	if failed != nil {
		err = failed
	}
	return done, strings.TrimSpace(last.String()), err
}

// head keeps the first bytes written to it: a crash prints its reason first.
type head struct{ bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	if room := stderrMost - h.Len(); room > 0 {
		h.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
