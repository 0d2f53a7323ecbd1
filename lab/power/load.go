package power

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/geo"
	"onevoice/internal/cluster"
)

const (
	workers = 12
	// writePatience is the deadline of a write: longer than a cut and a new start, so that sessions carry writes across.
	writePatience = 20 * time.Second
)

// load writes while the power is there, and waits while it is not. Half of its workers put each flight once; the other half
// put one flight again and again, with a number that grows.
type load struct {
	client *client.Client
	begins time.Time
	group  sync.WaitGroup
	cancel context.CancelFunc

	mu      sync.Mutex
	free    sync.Cond // signals a change of paused and active
	paused  bool
	active  int
	flights map[string]string // acknowledged: flight to version
	open    map[string]bool   // put, and how that ended is not known
	counts  map[string]*count
	acked   int
	across  int // writes that were begun before a cut and acknowledged after it
	cuts    int
	wrong   []string
}

// count is a flight that is put again and again.
type count struct {
	version string // of the newest acknowledged
	acked   int    // its number
	tried   int    // the newest number sent
}

func dial(servers []cluster.Server) (*client.Client, error) {
	o := client.Options{Group: group}
	for _, s := range servers {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer})
	}
	return client.Dial(o)
}

func startLoad(ctx context.Context, servers []cluster.Server) (*load, error) {
	c, err := dial(servers)
	if err != nil {
		return nil, err
	}
	l := &load{client: c, begins: time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second),
		flights: map[string]string{}, open: map[string]bool{}, counts: map[string]*count{}}
	l.free.L = &l.mu
	ctx, l.cancel = context.WithCancel(ctx)
	for w := range workers {
		l.group.Go(func() { l.work(ctx, w) })
	}
	return l, nil
}

func (l *load) stop() {
	l.cancel()
	l.resume()
	l.client.Close()
	l.group.Wait()
}

func (l *load) work(ctx context.Context, worker int) {
	for n := 1; ctx.Err() == nil; n++ {
		id, number := fmt.Sprintf("ONCE-%d-%d", worker, n), 0
		if worker%2 == 1 {
			id, number = fmt.Sprintf("COUNT-%d", worker), n
		}
		cuts := l.enter(id, number)
		version, maybe, err := put(ctx, l.client, l.flight(id, number))
		l.leave(ctx, id, number, cuts, version, maybe, err)
	}
}

// enter waits while the load is paused, and notes what is about to be written.
func (l *load) enter(id string, number int) (cuts int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.paused {
		l.free.Wait()
	}
	l.active++
	if number > 0 {
		if l.counts[id] == nil {
			l.counts[id] = &count{}
		}
		l.counts[id].tried = number
	} else {
		l.open[id] = true
	}
	return l.cuts
}

func (l *load) leave(ctx context.Context, id string, number, cuts int, version string, maybe bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active--
	l.free.Broadcast()
	switch {
	case err == nil:
		l.acked++
		if cuts != l.cuts {
			l.across++
		}
		if number > 0 {
			l.counts[id].version, l.counts[id].acked = version, number
		} else {
			l.flights[id] = version
			delete(l.open, id)
		}
	case ctx.Err() != nil || maybe:
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %v", id, err))
		if number == 0 {
			delete(l.open, id) // it says that it was not applied
		}
	}
}

// pause lets no write begin, and waits for those under way.
func (l *load) pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = true
	for l.active > 0 {
		l.free.Wait()
	}
}

func (l *load) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = false
	l.free.Broadcast()
}

// passes waits until n more writes are acknowledged.
func (l *load) passes(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer context.AfterFunc(ctx, l.free.Broadcast)()
	for goal := l.acked + n; l.acked < goal; l.free.Wait() {
		if ctx.Err() != nil {
			return fmt.Errorf("%d writes are acknowledged, and no more: %w", l.acked, ctx.Err())
		}
	}
	return nil
}

func (l *load) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts++
}

// flight is a plan of two points on a way of its own, so that the load does not measure conflicts; the number stands in its
// callsign.
func (l *load) flight(id string, number int) airspace.Flight { return flight(id, number, l.begins) }

func flight(id string, number int, begins time.Time) airspace.Flight {
	f := airspace.Flight{ID: id, Callsign: fmt.Sprintf("N%d", number), From: "LSZH", To: "LSGG"}
	drawn := rand.New(rand.NewPCG(uint64(crc32.ChecksumIEEE([]byte(id))), 0))
	lat, lon, level := drawn.Int32N(100_000_000), drawn.Int32N(200_000_000), 100+10*drawn.IntN(30)
	for i := range 2 {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: 400_000_000 + lat - int32(i)*12_000_000, LonE7: 85_000_000 + lon - int32(i)*24_000_000},
			Alt: geo.FlightLevel(level), AtNs: begins.Add(time.Duration(i) * 30 * time.Minute).UnixNano(),
		})
	}
	return f
}

// put writes a flight; maybe says of an error that the write may have been applied.
func put(ctx context.Context, c *client.Client, f airspace.Flight) (version string, maybe bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	reply, err := c.Do(ctx, airspace.Encode(airspace.PutFlight{Flight: f}), nil)
	if err != nil {
		var failed *client.Error
		return "", errors.As(err, &failed) && failed.MaybeApplied, err
	}
	r, err := airspace.DecodeResult(reply.Result)
	if err == nil && r.Problem != nil {
		err = r.Problem
	}
	return r.Version.String(), false, err
}
