package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/lab"
	"onevoice/lab/cluster"
	"onevoice/problem"
)

func labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "The laboratory: simulated worlds with every kind of fault, and judges",
		Long: `The laboratory runs the servers' own deciding code in a simulated world: virtual time, a network and disks with
faults, all from one seed. One seed is one run, on every machine.`,
	}
	cmd.AddCommand(labSimCommand(), labRealCommand(), labFailoverCommand(), labCrowdCommand(), labPowerCommand(), labPredictCommand(), labQueryCommand(), labMutantsCommand(), labWorkerCommand(), labRealWorkerCommand(),
		labFailoverWorkerCommand())
	return cmd
}

func labSimCommand() *cobra.Command {
	var seeds, off, output string
	var o lab.SimOptions
	var trace, verbose bool
	cmd := &cobra.Command{
		Use:   "sim --seeds A-B",
		Short: "Run seeds, judge each, and print what they covered",
		Long: `Run seeds, judge each, and print what they covered: faults by kind and by the victim's role, leader changes, snapshots.
A seed that breaks a law is printed with its evidence and the command that runs it again. Exit code 1 if there is one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.From, o.To, err = lab.ParseSeeds(seeds); err != nil {
				return usageError{err}
			}
			if o.Off, err = lab.ParseOff(off); err != nil {
				return usageError{err}
			}
			if trace || verbose {
				return lab.Explain(cluster.Options{Seed: o.From, Off: o.Off, FaultNs: o.Faults.Nanoseconds()}, trace, cmd.OutOrStdout())
			}
			o.Progress = cmd.ErrOrStderr()
			return runSim(cmd, o, output)
		},
	}
	cmd.Flags().StringVar(&seeds, "seeds", "1-100", "which seeds, A-B or one number")
	cmd.Flags().StringVar(&off, "off", "", "kinds of fault to leave out, separated by commas")
	cmd.Flags().DurationVar(&o.Faults, "faults", 0, "how long faults go on in each world (default: by the seed)")
	cmd.Flags().IntVar(&o.Workers, "workers", 0, "processes at once (default: one a processor)")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "run only the first seed, here, and print all that was drawn")
	cmd.Flags().BoolVar(&trace, "trace", false, "as --verbose, and print everything that happens")
	outputFlag(cmd, &output)
	return cmd
}

func runSim(cmd *cobra.Command, o lab.SimOptions, output string) error {
	summary, err := lab.RunSeeds(cmd.Context(), o)
	if err != nil {
		return err
	}
	if output == "json" {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(summary)
	} else {
		summary.Print(cmd.OutOrStdout())
	}
	if err == nil && !summary.OK() {
		err = &problem.Error{Kind: problem.Internal, Op: "lab sim", Detail: fmt.Sprintf("%d of %d seeds broke a law, %d could not be judged", summary.Bad, summary.Seeds, summary.Undecided)}
	}
	return err
}

func labMutantsCommand() *cobra.Command {
	var o lab.MutantOptions
	var output string
	cmd := &cobra.Command{
		Use:   "mutants",
		Short: "Plant known bugs, one at a time, and see after how many seeds the judges find each",
		Long: `Plant known bugs, one at a time, and see after how many seeds the judges find each. It builds the program anew with the
bugs in it, so it needs the source and the Go toolchain. A bug that no simulated world can show is hunted by the test that looks at
its room. Exit code 1 if a bug is not found.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = cmd.ErrOrStderr()
			hunts, err := lab.Mutants(cmd.Context(), o)
			if err != nil {
				return err
			}
			found := true
			if output == "json" {
				for _, h := range hunts {
					found = found && h.Found
				}
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(hunts)
			} else {
				found = lab.PrintHunts(cmd.OutOrStdout(), hunts)
			}
			if err == nil && !found {
				err = &problem.Error{Kind: problem.Internal, Op: "lab mutants", Detail: "a planted bug was not found"}
			}
			return err
		},
	}
	cmd.Flags().Uint64Var(&o.Seeds, "seeds", 2000, "within how many seeds a bug must be found")
	cmd.Flags().Uint64Var(&o.First, "first", 1, "the first seed")
	cmd.Flags().StringSliceVar(&o.Only, "only", nil, "the bugs to plant, separated by commas (default: all)")
	cmd.Flags().IntVar(&o.Workers, "workers", 0, "processes at once (default: one a processor)")
	outputFlag(cmd, &output)
	return cmd
}

// labWorkerCommand is what "lab sim" runs in processes of its own: one world a process.
func labWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return lab.WorkerMain(cmd.Context(), args, cmd.OutOrStdout())
		},
	}
}
