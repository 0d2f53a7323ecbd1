package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/lab"
	"onevoice/lab/crowd"
	"onevoice/problem"
)

func labCrowdCommand() *cobra.Command {
	o := crowd.Defaults()
	var seeds, output string
	var clients int
	cmd := &cobra.Command{
		Use:   "crowd --members N --seeds A-B",
		Short: "Simulate members that are no servers: how fast they hold a new roll, and who is taken for gone",
		Long: `Simulate members that are no servers: how fast they hold a new roll, and who is taken for gone. They probe one another with the code that
members run; some of them begin to lose packets one way. Exit code 1 where 99 of 100 members held a roll only after 50 ms, a lossy
member stayed, they went on more than one roll, or a healthy one went.

With --clients it says instead what it costs to tell so many clients of a new view, straight from the servers and by a tree of clients.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, to, err := lab.ParseSeeds(seeds)
			if err == nil {
				err = o.Check()
			}
			if err != nil {
				return usageError{err}
			}
			if cmd.Flags().Changed("clients") {
				return runClients(cmd, from, clients, o.Servers, output)
			}
			return runCrowd(cmd, from, to, o, output)
		},
	}
	cmd.Flags().StringVar(&seeds, "seeds", "1-10", "which seeds, A-B or one number")
	cmd.Flags().IntVar(&o.Members, "members", o.Members, "how many members")
	cmd.Flags().IntVar(&o.Lossy, "lossy", o.Lossy, "how many of them begin to lose packets one way")
	cmd.Flags().IntVar(&o.LossPermille, "loss", o.LossPermille, "how many of a thousand packets those lose")
	cmd.Flags().IntVar(&o.HealthyPermille, "healthy-loss", o.HealthyPermille, "how many of a thousand packets every link loses, each way; a probe passes four")
	cmd.Flags().IntVar(&o.Servers, "nodes", o.Servers, "how many servers the members are connected to")
	cmd.Flags().IntVar(&clients, "clients", 0, "tell so many clients of a view instead")
	outputFlag(cmd, &output)
	return cmd
}

func runCrowd(cmd *cobra.Command, from, to uint64, o crowd.Options, output string) error {
	progress := cmd.ErrOrStderr()
	done, broken := 0, 0
	summary, err := crowd.RunSeeds(cmd.Context(), from, to, o, func(r crowd.Result) {
		done++
		if r.Broken != "" {
			broken++
		}
		fmt.Fprintf(progress, "\r%d of %d seeds, %d broken", done, to-from+1, broken)
	})
	fmt.Fprintln(progress)
	if err != nil {
		return err
	}
	if output == "json" {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(summary)
	} else {
		summary.Print(cmd.OutOrStdout())
	}
	if err == nil && broken > 0 {
		err = &problem.Error{Kind: problem.Internal, Op: "lab crowd", Detail: fmt.Sprintf("%d of %d seeds broke a rule", broken, done)}
	}
	return err
}

func runClients(cmd *cobra.Command, seed uint64, clients, servers int, output string) error {
	c, err := crowd.ClientsOf(seed, clients, servers)
	if err != nil {
		return usageError{err}
	}
	if output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(c)
	}
	c.Print(cmd.OutOrStdout())
	return nil
}
