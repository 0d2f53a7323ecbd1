package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/lab/gap"
	"onevoice/problem"
)

func labFailoverCommand() *cobra.Command {
	var o gap.Options
	var faults, layouts []string
	var output string
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "Measure how long clients of real servers are without an answer when the leader fails",
		Long: `Measure how long clients of real servers are without an answer when the leader fails. Each experiment is a fresh cluster in
namespaces of its own, one client that writes and one that reads, and one fault: the leader is killed, stopped, mute, deaf or
both, or is asked to hand over. The gap is the longest time between two answers from the fault on. Every acknowledged write is
looked for at the end; exit code 1 where one is lost or an experiment failed.

Beside the gaps stands what the machine itself did meanwhile: by how much one in a thousand wake-ups of a process that does
nothing was late, and how long one in a thousand small durable writes took.

With --round-trip all connections between servers, and between clients and servers, go through a relay that delays each direction by half
of it. What is on its way at the time of a fault still arrives, except at a server that is deaf. A refusal to connect is not told across
the relay, so a killed server is found by its silence, as one whose machine is gone.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Faults = nil
			for _, f := range faults {
				o.Faults = append(o.Faults, gap.Fault(f))
			}
			for _, l := range layouts {
				o.Layouts = append(o.Layouts, gap.Layout(l))
			}
			if err := o.Check(); err != nil {
				return usageError{err}
			}
			o.Progress = cmd.ErrOrStderr()
			return runFailover(cmd, o, output)
		},
	}
	var all []string
	for _, f := range gap.Faults() {
		all = append(all, string(f))
	}
	cmd.Flags().IntSliceVar(&o.Servers, "nodes", []int{3}, "how many servers: 3, 5, or both")
	cmd.Flags().StringSliceVar(&faults, "faults", all, "which faults")
	cmd.Flags().IntVar(&o.Repeats, "repeat", 5, "how often each; a p99 needs 300")
	cmd.Flags().IntVar(&o.Hogs, "hogs", 0, "processes beside the servers that use a processor each")
	cmd.Flags().DurationVar(&o.RoundTrip, "round-trip", 0, "between any two servers and between clients and servers, beside what the machine itself takes")
	cmd.Flags().StringSliceVar(&layouts, "oracle", nil, fmt.Sprintf("where the oracle runs, one after the other in each repeat: %v", gap.Layouts()))
	cmd.Flags().DurationVar(&o.Settle, "settle", 0, "how long a cluster runs before the fault; then it is told too how late its ticks were")
	cmd.Flags().StringVar(&o.Results, "results", "", "a file that keeps each result, so that a run of the same program goes on where it ended")
	outputFlag(cmd, &output)
	return cmd
}

func runFailover(cmd *cobra.Command, o gap.Options, output string) error {
	results, err := gap.Run(cmd.Context(), o)
	if err != nil {
		return err
	}
	table := gap.Summarise(results)
	if output == "json" {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(table)
	} else {
		gap.Print(cmd.OutOrStdout(), table)
	}
	for _, s := range table {
		if err == nil && (s.Lost > 0 || s.Failed > 0) {
			err = &problem.Error{Kind: problem.Internal, Op: "lab failover", Detail: "an acknowledged write was lost, or an experiment failed"}
		}
	}
	return err
}

// labFailoverWorkerCommand is what "lab failover" runs in namespaces of their own.
func labFailoverWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "failover-worker JOB", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return gap.Worker(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
}
