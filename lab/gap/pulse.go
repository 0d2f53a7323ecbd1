package gap

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/geo"
	"onevoice/lab/real"
)

const (
	// airspaceGroup is the number of the airspace's group.
	airspaceGroup = 1
	// deadline bounds one request.
	deadline = 2 * time.Second
	// clients is how many there are: one writes, one reads, and one looks at the end.
	clients = 3
	// checkers is how many flights are looked for at once at the end.
	checkers = 16
)

// pulse is a client that asks one request after the other and notes when it was answered.
type pulse struct {
	client *client.Client
	cancel context.CancelFunc
	ended  chan struct{}
	once   sync.Once

	answers []time.Time // read by others only after ended
	acked   []string    // of the one that writes: the flights acknowledged
	done    atomic.Int64
}

// dial starts a client that writes and one that reads.
func dial(c *real.Cluster) (writer, reader *pulse, err error) {
	if writer, err = begin(c, 1, (*pulse).write); err != nil {
		return nil, nil, err
	}
	if reader, err = begin(c, 2, (*pulse).read); err != nil {
		writer.stop()
		return nil, nil, err
	}
	return writer, reader, nil
}

func begin(c *real.Cluster, number int, ask func(*pulse, context.Context, int) error) (*pulse, error) {
	o := client.Options{Group: airspaceGroup, Cluster: c.Genesis.ID()}
	for _, s := range c.Servers() {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer, From: real.ClientAddress(number)})
	}
	cl, err := client.Dial(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &pulse{client: cl, cancel: cancel, ended: make(chan struct{})}
	go p.run(ctx, ask)
	return p, nil
}

func (p *pulse) run(ctx context.Context, ask func(*pulse, context.Context, int) error) {
	defer close(p.ended)
	for n := 0; ctx.Err() == nil; n++ {
		one, cancel := context.WithTimeout(ctx, deadline)
		if err := ask(p, one, n); err == nil {
			p.answers = append(p.answers, time.Now())
			p.done.Add(1)
		}
		cancel()
	}
}

// stop ends the client; calling it again does nothing.
func (p *pulse) stop() {
	p.once.Do(func() {
		p.cancel()
		<-p.ended
		_ = p.client.Close()
	})
}

func (p *pulse) count() int { return int(p.done.Load()) }

// gap is the longest time between two answers, the first of which may be the last one before from.
func (p *pulse) gap(from, to time.Time) int64 {
	last, longest := from, time.Duration(0)
	for _, at := range p.answers {
		if at.After(from) {
			longest = max(longest, at.Sub(last))
		}
		last = at
	}
	return int64(max(longest, to.Sub(last)))
}

// write files a flight that nobody has filed.
func (p *pulse) write(ctx context.Context, n int) error {
	f := airspace.Flight{ID: fmt.Sprintf("GAP-%06d", n), Callsign: fmt.Sprintf("GAP%d", n), From: "LSZH", To: "LSGG"}
	begins := time.Now().Add(time.Hour)
	for i := range 2 {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: 474_647_000 - int32(i)*3_000_000, LonE7: 85_492_000 - int32(i)*6_000_000},
			Alt: geo.FlightLevel(360), AtNs: begins.Add(time.Duration(i) * 10 * time.Minute).UnixNano(),
		})
	}
	reply, err := p.client.Do(ctx, airspace.Encode(airspace.PutFlight{Flight: f}), nil)
	if err != nil {
		return err
	}
	result, err := airspace.DecodeResult(reply.Result)
	if err == nil && result.Problem != nil {
		err = result.Problem
	}
	if err == nil {
		p.acked = append(p.acked, f.ID)
	}
	return err
}

// read asks for a flight that may be there.
func (p *pulse) read(ctx context.Context, n int) error {
	_, err := p.client.Query(ctx, airspace.EncodeQuery(airspace.FlightQuery{ID: fmt.Sprintf("GAP-%06d", n)}))
	return err
}

// lost counts the acknowledged flights that are not there.
func (p *pulse) lost(ctx context.Context, c *real.Cluster) (int, error) {
	check, err := begin(c, clients, (*pulse).read)
	if err != nil {
		return 0, err
	}
	defer check.stop()
	ids := make(chan string)
	var lost atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range checkers {
		all.Go(func() {
			for id := range ids {
				there, err := check.has(ctx, id)
				if err != nil {
					failed.Store(&err)
				} else if !there {
					lost.Add(1)
				}
			}
		})
	}
	for _, id := range p.acked {
		ids <- id
	}
	close(ids)
	all.Wait()
	if e := failed.Load(); e != nil {
		return 0, *e
	}
	return int(lost.Load()), nil
}

func (p *pulse) has(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	reply, err := p.client.Query(ctx, airspace.EncodeQuery(airspace.FlightQuery{ID: id}))
	if err != nil {
		return false, err
	}
	a, err := airspace.DecodeAnswer(reply.Result)
	return err == nil && a.Problem == nil, err
}
