package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"onevoice/airspace"
	"onevoice/bench"
	"onevoice/geo"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// catchUp is one run of bench catchup.
type catchUp struct {
	catchUpOptions
	flightsBench
	writes, reads, own bench.Gaps
	disk               bench.Gaps
	asked              map[string]*bench.Gaps // over HTTP, by server
	phases             []catchUpPhase
	failed             atomic.Int64
}

// catchUpPhase is what was measured while one thing went on.
type catchUpPhase struct {
	Phase   string                `json:"phase"`
	Seconds float64               `json:"seconds"`
	Write   bench.Span            `json:"write"`
	Read    bench.Span            `json:"read"`
	HTTP    map[string]bench.Span `json:"http"`
	Own     bench.Span            `json:"own"`
	Disk    bench.Span            `json:"disk"`
	// StepMs is, for each server, by how many milliseconds its longest step was bounded.
	StepMs map[string]uint64 `json:"stepMs"`
}

const (
	// catchUpRest is how long the servers are measured at rest, with one stopped, and afterwards.
	catchUpRest = 4 * time.Second
	// catchUpPoll is how often servers are asked where they stand.
	catchUpPoll = 50 * time.Millisecond
	// catchUpPatience is how long each phase may take.
	catchUpPatience = 3 * time.Minute
	// catchUpOwn is the period of the load's own timer.
	catchUpOwn = time.Millisecond
	// catchUpProbe is the pause between two syncs of the load's own file, and two questions over HTTP.
	catchUpProbe = 5 * time.Millisecond
)

func (c *catchUp) run(ctx context.Context) error {
	began := time.Now()
	if err := c.fill(ctx); err != nil {
		return err
	}
	progress(c.notes, "%d flights filed in %.1f s", c.flights, time.Since(began).Seconds())
	loaded, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	err := c.load(loaded, &group)
	if err == nil {
		err = c.measure(loaded)
	}
	cancel()
	group.Wait()
	if n := c.failed.Load(); n > 0 {
		progress(c.notes, "%d requests failed", n)
	}
	return err
}

// measure goes through the phases.
func (c *catchUp) measure(ctx context.Context) error {
	names := c.names()
	if err := c.until(ctx, names, func(all map[string]*api.Status) bool { return !saving(all) }); err != nil {
		return err
	}
	err := c.phase(ctx, "rest", names, func() error {
		rest := time.Now()
		return c.until(ctx, names, func(all map[string]*api.Status) bool { return saving(all) || time.Since(rest) > catchUpRest })
	})
	if err != nil {
		return err
	}
	before, err := c.look(ctx, names)
	if err != nil {
		return err
	}
	saved := func(n string, s *api.Status) bool {
		return s.Counters["snapshots_saved_total"] > before[n].Counters["snapshots_saved_total"]
	}
	err = c.phase(ctx, "save", names, func() error {
		return c.until(ctx, names, func(all map[string]*api.Status) bool {
			return !slices.ContainsFunc(names, func(n string) bool { return !saved(n, all[n]) })
		})
	})
	if err != nil {
		return err
	}
	return c.lag(ctx, names)
}

// saving says whether any server is saving a snapshot.
func saving(all map[string]*api.Status) bool {
	for _, s := range all {
		if s.Counters["snapshot_saving"] > 0 {
			return true
		}
	}
	return false
}

// lag stops a follower, lets it fall behind and brings it back.
func (c *catchUp) lag(ctx context.Context, names []string) error {
	all, err := c.look(ctx, names)
	if err != nil {
		return err
	}
	late := names[slices.IndexFunc(names, func(n string) bool { return all[n].Role != "leader" })]
	at := all[late].Counters["log_last_index"]
	if err := c.servers.Signal(late, syscall.SIGSTOP); err != nil {
		return err
	}
	stopped := time.Now()
	progress(c.notes, "%s is stopped at index %d", late, at)
	two := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == late })
	err = c.phase(ctx, "two", two, func() error {
		err := c.until(ctx, two, func(all map[string]*api.Status) bool {
			// A shorter stop would leave it the entries in its sockets.
			return time.Since(stopped) > catchUpRest && !slices.ContainsFunc(two, func(n string) bool { return all[n].Counters["log_first_index"] <= at+1 })
		})
		return err
	})
	if err := errors.Join(err, c.servers.Signal(late, syscall.SIGCONT)); err != nil {
		return err
	}
	progress(c.notes, "%s is back", late)
	before := all[late].Counters["snapshots_installed_total"]
	err = c.phase(ctx, "fetch", names, func() error {
		err := c.until(ctx, names, func(all map[string]*api.Status) bool {
			return all[late].Counters["snapshots_installed_total"] > before
		})
		return err
	})
	if err != nil {
		return err
	}
	err = c.phase(ctx, "follow", names, func() error {
		err := c.until(ctx, names, func(all map[string]*api.Status) bool {
			last := uint64(0)
			for _, s := range all {
				last = max(last, s.Commit)
			}
			return last < all[late].Index+catchUpNear
		})
		return err
	})
	if err != nil {
		return err
	}
	return c.phase(ctx, "after", names, func() error {
		select {
		case <-time.After(catchUpRest):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// catchUpNear is how many entries a server that has caught up may lack: they are on their way.
const catchUpNear = 100

func (c *catchUp) names() []string {
	var names []string
	for _, s := range c.servers.Genesis.Servers {
		names = append(names, s.Name)
	}
	return names
}

// phase measures while do runs.
func (c *catchUp) phase(ctx context.Context, name string, servers []string, do func() error) error {
	before, err := c.look(ctx, servers)
	if err != nil {
		return err
	}
	from := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("phase %s, after %.0f s: %w", name, time.Since(from).Seconds(), err)
	}
	to := time.Now()
	after, err := c.look(ctx, servers)
	if err != nil {
		return err
	}
	p := catchUpPhase{
		Phase: name, Seconds: to.Sub(from).Seconds(), Write: c.writes.Between(from, to), Read: c.reads.Between(from, to), Own: c.own.Between(from, to), Disk: c.disk.Between(from, to),
		HTTP: map[string]bench.Span{}, StepMs: map[string]uint64{},
	}
	for _, s := range servers {
		p.HTTP[s] = c.asked[s].Between(from, to)
		p.StepMs[s] = longestStep(before[s].Counters, after[s].Counters)
	}
	c.phases = append(c.phases, p)
	progress(c.notes, "%s took %.1f s: %.0f writes/s, longest gap %.0f ms, %d entries", name, p.Seconds, float64(p.Write.Answered)/p.Seconds, msOf(p.Write.Gap),
		after[servers[0]].Commit-before[servers[0]].Commit)
	return nil
}

// longestStep is the class of the longest step between two looks at a server.
func longestStep(before, after map[string]uint64) uint64 {
	longest := uint64(1)
	for ms := uint64(1); ; ms *= 2 {
		name := stepCounter(ms)
		if after[name] == before[name] {
			return longest
		}
		longest = 2 * ms
	}
}

// look asks each server where it stands.
func (c *catchUp) look(ctx context.Context, names []string) (map[string]*api.Status, error) {
	all := map[string]*api.Status{}
	for _, name := range names {
		var s api.Status
		if _, err := c.asker(name).Do(ctx, ask.Request{Path: "/status"}, &s); err != nil {
			return nil, fmt.Errorf("ask %s: %w", name, err)
		}
		all[name] = &s
	}
	return all, nil
}

func (c *catchUp) until(ctx context.Context, names []string, done func(map[string]*api.Status) bool) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpPatience)
	defer cancel()
	for {
		all, err := c.look(ctx, names)
		if err != nil || done(all) {
			return err
		}
		select {
		case <-time.After(catchUpPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *catchUp) asker(name string) *ask.Client {
	s, _ := c.servers.Genesis.Server(name)
	return &ask.Client{Endpoints: []string{ask.Endpoint(s.HTTP)}, HTTP: c.http.HTTP}
}

// fill files the flights.
func (c *catchUp) fill(ctx context.Context) error {
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	var group sync.WaitGroup
	for worker := range 4 * clientsPerConnection {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < c.flights && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				err := c.file(ctx, worker, i, 0)
				if err == nil {
					continue
				}
				mu.Lock()
				failed = err
				mu.Unlock()
				return
			}
		})
	}
	group.Wait()
	return errors.Join(failed, ctx.Err())
}

func (c *catchUp) file(ctx context.Context, worker, i, n int) error {
	return done(c.client(worker).Do(ctx, airspace.Encode(airspace.PutFlight{Flight: c.plan(i, n)}), nil))
}

// plan is the n-th plan of flight i: four points across the demo's region, some time within a day.
func (c *catchUp) plan(i, n int) airspace.Flight {
	random := rand.New(rand.NewPCG(uint64(i), 0))
	f := airspace.Flight{ID: fmt.Sprintf("CATCHUP-%07d", i), Callsign: fmt.Sprintf("CUP%04d", i%10_000), From: "LSZH", To: "LSGG"}
	lat, lon := 460_000_000+random.Int32N(15_000_000), 70_000_000+random.Int32N(20_000_000)
	begin := c.begins.Add(time.Duration(random.IntN(86_400)+n%600) * time.Second)
	for k := range 4 {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: lat + int32(k)*2_000_000, LonE7: lon + int32(k)*4_000_000}, Alt: geo.FlightLevel(300 + 10*random.IntN(10)),
			AtNs: begin.Add(time.Duration(k) * 5 * time.Minute).UnixNano(),
		})
	}
	return f
}

// load keeps writers, readers and one who asks each server over HTTP busy until ctx ends.
func (c *catchUp) load(ctx context.Context, group *sync.WaitGroup) error {
	for w := range c.writers {
		random := rand.New(rand.NewPCG(uint64(w), 1))
		c.keep(ctx, group, &c.writes, c.think, func(n int) error { return c.file(ctx, w*clientsPerConnection, random.IntN(c.flights), n) })
	}
	for r := range c.readers {
		c.keep(ctx, group, &c.reads, c.think, func(n int) error {
			from, to := c.span(n)
			question := airspace.WhoQuery{Sector: catchUpSector, FromNs: from.UnixNano(), ToNs: to.UnixNano(), Limit: 10}
			_, err := c.client(r*clientsPerConnection).Query(ctx, airspace.EncodeQuery(question))
			return err
		})
	}
	c.asked = map[string]*bench.Gaps{}
	for _, name := range c.names() {
		gaps, asker := new(bench.Gaps), c.asker(name)
		c.asked[name] = gaps
		c.keep(ctx, group, gaps, catchUpProbe, func(n int) error {
			from, to := c.span(n)
			var body []byte
			_, err := asker.Do(ctx, ask.Request{Path: "/sectors/" + catchUpSector + "/flights?limit=10&from=" + from.Format(time.RFC3339) + "&to=" + to.Format(time.RFC3339)}, &body)
			return err
		})
	}
	c.keep(ctx, group, &c.own, 0, func(int) error {
		time.Sleep(catchUpOwn)
		return nil
	})
	probe, err := os.Create(filepath.Join(c.servers.Dir, "probe"))
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	page := make([]byte, 4096)
	c.keep(ctx, group, &c.disk, catchUpProbe, func(n int) error {
		if _, err := probe.WriteAt(page, int64(n%256)*int64(len(page))); err != nil {
			return err
		}
		return probe.Sync()
	})
	return nil
}

// catchUpSector is the sector that is asked for.
const catchUpSector = "RHINE-H"

// span is the n-th ten minutes that are asked for.
func (c *catchUp) span(n int) (from, to time.Time) {
	from = c.begins.Add(time.Duration(n*37%86_400) * time.Second)
	return from, from.Add(10 * time.Minute)
}

// keep does something again and again. Before the first time it waits for up to pause, and in between for half of pause to one and a half: those
// who begin at once and pause alike stay in step, and what they call a gap is their own pause.
func (c *catchUp) keep(ctx context.Context, group *sync.WaitGroup, gaps *bench.Gaps, pause time.Duration, do func(n int) error) {
	group.Go(func() {
		time.Sleep(upTo(pause))
		for n := 0; ctx.Err() == nil; n++ {
			start := time.Now()
			if err := do(n); err == nil {
				gaps.Done(start)
			} else if ctx.Err() == nil {
				c.failed.Add(1)
			}
			time.Sleep(pause/2 + upTo(pause))
		}
	})
}

// upTo is some time from none to d.
func upTo(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return rand.N(d)
}

func (c *catchUp) print(out io.Writer) error {
	names := c.names()
	head := "PHASE\tSECONDS\tWRITES/s\tGAP ms\tP99 ms\tMAX ms\tREADS/s\tGAP ms\tP99 ms\tMAX ms"
	for _, n := range names {
		head += "\tHTTP " + strings.ToUpper(n) + " ms"
	}
	head += "\tOWN ms\tDISK ms\tSTEP ms"
	return columns(out, head, func(w io.Writer) {
		for _, p := range c.phases {
			fmt.Fprintf(w, "%s\t%.1f", p.Phase, p.Seconds)
			for _, s := range []bench.Span{p.Write, p.Read} {
				fmt.Fprintf(w, "\t%.0f\t%.0f\t%.0f\t%.0f", float64(s.Answered)/p.Seconds, msOf(s.Gap), msOf(s.P99), msOf(s.Max))
			}
			for _, n := range names {
				if s, ok := p.HTTP[n]; ok {
					fmt.Fprintf(w, "\t%.0f", msOf(s.Gap))
				} else {
					fmt.Fprint(w, "\t-")
				}
			}
			fmt.Fprintf(w, "\t%.0f\t%.0f\t", msOf(p.Own.Gap), msOf(p.Disk.Max))
			for _, n := range slices.Sorted(maps.Keys(p.StepMs)) {
				fmt.Fprintf(w, " %s<%d", n, p.StepMs[n])
			}
			fmt.Fprintln(w)
		}
	})
}

func msOf(d time.Duration) float64 { return float64(d) / 1e6 }
