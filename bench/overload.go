package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/problem"
)

const (
	// overloadTimes is by how much more is asked than can be done.
	overloadTimes = 5
	// overloadPatience is how long each request waits for its answer.
	overloadPatience = time.Second
	// overloadStep is how often requests are sent.
	overloadStep = 2 * time.Millisecond
)

// Overloaded finds the peak with a closed loop and then asks for five times as much, with at most mostUnanswered requests under way;
// those above it are not sent and count as failed.
func Overloaded(ctx context.Context, name string, clients int, t Times, mostUnanswered int64, pids []int, op Op) Figures {
	peak := Closed(ctx, name, clients, t, pids, op)
	if peak.OK == 0 || ctx.Err() != nil {
		return peak
	}
	o := open{begin: time.Now().Add(t.Warm), perSecond: overloadTimes * peak.PerSecond(), clients: clients, most: mostUnanswered, op: op}
	o.end = o.begin.Add(t.Measure)
	var used time.Duration
	var group sync.WaitGroup
	group.Go(func() { used = usedBetween(pids, o.begin, o.end) })
	o.run(ctx)
	group.Wait()
	f := Figures{Name: name, Clients: clients, Took: t.Measure, Failed: int(o.failed.Load()), FirstError: o.unclear}
	f.time(o.took)
	f.ServerCPU = per1000(used, f.OK)
	f.Share = f.PerSecond() / peak.PerSecond()
	return f
}

// open is an open loop: requests come when they are due.
type open struct {
	begin, end time.Time
	perSecond  float64
	clients    int
	most       int64
	op         Op

	under  atomic.Int64
	failed atomic.Int64
	mu     sync.Mutex
	took   []time.Duration
	// unclear is an error that does not say that it may be tried again.
	unclear string
}

func (o *open) run(ctx context.Context) {
	var group sync.WaitGroup
	began := time.Now()
	for sent := 0; time.Now().Before(o.end) && ctx.Err() == nil; time.Sleep(overloadStep) {
		for due := int(time.Since(began).Seconds() * o.perSecond); sent < due; sent++ {
			if o.under.Add(1) > o.most {
				o.under.Add(-1)
				o.failed.Add(1)
				continue
			}
			group.Go(func() {
				o.one(ctx, sent%o.clients, sent/o.clients)
				o.under.Add(-1)
			})
		}
	}
	group.Wait()
}

func (o *open) one(ctx context.Context, worker, n int) {
	ctx, cancel := context.WithTimeout(ctx, overloadPatience)
	defer cancel()
	start := time.Now()
	err := o.op(ctx, worker, n)
	end := time.Now()
	if end.Before(o.begin) || end.After(o.end) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.took = append(o.took, end.Sub(start))
		return
	}
	o.failed.Add(1)
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != problem.Overloaded && p.Kind != problem.NoVoice {
		o.unclear = err.Error()
	}
}
