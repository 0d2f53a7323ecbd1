package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"onevoice/internal/cluster"
)

func initCommand() *cobra.Command {
	var servers, oracles, out, serviceTime string
	var speed float64
	cmd := &cobra.Command{
		Use:   "init --servers n1=HOST:PORT,n2=HOST:PORT,n3=HOST:PORT",
		Short: "Make the file that begins a new cluster",
		Long: `Make the file that begins a new cluster: its identity, its first voters, its clock.
Give the same file to each server: onevoice serve --init-from FILE --name n1 --dir DIR.

Each address is the server's HTTP port; the port for its peers lies as many above it as there are servers, or is
named: n1=HOST:PORT/PEERPORT.

With --oracles 3 the cluster gets oracles of their own, o1 to o3, which decide who is up in the servers' stead; they stand on the
machines of the servers in turn, on the next free ports. --oracles o1=HOST:PORT,... says where else. Without, each server is its own oracle.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := cluster.ParseServers(servers)
			if err != nil {
				return usageError{err}
			}
			if list, err = cluster.WithOracles(list, oracles); err != nil {
				return usageError{err}
			}
			genesis, err := cluster.New(list, serviceTime, rateMilli(speed))
			if err != nil {
				return usageError{err}
			}
			if err := cluster.Write(out, genesis); err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "cluster %s with %d servers", genesis.Cluster, len(genesis.Full()))
			if n := len(genesis.Oracles()); n > 0 {
				fmt.Fprintf(w, " and %d oracles", n)
			}
			fmt.Fprintf(w, ": %s\n", out)
			for _, s := range list {
				fmt.Fprintf(w, "next, where %s runs: onevoice %s --init-from %s --name %s --dir DIR\n", s.Name, runs(s.Oracle), out, s.Name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&servers, "servers", "", "the first voters, name=host:port, separated by commas")
	cmd.Flags().StringVar(&oracles, "oracles", "0", "how many oracles of their own, or where: name=host:port, separated by commas")
	cmd.Flags().StringVar(&out, "out", "cluster.json", "the file to make; never overwritten")
	cmd.Flags().StringVar(&serviceTime, "service-time", "", "where the airspace's clock begins, RFC 3339 UTC (default: now)")
	cmd.Flags().Float64Var(&speed, "speed", 1, "how fast the airspace's clock runs, 0.001 to 1000")
	if err := cmd.MarkFlagRequired("servers"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// runs is the command that runs a server of a role.
func runs(oracle bool) string {
	if oracle {
		return "oracle"
	}
	return "serve"
}

// rateMilli turns a speed into thousandths; out of range it gives what cluster.New refuses by name.
func rateMilli(speed float64) int64 {
	if !(speed >= 0.001 && speed <= 1000) {
		return 0
	}
	return int64(speed*1000 + 0.5)
}
