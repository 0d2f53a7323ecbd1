package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"onevoice/backup"
	"onevoice/consensus"
	"onevoice/internal/cluster"
	"onevoice/store"
)

// withDisk opens the directory of a stopped server to read it.
func withDisk(dir string, do func(*store.Offline, cluster.Genesis, []consensus.Config) error) error {
	genesis, self, err := prepare(serveOptions{dir: dir})
	if err != nil {
		return err
	}
	s, err := store.OpenOffline(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	if id := s.Identity(); id.Cluster != genesis.ID() || id.Server != self.Number {
		err = fmt.Errorf("the store in %s belongs to server %d of cluster %x, its cluster file says server %d of %s", dir, id.Server, id.Cluster, self.Number, genesis.Cluster)
	} else {
		err = do(s, genesis, nodeConfig(genesis, self, rand.New(rand.NewPCG(0, 0))).Groups)
	}
	return errors.Join(err, s.Err(), s.Close())
}

// salvage writes the backup of a stopped server's directory.
func salvage(out io.Writer, dir string, tail bool) error {
	return withDisk(dir, func(s *store.Offline, g cluster.Genesis, configs []consensus.Config) error {
		h := backup.Head{Cluster: g.ID(), Server: s.Identity().Server, Origin: backup.Disk}
		if tail {
			h.Origin = backup.DiskWithTail
		}
		var groups []taken
		for _, m := range savedMachines() {
			for _, c := range configs {
				if c.Group != m.group {
					continue
				}
				image, held, err := consensus.Salvage(c, s.Scan, tail)
				if err != nil {
					return err
				}
				t := takenOf(m, image.Published(), image.Chunks())
				t.Agreed, t.Last = held.Agreed, held.Last
				groups = append(groups, t)
			}
		}
		return writeBackup(out, h, groups, func(time.Duration) {})
	})
}

// disk is what one directory holds of one group.
type disk struct {
	Dir      string `json:"dir"`
	Cluster  string `json:"cluster"`
	Server   uint64 `json:"server,string"`
	Boot     uint64 `json:"boot,string"`
	Group    uint32 `json:"group"`
	Snapshot uint64 `json:"snapshot,string"`
	Agreed   uint64 `json:"agreed,string"`
	Last     uint64 `json:"last,string"`
	LastTerm uint64 `json:"last_term,string"`
	Furthest bool   `json:"furthest"`
	Error    string `json:"error,omitempty"`

	held consensus.Held
}

func backupDisksCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "disks DIR...",
		Short: "Say which of several stopped servers' directories holds the most",
		Long: `Say what the directories of stopped servers hold, and which of them holds the most: the one from which to save where the majority is
lost. Nothing is written to them. Exit code 1 where one cannot be read, or they are of different clusters.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []disk
			for _, dir := range args {
				all = append(all, lookAt(dir)...)
			}
			err := compareDisks(all)
			if output == "json" {
				return errors.Join(json.NewEncoder(cmd.OutOrStdout()).Encode(all), err)
			}
			return errors.Join(printDisks(cmd.OutOrStdout(), all), err)
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func lookAt(dir string) (all []disk) {
	err := withDisk(dir, func(s *store.Offline, g cluster.Genesis, configs []consensus.Config) error {
		for _, c := range configs {
			held, err := consensus.Holds(c, s.Scan)
			if err != nil {
				return err
			}
			id := s.Identity()
			all = append(all, disk{
				Dir: dir, Cluster: hex.EncodeToString(id.Cluster[:]), Server: id.Server, Boot: id.Boot, Group: c.Group,
				Snapshot: held.Snapshot, Agreed: held.Agreed, Last: held.Last, LastTerm: held.LastTerm, held: held,
			})
		}
		return nil
	})
	if err != nil {
		return []disk{{Dir: dir, Error: err.Error()}}
	}
	return all
}

// compareDisks marks the furthest of each group. The error says what makes them incomparable, or that one cannot be read.
func compareDisks(all []disk) error {
	best := map[uint32]int{}
	var errs []error
	name := ""
	for i, d := range all {
		if d.Error != "" {
			errs = append(errs, errors.New(d.Error))
			continue
		}
		if name != "" && d.Cluster != name {
			return fmt.Errorf("%s is of cluster %s, others are of %s: they cannot be compared", d.Dir, d.Cluster, name)
		}
		name = d.Cluster
		if at, ok := best[d.Group]; !ok || d.held.Compare(all[at].held) > 0 {
			best[d.Group] = i
		}
	}
	for i := range all {
		at, ok := best[all[i].Group]
		all[i].Furthest = ok && all[i].Error == "" && all[i].held.Compare(all[at].held) == 0
	}
	return errors.Join(errs...)
}

func printDisks(out io.Writer, all []disk) error {
	return columns(out, "DIRECTORY\tSERVER\tBOOT\tGROUP\tSNAPSHOT\tAGREED\tLAST\tTERM\tCLUSTER\t", func(w io.Writer) {
		for _, d := range all {
			if d.Error != "" {
				fmt.Fprintf(w, "%s\t-\t-\t-\t-\t-\t-\t-\t-\tcannot be read\n", d.Dir)
				continue
			}
			mark := ""
			if d.Furthest {
				mark = "furthest"
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", d.Dir, d.Server, d.Boot, d.Group, d.Snapshot, d.Agreed, d.Last, d.LastTerm, d.Cluster, mark)
		}
	})
}
