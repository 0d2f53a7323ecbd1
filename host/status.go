package host

import (
	"maps"
	"sync"
	"sync/atomic"

	"onevoice/consensus"
	"onevoice/step"
	"onevoice/store"
)

// Status is what a server knows of itself, without asking anybody.
type Status struct {
	Identity store.Identity
	Address  string
	UpNs     int64 // since Start
	// Groups are empty once the host has stopped.
	Groups []GroupStatus // by number
	Peers  []PeerStatus  // by number
	// Clients is the number of clients' connections, those within the process included.
	Clients int
	// QueuedPeers and QueuedClients are frames that wait for the node, QueuedEvals queries that wait for a worker.
	QueuedPeers, QueuedClients, QueuedEvals int
	Counters                                Counters
	Disk                                    store.Stats
}

// GroupStatus says where a group stands here.
type GroupStatus struct {
	consensus.Status
	// ConfirmedAgeNs is how long ago a majority last confirmed anything to this server, -1 never in this process.
	ConfirmedAgeNs int64
	// FirstHash and LastHash are the range of indices whose hash is held.
	FirstHash, LastHash uint64
}

// PeerStatus is the state of the connections with another server.
type PeerStatus struct {
	Server    uint64
	Address   string
	Connected bool  // ours to it; its connection to us shows in HeardAgeNs
	HeardNs   int64 // how long ago its last frame came, -1 never in this process
	Queued    int   // frames that wait to be sent
	Dropped   uint64
	Dials     uint64
	LastError string // why it is not connected; empty while it is
}

// Counters count since Start.
type Counters struct {
	Steps, Inputs       uint64 // steps of the node, and what they took
	Ticks, LateTicks    uint64 // late: more than one tick's time overdue
	MaxLateNs           uint64
	FramesIn, FramesOut uint64
	BytesIn, BytesOut   uint64
	Reads, Barriers     uint64 // reads within the process, and the barriers they shared
	EvalsInline         uint64 // queries for which no worker was free
	SlowClients         uint64 // connections cut because replies were not read
	// Refused are connections that this server refused, by the word of the reason: hello, cluster, server, store, boot,
	// connections, disk.
	Refused map[string]uint64
	// Facts are the node's facts by name.
	Facts map[string]uint64
}

// counters are the live form of Counters.
type counters struct {
	steps, inputs, ticks, lateTicks, maxLateNs atomic.Uint64
	framesIn, framesOut, bytesIn, bytesOut     atomic.Uint64
	reads, barriers, evalsInline, slowClients  atomic.Uint64
	lastTickNs                                 int64 // driving goroutine only

	mu      sync.Mutex
	refused map[string]uint64
}

// tick notes a tick; the driving goroutine calls it.
func (c *counters) tick(nowNs int64) {
	c.ticks.Add(1)
	if late := nowNs - c.lastTickNs - step.TickNs; c.lastTickNs > 0 && late > 0 {
		if late > step.TickNs {
			c.lateTicks.Add(1)
		}
		if uint64(late) > c.maxLateNs.Load() {
			c.maxLateNs.Store(uint64(late))
		}
	}
	c.lastTickNs = nowNs
}

// refuse counts a refusal and gives how many there were for that reason.
func (c *counters) refuse(reason string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[string]uint64{}
	}
	c.refused[reason]++
	return c.refused[reason]
}

func (c *counters) snapshot() Counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counters{
		Steps: c.steps.Load(), Inputs: c.inputs.Load(), Ticks: c.ticks.Load(), LateTicks: c.lateTicks.Load(),
		MaxLateNs: c.maxLateNs.Load(), FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(), Reads: c.reads.Load(), Barriers: c.barriers.Load(),
		EvalsInline: c.evalsInline.Load(), SlowClients: c.slowClients.Load(), Refused: maps.Clone(c.refused),
	}
}

// Status takes the figures of this moment. It waits for the node's goroutine, at most for one step.
func (h *Host) Status() Status {
	s := Status{
		Identity: h.disk.Identity(), Address: h.Addr(), UpNs: h.nowNs(), Clients: h.clients.len(), QueuedEvals: len(h.evals),
		Counters: h.count.snapshot(), Disk: h.disk.Stats(),
	}
	s.Counters.Facts = h.facts.snapshot()
	s.QueuedPeers, s.QueuedClients = h.inbox.sizes()
	for _, number := range h.peerNumbers() {
		s.Peers = append(s.Peers, h.peerStatus(h.peers[number]))
	}
	for _, g := range h.askNode() {
		s.Groups = append(s.Groups, h.groupStatus(g))
	}
	return s
}

// askNode asks the node where its groups stand, on its goroutine.
func (h *Host) askNode() []consensus.Status {
	answer := make(chan []consensus.Status, 1)
	select {
	case h.asks <- func() { answer <- h.node.Status().Groups }:
		return <-answer
	case <-h.stop:
		return nil
	}
}

func (h *Host) groupStatus(s consensus.Status) GroupStatus {
	g := h.groups[s.Group]
	t := GroupStatus{Status: s, ConfirmedAgeNs: h.age(g.confirmedNs.Load())}
	t.FirstHash, t.LastHash = g.journal.Range()
	return t
}

func (h *Host) peerStatus(p *peer) PeerStatus {
	s := PeerStatus{
		Server: p.number, Address: p.address, Connected: p.connected.Load(), HeardNs: h.age(p.heardNs.Load()), Dials: p.dials.Load(),
	}
	s.Queued, s.Dropped = p.out.sizes()
	if e := p.lastError.Load(); e != nil {
		s.LastError = *e
	}
	return s
}

// age is the time since a moment of nowNs, -1 where there was none.
func (h *Host) age(atNs int64) int64 {
	if atNs == 0 {
		return -1
	}
	return h.nowNs() - atNs
}
