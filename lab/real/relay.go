package real

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// relayAddress is where relays listen.
	relayAddress = "127.0.8.1"
	// relayChunk is the most that is read at once, relayChunks how many wait in one direction: beyond that the sender waits,
	// as on a link of limited bandwidth.
	relayChunk  = 16 << 10
	relayChunks = 512
	// relayDial bounds a relay's own dial.
	relayDial = 2 * time.Second
)

// Delay makes connections from one address to a server's port late by d in each direction, from now on and without a restart:
// new connections are turned into a relay, which dials on from the address of the one who dialled, so that cuts between the
// two still hold. Connections that exist are reset, for they go past the relay.
func (n *Network) Delay(from, to string, d time.Duration) (Undo, error) {
	host, toPort, err := net.SplitHostPort(to)
	if err != nil {
		return nil, fmt.Errorf("lab real: delay: %w", err)
	}
	r, err := n.relayOf(from, to)
	if err != nil {
		return nil, err
	}
	r.delayNs.Store(int64(d))
	port := r.listener.Addr().(*net.TCPAddr).Port
	link := fmt.Sprintf("meta mark != %d ip saddr %s ip daddr %s tcp dport %s", passMark, from, host, toPort)
	turn := &rule{fmt.Sprintf("%s dnat ip to %s:%d", link, relayAddress, port)}
	n.mu.Lock()
	n.turns = append(n.turns, turn)
	n.mu.Unlock()
	reset := n.put(link + " reject with tcp reset") // the connections that go past the relay
	return func() {
		r.delayNs.Store(0)
		n.mu.Lock()
		n.turns = slices.DeleteFunc(n.turns, func(t *rule) bool { return t == turn })
		n.mu.Unlock()
		reset()
	}, nil
}

// relayOf finds or starts the relay of a link.
func (n *Network) relayOf(from, to string) (*relay, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.relays {
		if r.from == from && r.to == to {
			return r, nil
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(relayAddress, "0"))
	if err != nil {
		return nil, fmt.Errorf("lab real: delay: %w", err)
	}
	r := &relay{from: from, to: to, listener: listener, conns: map[net.Conn]bool{}}
	r.group.Go(r.accept)
	n.relays = append(n.relays, r)
	return r, nil
}

// relay carries the connections of one link.
type relay struct {
	from, to string
	listener net.Listener
	delayNs  atomic.Int64
	group    sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		r.group.Go(func() { r.carry(conn) })
	}
}

// hold keeps a connection for close; false means that the relay is closed already.
func (r *relay) hold(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = conn.Close()
		return false
	}
	r.conns[conn] = true
	return true
}

func (r *relay) drop(conn net.Conn) {
	_ = conn.Close()
	r.mu.Lock()
	delete(r.conns, conn)
	r.mu.Unlock()
}

// carry dials on and carries one connection to its end.
func (r *relay) carry(near net.Conn) {
	if !r.hold(near) {
		return
	}
	defer r.drop(near)
	d := net.Dialer{Timeout: relayDial, LocalAddr: &net.TCPAddr{IP: net.ParseIP(r.from)}, Control: markPass}
	far, err := d.DialContext(context.Background(), "tcp", r.to)
	if err != nil || !r.hold(far) {
		return
	}
	defer r.drop(far)
	var both sync.WaitGroup
	both.Go(func() { r.pump(near, far) })
	both.Go(func() { r.pump(far, near) })
	both.Wait()
}

// late is a piece of a stream and when it is due.
type late struct {
	bytes []byte
	due   time.Time
}

// pump carries one direction. The end of either side ends both.
func (r *relay) pump(from, to net.Conn) {
	queue, stop := make(chan late, relayChunks), make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		defer close(stop)
		for piece := range queue {
			time.Sleep(time.Until(piece.due)) // the delay itself
			if _, err := to.Write(piece.bytes); err != nil {
				break
			}
		}
		_, _ = to.Close(), from.Close()
	})
	for {
		buffer := make([]byte, relayChunk)
		count, err := from.Read(buffer)
		if err != nil {
			break
		}
		select {
		case queue <- late{buffer[:count], time.Now().Add(time.Duration(r.delayNs.Load()))}:
			continue
		case <-stop:
		}
		break
	}
	close(queue)
	writer.Wait()
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for conn := range r.conns {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
}
