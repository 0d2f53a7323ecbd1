package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/lab/real"
	"onevoice/problem"
)

func labRealCommand() *cobra.Command {
	var o real.LaunchOptions
	var names, output string
	var list bool
	cmd := &cobra.Command{
		Use:   "real --scenario NAME[,NAME]|all",
		Short: "Run clusters of real servers under faults of a real network, and judge what their clients saw",
		Long: `Run clusters of real server processes in network namespaces of their own: crash, stop, cut, delay, under load, and judge
what the clients saw with the judges of the simulated world. It needs Linux, nft and ip (packages nftables and iproute2), and
root or unprivileged user namespaces. The machine's own network is not touched, and nothing is left behind.

A run that breaks a law keeps its evidence: logs, and the history with every operation. Exit code 1 if there is one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				for _, s := range real.Scenarios() {
					fmt.Fprintf(cmd.OutOrStdout(), "%-16s %s\n", s.Name, s.About)
				}
				return nil
			}
			var err error
			if o.Scenarios, err = real.Find(names); err != nil {
				return usageError{err}
			}
			o.Progress = cmd.ErrOrStderr()
			return runReal(cmd, o, output)
		},
	}
	cmd.Flags().StringVar(&names, "scenario", "all", "which scenarios, separated by commas")
	cmd.Flags().BoolVar(&list, "list", false, "list the scenarios and run none")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "the seed of the first run; what it draws repeats, timing does not")
	cmd.Flags().IntVar(&o.Servers, "servers", 3, "3 or 5")
	cmd.Flags().IntVar(&o.Secs, "secs", 10, "for how long faults are put on in each run")
	cmd.Flags().IntVar(&o.Repeats, "repeats", 1, "how often, each time with the next seed")
	cmd.Flags().IntVar(&o.Parallel, "parallel", 1, "how many runs at once")
	cmd.Flags().StringVar(&o.Binary, "binary", "", "the executable of the servers (default: this one)")
	cmd.Flags().StringArrayVar(&o.Env, "env", nil, "NAME=value for the servers; may be given again")
	cmd.Flags().StringVar(&o.Bug, "bug", "", "plant a bug in the servers, as \"onevoice lab mutants\" names them; needs source and Go")
	cmd.Flags().StringVar(&o.Evidence, "evidence", "", "where directories with evidence are made (default: the temporary directory)")
	cmd.Flags().BoolVar(&o.Keep, "keep", false, "keep the evidence of good runs too")
	outputFlag(cmd, &output)
	return cmd
}

func runReal(cmd *cobra.Command, o real.LaunchOptions, output string) error {
	reports, err := real.Launch(cmd.Context(), o)
	if err != nil {
		return err
	}
	bad := 0
	for i := range reports {
		if !reports[i].OK() {
			bad++
		}
	}
	if output == "json" {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(reports)
	} else {
		real.Print(cmd.OutOrStdout(), reports)
	}
	if err == nil && bad > 0 {
		err = &problem.Error{Kind: problem.Internal, Op: "lab real", Detail: fmt.Sprintf("%d of %d runs broke a law or could not be judged", bad, len(reports))}
	}
	return err
}

// labRealWorkerCommand is what "lab real" runs in namespaces of their own.
func labRealWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "real-worker JOB", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return real.WorkerMain(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
}
