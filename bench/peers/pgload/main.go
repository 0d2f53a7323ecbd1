// Command pgload fills and loads a PostGIS table through pgx and prints what it measured as one line of JSON.
// It is a laboratory: clocks, sockets and goroutines are its business.
//
// It is the load program that onevoice bench query holds itself against. The table has one GiST index of area, band and span; questions are
// prepared statements over connections that stay open.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// options are the flags.
type options struct {
	dsn, mode, file string
	clients         int
	warm, measure   time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pgload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.dsn, "dsn", "", "connection string")
	flag.StringVar(&o.mode, "mode", "", "fill, ask or check")
	flag.StringVar(&o.file, "file", "", "entities or questions, a line each")
	flag.IntVar(&o.clients, "clients", 1, "clients that ask")
	flag.DurationVar(&o.warm, "warm", time.Second, "how long to warm up")
	flag.DurationVar(&o.measure, "measure", 4*time.Second, "how long to measure")
	flag.Parse()
	lines, err := readLines(o.file)
	if err != nil {
		return err
	}
	var answer any
	switch o.mode {
	case "fill":
		answer, err = fill(ctx, o, lines)
	case "ask":
		answer, err = ask(ctx, o, lines)
	case "check":
		answer, err = check(ctx, o, lines)
	default:
		err = fmt.Errorf("-mode is %q, allowed: fill, ask, check", o.mode)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

// readLines reads the fields of each line, which tabs part.
func readLines(path string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines [][]string
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		lines = append(lines, strings.Split(in.Text(), "\t"))
	}
	return lines, in.Err()
}

const (
	schema = `CREATE EXTENSION IF NOT EXISTS postgis; DROP TABLE IF EXISTS volumes;
CREATE TABLE volumes (id text PRIMARY KEY, area geometry(Polygon) NOT NULL, band int4range NOT NULL, span tstzrange NOT NULL);
CREATE INDEX ON volumes USING gist (area, band, span);`
	insert = `INSERT INTO volumes SELECT id, ST_GeomFromText(area), int4range(low, high), tstzrange(begins, ends)
FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[]) AS t(id, area, low, high, begins, ends)`
	question = `SELECT id FROM volumes WHERE area && ST_MakeEnvelope($1, $2, $3, $4) AND ST_Intersects(area, ST_MakeEnvelope($1, $2, $3, $4))
AND band && int4range($5, $6) AND span && tstzrange($7, $8)`
	// atOnce is how many rows one statement inserts.
	atOnce = 5000
)

// figures is what one run measured.
type figures struct {
	TookMs, PerSecond, P50Ms, P99Ms, MaxMs, Rows float64
	Ops, Failed                                  int
	FirstError                                   string
}

func fill(ctx context.Context, o options, lines [][]string) (figures, error) {
	c, err := pgx.Connect(ctx, o.dsn)
	if err != nil {
		return figures{}, err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, schema); err != nil {
		return figures{}, err
	}
	start := time.Now()
	for some := range slices.Chunk(lines, atOnce) {
		var id, area []string
		var low, high []int32
		var begins, ends []time.Time
		for _, l := range some {
			b, err := bounds(l[2:])
			if err != nil {
				return figures{}, err
			}
			id, area, low, high, begins, ends = append(id, l[0]), append(area, l[1]), append(low, b.low), append(high, b.high), append(begins, b.begins), append(ends, b.ends)
		}
		if _, err := c.Exec(ctx, insert, id, area, low, high, begins, ends); err != nil {
			return figures{}, err
		}
	}
	took := time.Since(start)
	_, err = c.Exec(ctx, "VACUUM ANALYZE volumes")
	return figures{TookMs: ms(took), Ops: len(lines), PerSecond: float64(len(lines)) / took.Seconds()}, err
}

// bound is a height and a time.
type bound struct {
	low, high    int32
	begins, ends time.Time
}

func bounds(fields []string) (b bound, err error) {
	var v [4]int64
	for i := range v {
		if v[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return b, err
		}
	}
	return bound{int32(v[0]), int32(v[1]), time.Unix(0, v[2]), time.Unix(0, v[3])}, nil
}

// asked is a question: west, south, east, north, low, high, begins, ends.
type asked []any

func questions(lines [][]string) ([]asked, error) {
	var list []asked
	for _, l := range lines {
		var q asked
		for _, text := range l[:4] {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, err
			}
			q = append(q, v)
		}
		b, err := bounds(l[4:])
		if err != nil {
			return nil, err
		}
		list = append(list, append(q, b.low, b.high, b.begins, b.ends))
	}
	return list, nil
}

func rows(ctx context.Context, c *pgx.Conn, q asked) ([]string, error) {
	r, err := c.Query(ctx, question, q...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(r, pgx.RowTo[string])
}

// same is what tells whether two systems found the same: how many, and a sum of their names in order.
type same struct {
	Rows int
	Sum  string
}

func check(ctx context.Context, o options, lines [][]string) ([]same, error) {
	c, err := pgx.Connect(ctx, o.dsn)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	list, err := questions(lines)
	if err != nil {
		return nil, err
	}
	var out []same
	for _, q := range list {
		ids, err := rows(ctx, c, q)
		if err != nil {
			return nil, err
		}
		slices.Sort(ids)
		h := fnv.New64a()
		for _, id := range ids {
			h.Write([]byte(id + "\n"))
		}
		out = append(out, same{len(ids), fmt.Sprintf("%016x", h.Sum64())})
	}
	return out, nil
}

type tally struct {
	took []time.Duration
	rows int
	err  error
}

// ask runs the clients, each with a connection of its own and one question under way.
func ask(ctx context.Context, o options, lines [][]string) (figures, error) {
	list, err := questions(lines)
	if err != nil {
		return figures{}, err
	}
	tallies := make([]tally, o.clients)
	conns := make([]*pgx.Conn, o.clients)
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, o.dsn); err != nil {
			return figures{}, err
		}
		defer conns[i].Close(ctx)
	}
	begin := time.Now().Add(o.warm)
	end := begin.Add(o.measure)
	var group sync.WaitGroup
	for i := range tallies {
		group.Go(func() { tallies[i].run(ctx, conns[i], list, i*len(list)/o.clients, begin, end) })
	}
	group.Wait()
	f := figures{TookMs: ms(o.measure)}
	var all []time.Duration
	for _, t := range tallies {
		all, f.Rows = append(all, t.took...), f.Rows+float64(t.rows)
		if t.err != nil {
			return f, t.err
		}
	}
	slices.Sort(all)
	f.Ops, f.PerSecond, f.Rows = len(all), float64(len(all))/o.measure.Seconds(), f.Rows/float64(max(len(all), 1))
	if n := len(all); n > 0 {
		f.P50Ms, f.P99Ms, f.MaxMs = ms(all[n/2]), ms(all[min(n-1, n*99/100)]), ms(all[n-1])
	}
	return f, ctx.Err()
}

func (t *tally) run(ctx context.Context, c *pgx.Conn, list []asked, from int, begin, end time.Time) {
	for n := from; ctx.Err() == nil; n++ {
		start := time.Now()
		if !start.Before(end) {
			return
		}
		found, err := rows(ctx, c, list[n%len(list)])
		if err != nil {
			t.err = err
			return
		}
		if done := time.Now(); !start.Before(begin) && !done.After(end) {
			t.took, t.rows = append(t.took, done.Sub(start)), t.rows+len(found)
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
