package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// watchFigures is what a run with watchers measured. Ops are events that came in the measured time; the delay is from the
// moment a write was due to the moment a watcher had its event, for the writes that were due in the measured time.
type watchFigures struct {
	figures
	Watchers        int     `json:"watchers"`
	Connections     int     `json:"connections"`
	Writes          int     `json:"writes"`
	WritesPerSecond float64 `json:"writesPerSecond"`
	// Seen is the part of the events due that came at all, 1 where every watcher saw every version.
	Seen float64 `json:"seen"`
	// OutOfOrder counts events that did not follow the one before by exactly one.
	OutOfOrder int `json:"outOfOrder"`
}

// watcher is one reader of all changes.
type watcher struct {
	took       []time.Duration // of writes due in the measured time
	arrived    int             // in the measured time
	outOfOrder int
	last       uint64
	seen       atomic.Uint64 // last, for the one who waits for the end
}

// fan is one run: the clock that stamps writes starts at base.
type fan struct {
	t          *target
	base       time.Time
	begin, end time.Duration // since base
	watchers   []*watcher
	failed     atomic.Int64
	written    atomic.Uint64 // numbers given to writes, from 1
	measured   atomic.Int64
}

// fanOut runs the watchers and one writer.
func (t *target) fanOut(ctx context.Context) (any, error) {
	watching, stop := context.WithCancel(ctx)
	f := &fan{t: t}
	var group sync.WaitGroup
	defer func() { stop(); group.Wait() }()
	channels, err := t.watch(watching)
	if err != nil {
		return nil, err
	}
	f.base = time.Now()
	f.begin = t.o.warm
	f.end = f.begin + t.o.measure
	for _, c := range channels {
		w := new(watcher)
		f.watchers = append(f.watchers, w)
		group.Go(func() { w.follow(f, c) })
	}
	done := make(chan struct{})
	go func() { defer close(done); f.write(ctx) }()
	cpu := t.during(f.base.Add(f.begin), f.base.Add(f.end))
	<-done
	f.drain(ctx)
	stop()
	group.Wait()
	return f.figures(cpu), ctx.Err()
}

// watch opens all watchers and waits until the servers have taken each of them.
func (t *target) watch(ctx context.Context) ([]clientv3.WatchChan, error) {
	var clients []*clientv3.Client
	for i := range min(t.o.connections, t.o.watchers) {
		c, err := t.dial(t.o.endpoints[i%len(t.o.endpoints)])
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	channels := make([]clientv3.WatchChan, t.o.watchers)
	errs := make([]error, t.o.watchers)
	var group sync.WaitGroup
	for i := range channels {
		channels[i] = clients[i%len(clients)].Watch(ctx, "bench/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		group.Go(func() {
			select {
			case answer, ok := <-channels[i]:
				if !ok || !answer.Created {
					errs[i] = errors.Join(answer.Err(), fmt.Errorf("watcher %d was not taken", i))
				}
			case <-time.After(patience):
				errs[i] = fmt.Errorf("watcher %d was not taken within %s", i, patience)
			}
		})
	}
	group.Wait()
	return channels, errors.Join(errs...)
}

// write is the one writer: in a closed loop, or with each write sent when it is due.
func (f *fan) write(ctx context.Context) {
	if f.t.o.mode == "watch" {
		for due := time.Since(f.base); due < f.end && ctx.Err() == nil; due = time.Since(f.base) {
			f.put(ctx, due)
		}
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	every := time.Second / time.Duration(f.t.o.rate)
	for due := time.Duration(0); due < f.end && ctx.Err() == nil; due += every {
		time.Sleep(due - time.Since(f.base))
		group.Go(func() { f.put(ctx, due) })
	}
}

// put writes the next value: its number and when it was due. Numbers of an open loop may be committed in another order
// than they were given, so the order is checked by etcd's revisions.
func (f *fan) put(ctx context.Context, due time.Duration) {
	value := make([]byte, f.t.o.valueBytes)
	number := f.written.Add(1)
	binary.BigEndian.PutUint64(value, number)
	binary.BigEndian.PutUint64(value[8:], uint64(due))
	if due >= f.begin && due < f.end {
		f.measured.Add(1)
	}
	if _, err := f.t.clients[0].Put(ctx, f.t.key(int(number)), string(value)); err != nil {
		f.failed.Add(1)
	}
}

// follow counts what comes until the watch ends.
func (w *watcher) follow(f *fan, changes clientv3.WatchChan) {
	for answer := range changes {
		now := time.Since(f.base)
		for _, e := range answer.Events {
			if len(e.Kv.Value) < 16 {
				continue
			}
			if revision := uint64(e.Kv.ModRevision); w.last != 0 && revision != w.last+1 {
				w.outOfOrder++
			}
			w.last = uint64(e.Kv.ModRevision)
			w.seen.Add(1)
			if now >= f.begin && now < f.end {
				w.arrived++
			}
			if due := time.Duration(binary.BigEndian.Uint64(e.Kv.Value[8:])); due >= f.begin && due < f.end {
				w.took = append(w.took, now-due)
			}
		}
	}
}

// drain waits until every watcher has seen every write.
func (f *fan) drain(ctx context.Context) {
	deadline := time.Now().Add(patience)
	for _, w := range f.watchers {
		for w.seen.Load() < f.written.Load() && time.Now().Before(deadline) && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (f *fan) figures(cpu float64) watchFigures {
	r := watchFigures{Watchers: len(f.watchers), Connections: min(f.t.o.connections, f.t.o.watchers), Writes: int(f.measured.Load())}
	r.Mode, r.Clients, r.LoadCPUMs, r.Failed = f.t.o.mode, 1, cpu, int(f.failed.Load())
	var all []time.Duration
	arrived := 0
	for _, w := range f.watchers {
		all = append(all, w.took...)
		arrived += w.arrived
		r.OutOfOrder += w.outOfOrder
	}
	r.set(all, f.t.o.measure)
	r.Ops, r.PerSecond = arrived, float64(arrived)/f.t.o.measure.Seconds()
	r.WritesPerSecond = float64(r.Writes) / f.t.o.measure.Seconds()
	if due := r.Writes * len(f.watchers); due > 0 {
		r.Seen = float64(len(all)) / float64(due)
	}
	return r
}
