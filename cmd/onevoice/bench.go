package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/bench"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	clients  string
	kinds    []string
	rounds   int
	times    bench.Times
	port     int
	dir      string
	profiles bool
	peer     string
	output   string
}

func benchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure three servers on this machine, alone or in turn with etcd",
		Long: `Measure three servers on this machine, which it starts in a temporary directory, from this process, in a closed loop: each
client has one request under way. Writes are durable on a majority before they are answered; reads are linearizable. Server
CPU is that of all three, per 1,000 operations. The systems run one at a time, in turn, round by round; figures are medians
of the rounds.

  onevoice      the log with a key-value machine (examples/kv) through the Go client: 256 bytes a command
  flights       serve, with the demo's sectors: flights of about 256 bytes, who may be in a sector
  flights HTTP  the same over HTTP, to the server that leads
  etcd          with --peer etcd: etcd v3.6 through its own Go client; all requests go to its leader`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.clients, "clients", "1,64,256", "how many clients write and read, one measurement each")
	cmd.Flags().StringSliceVar(&o.kinds, "kinds", []string{bench.Write, bench.Read}, fmt.Sprintf("what to measure: %q", bench.Kinds()))
	cmd.Flags().IntVar(&o.rounds, "rounds", 1, "how often each system has its turn, 1 to 100")
	cmd.Flags().DurationVar(&o.times.Measure, "measure", 10*time.Second, "how long each measurement takes")
	cmd.Flags().DurationVar(&o.times.Warm, "warm", 2*time.Second, "how long each warms up first")
	cmd.Flags().IntVar(&o.port, "port", 7580, "first of six ports for the servers")
	cmd.Flags().StringVar(&o.dir, "dir", "", "where to keep data, logs and profiles (default: a temporary directory, removed)")
	cmd.Flags().BoolVar(&o.profiles, "profiles", false, "have each of our servers write a CPU profile below --dir")
	cmd.Flags().StringVar(&o.peer, "peer", "", "etcd: build it from bench/peers and hold us against it; run it in our source")
	outputFlag(cmd, &o.output)
	cmd.AddCommand(benchServerCommand(), benchCatchUpCommand(), benchQueryCommand())
	return cmd
}

// tasks are what the flags ask for.
func (o benchOptions) tasks() ([]bench.Task, error) {
	var counts []int
	for text := range strings.SplitSeq(o.clients, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > 4096 {
			return nil, usageError{fmt.Errorf("--clients holds %q, allowed: 1 to 4096", text)}
		}
		counts = append(counts, n)
	}
	switch {
	case o.peer != "" && o.peer != "etcd":
		return nil, usageError{fmt.Errorf("--peer is %q, allowed: etcd", o.peer)}
	case o.profiles && o.dir == "":
		return nil, usageError{fmt.Errorf("--profiles needs --dir, where they are kept")}
	case o.rounds < 1 || o.rounds > 100:
		return nil, usageError{fmt.Errorf("--rounds is %d, allowed: 1 to 100", o.rounds)}
	case o.times.Measure < 100*time.Millisecond || o.times.Warm < 0:
		return nil, usageError{fmt.Errorf("--measure is %s and --warm %s, allowed: from 100ms and from 0s", o.times.Measure, o.times.Warm)}
	}
	tasks, err := bench.Tasks(o.kinds, counts)
	if err != nil {
		return nil, usageError{fmt.Errorf("--kinds: %w", err)}
	}
	return tasks, nil
}

func runBench(ctx context.Context, o benchOptions, out, notes io.Writer) error {
	tasks, err := o.tasks()
	if err != nil {
		return err
	}
	dir, clean, err := benchDir(o.dir)
	if err != nil {
		return err
	}
	defer clean()
	race := bench.Race{Tasks: tasks, Rounds: o.rounds, Times: o.times, Dir: dir, Against: o.peer,
		Progress: func(format string, args ...any) { progress(notes, format, args...) }}
	if race.Systems, err = o.systems(ctx, dir, notes); err != nil {
		return err
	}
	rows, err := race.Run(ctx)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(rows)
	}
	return bench.WriteTable(out, rows, o.peer)
}

func (o benchOptions) systems(ctx context.Context, dir string, notes io.Writer) ([]bench.System, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	list := []bench.System{&bench.KV{Binary: binary, Port: o.port, Profiles: o.profiles}}
	if slices.ContainsFunc(o.kinds, func(k string) bool { return k == bench.Write || k == bench.Read || k == bench.Overload }) {
		list = append(list, &flightsBench{name: "flights", binary: binary, port: o.port, profiles: o.profiles, notes: notes},
			&flightsBench{name: "flights HTTP", overHTTP: true, binary: binary, port: o.port, profiles: o.profiles, notes: notes})
	}
	if o.peer == "" {
		return list, nil
	}
	etcd := &bench.Etcd{Root: ".", Port: o.port, Bin: filepath.Join(dir, "bin")}
	progress(notes, "building etcd and its load program")
	return append([]bench.System{etcd}, list...), etcd.Build(ctx)
}

// benchDir is where a bench works, as an absolute path, and what cleans it up.
func benchDir(named string) (dir string, clean func(), err error) {
	if named == "" {
		dir, err = os.MkdirTemp("", "onevoice-bench-")
		return dir, func() { os.RemoveAll(dir) }, err //nolint:errcheck // a leftover temporary directory harms nobody
	}
	if dir, err = filepath.Abs(named); err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return "", nil, fmt.Errorf("bench: %w", err)
	}
	return dir, func() {}, nil
}
