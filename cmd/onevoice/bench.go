package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/bench"
	"onevoice/internal/cluster"
	"onevoice/internal/procs"
	"onevoice/web/ask"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	clients  string
	measure  time.Duration
	warm     time.Duration
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
		Short: "Measure writes and reads of three servers on this machine",
		Long: `Measure writes and reads of three servers on this machine, which it starts in a temporary directory, from this process, in
a closed loop: each client has one request under way. Writes are flights of about 256 bytes, durable on a majority before
they are answered; reads are linearizable. Server CPU is that of all three, per 1,000 operations.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.clients, "clients", "1,64,256", "how many clients, one measurement each")
	cmd.Flags().DurationVar(&o.measure, "measure", 10*time.Second, "how long each measurement takes")
	cmd.Flags().DurationVar(&o.warm, "warm", 2*time.Second, "how long each warms up first")
	cmd.Flags().IntVar(&o.port, "port", 7580, "first of six ports for the servers")
	cmd.Flags().StringVar(&o.dir, "dir", "", "where to keep data, logs and profiles (default: a temporary directory, removed)")
	cmd.Flags().BoolVar(&o.profiles, "profiles", false, "have each server write a CPU profile, DIR/NAME.cpu.prof; needs --dir")
	cmd.Flags().StringVar(&o.peer, "peer", "", "etcd: build it from bench/peers, start three and measure them in turn, over its HTTP gateway; run it in our source")
	outputFlag(cmd, &o.output)
	return cmd
}

func (o benchOptions) counts() ([]int, error) {
	var counts []int
	for text := range strings.SplitSeq(o.clients, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > 4096 {
			return nil, usageError{fmt.Errorf("--clients holds %q, allowed: 1 to 4096", text)}
		}
		counts = append(counts, n)
	}
	if o.peer != "" && o.peer != "etcd" {
		return nil, usageError{fmt.Errorf("--peer is %q, allowed: etcd", o.peer)}
	}
	if o.profiles && o.dir == "" {
		return nil, usageError{fmt.Errorf("--profiles needs --dir, where they are kept")}
	}
	return counts, nil
}

func runBench(ctx context.Context, o benchOptions, out, notes io.Writer) error {
	counts, err := o.counts()
	if err != nil {
		return err
	}
	servers, clean, err := benchServers(o)
	if err != nil {
		return err
	}
	defer clean()
	if err := firstAnswer(ctx, demoClient(servers.Genesis), servers, notes); err != nil {
		return err
	}
	target, err := newTarget(ctx, servers)
	if err != nil {
		return err
	}
	defer target.close()
	if o.peer != "" {
		stop, err := target.race(ctx, servers.Dir, o.port+6)
		if err != nil {
			return err
		}
		defer stop()
	}
	var all []bench.Figures
	for _, n := range counts {
		for _, cell := range target.cells() {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			progress(notes, "%s, %d clients", cell.name, n)
			all = append(all, measure(ctx, o, n, cell))
		}
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(all)
	}
	return bench.WriteTable(out, all)
}

// measure runs one cell; the servers' processor time is that of warm-up and measurement, per operation of both.
func measure(ctx context.Context, o benchOptions, clients int, c benchCell) bench.Figures {
	before := bench.CPU(c.pids)
	f := bench.Closed(ctx, c.name, clients, o.warm, o.measure, c.op)
	if f.OK > 0 {
		share := float64(o.measure) / float64(o.warm+o.measure)
		f.ServerCPU = time.Duration(float64(bench.CPU(c.pids)-before) * share * 1000 / float64(f.OK))
	}
	return f
}

func benchServers(o benchOptions) (*procs.Cluster, func(), error) {
	dir, temporary := o.dir, o.dir == ""
	var err error
	if temporary {
		dir, err = os.MkdirTemp("", "onevoice-bench-")
	} else {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	list, err := cluster.ParseServers(fmt.Sprintf("n1=127.0.0.1:%d,n2=127.0.0.1:%d,n3=127.0.0.1:%d", o.port, o.port+1, o.port+2))
	if err != nil {
		return nil, nil, usageError{err}
	}
	genesis, err := cluster.New(list, "", 1000)
	if err != nil {
		return nil, nil, err
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	servers := &procs.Cluster{Binary: binary, Dir: dir, Genesis: genesis}
	if o.profiles {
		servers.ArgsOf = func(name string) []string { return []string{"--cpu-profile", filepath.Join(dir, name+".cpu.prof")} }
	}
	clean := func() {
		servers.Stop()
		if temporary {
			os.RemoveAll(dir) //nolint:errcheck // a leftover temporary directory harms nobody
		}
	}
	if err := servers.Init(); err != nil {
		return nil, nil, err
	}
	for _, s := range genesis.Servers {
		if err := servers.Start(s.Name); err != nil {
			clean()
			return nil, nil, err
		}
	}
	return servers, clean, nil
}

// benchCell is one thing to measure.
type benchCell struct {
	name string
	pids []int // of the servers that are measured
	op   bench.Op
}

func httpClients(servers *procs.Cluster) *ask.Client {
	c := demoClient(servers.Genesis)
	c.HTTP = bench.HTTPClient()
	return c
}
