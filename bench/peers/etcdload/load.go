package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// figures is what one run measured.
type figures struct {
	Mode      string  `json:"mode"`
	Clients   int     `json:"clients"`
	TookMs    float64 `json:"tookMs"`
	Ops       int     `json:"ops"`
	Failed    int     `json:"failed"`
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	MaxMs     float64 `json:"maxMs"`
	// LoadCPUMs is the processor time of this program in the measured time.
	LoadCPUMs  float64 `json:"loadCpuMs"`
	FirstError string  `json:"firstError,omitempty"`
}

// target is the cluster and the connections to it.
type target struct {
	o       options
	leader  string
	all     []*clientv3.Client // closed by close
	clients []*clientv3.Client // to the leader
	value   []byte
}

// patience bounds what is done before and after the load.
const patience = 30 * time.Second

// connect finds the leader and connects to it as often as the clients need.
func connect(ctx context.Context, o options) (*target, error) {
	t := &target{o: o, value: make([]byte, o.valueBytes)}
	var err error
	if t.leader, err = t.findLeader(ctx); err != nil {
		t.close()
		return nil, err
	}
	n := 1
	if o.mode == "write" || o.mode == "read" {
		n = (o.clients + clientsPerConnection - 1) / clientsPerConnection
	}
	for range n {
		c, err := t.dial(t.leader)
		if err != nil {
			t.close()
			return nil, err
		}
		t.clients = append(t.clients, c)
	}
	return t, nil
}

func (t *target) dial(endpoint string) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: patience})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", endpoint, err)
	}
	t.all = append(t.all, c)
	return c, nil
}

func (t *target) close() {
	for _, c := range t.all {
		_ = c.Close() // the program ends
	}
}

func (t *target) findLeader(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		for _, endpoint := range t.o.endpoints {
			c, err := t.dial(endpoint)
			if err != nil {
				return "", err
			}
			one, stop := context.WithTimeout(ctx, 2*time.Second)
			status, err := c.Status(one, endpoint)
			stop()
			if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
				return endpoint, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no leader among %v within %s", t.o.endpoints, patience)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (t *target) key(n int) string { return fmt.Sprintf("bench/%08d", n%t.o.keys) }

func (t *target) put(ctx context.Context, worker, n int) error {
	_, err := t.clients[worker/clientsPerConnection].Put(ctx, t.key(worker+n*t.o.clients), string(t.value))
	return err
}

// get is linearizable, as every Get is that does not ask otherwise.
func (t *target) get(ctx context.Context, worker, n int) error {
	answer, err := t.clients[worker/clientsPerConnection].Get(ctx, t.key(worker+n*t.o.clients))
	if err == nil && len(answer.Kvs) != 1 {
		err = errors.New("a key that was written is not there")
	}
	return err
}

// fill writes every key once.
func (t *target) fill(ctx context.Context) error {
	var group sync.WaitGroup
	errs := make([]error, clientsPerConnection)
	for i := range errs {
		group.Go(func() {
			for n := i; n < t.o.keys && errs[i] == nil; n += len(errs) {
				_, errs[i] = t.clients[0].Put(ctx, t.key(n), string(t.value))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

type tally struct {
	took   []time.Duration
	failed int
	first  error
}

// closed runs the clients, each with one operation under way.
func (t *target) closed(ctx context.Context, op func(ctx context.Context, worker, n int) error) (any, error) {
	if err := t.fill(ctx); err != nil {
		return nil, err
	}
	begin := time.Now().Add(t.o.warm)
	end := begin.Add(t.o.measure)
	tallies := make([]tally, t.o.clients)
	var group sync.WaitGroup
	for i := range tallies {
		group.Go(func() { tallies[i].run(ctx, i, begin, end, op) })
	}
	cpu := t.during(begin, end)
	group.Wait()
	f := figures{Mode: t.o.mode, Clients: t.o.clients, LoadCPUMs: cpu}
	var all []time.Duration
	for _, w := range tallies {
		all = append(all, w.took...)
		f.Failed += w.failed
		if f.FirstError == "" && w.first != nil {
			f.FirstError = w.first.Error()
		}
	}
	f.set(all, t.o.measure)
	return f, ctx.Err()
}

func (w *tally) run(ctx context.Context, worker int, begin, end time.Time, op func(ctx context.Context, worker, n int) error) {
	for n := 0; ctx.Err() == nil; n++ {
		start := time.Now()
		if !start.Before(end) {
			return
		}
		err := op(ctx, worker, n)
		done := time.Now()
		switch {
		case start.Before(begin) || done.After(end):
		case err != nil:
			w.failed++
			if w.first == nil {
				w.first = err
			}
		default:
			w.took = append(w.took, done.Sub(start))
		}
	}
}

// during says on standard error when the measured time begins and ends, and returns this program's processor time in it, in
// milliseconds.
func (t *target) during(begin, end time.Time) float64 {
	time.Sleep(time.Until(begin))
	before := ownCPU()
	fmt.Fprintln(os.Stderr, "measuring")
	time.Sleep(time.Until(end))
	fmt.Fprintln(os.Stderr, "measured")
	return ms(ownCPU() - before)
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (f *figures) set(all []time.Duration, measure time.Duration) {
	slices.Sort(all)
	f.Ops, f.TookMs = len(all), ms(measure)
	f.PerSecond = float64(len(all)) / measure.Seconds()
	f.P50Ms, f.P99Ms, f.MaxMs = ms(quantile(all, 0.50)), ms(quantile(all, 0.99)), ms(quantile(all, 1))
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
