package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/bench"
	"onevoice/lab"
)

func labQueryCommand() *cobra.Command {
	q := bench.Questioned{}
	var seeds, output string
	cmd := &cobra.Command{
		Use:   "query --entities N --queries N --seeds A-B",
		Short: "Hold answers about volumes against looking at every flight",
		Long: `Hold answers about volumes against looking at every flight: in process, one store for each seed, of flights with a path and of volumes. While it
is asked, flights are put, amended and cancelled, some expire, and it is saved and restored ten times. Exit code 1 at the first
wrong answer, which is named.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, to, err := lab.ParseSeeds(seeds)
			if err == nil && (q.Entities < 100 || q.Entities > airspace.MaxFlights) {
				err = fmt.Errorf("--entities is %d, allowed: 100 to %d", q.Entities, airspace.MaxFlights)
			}
			if err == nil && (q.Questions < 1 || q.Questions > 1_000_000) {
				err = fmt.Errorf("--queries is %d, allowed: 1 to 1000000", q.Questions)
			}
			if err != nil {
				return usageError{err}
			}
			return runLabQuery(cmd, q, from, to, output)
		},
	}
	cmd.Flags().StringVar(&seeds, "seeds", "1-100", "which seeds, A-B or one number")
	cmd.Flags().IntVar(&q.Entities, "entities", 150, "how many flights a store holds, about, 100 to 1,000,000")
	cmd.Flags().IntVar(&q.Questions, "queries", 1000, "how many questions each store is asked, 1 to 1,000,000")
	outputFlag(cmd, &output)
	return cmd
}

func runLabQuery(cmd *cobra.Command, q bench.Questioned, from, to uint64, output string) error {
	var all bench.QuestionedDone
	for seed := from; seed <= to; seed++ {
		q.Seed = seed
		done, err := q.Run(cmd.Context())
		if err != nil {
			return err
		}
		all.Stores++
		all.Questions, all.Rows, all.Restored, all.Expired = all.Questions+done.Questions, all.Rows+done.Rows, all.Restored+done.Restored, all.Expired+done.Expired
		fmt.Fprintf(cmd.ErrOrStderr(), "\r%d of %d stores", all.Stores, to-from+1)
	}
	fmt.Fprintln(cmd.ErrOrStderr())
	if output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d stores, %d questions, %d visits found, %d restores, %d flights expired: all answers as by looking at every flight\n",
		all.Stores, all.Questions, all.Rows, all.Restored, all.Expired)
	return err
}
