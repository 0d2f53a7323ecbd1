package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/client"
	"onevoice/codec"
	"onevoice/examples/kv"
	"onevoice/watch"
)

// watchKey is what the writer writes; its value begins with when the write was due, in nanoseconds of this process's clock.
const watchKey = "watched"

// fan is one measurement of a watch.
type fan struct {
	k          *KV
	rate       int
	epoch      time.Time
	begin, end time.Duration // after epoch: of the measured time
}

// watcher is one who watches.
type watcher struct {
	w    *client.Watcher
	took []time.Duration // of the events written in the measured time
	done chan struct{}   // closed when the last event came, or none can come
	err  error
}

// watch measures watchers with a closed loop of one writer, or with rate writes a second.
func (k *KV) watch(kind string, rate int) func(context.Context, int, Times) (Figures, error) {
	return func(ctx context.Context, watchers int, t Times) (Figures, error) {
		f := fan{k: k, rate: rate, epoch: time.Now(), begin: t.Warm, end: t.Warm + t.Measure}
		return f.run(ctx, kind, watchers, t)
	}
}

func (f *fan) run(ctx context.Context, kind string, n int, t Times) (Figures, error) {
	at, err := f.k.clients[0].Query(ctx, nil)
	if err != nil {
		return Figures{}, err
	}
	all := make([]watcher, n)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	for i := range all {
		o := f.k.options
		o.Nearest = i%len(o.Endpoints) + 1
		w, err := client.Watch(o, watch.EndOf(at.Index))
		if err != nil {
			return Figures{}, err
		}
		all[i] = watcher{w: w, done: make(chan struct{})}
		group.Go(func() { all[i].run(watching, f) })
	}
	var used time.Duration
	group.Go(func() { used = usedBetween(f.k.pids(), f.epoch.Add(f.begin), f.epoch.Add(f.end)) })
	written, err := f.write(ctx)
	if err == nil {
		err = f.drain(all)
	}
	stop()
	group.Wait()
	if err != nil {
		return Figures{}, err
	}
	return f.figures(kind, all, written, used, t), nil
}

// run takes events until the empty value, which is the last.
func (w *watcher) run(ctx context.Context, f *fan) {
	defer close(w.done)
	defer func() { _ = w.w.Close() }() // it never fails
	for {
		items, err := w.w.Next(ctx)
		if err != nil {
			w.err = err
			return
		}
		now := time.Since(f.epoch)
		for _, it := range items {
			r := codec.NewReader(it.Event)
			r.Bytes(kv.MaxKeyBytes)
			value := r.Bytes(kv.MaxValueBytes)
			if len(value) == 0 {
				return
			}
			if due := time.Duration(binary.BigEndian.Uint64(value)); due >= f.begin && due < f.end {
				w.took = append(w.took, now-due)
			}
		}
	}
}

// write writes until the end and says how many writes were due in the measured time.
func (f *fan) write(ctx context.Context) (int, error) {
	written := 0
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for i := 0; ; i++ {
		due := time.Since(f.epoch)
		if f.rate > 0 {
			due = time.Duration(i) * time.Second / time.Duration(f.rate)
			time.Sleep(time.Until(f.epoch.Add(due)))
		}
		if due >= f.end || ctx.Err() != nil {
			break
		}
		if due >= f.begin {
			written++
		}
		one := func() {
			value := string(binary.BigEndian.AppendUint64(nil, uint64(due))) + strings.Repeat("x", commandBytes-20)
			if _, err := f.k.clients[0].Do(ctx, kv.Put(watchKey, value), nil); err != nil {
				failed.Store(&err)
			}
		}
		if f.rate == 0 {
			one()
		} else {
			group.Go(one)
		}
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return written, *err
	}
	return written, ctx.Err()
}

// drainPatience is how long watchers may take to get what was written.
const drainPatience = 30 * time.Second

// drain writes the last value and waits until every watcher has it.
func (f *fan) drain(all []watcher) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainPatience)
	defer cancel()
	if _, err := f.k.clients[0].Do(ctx, kv.Put(watchKey, ""), nil); err != nil {
		return err
	}
	for i := range all {
		select {
		case <-ctx.Done():
			return fmt.Errorf("bench: a watcher does not have the last event after %s", drainPatience)
		case <-all[i].done:
		}
		if err := all[i].err; err != nil {
			return fmt.Errorf("bench: a watcher ended: %w", err)
		}
	}
	return nil
}

func (f *fan) figures(kind string, all []watcher, written int, used time.Duration, t Times) Figures {
	g := Figures{Name: kind, Clients: len(all), Took: t.Measure}
	var took []time.Duration
	for i := range all {
		took = append(took, all[i].took...)
	}
	g.time(took)
	g.Failed = written*len(all) - len(took)
	g.Share = float64(len(took)) / float64(max(1, written*len(all)))
	g.ServerCPU = per1000(used, g.OK)
	return g
}
