// Package gap measures how long clients of real servers are without an answer when the server that leads fails.
// It is laboratory: it starts clusters of real servers, each in namespaces of its own, and makes one fault in each.
//
// One client writes and one reads, each one request after the other. The gap is the longest time between two answers from the fault on. Every
// write that was acknowledged is looked for at the end.
package gap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"onevoice/lab/real"
)

// Fault is what happens to the server that leads.
type Fault string

// The faults.
const (
	Kill     Fault = "kill"     // SIGKILL
	Stop     Fault = "stop"     // SIGSTOP
	Mute     Fault = "mute"     // nobody gets what it sends
	Deaf     Fault = "deaf"     // it gets nothing
	Both     Fault = "both"     // both
	Transfer Fault = "transfer" // none: it is asked to hand over
)

// Faults lists all, in the order of the table.
func Faults() []Fault { return []Fault{Kill, Stop, Mute, Deaf, Both, Transfer} }

// Options are those of "lab failover".
type Options struct {
	Servers []int
	Faults  []Fault
	Repeats int // of each fault with each number of servers
	Hogs    int // processes beside the servers that do nothing but use a processor
	// RoundTrip is that between any two servers and between clients and servers, beside what the machine itself takes.
	RoundTrip time.Duration
	// Layouts says where the oracle runs; each repeat takes all of them in turn. Empty: inside the servers, and nothing more is told of it.
	Layouts []Layout
	// Settle is how long a cluster runs under its load before the fault, so that it knows how late it is: a minute at most.
	Settle time.Duration
	// Results, where set, is a file to which each result is added, and from which those of this very program are taken: a run goes on
	// where it was ended.
	Results  string
	Progress io.Writer
}

// Layout is where the oracle runs.
type Layout string

// The layouts.
const (
	Inside      Layout = "inside"       // the servers
	Own         Layout = "own"          // processes of its own
	OwnRealtime Layout = "own-realtime" // the same under SCHED_RR
)

// Layouts lists all, in the order of the table.
func Layouts() []Layout { return []Layout{Inside, Own, OwnRealtime} }

// Limits of Options.
const (
	MaxRepeats = 10_000
	MaxHogs    = 64
	// MaxRoundTrip is about what servers take for the longest: half the earth and back are 200 ms.
	MaxRoundTrip = 250 * time.Millisecond
	MaxSettle    = time.Minute
	// patience is how long one experiment may take.
	patience = 2 * time.Minute
)

// Check says what is wrong with the options.
func (o *Options) Check() error {
	for _, n := range o.Servers {
		if n != 3 && n != 5 {
			return fmt.Errorf("nodes is %d, allowed: 3, 5", n)
		}
	}
	for _, f := range o.Faults {
		if !slices.Contains(Faults(), f) {
			return fmt.Errorf("fault is %q, allowed: %v", f, Faults())
		}
	}
	for _, l := range o.Layouts {
		if !slices.Contains(Layouts(), l) {
			return fmt.Errorf("oracle is %q, allowed: %v", l, Layouts())
		}
	}
	switch {
	case o.Settle < 0 || o.Settle > MaxSettle:
		return fmt.Errorf("settle is %v, allowed: 0 to %v", o.Settle, MaxSettle)
	case o.Repeats < 1 || o.Repeats > MaxRepeats:
		return fmt.Errorf("repeat is %d, allowed: 1 to %d", o.Repeats, MaxRepeats)
	case o.Hogs < 0 || o.Hogs > MaxHogs:
		return fmt.Errorf("hogs is %d, allowed: 0 to %d", o.Hogs, MaxHogs)
	case o.RoundTrip < 0 || o.RoundTrip > MaxRoundTrip:
		return fmt.Errorf("round-trip is %v, allowed: 0 to %v", o.RoundTrip, MaxRoundTrip)
	}
	return nil
}

// Cell is one line of the table.
type Cell struct {
	Servers int   `json:"servers"`
	Fault   Fault `json:"fault"`
	Hogs    int   `json:"hogs"`
	// RoundTripNs is what lies between any two, 0 for the machine itself.
	RoundTripNs int64 `json:"round_trip_ns,omitempty"`
	// Layout is where the oracle runs, empty for Inside; SettleNs how long the cluster ran before the fault.
	Layout   Layout `json:"oracle,omitempty"`
	SettleNs int64  `json:"settle_ns,omitempty"`
}

// Result is one experiment. Times are in nanoseconds.
type Result struct {
	Cell
	Build string `json:"build"` // of the program
	// WriteNs and ReadNs are the gaps that the two clients saw.
	WriteNs int64 `json:"write_ns"`
	ReadNs  int64 `json:"read_ns"`
	// BoundNs is the detection bound that the leader published before the fault, RoundNs the round trip that it had measured.
	BoundNs int64 `json:"bound_ns"`
	RoundNs int64 `json:"round_ns"`
	// LateNs is what one in a thousand wake-ups of a process beside the servers was late by, SyncNs what one in a thousand of its own writes took.
	LateNs int64 `json:"late_ns"`
	SyncNs int64 `json:"sync_ns"`
	Acked  int   `json:"acked"`
	Lost   int   `json:"lost"` // acknowledged writes that were not found
	Punctuality
	// Error says why there is no result.
	Error string `json:"error,omitempty"`
}

// cells are the cells of one round.
func (o *Options) cells() []Cell {
	var all []Cell
	layouts := o.Layouts
	if len(layouts) == 0 {
		layouts = []Layout{""}
	}
	for _, servers := range o.Servers {
		for _, fault := range o.Faults {
			for _, layout := range layouts {
				all = append(all, Cell{servers, fault, o.Hogs, o.RoundTrip.Nanoseconds(), layout, o.Settle.Nanoseconds()})
			}
		}
	}
	return all
}

// Run makes the experiments, round by round. The error is about the laboratory.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if err := real.Unable(); err != nil {
		return nil, err
	}
	binary, build, err := program()
	if err != nil {
		return nil, err
	}
	results, err := o.earlier(build)
	if err != nil {
		return nil, err
	}
	for range o.Repeats {
		for _, cell := range o.cells() {
			if count(results, cell) >= o.Repeats {
				continue
			}
			r, err := one(ctx, binary, cell)
			if err != nil {
				return results, err
			}
			r.Build = build
			results = append(results, r)
			if err := o.note(r, count(results, cell)); err != nil {
				return results, err
			}
		}
	}
	return results, nil
}

// program is this executable, and a name for what is in it.
func program() (path, build string, err error) {
	if path, err = os.Executable(); err != nil {
		return "", "", fmt.Errorf("lab failover: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "", fmt.Errorf("lab failover: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", "", fmt.Errorf("lab failover: %s: %w", path, err)
	}
	return path, fmt.Sprintf("%x", sum.Sum(nil)[:8]), nil
}

func count(results []Result, c Cell) int {
	n := 0
	for i := range results {
		if results[i].Cell == c && results[i].Error == "" {
			n++
		}
	}
	return n
}

// earlier are the results of the same program.
func (o *Options) earlier(build string) ([]Result, error) {
	if o.Results == "" {
		return nil, nil
	}
	content, err := os.ReadFile(o.Results)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("lab failover: %w", err)
	}
	var results []Result
	for line := range bytes.Lines(content) {
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("lab failover: %s: %w", o.Results, err)
		}
		if r.Build == build && r.Error == "" {
			results = append(results, r)
		}
	}
	return results, nil
}

// note tells of a result, the n-th of its cell, and keeps it.
func (o *Options) note(r Result, n int) error {
	if o.Progress != nil {
		what := fmt.Sprintf("writes %.1f ms, reads %.1f ms, %d acked, %d lost", ms(r.WriteNs), ms(r.ReadNs), r.Acked, r.Lost)
		if r.Error != "" {
			what = r.Error
		}
		where := ""
		if r.Layout != "" {
			where = ", oracle " + string(r.Layout)
		}
		fmt.Fprintf(o.Progress, "%d of %d: %d servers, %s%s: %s\n", n, o.Repeats, r.Servers, r.Fault, where, what)
	}
	if o.Results == "" {
		return nil
	}
	f, err := os.OpenFile(o.Results, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("lab failover: %w", err)
	}
	if err := json.NewEncoder(f).Encode(r); err != nil {
		return errors.Join(fmt.Errorf("lab failover: %s: %w", o.Results, err), f.Close())
	}
	return f.Close()
}

// one makes one experiment in a worker. What goes wrong in it is in the result.
func one(ctx context.Context, binary string, c Cell) (Result, error) {
	dir, err := os.MkdirTemp("", "onevoice-failover-")
	if err != nil {
		return Result{}, fmt.Errorf("lab failover: %w", err)
	}
	defer os.RemoveAll(dir)
	text, err := json.Marshal(job{c, binary, dir})
	if err != nil {
		return Result{}, fmt.Errorf("lab failover: %w", err)
	}
	runtime.LockOSThread() // the namespaces end with the thread: see real.Within
	defer runtime.UnlockOSThread()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(limited, binary, "lab", "failover-worker", string(text))
	real.Within(cmd)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	failed := cmd.Run()
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	r := Result{Cell: c}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || failed != nil {
		r.Error = fmt.Sprintf("the worker ended without a result: %v: %s", errors.Join(failed, err), strings.TrimSpace(said.String()))
	}
	return r, nil
}

// Worker makes the experiment of a job in the namespaces of this process and writes the result.
func Worker(ctx context.Context, text string, out io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("lab failover: job: %w", err)
	}
	r, err := j.run(ctx)
	r.Cell = j.Cell
	if err != nil {
		r.Error = err.Error()
	}
	return json.NewEncoder(out).Encode(r)
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }
