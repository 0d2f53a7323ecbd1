package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/airspace"
	"onevoice/bench"
	"onevoice/web/api"
)

// fillers is how many flights are put at once while servers are filled.
const fillers = 256

// overHTTP measures three servers that hold the flights.
func (b *queryBench) overHTTP(ctx context.Context, n int, questions map[int][]airspace.VolumeQuery, found answers) error {
	progress(b.notes, "%d flights in three servers", n)
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	servers := &flightsBench{name: "HTTP", overHTTP: true, binary: binary, port: b.o.port, profiles: b.o.profiles, notes: b.notes}
	defer servers.Stop()
	if err := servers.Start(ctx, filepath.Join(b.dir, fmt.Sprintf("servers-%d", n))); err != nil {
		return err
	}
	rate, err := servers.fill(ctx, b.commands(n))
	if err != nil {
		return err
	}
	// Whoever leads now, after so many writes.
	if servers.load, err = servers.leader(ctx); err != nil {
		return err
	}
	cost := queryCost{Entities: n, System: "HTTP", Inserts: rate}
	for _, km := range b.o.boxes {
		requests, err := requestsOf(servers.load.Address, questions[km])
		if err != nil {
			return err
		}
		theirs, err := servers.checkVolumes(ctx, requests[:checkedEach])
		if err == nil {
			err = same("HTTP", km, theirs, found)
		}
		if err != nil {
			return err
		}
		rows := 0.0
		for _, s := range found[km] {
			rows += float64(s.Rows) / checkedEach
		}
		for _, clients := range b.o.clients {
			f := bench.Closed(ctx, boxOf(km), clients, b.o.times, nil, func(ctx context.Context, worker, n int) error {
				return servers.send(ctx, requests[(worker*questionsEach/clients+n)%questionsEach], func(a bench.Answer) error { return good(a, `{"at":"`) })
			})
			b.add(n, km, "HTTP", f, rows)
		}
	}
	for _, s := range servers.servers.Genesis.Servers {
		cost.MemoryMiB = max(cost.MemoryMiB, bench.RSS(servers.servers.Pid(s.Name))>>20)
	}
	b.costs = append(b.costs, cost)
	return nil
}

// fill puts flights through the Go client, many at once.
func (b *flightsBench) fill(ctx context.Context, ops [][]byte) (float64, error) {
	var next atomic.Int64
	errs := make([]error, fillers)
	var group sync.WaitGroup
	start := time.Now()
	for i := range errs {
		group.Go(func() {
			for errs[i] == nil && ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(ops) {
					return
				}
				errs[i] = done(b.client(i).Do(ctx, ops[n], nil))
			}
		})
	}
	group.Wait()
	return float64(len(ops)) / time.Since(start).Seconds(), errors.Join(append(errs, ctx.Err())...)
}

// requestsOf makes a whole HTTP request of each question.
func requestsOf(address string, questions []airspace.VolumeQuery) ([][]byte, error) {
	var list [][]byte
	for i := range questions {
		q := &questions[i]
		body, err := json.Marshal(map[string]any{"volume": api.FromVolume(&q.Volume), "from": api.Time(q.FromNs), "to": api.Time(q.ToNs)})
		if err != nil {
			return nil, err
		}
		r := append([]byte("POST /api/v1/volumes:query?limit="), strconv.Itoa(airspace.MaxPage)...)
		r = append(append(r, " HTTP/1.1\r\nHost: "...), address...)
		r = strconv.AppendInt(append(r, "\r\nContent-Type: application/json\r\nContent-Length: "...), int64(len(body)), 10)
		list = append(list, append(append(r, "\r\n\r\n"...), body...))
	}
	return list, nil
}

func (b *flightsBench) send(ctx context.Context, request []byte, check func(bench.Answer) error) error {
	return b.load.Do(ctx, func(out []byte) []byte { return append(out, request...) }, check)
}

// checkVolumes answers each request once.
func (b *flightsBench) checkVolumes(ctx context.Context, requests [][]byte) (list []bench.Same, err error) {
	for _, r := range requests {
		err := b.send(ctx, r, func(a bench.Answer) error {
			if err := good(a, `{"at":"`); err != nil {
				return err
			}
			var page api.Presences
			if err := json.Unmarshal(a.Body, &page); err != nil {
				return err
			}
			if page.Next != "" {
				return errors.New("bench: an answer has more pages than one")
			}
			var ids []string
			for _, p := range page.Flights {
				ids = append(ids, p.Flight)
			}
			list = append(list, bench.SumOf(ids))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
