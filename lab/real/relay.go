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
	turn := r.turn(host, toPort)
	n.mu.Lock()
	n.turns = append(n.turns, turn)
	n.mu.Unlock()
	reset := n.put(r.link(host, toPort) + " reject with tcp reset") // the connections that go past the relay
	return func() {
		r.delayNs.Store(0)
		n.mu.Lock()
		n.turns = slices.DeleteFunc(n.turns, func(t *rule) bool { return t == turn })
		n.mu.Unlock()
		reset()
	}, nil
}

// Far makes connections from each of some addresses to each of some host:port late by d in each direction, but not within one address. It is
// Delay for a network that is so from the beginning: connections that exist already go past it.
func (n *Network) Far(from, to []string, d time.Duration) error {
	var turns []*rule
	for _, a := range from {
		for _, b := range to {
			host, port, err := net.SplitHostPort(b)
			if err != nil {
				return fmt.Errorf("lab real: delay: %w", err)
			}
			if host == a {
				continue
			}
			r, err := n.relayOf(a, b)
			if err != nil {
				return err
			}
			r.delayNs.Store(int64(d))
			turns = append(turns, r.turn(host, port))
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turns = append(n.turns, turns...)
	n.apply()
	return nil
}

// link matches the packets of a relay's link that do not come from the relay itself.
func (r *relay) link(host, port string) string {
	return fmt.Sprintf("meta mark != %d ip saddr %s ip daddr %s tcp dport %s", passMark, r.from, host, port)
}

// turn turns new connections of the link into the relay.
func (r *relay) turn(host, port string) *rule {
	return &rule{fmt.Sprintf("%s dnat ip to %s:%d", r.link(host, port), relayAddress, r.listener.Addr().(*net.TCPAddr).Port)}
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
	if err != nil {
		time.Sleep(2 * time.Duration(r.delayNs.Load())) // the dial and its refusal are on their way for as long
		return
	}
	if !r.hold(far) {
		return
	}
	defer r.drop(far)
	var both sync.WaitGroup
	both.Go(func() { r.pump(near, far) })
	both.Go(func() { r.pump(far, near) })
	both.Wait()
}

// late is a piece of a stream and when it is due; nil bytes are its end.
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
			if _, err := to.Write(piece.bytes); err != nil || piece.bytes == nil {
				break
			}
		}
		_, _ = to.Close(), from.Close()
	})
	for {
		buffer := make([]byte, relayChunk)
		count, err := from.Read(buffer)
		piece := late{buffer[:count], time.Now().Add(time.Duration(r.delayNs.Load()))}
		if err != nil {
			piece.bytes = nil
		}
		select {
		case queue <- piece:
			if err == nil {
				continue
			}
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
