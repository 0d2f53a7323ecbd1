package power

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"onevoice/store/dropfs"
)

// life is one cluster from its first start to its last cut.
type life struct {
	*servers
	report *Report
	rand   *rand.Rand
	load   *load
	probes int
}

// drawDisk is a disk for a cluster: strict or unruly, quick or slow.
func drawDisk(r *rand.Rand) dropfs.Options {
	return dropfs.Options{
		Seed: r.Uint64(), EarlyPercent: []int{0, 10, 40, 80}[r.IntN(4)],
		// An answer before a sync needs time to show.
		Latency: []time.Duration{0, time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond, 8 * time.Millisecond}[r.IntN(5)],
	}
}

func runLife(ctx context.Context, o Options, report *Report, r *rand.Rand, dir string) error {
	n := o.Servers
	if n == 0 {
		n = []int{3, 3, 3, 5}[r.IntN(4)]
	}
	disk := drawDisk(r)
	s, err := begin(ctx, dir, o.Binary, n, environment(o, disk))
	if err != nil {
		return err
	}
	defer s.Stop()
	l := &life{servers: s, report: report, rand: r}
	if l.load, err = startLoad(ctx, s.Genesis.Servers); err != nil {
		return err
	}
	defer l.load.stop()
	report.ByServers[n]++
	for range min(cutsPerLife, o.Repeats-report.Repeats) {
		if err := l.repeat(ctx); err != nil || !report.OK() {
			l.close()
			return err
		}
	}
	l.close()
	return nil
}

// close adds to the report what is counted once a cluster.
func (l *life) close() {
	l.report.Torn += l.torn()
	l.load.mu.Lock()
	defer l.load.mu.Unlock()
	l.report.Acked += l.load.acked
	l.report.Across += l.load.across
	l.report.Unknown += len(l.load.open)
}

// repeat is one cut of the power and what follows.
func (l *life) repeat(ctx context.Context) error {
	if err := l.load.passes(ctx, 20+l.rand.IntN(200)); err != nil {
		return err
	}
	time.Sleep(time.Duration(l.rand.IntN(20)) * time.Millisecond)
	l.load.cut()
	lost, err := l.cut()
	if err != nil {
		return err
	}
	l.report.add(lost)
	if err := l.destroySome(); err != nil {
		return err
	}
	began, err := l.startLeft()
	if err != nil {
		return err
	}
	if err := l.back(ctx, began); err != nil {
		return err
	}
	l.load.pause()
	defer l.load.resume()
	for _, name := range l.left() {
		if err := l.serves(ctx, name); err != nil {
			l.report.fail("%s does not come back: %v", name, err)
			return nil
		}
	}
	l.report.Repeats++
	return l.check(ctx)
}

// destroySome destroys, in a third of the repeats, as many disks as a majority can spare.
func (l *life) destroySome() error {
	n := len(l.Genesis.Servers)
	spare := (n-1)/2 - len(l.gone)
	if spare == 0 || l.rand.IntN(3) > 0 {
		return nil
	}
	for range 1 + l.rand.IntN(spare) {
		names := l.left()
		if err := l.destroy(names[l.rand.IntN(len(names))]); err != nil {
			return err
		}
		l.report.Destroyed++
	}
	return nil
}

// startLeft starts the servers that are left in a random order, and says when a majority of all had been started.
func (l *life) startLeft() (majority time.Time, err error) {
	names := l.left()
	l.rand.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	for i, name := range names {
		if err := l.Start(name); err != nil {
			return majority, err
		}
		l.report.Starts++
		if i == len(l.Genesis.Servers)/2 {
			majority = time.Now()
		}
	}
	return majority, nil
}

// back waits for the first write acknowledged to a client that comes new, and compares with what is allowed.
func (l *life) back(ctx context.Context, began time.Time) error {
	c, err := dial(l.Genesis.Servers)
	if err != nil {
		return err
	}
	defer c.Close()
	l.probes++
	id := fmt.Sprintf("PROBE-%d", l.probes)
	version, _, err := put(ctx, c, l.load.flight(id, 0))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	took := time.Since(began)
	if err != nil {
		l.report.fail("no write is acknowledged %v after the start of a majority: %v", took, err)
		return nil
	}
	l.report.Back = append(l.report.Back, took)
	if took > l.report.Within {
		l.report.fail("the first write is acknowledged %v after the start of a majority, allowed: %v", took, l.report.Within)
	}
	l.load.mu.Lock()
	defer l.load.mu.Unlock()
	l.load.flights[id] = version
	return nil
}
