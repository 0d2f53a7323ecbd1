package consensus

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.etcd.io/raft/v3"

	"onevoice/machine"
	"onevoice/step"
	"onevoice/wire"
)

// Config is what a group is made of.
type Config struct {
	// Group is the group's number, from 1; it is the first part of every key on disk.
	Group uint32
	// Self is this server's number, 1 to step.MaxServer.
	Self uint64
	// Boot is the number of this start of the server, each one higher than those before; 0 where nobody counts them: then no view takes
	// this server down.
	Boot uint64
	// Voters are the voters at the group's beginning, sorted; used by Bootstrap only.
	Voters []uint64
	// Learners are the learners at the group's beginning, sorted, none of them a voter; used by Bootstrap only.
	Learners []uint64
	// NewMachine makes an empty machine.
	NewMachine func() machine.Machine
	// Rand makes the read barriers of this start distinct from those of an earlier one; so each start needs another seed.
	Rand *rand.Rand
	// Versions are the machine versions that this build supports; the zero value is FirstVersion alone.
	Versions Versions
	// Limits; the zero value of each field means its default.
	Limits Limits
}

// Limits are the bounds that a test or an operator may change. They need not be equal on all replicas.
type Limits struct {
	// SnapshotEntries is after how many applied entries a snapshot is saved, from half of it to one and a half: the members save by turns.
	SnapshotEntries uint64
	// SnapshotBytes is after how many bytes of applied entries a snapshot is saved, up to one and a half times: it bounds memory and replay.
	SnapshotBytes uint64
	// KeepEntries is how many entries stay behind a snapshot for followers that are a little late.
	KeepEntries uint64
	// KeepBytes bounds those entries' bytes.
	KeepBytes uint64
	// ApplyBytes is after how many bytes of entries a Flush applies no more: what else came waits for it.
	ApplyBytes uint64
	// QueueCommands and QueueBytes bound the commands that wait for a place in the log; above it they are Overloaded.
	QueueCommands int
	QueueBytes    int
	// Queries bounds the queries that wait for their barrier; above it they are Overloaded.
	Queries int
}

// DefaultLimits are the limits in use where nothing else is said.
func DefaultLimits() Limits {
	return Limits{
		SnapshotEntries: 10_000,
		SnapshotBytes:   64 << 20,
		KeepEntries:     5_000,
		KeepBytes:       64 << 20,
		ApplyBytes:      8 << 10,
		QueueCommands:   8_192,
		QueueBytes:      32 << 20,
		Queries:         65_536,
	}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		SnapshotEntries: cmp.Or(l.SnapshotEntries, d.SnapshotEntries),
		SnapshotBytes:   cmp.Or(l.SnapshotBytes, d.SnapshotBytes),
		KeepEntries:     cmp.Or(l.KeepEntries, d.KeepEntries),
		KeepBytes:       cmp.Or(l.KeepBytes, d.KeepBytes),
		ApplyBytes:      cmp.Or(l.ApplyBytes, d.ApplyBytes),
		QueueCommands:   cmp.Or(l.QueueCommands, d.QueueCommands),
		QueueBytes:      cmp.Or(l.QueueBytes, d.QueueBytes),
		Queries:         cmp.Or(l.Queries, d.Queries),
	}
}

// Bounds and times that are no setting.
const (
	// batchCommands and batchBytes close an entry: large enough that the entry's own cost vanishes, small enough that
	// applying it does not delay a heartbeat.
	batchCommands = 4_096
	batchBytes    = 1 << 20
	// inFlight is how many own entries may be unapplied: enough to overlap disk and network, few enough to batch.
	inFlight = 4
	// maxLogBytes stops the leader from proposing while this much was applied since the last durable snapshot: saving is then
	// slower than writing, and memory must not pay for it.
	maxLogBytes = 512 << 20
	// maxQueryBytes bounds the questions held while they wait.
	maxQueryBytes = 32 << 20
	// readBatches is how many read barriers may be on their way at once.
	readBatches = 4
	// readRetryNs, or readRetryRounds round trips, is when a barrier without an answer is asked again under a fresh context: a
	// follower's takes one to the leader, and the leader's one more.
	readRetryNs     = int64(100 * time.Millisecond)
	readRetryRounds = 3
	// queryTimeoutNs is when a query without a barrier is answered NoVoice: longer than any failover.
	queryTimeoutNs = int64(2 * time.Second)
	// timeEntryNs is the longest time without an entry while there is a leader, so that log time goes on.
	timeEntryNs = int64(time.Second)
	// stallNs is how old the oldest write of a leader may grow before it stops heartbeats and proposals, so that another
	// takes over: its answers wait for its disk. Far above a slow sync under load, far below a client's patience.
	stallNs = int64(500 * time.Millisecond)
	// pullWindow is how many chunks a lagging follower has asked for at once.
	pullWindow = 8
	// pullRetryNs is when a chunk that did not come is asked for again.
	pullRetryNs = int64(200 * time.Millisecond)
	// sendTimeoutNs is when a follower that asks for no more chunks is taken to have gone: longer than a slow one needs to
	// load the chunks of its window and to make them durable. One that gives up says so.
	sendTimeoutNs = int64(2 * time.Second)
	// holdEntries and holdBytes are for how many times the usual interval a leader keeps a snapshot that is being fetched, and
	// the log that a live follower lacks. Bytes bound memory; small entries are cheap, and a follower must have time.
	holdEntries = 16
	holdBytes   = 4
	// maxServing bounds the chunk reads on their way; a request above it is dropped and will be repeated.
	maxServing = 64
)

// Raft's own times, in ticks as raft counts them: see pace.
const (
	electionTicks  = 10
	heartbeatTicks = 1
)

func (c *Config) check() error {
	switch {
	case c.Group == 0:
		return fmt.Errorf("consensus: Config.Group is 0, allowed: from 1")
	case c.Self == 0 || c.Self > uint64(step.MaxServer):
		return fmt.Errorf("consensus: Config.Self is %d, allowed: 1 to %d", c.Self, step.MaxServer)
	case c.NewMachine == nil:
		return fmt.Errorf("consensus: Config.NewMachine is nil")
	}
	return c.Versions.orDefault().check()
}

func (c *Config) checkVoters() error {
	if len(c.Voters) == 0 || !slices.IsSorted(c.Voters) || len(slices.Compact(slices.Clone(c.Voters))) != len(c.Voters) {
		return fmt.Errorf("consensus: Config.Voters is %v, allowed: sorted, distinct, at least one", c.Voters)
	}
	if last := c.Voters[len(c.Voters)-1]; c.Voters[0] == 0 || last > uint64(step.MaxServer) {
		return fmt.Errorf("consensus: Config.Voters is %v, allowed: numbers 1 to %d", c.Voters, step.MaxServer)
	}
	if err := (members{voters: c.Voters, learners: c.Learners}).check(); err != nil {
		return fmt.Errorf("consensus: Config.Learners is %v: %w", c.Learners, err)
	}
	return nil
}

func (g *Group) raftConfig(applied uint64) *raft.Config {
	return &raft.Config{
		ID:                        g.cfg.Self,
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		Storage:                   g.tail,
		Applied:                   applied,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             1 << 20,
		MaxCommittedSizePerReady:  g.cfg.Limits.ApplyBytes,
		MaxUncommittedEntriesSize: 16 << 20,
		MaxInflightMsgs:           256,
		MaxInflightBytes:          8 << 20,
		CheckQuorum:               true,
		PreVote:                   true,
		ReadOnlyOption:            raft.ReadOnlySafe,
		Logger:                    &raftLog{g: g},
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
	}
}

// maxStoredChunk bounds a stored chunk: it must fit the frame that carries it.
const maxStoredChunk = wire.MaxChunkBytes
