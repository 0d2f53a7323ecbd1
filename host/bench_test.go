package host_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"onevoice/client"
)

// spread runs b.N operations over some goroutines and reports rate and latencies.
func spread(b *testing.B, goroutines int, op func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, goroutines)
	var wg sync.WaitGroup
	cpu := cpuTime(b)
	b.ResetTimer()
	for i := range goroutines {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := op(); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	cpu = cpuTime(b) - cpu
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) > 0 {
		b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "ops/s")
		b.ReportMetric(float64(cpu.Nanoseconds())/1000/float64(len(all)), "cpu-us/op")
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-us")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-us")
	}
}

// cpuTime is what this process has used: on a machine shared with others it says more than the rate.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRead reads within the process, by many goroutines that share barriers.
func BenchmarkRead(b *testing.B) {
	c := newCluster(b)
	c.startAll()
	leader := c.waitLeader()
	for where, number := range map[string]uint64{"leader": leader, "follower": leader%3 + 1} {
		for _, readers := range []int{1, 16, 256} {
			b.Run(fmt.Sprint(where, "/", readers), func(b *testing.B) {
				s := c.servers[number]
				spread(b, readers, func() error {
					_, err := s.Read(context.Background(), testGroup)
					return err
				})
			})
		}
	}
}

// BenchmarkCommit commits through the client library over sockets, on three servers of this process that sync their disks.
func BenchmarkCommit(b *testing.B) {
	c := newCluster(b)
	c.startAll()
	c.waitLeader()
	op := append(add(1), make([]byte, 256)...)
	for _, clients := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			const perConnection = 16
			var asks []*client.Client
			for range (clients + perConnection - 1) / perConnection {
				cl := c.client()
				if _, err := cl.Do(context.Background(), op, nil); err != nil {
					b.Fatal(err)
				}
				asks = append(asks, cl)
			}
			var next atomic.Int64
			spread(b, clients, func() error {
				_, err := asks[next.Add(1)%int64(len(asks))].Do(context.Background(), op, nil)
				return err
			})
		})
	}
}
