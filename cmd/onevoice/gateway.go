package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/consensus"
	"onevoice/host"
	"onevoice/internal/cluster"
	"onevoice/problem"
	"onevoice/watch"
	"onevoice/web"
	"onevoice/web/api"
	"onevoice/wire"
)

// gateway is what HTTP sees of this server's node: reads by its own barrier, writes by a client that obeys like any other.
type gateway struct {
	host    *host.Host
	client  *client.Client
	genesis cluster.Genesis
	self    cluster.Server
}

var _ web.Service = (*gateway)(nil)

func newGateway(h *host.Host, g cluster.Genesis, self cluster.Server) (*gateway, error) {
	o := client.Options{Group: airspaceGroup, Cluster: g.ID()}
	for _, s := range g.Servers {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer})
	}
	o.Dial = func(ctx context.Context, e client.Endpoint) (client.Conn, error) {
		if e.Number == self.Number {
			return h.Pipe(), nil
		}
		return client.DialTCP(ctx, e, g.ID())
	}
	c, err := client.Dial(o)
	if err != nil {
		return nil, err
	}
	return &gateway{host: h, client: c, genesis: g, self: self}, nil
}

func (g *gateway) close() { g.client.Close() }

func snapshotOf(p consensus.Published) web.Snapshot {
	s := web.Snapshot{Group: p.Group, Epoch: p.Epoch, Index: p.Index, Hash: p.Hash, LogTimeNs: p.LogTimeNs}
	if p.Root != nil {
		s.State = p.Root.(*airspace.State)
	}
	return s
}

// Read implements web.Service.
func (g *gateway) Read(ctx context.Context) (web.Snapshot, error) {
	p, err := g.host.Read(ctx, airspaceGroup)
	return snapshotOf(p), err
}

// Latest implements web.Service.
func (g *gateway) Latest() web.Snapshot { return snapshotOf(g.host.Latest(airspaceGroup)) }

// Do implements web.Service.
func (g *gateway) Do(ctx context.Context, op []byte, key *wire.Key) (wire.Reply, error) {
	return g.client.Do(ctx, op, key)
}

// maxEvents is how many events a stream takes at once.
const maxEvents = 1000

// Events implements web.Service.
func (g *gateway) Events(ctx context.Context, after watch.Position) ([]watch.Item, error) {
	return g.host.Journal(airspaceGroup).Wait(ctx, after, maxEvents)
}

// Mark implements web.Service.
func (g *gateway) Mark(index uint64) (watch.Mark, bool) {
	return g.host.Journal(airspaceGroup).Mark(index)
}

// Range implements web.Service.
func (g *gateway) Range() (first, last uint64) { return g.host.Journal(airspaceGroup).Range() }

// Status implements web.Service.
func (g *gateway) Status() api.Status {
	h := g.host.Status()
	s := api.Status{
		Server: g.self.Number, Cluster: g.genesis.Cluster, Build: build(), AgreedAgeMs: -1,
		Counters: countersOf(&h),
	}
	for i := range h.Groups {
		at := &h.Groups[i]
		if at.Group != airspaceGroup {
			continue
		}
		s.Role, s.Leader, s.Commit = roleOf(at.Role), g.name(at.Leader), at.Commit
		if at.ConfirmedAgeNs >= 0 {
			s.AgreedAgeMs = at.ConfirmedAgeNs / int64(time.Millisecond)
		}
		addCounters(s.Counters, &at.Status)
	}
	return s
}

// roleOf tells pre-candidates and candidates as one: they differ for raft alone.
func roleOf(r consensus.Role) string {
	if r == consensus.RolePreCandidate {
		r = consensus.RoleCandidate
	}
	return string(r)
}

// addCounters adds what the airspace's log counts.
func addCounters(to map[string]uint64, at *consensus.Status) {
	c := &at.Counters
	for name, v := range map[string]uint64{
		"entries_total": c.Entries, "commands_total": c.Commands, "duplicates_total": c.Duplicates, "refused_total": c.Refused,
		"fenced_total": c.Fenced, "overloaded_total": c.Overloaded, "barriers_total": c.Barriers, "no_voice_total": c.NoVoice,
		"snapshots_saved_total": c.Snapshots, "snapshots_installed_total": c.Installed, "snapshot_index": at.SnapshotIndex,
		"log_first_index": at.First, "log_last_index": at.Last, "sessions": uint64(at.Sessions), "idempotency_keys": uint64(at.Keys),
		"commands_waiting": uint64(at.Waiting), "queries_waiting": uint64(at.WaitingReads),
	} {
		to[name] = v
	}
}

// countersOf takes what the host counts.
func countersOf(h *host.Status) map[string]uint64 {
	c := &h.Counters
	to := map[string]uint64{
		"steps_total": c.Steps, "late_ticks_total": c.LateTicks, "frames_in_total": c.FramesIn, "frames_out_total": c.FramesOut,
		"bytes_in_total": c.BytesIn, "bytes_out_total": c.BytesOut, "reads_total": c.Reads, "slow_clients_total": c.SlowClients,
		"clients": uint64(h.Clients), "queued_peers": uint64(h.QueuedPeers), "queued_clients": uint64(h.QueuedClients),
		"boot": h.Identity.Boot,
	}
	for reason, n := range c.Refused {
		to["connections_refused_"+reason+"_total"] = n
	}
	for _, p := range h.Peers {
		name := fmt.Sprintf("peer_%d_", p.Server)
		to[name+"frames_dropped_total"], to[name+"queued"], to[name+"connected"] = p.Dropped, uint64(p.Queued), 0
		if p.Connected {
			to[name+"connected"] = 1
		}
	}
	return to
}

func (g *gateway) name(number uint64) string {
	for _, s := range g.genesis.Servers {
		if s.Number == number {
			return s.Name
		}
	}
	return ""
}

func build() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// announcePause is how long a server waits before it looks again whether the replicated list of servers is there.
const announcePause = 500 * time.Millisecond

// announce puts the cluster's own servers into the replicated settings, where browsers' origins are checked against, unless
// somebody has done so.
func (g *gateway) announce(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		err := g.announceOnce(ctx)
		if err == nil {
			return
		}
		var p *problem.Error
		if !errors.As(err, &p) || p.Kind != problem.NoVoice {
			log.Warn("the list of servers was not put", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(announcePause):
		}
	}
}

func (g *gateway) announceOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*announcePause)
	defer cancel()
	now, err := g.Read(ctx)
	if err != nil || len(now.State.Settings().Servers) > 0 {
		return err
	}
	version := now.State.Settings().Version
	cmd := airspace.SetServers{If: airspace.Precondition{Match: &version}}
	for _, s := range g.genesis.Servers {
		cmd.Servers = append(cmd.Servers, airspace.Server{Number: s.Number, Name: s.Name, HTTP: s.HTTP})
	}
	reply, err := g.client.Do(ctx, airspace.Encode(cmd), nil)
	if err != nil {
		return err
	}
	result, err := airspace.DecodeResult(reply.Result)
	if err == nil && result.Problem != nil && result.Problem.Kind != problem.PreconditionFailed {
		err = fmt.Errorf("announce: %w", result.Problem)
	}
	return err
}
