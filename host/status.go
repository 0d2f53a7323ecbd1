package host

import (
	"maps"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/clock"
	"onevoice/consensus"
	"onevoice/detect"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/store"
	"onevoice/view"
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
	// Clock says how far this server's time of day is from the voters' median.
	Clock clock.Status
	// Detection says what this server holds of the others.
	Detection detect.Status
	// View is the newest view that this server obeys.
	View     view.View
	Counters Counters
	Disk     store.Stats
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
	Dials     uint64 // attempts to connect to it
	Moves     uint64 // times that another connection took over from one that had stalled
	LastError string // why it is not connected; empty while it is
}

// Counters count since Start.
type Counters struct {
	Steps, Inputs    uint64 // steps of the node, and what they took
	Ticks, LateTicks uint64 // late: more than one tick's time overdue
	MaxLateNs        uint64
	// StepsByMs counts the steps by how long the node's goroutine was busy with them, what they left for the disk and the
	// connections included: [0] are those under a millisecond, [i] those from 2^(i-1) up to 2^i, the last the longer ones.
	StepsByMs           [StepClasses]uint64
	FramesIn, FramesOut uint64
	BytesIn, BytesOut   uint64
	Reads, Barriers     uint64 // reads within the process, and the barriers they shared
	EvalsInline         uint64 // queries for which no worker was free
	SlowClients         uint64 // connections cut because replies were not read
	LeasesEnded         uint64 // connections ended because of their age, or because their certificates are no longer good
	Forbidden           uint64 // clients' frames without the right
	Late                uint64 // frames of servers' starts that are over, dropped as they came
	Watches             int64  // streams of events to clients, now
	// Refused are connections that this server refused, by the word of the reason: hello, cluster, server, store, boot,
	// connections, disk, tls, removed, incarnation, and those of package cert.
	Refused map[string]uint64
	// Facts are the node's facts by name.
	Facts map[string]uint64
}

// StepClasses are the classes of Counters.StepsByMs: the last holds steps of half a second and more.
const StepClasses = 11

// StepsOver counts the steps by how long they took at least: [0] are all, [i] those of 2^(i-1) milliseconds and more.
func (c *Counters) StepsOver() [StepClasses]uint64 {
	over := c.StepsByMs
	for i := StepClasses - 1; i > 0; i-- {
		over[i-1] += over[i]
	}
	return over
}

// counters are the live form of Counters.
type counters struct {
	steps, inputs, ticks, lateTicks, maxLateNs atomic.Uint64
	framesIn, framesOut, bytesIn, bytesOut     atomic.Uint64
	reads, barriers, evalsInline, slowClients  atomic.Uint64
	leasesEnded, forbidden, late               atomic.Uint64
	watches                                    atomic.Int64
	lastTickNs                                 int64 // driving goroutine only
	stepsByMs                                  [StepClasses]atomic.Uint64

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

// step notes how long a step took.
func (c *counters) step(tookNs int64) {
	class := bits.Len64(uint64(max(tookNs, 0)) / uint64(time.Millisecond))
	c.stepsByMs[min(class, StepClasses-1)].Add(1)
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
	n := Counters{
		Steps: c.steps.Load(), Inputs: c.inputs.Load(), Ticks: c.ticks.Load(), LateTicks: c.lateTicks.Load(),
		MaxLateNs: c.maxLateNs.Load(), FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(), Reads: c.reads.Load(), Barriers: c.barriers.Load(),
		EvalsInline: c.evalsInline.Load(), SlowClients: c.slowClients.Load(), LeasesEnded: c.leasesEnded.Load(), Forbidden: c.forbidden.Load(), Late: c.late.Load(),
		Watches: c.watches.Load(),
		Refused: maps.Clone(c.refused),
	}
	for i := range c.stepsByMs {
		n.StepsByMs[i] = c.stepsByMs[i].Load()
	}
	return n
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
		if p := h.peer(number); p != nil {
			s.Peers = append(s.Peers, h.peerStatus(p))
		}
	}
	node := h.askNode()
	s.Clock, s.Detection, s.View = node.Clock, node.Detection, h.View()
	s.Counters.Late += node.Late
	for _, g := range node.Groups {
		s.Groups = append(s.Groups, h.groupStatus(g))
	}
	return s
}

// askNode asks the node where it stands, on its goroutine; zero once the host has stopped.
func (h *Host) askNode() replica.Status {
	answer := make(chan replica.Status, 1)
	select {
	case h.asks <- func() { answer <- h.node.Status() }:
		return <-answer
	case <-h.stop:
		return replica.Status{}
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
		Server: p.number, Address: p.address, Connected: p.connected.Load(), HeardNs: h.age(p.heardNs.Load()),
		Dials: p.dials.Load(), Moves: p.moves.Load(),
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
