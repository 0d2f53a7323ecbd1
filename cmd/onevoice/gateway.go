package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/consensus"
	"onevoice/detect"
	"onevoice/host"
	"onevoice/internal/cluster"
	"onevoice/members"
	"onevoice/server"
	"onevoice/store"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/web"
	"onevoice/web/api"
	"onevoice/wire"
)

// gateway is what HTTP sees of this server's node: reads by its own barrier, writes by a client that obeys like any other.
type gateway struct {
	host    *host.Host
	group   uint32                        // that it stands on: the airspace's, or in an oracle the membership's
	client  atomic.Pointer[client.Client] // exchanged when the servers change
	genesis cluster.Genesis
	known   []cluster.Server // before the membership is
	self    cluster.Server
	proofs  proofs
	servers atomic.Pointer[[]members.Server] // that belong to the cluster, as far as this one knows
}

var _ web.Service = (*gateway)(nil)

func newGateway(h *host.Host, g cluster.Genesis, self cluster.Server, known []cluster.Server, proofs proofs) (*gateway, error) {
	gate := &gateway{host: h, group: airspaceGroup, genesis: g, known: known, self: self, proofs: proofs}
	if self.Oracle {
		gate.group = membersGroup
	}
	first := memberList(known)
	gate.servers.Store(&first)
	c, err := gate.dial(gate.group, known)
	if err != nil {
		return nil, err
	}
	gate.client.Store(c)
	return gate, nil
}

// dial makes a client of a group that talks to those of these servers that may be in it, to this one within the process.
func (g *gateway) dial(group uint32, servers []cluster.Server) (*client.Client, error) {
	o := client.Options{Group: group, Cluster: g.genesis.ID()}
	for _, s := range servers {
		if s.Oracle && group != membersGroup {
			continue
		}
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer, From: host.SourceFor(g.self.Peer, s.Peer)})
	}
	o.Dial = func(ctx context.Context, e client.Endpoint) (client.Conn, error) {
		if e.Number == g.self.Number {
			return g.host.Pipe(), nil
		}
		return client.DialTLS(ctx, e, g.genesis.ID(), g.proofs.dialing())
	}
	return client.Dial(o)
}

func (g *gateway) close() { g.client.Load().Close() }

func snapshotOf(p consensus.Published) web.Snapshot {
	s := web.Snapshot{Group: p.Group, Epoch: p.Epoch, Index: p.Index, Hash: p.Hash, LogTimeNs: p.LogTimeNs}
	s.State, _ = p.Root.(*airspace.State) // an oracle has none
	return s
}

// Read implements web.Service.
func (g *gateway) Read(ctx context.Context) (web.Snapshot, error) {
	p, err := g.host.Read(ctx, g.group)
	return snapshotOf(p), err
}

// Latest implements web.Service.
func (g *gateway) Latest() web.Snapshot { return snapshotOf(g.host.Latest(g.group)) }

// Do implements web.Service.
func (g *gateway) Do(ctx context.Context, deadline time.Time, op []byte, key *wire.Key) (wire.Reply, error) {
	return g.client.Load().DoUntil(ctx, deadline, op, key)
}

// maxEvents is how many events a stream takes at once.
const maxEvents = 1000

// Events implements web.Service.
func (g *gateway) Events(ctx context.Context, after watch.Position) ([]watch.Item, error) {
	return g.host.Journal(g.group).Wait(ctx, after, maxEvents)
}

// Entries implements web.Service.
func (g *gateway) Entries(after uint64, most, bytes int) (watch.Mark, []watch.Record, error) {
	return g.host.Journal(g.group).Entries(after, most, bytes)
}

// Mark implements web.Service.
func (g *gateway) Mark(index uint64) (watch.Mark, bool) {
	return g.host.Journal(g.group).Mark(index)
}

// Range implements web.Service.
func (g *gateway) Range() (first, last uint64) { return g.host.Journal(g.group).Range() }

// Servers implements web.Service.
func (g *gateway) Servers() []members.Server { return *g.servers.Load() }

// Status implements web.Service.
func (g *gateway) Status() api.Status {
	h := g.host.Status()
	s := api.Status{
		Server: g.self.Number, Cluster: g.genesis.Cluster, Build: build(), AgreedAgeMs: -1, OracleAgeMs: -1,
		Counters: countersOf(&h),
	}
	s.ClockOffsetMs, s.ClockErrorMs, s.ClockState = float64(h.Clock.OffsetNs)/1e6, float64(h.Clock.ErrorNs)/1e6, clockState(h.Clock.Known, h.Clock.Fit)
	s.ObeyedView, s.DetectionBoundMs, s.FsyncP99Ms = uint64(h.View.Number), msOfNs(h.View.BoundNs), msOfNs(int64(h.Disk.SyncP99Ns))
	if p, known := h.View.Process(g.self.Number); known && p.Boot == h.Identity.Boot {
		s.Standing = p.Standing.String()
	}
	g.proofs.addCounters(s.Counters)
	for i := range h.Groups {
		at := &h.Groups[i]
		if at.Group == membersGroup && at.ConfirmedAgeNs >= 0 {
			s.OracleAgeMs = at.ConfirmedAgeNs / int64(time.Millisecond)
		}
		if at.Group != g.group {
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

func clockState(known, fit bool) string {
	switch {
	case !known:
		return "unknown"
	case !fit:
		return "wrong"
	}
	return "good"
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
		"snapshot_saving": oneIf(at.Saving), "snapshot_fetching": oneIf(at.Fetching),
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
		"connections_ended_total": c.LeasesEnded, "frames_forbidden_total": c.Forbidden, "frames_of_ended_starts_total": c.Late,
		"clients": uint64(h.Clients), "queued_peers": uint64(h.QueuedPeers), "queued_clients": uint64(h.QueuedClients),
		"boot": h.Identity.Boot,
	}
	addDisk(to, &h.Disk)
	to["detection_bound_ns"], to["tick_late_p999_ns"] = uint64(h.Detection.BoundNs), uint64(h.Detection.LateNs)
	to["beats_of_earlier_starts_total"], to["beats_of_ended_starts_total"] = h.Detection.Old, h.Detection.Over
	to["round_trip_ns"] = uint64(h.Detection.RoundNs)
	for i, over := 1, c.StepsOver(); i < len(over); i++ {
		to[stepCounter(1<<(i-1))] = over[i]
	}
	for reason, n := range c.Refused {
		to["connections_refused_"+reason+"_total"] = n
	}
	for _, p := range h.Peers {
		name := fmt.Sprintf("peer_%d_", p.Server)
		to[name+"frames_dropped_total"], to[name+"queued"], to[name+"connected"] = p.Dropped, uint64(p.Queued), 0
		to[name+"dials_total"], to[name+"moves_total"] = p.Dials, p.Moves
		to[name+"reported"] = oneIf(reports(&h.Detection, p.Server))
		if p.Connected {
			to[name+"connected"] = 1
		}
	}
	return to
}

// reports says whether this server holds anything against another.
func reports(d *detect.Status, server uint64) bool {
	return slices.ContainsFunc(d.Peers, func(p detect.PeerStatus) bool { return p.Server == server && p.Evidence != view.NoEvidence })
}

// addDisk adds what the store counts.
func addDisk(to map[string]uint64, d *store.Stats) {
	for name, v := range map[string]uint64{
		"rounds_total": d.Rounds, "writes_total": d.Writes, "written_bytes_total": d.WriteBytes, "reads_total": d.Reads,
		"syncs_total": d.Syncs, "sync_ns_total": d.SyncNs, "sync_max_ns": d.SyncMaxNs, "sync_p99_ns": d.SyncP99Ns, "committing_ns": uint64(d.CommittingNs),
		"saves_total": d.Saves, "saved_bytes_total": d.SavedBytes, "queued": uint64(d.Queued), "queued_bytes": uint64(d.QueuedBytes),
		"bytes": d.DiskBytes,
	} {
		to["disk_"+name] = v
	}
}

// stepCounter names the counter of the node's steps that took at least so many milliseconds: nobody is answered meanwhile.
func stepCounter(ms uint64) string { return fmt.Sprintf("steps_over_%dms_total", ms) }

func oneIf(yes bool) uint64 {
	if yes {
		return 1
	}
	return 0
}

func (g *gateway) name(number uint64) string {
	if s, ok := server.MembersOf(g.host.Latest(membersGroup)); ok {
		if v, ok := s.Server(number); ok {
			return v.Name
		}
	}
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
