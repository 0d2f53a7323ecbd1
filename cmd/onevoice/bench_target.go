package main

import (
	"context"
	"fmt"
	"time"

	"onevoice/airspace"
	"onevoice/bench"
	"onevoice/client"
	"onevoice/demo"
	"onevoice/geo"
	"onevoice/internal/procs"
	"onevoice/web/ask"
	"onevoice/wire"
)

// benchTarget is the service as the bench loads it: over frames with the Go client, and over HTTP.
type benchTarget struct {
	frames []*client.Client
	http   *ask.Client
	begins time.Time
	pids   []int
	etcd   *bench.Etcd // nil without a peer
}

// clientsPerConnection is how many of the bench's clients share one Go client, as programs do.
const clientsPerConnection = 64

// flightsPerClient is how many flights each client amends in turn, so that the state stays of one size.
const flightsPerClient = 100

func newTarget(ctx context.Context, servers *procs.Cluster) (*benchTarget, error) {
	t := &benchTarget{http: httpClients(servers), begins: time.Now().Add(time.Hour).UTC().Truncate(time.Second)}
	var o client.Options
	o.Group = airspaceGroup
	for _, s := range servers.Genesis.Servers {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer})
	}
	for range 4 {
		c, err := client.Dial(o)
		if err != nil {
			t.close()
			return nil, err
		}
		t.frames = append(t.frames, c)
	}
	for _, s := range servers.Genesis.Servers {
		t.pids = append(t.pids, servers.Pid(s.Name))
	}
	put, err := putSectors(ctx, t.http, demo.Sectors())
	if err == nil && put.Refused > 0 {
		err = fmt.Errorf("bench: %s", put.Why[0])
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *benchTarget) close() {
	for _, c := range t.frames {
		c.Close()
	}
}

func (t *benchTarget) cells() []benchCell {
	frames := func(worker int) *client.Client { return t.frames[worker/clientsPerConnection%len(t.frames)] }
	question := airspace.EncodeQuery(airspace.WhoQuery{Sector: "RHINE-H", FromNs: t.begins.Add(-time.Hour).UnixNano(), ToNs: t.begins.UnixNano(), Limit: 10})
	path := "/sectors/RHINE-H/flights?limit=10&to=" + t.begins.Format(time.RFC3339)
	cells := []benchCell{
		{"write, Go client", t.pids, func(ctx context.Context, worker, n int) error {
			return done(frames(worker).Do(ctx, airspace.Encode(airspace.PutFlight{Flight: t.flight(worker, n)}), nil))
		}},
		{"write, HTTP", t.pids, func(ctx context.Context, worker, n int) error {
			path, body := flightPut(t.flight(worker, n))
			return put(ctx, t.http, path, body)
		}},
		{"read, Go client", t.pids, func(ctx context.Context, worker, _ int) error {
			_, err := frames(worker).Query(ctx, question)
			return err
		}},
		{"read, HTTP", t.pids, func(ctx context.Context, _, _ int) error {
			var body []byte
			_, err := t.http.Do(ctx, ask.Request{Path: path}, &body)
			return err
		}},
	}
	if t.etcd != nil {
		value := make([]byte, 256)
		cells = append(cells, benchCell{"write, etcd HTTP", t.etcd.Pids(), func(ctx context.Context, worker, n int) error {
			return t.etcd.Put(ctx, worker, fmt.Sprintf("bench-%04d-%04d", worker, n%flightsPerClient), value)
		}}, benchCell{"read, etcd HTTP", t.etcd.Pids(), func(ctx context.Context, worker, n int) error {
			return t.etcd.Get(ctx, worker, fmt.Sprintf("bench-%04d-%04d", worker, n%flightsPerClient))
		}})
	}
	return cells
}

// race starts etcd beside our servers.
func (t *benchTarget) race(ctx context.Context, dir string, port int) (stop func(), err error) {
	t.etcd, err = bench.StartEtcd(ctx, ".", dir, port)
	if err != nil {
		return nil, err
	}
	return t.etcd.Stop, nil
}

// done is the error of a command: of the client or of the machine.
func done(reply wire.Reply, err error) error {
	if err != nil {
		return err
	}
	result, err := airspace.DecodeResult(reply.Result)
	if err == nil && result.Problem != nil {
		err = result.Problem
	}
	return err
}

// flight is a plan of four points, about 256 bytes as a command, through one sector of the demo's region.
func (t *benchTarget) flight(worker, n int) airspace.Flight {
	f := airspace.Flight{
		ID: fmt.Sprintf("BENCH-%04d-%04d", worker, n%flightsPerClient), Callsign: fmt.Sprintf("BCH%04d", worker), From: "LSZH", To: "LSGG",
	}
	for i := range 4 {
		f.Path = append(f.Path, geo.Point4D{
			Pos:  geo.LatLon{LatE7: 474_647_000 - int32(i)*3_000_000 - int32(n%1000), LonE7: 85_492_000 - int32(i)*6_000_000},
			Alt:  geo.FlightLevel(360),
			AtNs: t.begins.Add(time.Duration(i)*5*time.Minute + time.Duration(n%3600)*time.Second).UnixNano(),
		})
	}
	return f
}
