package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	crand "crypto/rand"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/consensus"
	"onevoice/host"
	"onevoice/internal/cluster"
	"onevoice/machine"
	"onevoice/oracle"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/web"
)

// The numbers of the groups: that of the airspace, and that of the membership.
const (
	airspaceGroup = 1
	membersGroup  = 2
)

// serveOptions are the flags of serve.
type serveOptions struct {
	dir, name, initFrom string
	restore             string
	untilStdinCloses    bool
	oracle, realtime    bool
	cpuProfile          string
	disk                store.FS
	proof               proofOptions
	limits              consensus.Limits
}

func serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve --dir DIR [--init-from FILE --name NAME]",
		Short: "Run one server of a cluster",
		Long: `Run one server of a cluster. The first time it needs the file that "onevoice init" made and the server's name in it; from
then on its directory is enough. An empty directory alone is refused: it is never a new cluster by itself.

With --ca, --cert and --key every connection is encrypted and proved by certificates of "onevoice cert"; without them a server
listens on loopback addresses only, where everybody on this machine may do everything. The files may be exchanged while it
runs; SIGHUP has it look at once.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), o, cmd.ErrOrStderr()) },
	}
	cmd.Flags().StringVar(&o.restore, "restore", "", "the backup that the cluster file begins with, the first time")
	cmd.Flags().Uint64Var(&o.limits.SnapshotEntries, "snapshot-entries", 0, "save a snapshot after so many log entries")
	cmd.Flags().Uint64Var(&o.limits.KeepEntries, "keep-entries", 0, "how many log entries stay behind a snapshot")
	o.flags(cmd)
	if err := errors.Join(cmd.Flags().MarkHidden("snapshot-entries"), cmd.Flags().MarkHidden("keep-entries")); err != nil {
		panic(err) // all these flags are defined above
	}
	return cmd
}

// flags are those that serve and oracle share.
func (o *serveOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.dir, "dir", "", "the server's directory")
	cmd.Flags().StringVar(&o.name, "name", "", "the server's name in the cluster file; with --init-from")
	cmd.Flags().StringVar(&o.initFrom, "init-from", "", "the cluster file, the first time")
	cmd.Flags().StringVar(&o.cpuProfile, "cpu-profile", "", "write a CPU profile to this file until the server stops")
	cmd.Flags().BoolVar(&o.untilStdinCloses, "until-stdin-closes", false, "stop when standard input ends")
	o.proof.flags(cmd)
	if err := errors.Join(cmd.MarkFlagRequired("dir"), cmd.Flags().MarkHidden("until-stdin-closes")); err != nil {
		panic(err) // both flags are defined above
	}
}

func runServe(ctx context.Context, o serveOptions, logs io.Writer) error {
	if err := plantBug(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.untilStdinCloses {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // however it ends, the parent is gone
			cancel()
		}()
	}
	if o.cpuProfile != "" {
		stop, err := profile(o.cpuProfile)
		if err != nil {
			return err
		}
		defer stop()
	}
	var err error
	if o.disk, err = diskOf(o.dir); err != nil {
		return err
	}
	genesis, self, err := prepare(o)
	if err != nil {
		return err
	}
	if err := o.checkRole(self); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(logs, nil)).With("server", self.Name)
	o.schedule(log)
	proofs, err := o.proof.open(genesis, self, log)
	if err != nil {
		return err
	}
	s, err := open(o.disk, o.dir, genesis, self)
	if err != nil {
		return err
	}
	defer s.Close()
	return serve(ctx, s, genesis, self, proofs, o.limits, log)
}

func profile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// prepare makes the directory's contents the first time, and reads from it what the server is.
func prepare(o serveOptions) (cluster.Genesis, cluster.Server, error) {
	known := filepath.Join(o.dir, "cluster.json")
	_, err := os.Stat(known)
	switch {
	case errors.Is(err, os.ErrNotExist) && o.initFrom == "":
		return cluster.Genesis{}, cluster.Server{}, usageError{fmt.Errorf("serve: %s holds no server. An empty directory is never a new cluster by itself: "+
			"make one with onevoice init and start with --init-from FILE --name NAME", o.dir)}
	case errors.Is(err, os.ErrNotExist):
		if err := format(o); err != nil {
			return cluster.Genesis{}, cluster.Server{}, err
		}
	case err != nil:
		return cluster.Genesis{}, cluster.Server{}, fmt.Errorf("serve: %w", err)
	}
	genesis, err := cluster.Read(known)
	if err != nil {
		return genesis, cluster.Server{}, err
	}
	name, err := os.ReadFile(filepath.Join(o.dir, "name"))
	if err != nil {
		return genesis, cluster.Server{}, fmt.Errorf("serve: %w", err)
	}
	self, err := selfIn(o.dir, genesis, strings.TrimSpace(string(name)))
	if err == nil && o.name != "" && o.name != self.Name {
		err = usageError{fmt.Errorf("serve: %s belongs to server %s, not to %s", o.dir, self.Name, o.name)}
	}
	return genesis, self, err
}

// format makes a new server's directory. The copy of the cluster file comes last: without it nothing counts as made.
func format(o serveOptions) error {
	genesis, err := cluster.Read(o.initFrom)
	if err != nil {
		return err
	}
	self, err := genesis.Server(o.name)
	if err != nil {
		return usageError{err}
	}
	if err := o.checkRole(self); err != nil {
		return err
	}
	first, err := firstState(genesis, self, o.restore)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	id := store.Identity{Cluster: genesis.ID(), Server: self.Number}
	if _, err := crand.Read(id.Store[:]); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if err := store.CreateFS(o.disk, filepath.Join(o.dir, "store"), id, first); err != nil {
		return err
	}
	name, known := filepath.Join(o.dir, "name"), filepath.Join(o.dir, "cluster.json")
	if err := os.WriteFile(name, []byte(self.Name+"\n"), 0o644); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if err := keepFiles(name); err != nil {
		return err
	}
	if err := cluster.Write(known, genesis); err != nil {
		return err
	}
	return keepFiles(known)
}

// nodeConfig is what a server's node begins with. An oracle is in the membership's group only; where there is one, the others learn there.
func nodeConfig(g cluster.Genesis, self cluster.Server, random *rand.Rand) replica.Config {
	full, oracles := numbersOf(g.Full()), numbersOf(g.Oracles())
	own := consensus.Config{
		Group: membersGroup, Self: self.Number, Voters: full, Rand: random, Versions: versions(), Limits: limits(),
		NewMachine: func() machine.Machine { return oracle.New(firstMembers(g, self)) },
	}
	if len(oracles) > 0 {
		own.Voters, own.Learners = oracles, full
	}
	c := replica.Config{Self: self.Number, Membership: membersGroup}
	if !self.Oracle {
		c.Groups = append(c.Groups, consensus.Config{
			Group: airspaceGroup, Self: self.Number, Voters: full, Rand: random, Versions: versions(), Limits: limits(),
			NewMachine: func() machine.Machine { return airspace.NewAt(g.ServiceNs(), g.RateMilli) },
		})
	}
	c.Groups = append(c.Groups, own)
	return c
}

func numbersOf(servers []cluster.Server) []uint64 {
	var all []uint64
	for _, s := range servers {
		all = append(all, s.Number)
	}
	return all
}

// open opens the store of a directory and checks that it belongs to the cluster.
func open(disk store.FS, dir string, g cluster.Genesis, self cluster.Server) (*store.Store, error) {
	s, err := store.OpenFS(disk, filepath.Join(dir, "store"))
	if err != nil {
		return nil, err
	}
	if id := s.Identity(); id.Cluster != g.ID() || id.Server != self.Number {
		s.Close()
		return nil, fmt.Errorf("serve: the store in %s belongs to server %d of cluster %x, its cluster file says server %d of %s", dir, id.Server, id.Cluster, self.Number, g.Cluster)
	}
	return s, nil
}

// serve runs node, gateway and HTTP until ctx ends or the node stops.
func serve(ctx context.Context, s *store.Store, g cluster.Genesis, self cluster.Server, proofs proofs, l consensus.Limits, log *slog.Logger) error {
	listener, err := listen(self.HTTP, proofs)
	if err != nil {
		return err
	}
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	config := nodeConfig(g, self, rand.New(rand.NewChaCha8(seed)))
	for i := range config.Groups {
		at := &config.Groups[i].Limits
		at.SnapshotEntries, at.KeepEntries = cmp.Or(l.SnapshotEntries, at.SnapshotEntries), cmp.Or(l.KeepEntries, at.KeepEntries)
	}
	config.Boot = s.Identity().Boot
	if config.Fell, err = fell(); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	node, err := replica.Open(config, s.Scan)
	if err != nil {
		return err
	}
	peers := map[uint64]string{}
	known, err := knownIn(filepath.Dir(s.Dir()), g)
	if err != nil {
		return err
	}
	for _, p := range known {
		if p.Number != self.Number {
			peers[p.Number] = p.Peer
		}
	}
	// The host outlives ctx a little: what this server leads is handed over first.
	h, err := host.Start(context.WithoutCancel(ctx), host.Options{Node: node, Store: s, Self: self.Number, Cluster: g.ID(), Listen: self.Peer, Peers: peers,
		Certs: proofs.certs, Needs: needs(), Build: build(), Log: log})
	if err != nil {
		return err
	}
	defer h.Close()
	log.Info("serving", "cluster", g.Cluster, "http", self.HTTP, "peers", self.Peer, "boot", s.Identity().Boot, "tornTail", s.Torn(), "seed", binary.BigEndian.Uint64(seed[:]))
	return serveHTTP(ctx, h, g, self, known, listener, proofs, log)
}

// listen refuses other addresses than loopback where connections would be neither encrypted nor proved.
func listen(address string, proofs proofs) (net.Listener, error) {
	hostName, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if ip := net.ParseIP(hostName); proofs.certs == nil && hostName != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usageError{fmt.Errorf("serve: %s is not a loopback address, and there are no certificates: make them with onevoice cert init "+
			"and cert issue, and start with --ca, --cert and --key", address)}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	return l, nil
}

func serveHTTP(ctx context.Context, h *host.Host, g cluster.Genesis, self cluster.Server, known []cluster.Server, listener net.Listener, proofs proofs, log *slog.Logger) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	gateway, err := newGateway(h, g, self, known, proofs)
	if err != nil {
		return err
	}
	defer gateway.close()
	go func() {
		select {
		case <-ctx.Done():
		case <-h.Done():
			if isTakenDown(h.Err()) {
				log.Warn("this start ends", "why", h.Err().Error())
				endsBy(endPatience)
			}
			cancel(fmt.Errorf("serve: the node has stopped: %w", h.Err()))
		}
	}()
	go proofs.run(ctx)
	keeper, err := newMembership(gateway, log)
	if err != nil {
		return err
	}
	defer keeper.close()
	go keeper.run(ctx)
	o := web.Options{
		Service: gateway, Node: self.Name, Listen: self.HTTP, Log: log, Backup: gateway.backup, Members: keeper, Locks: keeper, Upgrade: gateway, Oracle: self.Oracle,
	}
	proofs.complete(&o)
	server := web.New(o)
	err = server.Serve(ctx, listener)
	h.HandOver(handOverPatience)
	h.Farewell()
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
