package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/bench"
)

// queryOptions are the flags of bench query.
type queryOptions struct {
	entities    []int
	clients     []int
	boxes       []int
	times       bench.Times
	port        int
	dir, output string
	peer        string
	served      bool
	profiles    bool
}

func benchQueryCommand() *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query",
		Short: "Measure the question who may be in a volume, alone or beside PostGIS",
		Long: `Measure the question "who may be in this volume in this half hour" among flights of one volume each: 0.3 to 2 km wide, 30 to 120 m high,
for 10 to 60 minutes of a day, over 500 by 300 km. Questions are about boxes of 5 and 50 km, from 0 to 120 m, for half an hour.

  in process  the airspace's machine in this process, asked by one client
  HTTP        three servers on this machine, which hold the same flights; POST /api/v1/volumes:query of the one that leads
  postgis     with --peer postgres: PostgreSQL 15 with PostGIS, one GiST index of geometry, altitudes and time, prepared
              statements through pgx; an instance of its own on a socket in a temporary directory, which is ended and removed.
              Run it in our source, whose nested module bench/peers holds the load program.

All systems must find the same, or the bench fails. The systems run one at a time, in turn. A closed loop: each client has one question under
way. Sizes are of the heap in use, and of the largest of the three servers; postgis's is not measured.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBenchQuery(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().IntSliceVar(&o.entities, "entities", []int{10_000, 100_000, 1_000_000}, "how many flights are held, one measurement each, 1,000 to 1,000,000")
	cmd.Flags().IntSliceVar(&o.clients, "clients", []int{1, 16}, "how many clients ask, 1 to 256; in process there is one")
	cmd.Flags().IntSliceVar(&o.boxes, "boxes", []int{5, 50}, "kilometres of the boxes asked for, 1 to 100")
	cmd.Flags().DurationVar(&o.times.Measure, "measure", 4*time.Second, "how long each measurement takes")
	cmd.Flags().DurationVar(&o.times.Warm, "warm", time.Second, "how long each warms up first")
	cmd.Flags().IntVar(&o.port, "port", 7580, "first of six ports for the servers")
	cmd.Flags().StringVar(&o.dir, "dir", "", "where to keep data, logs and profiles (default: a temporary directory, removed)")
	cmd.Flags().StringVar(&o.peer, "peer", "", "postgres: hold us against PostGIS, where its Debian packages are there")
	cmd.Flags().BoolVar(&o.served, "served", true, "measure over HTTP too")
	cmd.Flags().BoolVar(&o.profiles, "profiles", false, "have each server write a CPU profile below --dir")
	outputFlag(cmd, &o.output)
	return cmd
}

func (o queryOptions) check() error {
	within := func(flag string, list []int, least, most int) error {
		for _, v := range list {
			if v < least || v > most {
				return usageError{fmt.Errorf("--%s holds %d, allowed: %d to %d", flag, v, least, most)}
			}
		}
		return nil
	}
	var others error
	switch {
	case o.peer != "" && o.peer != "postgres":
		others = usageError{fmt.Errorf("--peer is %q, allowed: postgres", o.peer)}
	case o.profiles && o.dir == "":
		others = usageError{errors.New("--profiles needs --dir, where they are kept")}
	case o.times.Measure < 100*time.Millisecond || o.times.Warm < 0:
		others = usageError{fmt.Errorf("--measure is %s and --warm %s, allowed: from 100ms and from 0s", o.times.Measure, o.times.Warm)}
	}
	return errors.Join(within("entities", o.entities, 1000, airspace.MaxFlights), within("clients", o.clients, 1, 256), within("boxes", o.boxes, 1, 100), others)
}

// queryRow is one measurement of a system.
type queryRow struct {
	Entities int     `json:"entities"`
	BoxKm    int     `json:"boxKm"`
	System   string  `json:"system"`
	Clients  int     `json:"clients"`
	Rate     float64 `json:"perSecond"`
	P50Ms    float64 `json:"p50Ms"`
	P99Ms    float64 `json:"p99Ms"`
	Rows     float64 `json:"rowsPerAnswer"`
	Failed   int     `json:"failed"`
	// Times is the rate by that of PostGIS with as many clients.
	Times float64 `json:"timesPostgis,omitempty"`
	why   string
}

// queryCost is what holding the flights costs a system.
type queryCost struct {
	Entities  int     `json:"entities"`
	System    string  `json:"system"`
	Inserts   float64 `json:"insertsPerSecond"`
	MemoryMiB int64   `json:"memoryMiB,omitempty"`
	SizeMiB   int64   `json:"snapshotMiB,omitempty"`
	SaveMs    int64   `json:"saveMs,omitempty"`
	RestoreMs int64   `json:"restoreMs,omitempty"`
}

// queryBench is a run.
type queryBench struct {
	o     queryOptions
	notes io.Writer
	begin time.Time
	dir   string
	rows  []queryRow
	costs []queryCost
}

// boxOf names a measurement.
func boxOf(km int) string { return fmt.Sprintf("%d km", km) }

// questionsEach is how many different questions there are, and checkedEach how many of them are compared.
const (
	questionsEach = 2000
	checkedEach   = 200
)

func runBenchQuery(ctx context.Context, o queryOptions, out, notes io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	dir, clean, err := benchDir(o.dir)
	if err != nil {
		return err
	}
	defer clean()
	b := &queryBench{o: o, notes: notes, dir: dir, begin: time.Now().Add(time.Hour).UTC().Truncate(time.Hour)}
	if o.peer != "" {
		if missing := bench.PostgresMissing(); missing != nil {
			progress(notes, "%v; measuring ours alone", missing)
			b.o.peer = ""
		}
	}
	for _, n := range o.entities {
		if err := b.of(ctx, n); err != nil {
			return err
		}
	}
	b.compare()
	if o.output == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"questions": b.rows, "costs": b.costs})
	}
	return b.print(out)
}

// of measures all systems with so many flights.
func (b *queryBench) of(ctx context.Context, n int) error {
	questions := map[int][]airspace.VolumeQuery{}
	for _, km := range b.o.boxes {
		v := bench.NewVolumes(uint64(km), b.begin)
		for range questionsEach {
			questions[km] = append(questions[km], v.Question(km))
		}
	}
	found, err := b.inProcess(ctx, n, questions)
	if err != nil {
		return err
	}
	if b.o.peer != "" {
		if err := b.postgres(ctx, n, questions, found); err != nil {
			return err
		}
	}
	if b.o.served {
		return b.overHTTP(ctx, n, questions, found)
	}
	return nil
}

func (b *queryBench) commands(n int) [][]byte {
	v := bench.NewVolumes(0, b.begin)
	ops := make([][]byte, n)
	for i := range ops {
		ops[i] = airspace.Encode(airspace.PutFlight{Flight: v.Flight(i)})
	}
	return ops
}

// answers are what each box's first questions find.
type answers map[int][]bench.Same

func (b *queryBench) inProcess(ctx context.Context, n int, questions map[int][]airspace.VolumeQuery) (answers, error) {
	progress(b.notes, "%d flights in process", n)
	ops := b.commands(n)
	before := bench.Heap()
	held := bench.NewHeld(b.begin)
	rate, err := held.Fill(ops)
	if err != nil {
		return nil, err
	}
	cost := queryCost{Entities: n, System: "in process", Inserts: rate, MemoryMiB: (bench.Heap() - before) >> 20}
	found := answers{}
	for _, km := range b.o.boxes {
		if found[km], err = held.Check(questions[km][:checkedEach]); err != nil {
			return nil, err
		}
		f, rows := held.Ask(ctx, boxOf(km), questions[km], b.o.times)
		b.add(n, km, "in process", f, rows)
	}
	size, save, restore, err := held.Snapshot()
	cost.SizeMiB, cost.SaveMs, cost.RestoreMs = size>>20, save.Milliseconds(), restore.Milliseconds()
	b.costs = append(b.costs, cost)
	return found, err
}

func (b *queryBench) postgres(ctx context.Context, n int, questions map[int][]airspace.VolumeQuery, found answers) error {
	progress(b.notes, "%d rows in PostGIS", n)
	p := &bench.Postgres{Root: ".", Dir: b.dir}
	defer p.Stop()
	if err := p.Start(ctx); err != nil {
		return err
	}
	v := bench.NewVolumes(0, b.begin)
	rate, err := p.Fill(ctx, func(yield func(*airspace.Flight) bool) {
		for i := range n {
			if f := v.Flight(i); !yield(&f) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	b.costs = append(b.costs, queryCost{Entities: n, System: "postgis", Inserts: rate})
	for _, km := range b.o.boxes {
		checked, err := p.Questions("checked.tsv", questions[km][:checkedEach])
		if err != nil {
			return err
		}
		theirs, err := p.Check(ctx, checked)
		if err == nil {
			err = same("postgis", km, theirs, found)
		}
		if err != nil {
			return err
		}
		all, err := p.Questions("questions.tsv", questions[km])
		if err != nil {
			return err
		}
		for _, clients := range b.o.clients {
			f, rows, err := p.Ask(ctx, boxOf(km), all, clients, b.o.times)
			if err != nil {
				return err
			}
			b.add(n, km, "postgis", f, rows)
		}
	}
	return nil
}

// same compares what another system found with what ours did in process.
func same(system string, km int, theirs []bench.Same, found answers) error {
	for i, s := range theirs {
		if s != found[km][i] {
			return fmt.Errorf("bench: question %d about %d km: %s finds %d, ours in process %d, or others", i, km, system, s.Rows, found[km][i].Rows)
		}
	}
	return nil
}

func (b *queryBench) add(n, km int, system string, f bench.Figures, rows float64) {
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	b.rows = append(b.rows, queryRow{Entities: n, BoxKm: km, System: system, Clients: f.Clients, Rate: f.PerSecond(), P50Ms: ms(f.P50), P99Ms: ms(f.P99), Rows: rows, Failed: f.Failed, why: f.FirstError})
}

// compare sets how our rates stand to those of PostGIS.
func (b *queryBench) compare() {
	for i := range b.rows {
		r := &b.rows[i]
		peer := slices.IndexFunc(b.rows, func(p queryRow) bool {
			return p.System == "postgis" && r.System != p.System && p.Entities == r.Entities && p.BoxKm == r.BoxKm && p.Clients == r.Clients
		})
		if peer >= 0 {
			r.Times = r.Rate / b.rows[peer].Rate
		}
	}
}

func (b *queryBench) print(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ENTITIES\tBOX km\tSYSTEM\tCLIENTS\tPER SECOND\tP50 ms\tP99 ms\tROWS\tFAILED\tTIMES postgis")
	for _, r := range b.rows {
		times := "-"
		if r.Times > 0 {
			times = fmt.Sprintf("%.1f", r.Times)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%d\t%.0f\t%.3f\t%.3f\t%.2f\t%d\t%s\n", r.Entities, r.BoxKm, r.System, r.Clients, r.Rate, r.P50Ms, r.P99Ms, r.Rows, r.Failed, times)
	}
	fmt.Fprintln(t)
	fmt.Fprintln(t, "ENTITIES\tSYSTEM\tINSERTS per second\tMEMORY MiB\tSNAPSHOT MiB\tSAVE s\tRESTORE s")
	for _, c := range b.costs {
		fmt.Fprintf(t, "%d\t%s\t%.0f\t%s\t%s\t%s\t%s\n", c.Entities, c.System, c.Inserts, some(c.MemoryMiB), some(c.SizeMiB), seconds(c.SaveMs), seconds(c.RestoreMs))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range b.rows {
		if r.Failed > 0 {
			fmt.Fprintf(out, "%s, %d km, %d clients: %s\n", r.System, r.BoxKm, r.Clients, r.why)
		}
	}
	return nil
}

// some is a number, or a dash for what was not measured.
func some(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func seconds(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(ms)/1000)
}
