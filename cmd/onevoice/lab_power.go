package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/lab/power"
	"onevoice/problem"
)

func labPowerCommand() *cobra.Command {
	var o power.Options
	var output string
	cmd := &cobra.Command{
		Use:   "power --repeats N",
		Short: "Cut the power of all real servers at once, destroy a minority of disks, and look for every acknowledged write",
		Long: `Cut the power of all real servers at once, destroy a minority of disks, and look for every acknowledged write. The servers are
built with the tag "dropping", on disks that lose what was not synced when a process is killed; so it needs the source and the
Go toolchain, or --binary with what "go build -tags dropping ./cmd/onevoice" made.

Each repeat is one cut under load. Then the servers that are left start, and every one must hold every acknowledged write
exactly once, with equal hashes at equal indices, and the first new write must be acknowledged within --within of the start of a
majority. Exit code 1 where a law is broken; logs and data are kept then.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = cmd.ErrOrStderr()
			r, err := power.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if output == "json" {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			} else {
				err = r.Print(cmd.OutOrStdout())
			}
			if err == nil && !r.OK() {
				err = &problem.Error{Kind: problem.Internal, Op: "lab power", Detail: fmt.Sprintf("%d laws broken within %d cuts", len(r.Violations), r.Repeats)}
			}
			return err
		},
	}
	cmd.Flags().IntVar(&o.Repeats, "repeats", 200, "how many cuts")
	cmd.Flags().IntVar(&o.Servers, "servers", 0, "3 or 5 (default: drawn for each cluster)")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "decides what is drawn; timing does not repeat")
	cmd.Flags().DurationVar(&o.Within, "within", power.BackWithin, "how soon after the start of a majority a write must be acknowledged")
	cmd.Flags().StringVar(&o.Bug, "bug", "", "plant a bug in the servers, as \"onevoice lab mutants\" names them, and stop when it is found")
	cmd.Flags().StringVar(&o.Binary, "binary", "", "servers built with -tags dropping (default: build them)")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "where data and logs go (default: the temporary directory)")
	outputFlag(cmd, &output)
	return cmd
}
