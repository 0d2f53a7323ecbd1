package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// catchUpOptions are the flags of bench catchup.
type catchUpOptions struct {
	flights, writers, readers, port int
	snapshotEntries, keepEntries    int
	think                           time.Duration
	dir, output                     string
	profiles                        bool
}

func benchCatchUpCommand() *cobra.Command {
	var o catchUpOptions
	cmd := &cobra.Command{
		Use:   "catchup",
		Short: "Measure how long nobody is answered while snapshots are saved, fetched and loaded",
		Long: `Measure how long nobody is answered while servers save snapshots, and while a server that was stopped until the log no longer
holds what it lacks is caught up by one. Three servers on this machine hold the flights; writers file and readers ask, each with one
request under way, all the time. A gap is the longest time between two answers, whoever asked. The columns:

  PHASE          rest: all three servers, no snapshot: the floor; save: until each of them has saved one; two: one server is
                 stopped; fetch: it is back and fetches and loads a snapshot; follow: from then until its log has caught up; after
  WRITES, READS  answers per second, the longest gap, and how long 99 of 100 requests and the slowest one took, through the Go client
  HTTP           the longest gap of the server named, asked over HTTP as often as it answers
  OWN            the longest time by which a timer of the load itself was late: what the machine is to blame for
  STEP           the longest step of each server, under so many milliseconds: reads and writes wait for it`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCatchUp(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().IntVar(&o.flights, "flights", 100_000, "how many flights there are, 1,000 to 1,000,000")
	cmd.Flags().IntVar(&o.writers, "writers", 64, "how many clients write, 1 to 4096")
	cmd.Flags().IntVar(&o.readers, "readers", 64, "how many clients read, 1 to 4096")
	cmd.Flags().DurationVar(&o.think, "think", 0, "how long each client waits from an answer to its next request in the mean, up to 10s: 0 for all that the servers can do")
	cmd.Flags().IntVar(&o.snapshotEntries, "snapshot-entries", 2000, "after how many log entries the servers save a snapshot, 10 to 100,000")
	cmd.Flags().IntVar(&o.keepEntries, "keep-entries", 500, "how many log entries they keep behind it, 1 to 100,000")
	cmd.Flags().IntVar(&o.port, "port", 7580, "first of six ports for the servers")
	cmd.Flags().StringVar(&o.dir, "dir", "", "where to keep data, logs and profiles (default: a temporary directory, removed)")
	cmd.Flags().BoolVar(&o.profiles, "profiles", false, "have each server write a CPU profile below --dir")
	outputFlag(cmd, &o.output)
	return cmd
}

func (o catchUpOptions) check() error {
	for _, f := range []struct {
		name        string
		value       int
		least, most int
	}{{"flights", o.flights, 1000, 1_000_000}, {"writers", o.writers, 1, 4096}, {"readers", o.readers, 1, 4096}, {"snapshot-entries", o.snapshotEntries, 10, 100_000}, {"keep-entries", o.keepEntries, 1, 100_000}} {
		if f.value < f.least || f.value > f.most {
			return usageError{fmt.Errorf("--%s is %d, allowed: %d to %d", f.name, f.value, f.least, f.most)}
		}
	}
	if o.think < 0 || o.think > 10*time.Second {
		return usageError{fmt.Errorf("--think is %s, allowed: 0s to 10s", o.think)}
	}
	if o.profiles && o.dir == "" {
		return usageError{fmt.Errorf("--profiles needs --dir, where they are kept")}
	}
	return nil
}

func runCatchUp(ctx context.Context, o catchUpOptions, out, notes io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	dir, clean, err := benchDir(o.dir)
	if err != nil {
		return err
	}
	defer clean()
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	c := &catchUp{
		catchUpOptions: o, flightsBench: flightsBench{binary: binary, port: o.port, profiles: o.profiles, notes: notes},
	}
	c.args = []string{"--snapshot-entries", fmt.Sprint(o.snapshotEntries), "--keep-entries", fmt.Sprint(o.keepEntries)}
	defer c.Stop()
	if err := c.Start(ctx, dir); err != nil {
		return err
	}
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("bench: catchup: %w", err)
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(c.phases)
	}
	return c.print(out)
}
