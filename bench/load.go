// Package bench measures the service as its users load it. It is a laboratory: clocks and goroutines are its business.
package bench

import (
	"context"
	"slices"
	"sync"
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
	// Share is, of a watch, the share of events that watchers saw; of an overload, what was done by what can be done; else 0.
	Share float64 `json:"share,omitempty"`
	// FirstError is one of the failures, for people.
	FirstError string `json:"firstError,omitempty"`
}

// PerSecond is the rate of successful operations.
func (f Figures) PerSecond() float64 { return float64(f.OK) / f.Took.Seconds() }

// Op is one operation of a closed loop: worker counts from 0, n counts the worker's operations from 0.
type Op func(ctx context.Context, worker, n int) error

// Closed runs clients workers, each with one operation under way at a time, for warm-up and then for the measured time.
// Operations that fail are counted and not timed. The processor time of the servers is that of the measured time.
func Closed(ctx context.Context, name string, clients int, t Times, pids []int, op Op) Figures {
	begin := time.Now().Add(t.Warm)
	end := begin.Add(t.Measure)
	workers := make([]worker, clients)
	var group sync.WaitGroup
	var used time.Duration
	group.Go(func() { used = usedBetween(pids, begin, end) })
	for i := range workers {
		group.Go(func() { workers[i].run(ctx, i, begin, end, op) })
	}
	group.Wait()
	f := Figures{Name: name, Clients: clients, Took: t.Measure}
	var all []time.Duration
	for _, w := range workers {
		all = append(all, w.took...)
		f.Failed += w.failed
		if f.FirstError == "" {
			f.FirstError = w.firstError
		}
	}
	f.time(all)
	f.ServerCPU = per1000(used, f.OK)
	return f
}

// time sets what follows from how long each operation took.
func (f *Figures) time(all []time.Duration) {
	f.OK = len(all)
	slices.Sort(all)
	f.P50, f.P99, f.Max = quantile(all, 0.50), quantile(all, 0.99), quantile(all, 1)
}

// usedBetween is the processor time of processes from begin to end.
func usedBetween(pids []int, begin, end time.Time) time.Duration {
	time.Sleep(time.Until(begin))
	before := CPU(pids)
	time.Sleep(time.Until(end))
	return CPU(pids) - before
}

func per1000(used time.Duration, ops int) time.Duration {
	if ops == 0 {
		return 0
	}
	return time.Duration(float64(used) * 1000 / float64(ops))
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
