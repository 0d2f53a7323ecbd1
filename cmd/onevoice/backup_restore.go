package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"onevoice/consensus"
	"onevoice/internal/cluster"
	"onevoice/replica"
	"onevoice/step"
)

func backupRestoreCommand() *cobra.Command {
	var servers, oracles, out string
	cmd := &cobra.Command{
		Use:   "restore FILE --servers n1=HOST:PORT,n2=HOST:PORT,n3=HOST:PORT",
		Short: "Make the file that begins a new cluster with a backup",
		Long: `Make the file that begins a new cluster with a backup: its identity, its first voters, the backup that each server begins with.
Give the same file and the same backup to each server:
onevoice serve --init-from CLUSTERFILE --restore FILE --name n1 --dir DIR.

The cluster is a new one: no server of the old one can speak with it, and it goes on at an index, and in a view, that the old one
never reached. Log time and service time go on from the backup's. Whoever follows the events reads the state anew.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := cluster.ParseServers(servers)
			if err != nil {
				return usageError{err}
			}
			if list, err = cluster.WithOracles(list, oracles); err != nil {
				return usageError{err}
			}
			genesis, info, err := restoredGenesis(args[0], list)
			if err != nil {
				return err
			}
			if err := cluster.Write(out, genesis); err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "cluster %s with %d servers, from a backup of cluster %s: %s\n", genesis.Cluster, len(genesis.Full()), info.Cluster, out)
			for _, g := range info.Groups {
				fmt.Fprintf(w, "group %d begins at index %d with the state of index %d: %d sectors, %d flights\n", g.Group,
					g.Index+consensus.RebirthIndices, g.Index, g.Sectors, g.Flights)
			}
			for _, s := range genesis.Full() {
				fmt.Fprintf(w, "next, where %s runs: onevoice serve --init-from %s --restore %s --name %s --dir DIR\n", s.Name, out, args[0], s.Name)
			}
			for _, s := range genesis.Oracles() {
				fmt.Fprintf(w, "next, where %s runs: onevoice oracle --init-from %s --name %s --dir DIR\n", s.Name, out, s.Name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&servers, "servers", "", "the first voters of the new cluster, name=host:port, separated by commas")
	cmd.Flags().StringVar(&oracles, "oracles", "0", "its oracles, as in onevoice init")
	cmd.Flags().StringVar(&out, "out", "cluster.json", "the file to make; never overwritten")
	if err := cmd.MarkFlagRequired("servers"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// restoredGenesis makes the genesis of a new cluster that begins with a backup.
func restoredGenesis(path string, servers []cluster.Server) (cluster.Genesis, *backupInfo, error) {
	info, err := readBackup(path)
	if err != nil {
		return cluster.Genesis{}, nil, err
	}
	genesis, err := cluster.NewRestored(servers, func(nonce string) (*cluster.Restored, error) {
		r := &cluster.Restored{Backup: info.SHA256, Cluster: info.Cluster}
		for k, image := range info.images {
			g := &info.Groups[k]
			if err := beginAnew(image, cluster.Genesis{Nonce: nonce, Servers: servers}); err != nil {
				return nil, err
			}
			r.Groups = append(r.Groups, cluster.RestoredGroup{Group: g.Group, Index: g.Index, State: stateOf(image)})
		}
		return r, nil
	})
	return genesis, info, err
}

// beginAnew turns the state of a backup into the first one of a new cluster. It depends on the backup, the nonce and the servers
// alone.
func beginAnew(image *consensus.Image, g cluster.Genesis) error {
	nonce, err := hex.DecodeString(g.Nonce)
	if err != nil {
		return fmt.Errorf("restore: nonce: %w", err)
	}
	if err := image.Rebirth(nonce, numbersOf(g.Full())); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

func stateOf(image *consensus.Image) string {
	sum := image.Content().SHA256
	return hex.EncodeToString(sum[:])
}

// firstState is what a new server's store begins with: empty groups, or those of the backup that the cluster file names.
func firstState(g cluster.Genesis, self cluster.Server, path string) ([]step.Op, error) {
	config := nodeConfig(g, self, rand.New(rand.NewPCG(0, 0)))
	switch {
	case g.Restored == nil && path == "", self.Oracle: // backups hold the airspace only
		return replica.Bootstrap(config)
	case g.Restored == nil:
		return nil, usageError{errors.New("serve: --restore is given, but the cluster file is of a cluster that begins empty; make one with onevoice backup restore")}
	case path == "":
		return nil, usageError{fmt.Errorf("serve: cluster %s begins with a backup: give it with --restore FILE", g.Cluster)}
	}
	info, err := readBackup(path)
	if err != nil {
		return nil, err
	}
	if info.SHA256 != g.Restored.Backup {
		return nil, usageError{fmt.Errorf("serve: %s has sha256 %.16s, the cluster begins with the backup of sha256 %.16s", path, info.SHA256, g.Restored.Backup)}
	}
	var all []step.Op
	for _, c := range config.Groups {
		ops, err := firstGroup(g, info, c)
		if err != nil {
			return nil, err
		}
		all = append(all, ops...)
	}
	return all, nil
}

func firstGroup(g cluster.Genesis, info *backupInfo, c consensus.Config) ([]step.Op, error) {
	for _, want := range g.Restored.Groups {
		for k, image := range info.images {
			if want.Group != c.Group || info.Groups[k].Group != c.Group {
				continue
			}
			if err := beginAnew(image, g); err != nil {
				return nil, err
			}
			if got := stateOf(image); got != want.State {
				return nil, fmt.Errorf("serve: group %d begins with state %.16s, the cluster file says %.16s: this build makes another state of the backup than "+
					"the one that made the cluster file; use the same build", c.Group, got, want.State)
			}
			return image.Bootstrap(c)
		}
	}
	return consensus.Bootstrap(c)
}
