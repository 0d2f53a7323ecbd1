package host

import (
	"sync"

	"onevoice/step"
)

// Limits of the inbox. A reader of a connection that meets one waits, and so, by TCP, does its sender.
const (
	// maxPeerInputs and maxPeerBytes bound what servers have sent and the node has not taken: many bursts of raft messages,
	// and a few of the largest.
	maxPeerInputs = 8_192
	maxPeerBytes  = 64 << 20
	// maxClientInputs and maxClientBytes bound what clients have sent: twice what the groups would queue.
	maxClientInputs = 16_384
	maxClientBytes  = 64 << 20
)

// One step of the node takes at most maxBurst inputs. Servers come before clients, but leave them half, so that neither a
// flood of requests delays a heartbeat nor a flood of raft messages starves the clients.
const (
	maxBurst     = 4_096
	maxBurstPeer = maxBurst / 2
)

// inbox is what waits for the node: first what the disk has finished and which connections broke, then frames of servers,
// then frames of clients.
type inbox struct {
	mu      sync.Mutex
	room    sync.Cond
	urgent  fifo // bounded by the writes, reads and saves under way, and by the connections
	peers   fifo
	clients fifo
	closed  bool
	ready   chan struct{}
}

func newInbox() *inbox {
	b := &inbox{ready: make(chan struct{}, 1)}
	b.room.L = &b.mu
	return b
}

func (b *inbox) signal() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// putUrgent never waits.
func (b *inbox) putUrgent(in step.Input) {
	b.mu.Lock()
	if !b.closed {
		b.urgent.push(in)
	}
	b.mu.Unlock()
	b.signal()
}

// putPeer waits for room; false means that the host is closing.
func (b *inbox) putPeer(in []step.Input) bool {
	return b.put(&b.peers, in, maxPeerInputs, maxPeerBytes)
}

// putClient waits for room; false means that the host is closing.
func (b *inbox) putClient(in []step.Input) bool {
	return b.put(&b.clients, in, maxClientInputs, maxClientBytes)
}

func (b *inbox) put(f *fifo, in []step.Input, most, mostBytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range in {
		for !b.closed && f.len() > 0 && (f.len() >= most || f.bytes+len(i.Bytes) > mostBytes) {
			b.signal()
			b.room.Wait()
		}
		if b.closed {
			return false
		}
		f.push(i)
	}
	b.signal()
	return true
}

// take appends a burst to into. Where more waits it makes itself ready again.
func (b *inbox) take(into []step.Input) []step.Input {
	b.mu.Lock()
	defer b.mu.Unlock()
	into = b.urgent.moveTo(into, b.urgent.len())
	into = b.peers.moveTo(into, maxBurstPeer)
	into = b.clients.moveTo(into, max(1, maxBurst-len(into)))
	if b.peers.len()+b.clients.len() > 0 {
		b.signal()
	}
	b.room.Broadcast()
	return into
}

func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.room.Broadcast()
}

// sizes are the lengths of the queues of servers and of clients.
func (b *inbox) sizes() (peers, clients int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peers.len(), b.clients.len()
}
