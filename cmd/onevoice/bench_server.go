package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	crand "crypto/rand"

	"github.com/spf13/cobra"

	"onevoice/consensus"
	"onevoice/examples/kv"
	"onevoice/host"
	"onevoice/machine"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/wire"
)

// benchServerOptions are the flags of bench server.
type benchServerOptions struct {
	dir, profile string
	number       uint64
	addresses    []string
}

// benchServerCommand runs a server of the key-value machine, which the bench holds against etcd.
func benchServerCommand() *cobra.Command {
	var o benchServerOptions
	cmd := &cobra.Command{
		Use:    "server",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return runBenchServer(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.dir, "dir", "", "directory")
	cmd.Flags().StringVar(&o.profile, "cpu-profile", "", "write a CPU profile to this file")
	cmd.Flags().Uint64Var(&o.number, "number", 0, "which of the addresses is ours, from 1")
	cmd.Flags().StringSliceVar(&o.addresses, "addresses", nil, "all servers' addresses")
	return cmd
}

func runBenchServer(ctx context.Context, o benchServerOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // however it ends, the parent is gone
		cancel()
	}()
	if o.profile != "" {
		stop, err := profile(o.profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	var voters []uint64
	peers := map[uint64]string{}
	for i, a := range o.addresses {
		voters = append(voters, uint64(i+1))
		peers[uint64(i+1)] = a
	}
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return err
	}
	config := replica.Config{Self: o.number, Groups: []consensus.Config{{
		Group: 1, Self: o.number, Voters: voters, Rand: rand.New(rand.NewChaCha8(seed)),
		NewMachine: func() machine.Machine { return kv.New() },
	}}}
	s, err := benchStore(o, config)
	if err != nil {
		return err
	}
	defer s.Close()
	config.Boot = s.Identity().Boot
	node, err := replica.Open(config, s.Scan)
	if err != nil {
		return err
	}
	h, err := host.Start(ctx, host.Options{Node: node, Store: s, Self: o.number, Cluster: benchCluster, Listen: o.addresses[o.number-1], Peers: peers})
	if err != nil {
		return err
	}
	<-h.Done()
	return h.Err()
}

// benchCluster is the identity of every cluster that a bench starts; each runs on ports of its own.
var benchCluster = wire.ID{'b', 'e', 'n', 'c', 'h'}

func benchStore(o benchServerOptions, config replica.Config) (*store.Store, error) {
	dir := filepath.Join(o.dir, "store")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		first, err := replica.Bootstrap(config)
		if err != nil {
			return nil, err
		}
		id := store.Identity{Cluster: benchCluster, Server: o.number}
		if _, err := crand.Read(id.Store[:]); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		if err := os.MkdirAll(o.dir, 0o755); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		if err := store.Create(dir, id, first); err != nil {
			return nil, err
		}
	}
	return store.Open(dir)
}
