package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/export"
	"onevoice/export/place"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

type historyOptions struct {
	asking
	to      place.Options
	formats []string
	once    bool
	every   time.Duration
	limits  export.Limits
}

func historyExportCommand() *cobra.Command {
	o := historyOptions{limits: export.DefaultLimits()}
	cmd := &cobra.Command{
		Use: "export --to PLACE", Short: "Follow the cluster and write what happens as Parquet and JSON Lines", Args: cobra.NoArgs,
		Long: `Follow the cluster and write what happens, event by event, as Parquet and JSON Lines that DuckDB, Spark and others read. Goes on where it
stopped, without gap or repeat: where it is stands in position.json beside the files. Needs the right export.

Each entry of the log is followed by its chain hash, so that what is written is what was agreed, complete and in order; see history check.
Where it was away for longer than all servers keep their entries, it says so, marks the gap, and goes on from the whole state.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	placeFlags(cmd, &o.to, "to", "where to write")
	cmd.Flags().StringSliceVar(&o.formats, "format", []string{"parquet", "jsonl"}, "parquet, jsonl, or both")
	cmd.Flags().BoolVar(&o.once, "once", false, "end when all that is agreed now is written")
	cmd.Flags().DurationVar(&o.every, "every", time.Duration(o.limits.AgeNs), "write at least that often where anything happens")
	cmd.Flags().IntVar(&o.limits.Events, "events", o.limits.Events, "most events in a file")
	cmd.Flags().IntVar(&o.limits.Entries, "entries", o.limits.Entries, "most entries of the log in a file")
	askFlags(cmd, &o.asking)
	return cmd
}

func (o *historyOptions) check() ([]string, error) {
	var endings []string
	for _, word := range o.formats {
		ending := export.Endings()[word]
		if ending == "" || slices.Contains(endings, ending) {
			return nil, usageError{fmt.Errorf("--format is %q, allowed: parquet, jsonl, or both", strings.Join(o.formats, ","))}
		}
		endings = append(endings, ending)
	}
	if o.every < time.Second || o.every > 24*time.Hour {
		return nil, usageError{fmt.Errorf("--every is %s, allowed: 1s to 24h", o.every)}
	}
	if o.limits.Events < 1 || o.limits.Events > export.MaxEvents || o.limits.Entries < 1 || o.limits.Entries > export.MaxEntries {
		return nil, usageError{fmt.Errorf("--events is %d and --entries is %d, allowed: 1 to %d", o.limits.Events, o.limits.Entries, export.MaxEvents)}
	}
	o.limits.AgeNs = o.every.Nanoseconds()
	return endings, nil
}

func (o *historyOptions) run(cmd *cobra.Command) error {
	endings, err := o.check()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	f := &follower{servers: eachServer(&o.asking, entriesWait), once: o.once, every: o.every, notes: cmd.ErrOrStderr()}
	f.wrote = func(m *export.Manifest) { printManifest(cmd.OutOrStdout(), o.output, m) }
	o.to.Write = true
	// What was taken is written to its end also when the user has stopped it.
	at, err := openPlace(context.WithoutCancel(ctx), o.to, "to")
	if err != nil {
		return err
	}
	status, err := f.status(ctx)
	if err != nil {
		return err
	}
	f.history, err = export.Open(at, export.Options{Cluster: status.Cluster, Endings: endings, Limits: o.limits, Program: build()}, now())
	if err != nil {
		return err
	}
	return f.run(ctx)
}

func now() int64 { return time.Now().UnixNano() }

// eachServer makes a client for each server by itself, which waits that much longer for an answer.
func eachServer(a *asking, longer time.Duration) (list []*ask.Client) {
	all := a.client()
	for _, endpoint := range all.Endpoints {
		list = append(list, &ask.Client{Endpoints: []string{endpoint}, HTTP: all.HTTP, Timeout: all.Timeout + longer})
	}
	return list
}

// printManifest says what was written.
func printManifest(out io.Writer, output string, m *export.Manifest) {
	if output == "json" {
		_ = json.NewEncoder(out).Encode(m)
		return
	}
	if m.Gap != nil {
		fmt.Fprintf(out, "GAP: entries %d to %d are missing: %s\n", m.Gap.First, m.Gap.Last, m.Gap.Reason)
	}
	if m.Entries == 0 {
		fmt.Fprintf(out, "base  %d: %d sectors and %d flights, log time %s, hash %.12s\n", m.Last, m.Sectors, m.Flights, clock(m.LogTime), m.Hash)
		return
	}
	fmt.Fprintf(out, "wrote %d to %d: %d entries with %d events, log time %s, hash %.12s\n", m.First, m.Last, m.Entries, m.Events, clock(m.LogTime), m.Hash)
}

// status asks any server which cluster it is of.
func (f *follower) status(ctx context.Context) (s api.Status, err error) {
	for _, server := range f.servers {
		if _, err = server.Do(ctx, ask.Request{Path: "/status"}, &s); err == nil {
			return s, nil
		}
	}
	return s, fmt.Errorf("which cluster it is: %w", err)
}

// kindOf is the kind of a problem of the service, 0 for another error.
func kindOf(err error) problem.Kind {
	var p *problem.Error
	if !errors.As(err, &p) {
		return 0
	}
	return p.Kind
}
