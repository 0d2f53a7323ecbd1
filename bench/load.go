// Package bench measures the service as its users load it. It is a laboratory: clocks and goroutines are its business.
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// Figures is what one cell of a bench measured.
type Figures struct {
	Name    string        `json:"name"`
	Clients int           `json:"clients"`
	Took    time.Duration `json:"tookNs"`
	OK      int           `json:"ok"`
	Failed  int           `json:"failed"`
	P50     time.Duration `json:"p50Ns"`
	P99     time.Duration `json:"p99Ns"`
	Max     time.Duration `json:"maxNs"`
	// ServerCPU is the processor time that the servers used per 1,000 operations, 0 where it is not known.
	ServerCPU time.Duration `json:"serverCpuPer1000Ns"`
	// FirstError is one of the failures, for people.
	FirstError string `json:"firstError,omitempty"`
}

// PerSecond is the rate of successful operations.
func (f Figures) PerSecond() float64 { return float64(f.OK) / f.Took.Seconds() }

// Op is one operation of a closed loop: worker counts from 0, n counts the worker's operations from 0.
type Op func(ctx context.Context, worker, n int) error

// Closed runs clients workers, each with one operation under way at a time, for warm-up and then for the measured time.
// Operations that fail are counted and not timed.
func Closed(ctx context.Context, name string, clients int, warm, measure time.Duration, op Op) Figures {
	begin := time.Now().Add(warm)
	end := begin.Add(measure)
	workers := make([]worker, clients)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { workers[i].run(ctx, i, begin, end, op) })
	}
	group.Wait()
	f := Figures{Name: name, Clients: clients, Took: measure}
	var all []time.Duration
	for _, w := range workers {
		all = append(all, w.took...)
		f.Failed += w.failed
		if f.FirstError == "" {
			f.FirstError = w.firstError
		}
	}
	f.OK = len(all)
	slices.Sort(all)
	f.P50, f.P99, f.Max = quantile(all, 0.50), quantile(all, 0.99), quantile(all, 1)
	return f
}

type worker struct {
	took       []time.Duration
	failed     int
	firstError string
}

func (w *worker) run(ctx context.Context, number int, begin, end time.Time, op Op) {
	for n := 0; ctx.Err() == nil; n++ {
		start := time.Now()
		if !start.Before(end) {
			return
		}
		err := op(ctx, number, n)
		done := time.Now()
		switch {
		case start.Before(begin) || done.After(end):
		case err != nil:
			w.failed++
			if w.firstError == "" {
				w.firstError = err.Error()
			}
		default:
			w.took = append(w.took, done.Sub(start))
		}
	}
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// WriteTable prints figures in aligned columns.
func WriteTable(out io.Writer, all []Figures) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "OPERATION\tCLIENTS\tPER SECOND\tP50 ms\tP99 ms\tMAX ms\tFAILED\tSERVER CPU ms/1000")
	for _, f := range all {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.3f\t%.3f\t%.1f\t%d\t%.1f\n", f.Name, f.Clients, f.PerSecond(),
			ms(f.P50), ms(f.P99), ms(f.Max), f.Failed, ms(f.ServerCPU))
	}
	return t.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
