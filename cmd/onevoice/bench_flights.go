package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"onevoice/airspace"
	"onevoice/bench"
	"onevoice/client"
	"onevoice/demo"
	"onevoice/geo"
	"onevoice/internal/cluster"
	"onevoice/internal/procs"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
	"onevoice/wire"
)

// flightsBench is three servers as serve runs them, asked about flights: with the Go client, or over HTTP.
type flightsBench struct {
	name     string
	overHTTP bool
	binary   string
	port     int
	profiles bool
	args     []string // more of serve's
	notes    io.Writer

	servers *procs.Cluster
	frames  []*client.Client
	http    *ask.Client
	load    *bench.HTTP
	keys    atomic.Int64 // of repeatable requests, so far
	begins  time.Time
}

const (
	// clientsPerConnection is how many of the bench's clients share one Go client, as programs do.
	clientsPerConnection = 64
	// flightsPerClient is how many flights each client amends in turn, so that the state stays of one size.
	flightsPerClient = 100
)

func (b *flightsBench) Name() string { return b.name }

// Start begins a cluster with the demo's sectors.
func (b *flightsBench) Start(ctx context.Context, dir string) error {
	b.begins = time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	list, err := cluster.ParseServers(fmt.Sprintf("n1=127.0.0.1:%d,n2=127.0.0.1:%d,n3=127.0.0.1:%d", b.port, b.port+1, b.port+2))
	if err != nil {
		return usageError{err}
	}
	genesis, err := cluster.New(list, "", 1000)
	if err != nil {
		return err
	}
	b.servers = &procs.Cluster{Binary: b.binary, Dir: dir, Genesis: genesis}
	b.servers.ArgsOf = func(name string) []string {
		if b.profiles {
			return slices.Concat(b.args, []string{"--cpu-profile", filepath.Join(dir, name+".cpu.prof")})
		}
		return b.args
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if err := b.servers.Init(); err != nil {
		return err
	}
	for _, s := range genesis.Servers {
		if err := b.servers.Start(s.Name); err != nil {
			return err
		}
	}
	if err := firstAnswer(ctx, demoClient(genesis), b.servers, b.notes); err != nil {
		return err
	}
	return b.connect(ctx)
}

func (b *flightsBench) connect(ctx context.Context) error {
	b.http = demoClient(b.servers.Genesis)
	o := client.Options{Group: airspaceGroup}
	for _, s := range b.servers.Genesis.Servers {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer})
	}
	for range 4 {
		c, err := client.Dial(o)
		if err != nil {
			return err
		}
		b.frames = append(b.frames, c)
	}
	put, err := putSectors(ctx, b.http, demo.Sectors())
	if err == nil && put.Refused > 0 {
		err = fmt.Errorf("bench: %s", put.Why[0])
	}
	if err == nil {
		b.load, err = b.leader(ctx)
	}
	return err
}

// leader is the server that leads as the load begins: it is asked, as etcd's is.
func (b *flightsBench) leader(ctx context.Context) (*bench.HTTP, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		var status api.Status
		if _, err := b.http.Do(ctx, ask.Request{Path: "/status"}, &status); err != nil {
			return nil, err
		}
		for _, s := range b.servers.Genesis.Servers {
			if s.Name == status.Leader {
				return &bench.HTTP{Address: s.HTTP}, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("bench: %s does not know who leads after %s", status.Node, leaderPatience)
		case <-time.After(leaderPause):
		}
	}
}

// How long an election may take, and how often its end is looked for.
const (
	leaderPatience = 10 * time.Second
	leaderPause    = 50 * time.Millisecond
)

// Stop ends the servers.
func (b *flightsBench) Stop() {
	for _, c := range b.frames {
		_ = c.Close() // it never fails
	}
	b.frames = nil
	if b.load != nil {
		b.load.Close()
	}
	if b.servers != nil {
		b.servers.Stop()
	}
}

// Cells are writes of flights and the question who may be in a sector.
func (b *flightsBench) Cells() []bench.Cell {
	var pids []int
	for _, s := range b.servers.Genesis.Servers {
		pids = append(pids, b.servers.Pid(s.Name))
	}
	cell := func(kind string, op bench.Op) bench.Cell {
		return bench.Cell{Kind: kind, Run: func(ctx context.Context, clients int, t bench.Times) (bench.Figures, error) {
			return bench.Closed(ctx, kind, clients, t, pids, op), nil
		}}
	}
	if b.overHTTP {
		return []bench.Cell{cell(bench.Write, b.putHTTP), cell(bench.Read, b.askHTTP), overload(pids, bench.HTTPUnanswered, b.putHTTP)}
	}
	return []bench.Cell{cell(bench.Write, b.put), cell(bench.Read, b.ask), overload(pids, bench.FramesUnanswered, b.put)}
}

func overload(pids []int, most int64, op bench.Op) bench.Cell {
	return bench.Cell{Kind: bench.Overload, Run: func(ctx context.Context, clients int, t bench.Times) (bench.Figures, error) {
		return bench.Overloaded(ctx, bench.Overload, clients, t, most, pids, op), nil
	}}
}

func (b *flightsBench) client(worker int) *client.Client {
	return b.frames[worker/clientsPerConnection%len(b.frames)]
}

func (b *flightsBench) put(ctx context.Context, worker, n int) error {
	return done(b.client(worker).Do(ctx, airspace.Encode(airspace.PutFlight{Flight: b.flight(worker, n)}), nil))
}

func (b *flightsBench) putHTTP(ctx context.Context, worker, n int) error {
	f := airspace.FlightRecord{Flight: b.flight(worker, n)}
	return b.load.Do(ctx, func(out []byte) []byte {
		out = api.AppendFlight(out, &f)
		head := append(append(make([]byte, 0, 256), "PUT /api/v1/flights/"...), f.ID...)
		head = append(append(head, " HTTP/1.1\r\nHost: "...), b.load.Address...)
		head = strconv.AppendInt(append(head, "\r\nContent-Type: application/json\r\nIdempotency-Key: bench-"...), b.keys.Add(1), 10)
		head = strconv.AppendInt(append(head, "\r\nContent-Length: "...), int64(len(out)), 10)
		return slices.Insert(out, 0, append(head, "\r\n\r\n"...)...)
	}, func(a bench.Answer) error { return good(a, `{"id":"`, f.ID, `","version":"`) })
}

// good refuses an answer that is not the one asked for, with its proof.
func good(a bench.Answer, begins ...string) error {
	if a.Status != http.StatusOK {
		return ask.Refusal(a.Status, a.Body)
	}
	rest := a.Body
	for _, text := range begins {
		after, ok := bytes.CutPrefix(rest, []byte(text))
		if a.Index == 0 || !ok {
			return fmt.Errorf("bench: at index %d an answer began with %q, want %q", a.Index, problem.Clip(string(a.Body)), begins)
		}
		rest = after
	}
	return nil
}

func (b *flightsBench) ask(ctx context.Context, worker, _ int) error {
	question := airspace.WhoQuery{Sector: "RHINE-H", FromNs: b.begins.Add(-time.Hour).UnixNano(), ToNs: b.begins.UnixNano(), Limit: 10}
	_, err := b.client(worker).Query(ctx, airspace.EncodeQuery(question))
	return err
}

func (b *flightsBench) askHTTP(ctx context.Context, _, _ int) error {
	return b.load.Do(ctx, func(out []byte) []byte {
		out = b.begins.AppendFormat(append(out, "GET /api/v1/sectors/RHINE-H/flights?limit=10&to="...), time.RFC3339)
		return append(append(append(out, " HTTP/1.1\r\nHost: "...), b.load.Address...), "\r\n\r\n"...)
	}, func(a bench.Answer) error { return good(a, `{`) })
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

// benchPoints is how many points a plan has.
const benchPoints = 4

// flight is a plan of four points, about 256 bytes as a command, through one sector of the demo's region.
func (b *flightsBench) flight(worker, n int) airspace.Flight {
	f := airspace.Flight{
		ID: fmt.Sprintf("BENCH-%04d-%04d", worker, n%flightsPerClient), Callsign: fmt.Sprintf("BCH%04d", worker), From: "LSZH", To: "LSGG",
	}
	f.Path = make([]geo.Point4D, 0, benchPoints)
	for i := range benchPoints {
		f.Path = append(f.Path, geo.Point4D{
			Pos:  geo.LatLon{LatE7: 474_647_000 - int32(i)*3_000_000 - int32(n%1000), LonE7: 85_492_000 - int32(i)*6_000_000},
			Alt:  geo.FlightLevel(360),
			AtNs: b.begins.Add(time.Duration(i)*5*time.Minute + time.Duration(n%3600)*time.Second).UnixNano(),
		})
	}
	return f
}
