package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/internal/cluster"
)

func initCommand() *cobra.Command {
	var servers, out, serviceTime string
	var speed float64
	cmd := &cobra.Command{
		Use:   "init --servers n1=HOST:PORT,n2=HOST:PORT,n3=HOST:PORT",
		Short: "Make the file that begins a new cluster",
		Long: `Make the file that begins a new cluster: its identity, its first voters, its clock.
Give the same file to each server: onevoice serve --init-from FILE --name n1 --dir DIR.

Each address is the server's HTTP port; the port for its peers lies as many above it as there are servers, or is
named: n1=HOST:PORT/PEERPORT.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := cluster.ParseServers(servers)
			if err != nil {
				return usageError{err}
			}
			genesis, err := cluster.New(list, serviceTime, rateMilli(speed))
			if err != nil {
				return usageError{err}
			}
			if err := cluster.Write(out, genesis); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cluster %s with %d servers: %s\n", genesis.Cluster, len(list), out)
			for _, s := range list {
				fmt.Fprintf(cmd.OutOrStdout(), "next, where %s runs: onevoice serve --init-from %s --name %s --dir DIR\n", s.Name, out, s.Name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&servers, "servers", "", "the first voters, name=host:port, separated by commas")
	cmd.Flags().StringVar(&out, "out", "cluster.json", "the file to make; never overwritten")
	cmd.Flags().StringVar(&serviceTime, "service-time", "", "where the airspace's clock begins, RFC 3339 UTC (default: now)")
	cmd.Flags().Float64Var(&speed, "speed", 1, "how fast the airspace's clock runs, 0.001 to 1000")
	if err := cmd.MarkFlagRequired("servers"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// rateMilli turns a speed into thousandths; out of range it gives what cluster.New refuses by name.
func rateMilli(speed float64) int64 {
	if !(speed >= 0.001 && speed <= 1000) {
		return 0
	}
	return int64(speed*1000 + 0.5)
}
