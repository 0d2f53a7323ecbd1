package host_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"onevoice/client"
	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/watch"
	"onevoice/wire"
)

func (c *cluster) watcher(nearest int, after watch.Position) *client.Watcher {
	c.t.Helper()
	o := client.Options{Group: testGroup, Cluster: c.id, TLS: c.tls, Nearest: nearest}
	for number := range uint64(len(c.addrs)) {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: number + 1, Addr: c.addrs[number+1]})
	}
	w, err := client.Watch(o, after)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = w.Close() })
	return w
}

// totals takes events until n have come, each a new total.
func totals(w *client.Watcher, n int) ([]uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []uint64
	for len(all) < n {
		items, err := w.Next(ctx)
		if err != nil {
			return all, err
		}
		for _, it := range items {
			all = append(all, binary.BigEndian.Uint64(it.Event))
		}
	}
	return all, nil
}

func countsUp(all []uint64, from uint64) error {
	for i, total := range all {
		if total != from+uint64(i) {
			return fmt.Errorf("event %d has total %d, want %d", i, total, from+uint64(i))
		}
	}
	return nil
}

func TestWatchersSeeEachEventOnceInOrderAcrossServers(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.client()
	begin := watch.EndOf(c.add(cl, 1).Index - 1)
	const events, watchers = 600, 9
	var group sync.WaitGroup
	failed := make(chan error, watchers)
	for i := range watchers {
		w := c.watcher(i%3+1, begin)
		group.Go(func() {
			all, err := totals(w, events)
			if err == nil {
				err = countsUp(all, 1)
			}
			if err != nil {
				failed <- fmt.Errorf("watcher %d, after %d events: %w", i, len(all), err)
			}
		})
	}
	for i := range uint64(events - 1) {
		switch i {
		case 150:
			c.stop(2)
		case 400:
			c.start(2)
		}
		c.add(cl, 1)
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}

func TestAWatcherGoesOnFromTheIndexOfAnAnswer(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.client()
	c.add(cl, 1)
	at := c.add(cl, 1).Index
	w := c.watcher(1, watch.EndOf(at))
	c.add(cl, 1)
	all, err := totals(w, 1)
	if err != nil || all[0] != 3 {
		t.Fatalf("events %v, %v, want the total 3", all, err)
	}
	if w.Position().Index <= at {
		t.Errorf("position %v, want after index %d", w.Position(), at)
	}
}

func TestAWatcherLearnsThatEventsAreGone(t *testing.T) {
	c := newCluster(t)
	c.limits = consensus.Limits{SnapshotEntries: 5, KeepEntries: 1}
	c.startAll()
	cl := c.client()
	for range 30 {
		c.add(cl, 1)
	}
	for _, s := range c.servers {
		eventually(t, "a snapshot", func() bool { return s.Status().Groups[0].SnapshotIndex > 10 })
	}
	for number := range c.addrs {
		c.stop(number)
	}
	for number := range c.addrs {
		c.start(number) // its journal begins with the snapshot
	}
	_, err := totals(c.watcher(1, watch.EndOf(1)), 1)
	var lost *client.Compacted
	if !errors.As(err, &lost) || lost.First.Index <= 10 {
		t.Fatalf("%v, want Compacted, and where events begin", err)
	}
}

func TestAWatchOfNoGroupEnds(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	w, err := client.Watch(client.Options{Group: 99, Endpoints: []client.Endpoint{{Addr: c.addrs[1]}}}, watch.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Next(t.Context()); !isKind(err, problem.NotFound) {
		t.Fatalf("%v, want not found", err)
	}
}

func TestAWatcherNoticesTwoVoices(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.client()
	at := c.add(cl, 1).Index
	o := client.Options{Group: testGroup, Endpoints: []client.Endpoint{{Addr: c.addrs[1]}, {Addr: c.addrs[2]}}}
	var gone atomic.Bool // server 1 is: until then nobody else is reached, so that the watcher begins there
	o.Dial = func(ctx context.Context, e client.Endpoint) (client.Conn, error) {
		if e.Addr == c.addrs[1] {
			return client.DialTCP(ctx, e, c.id)
		}
		if !gone.Load() {
			return nil, errors.New("not reached yet")
		}
		conn, err := client.DialTCP(ctx, e, c.id)
		if err != nil {
			return nil, err
		}
		return liar{conn}, nil
	}
	w, err := client.Watch(o, watch.EndOf(at-1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := totals(w, 1); err != nil {
		t.Fatal(err)
	}
	gone.Store(true)
	c.stop(1)
	if _, err := totals(w, 1); !isKind(err, problem.TwoVoices) {
		t.Fatalf("%v, want two voices", err)
	}
}

// liar changes the hash of every frame of events.
type liar struct{ client.Conn }

func (l liar) Recv() ([][]byte, error) {
	frames, err := l.Conn.Recv()
	for _, f := range frames {
		if h, _, err := wire.Open(f); err == nil && h.Kind == wire.KindEvents {
			f[wire.HeaderBytes+8] ^= 1
		}
	}
	return frames, err
}
