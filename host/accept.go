package host

import (
	"bufio"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"onevoice/problem"
	"onevoice/step"
	"onevoice/subject"
	"onevoice/wire"
)

// maxConns bounds the connections from outside, of clients and servers; one more is refused as overloaded.
const maxConns = 4_096

// acceptPause is how long accepting rests when the system has no more file descriptors.
const acceptPause = 50 * time.Millisecond

// accept takes connections until the listener is closed.
func (h *Host) accept() {
	slots := make(chan struct{}, maxConns)
	for {
		conn, err := h.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			h.log.Warn("accept", "error", err.Error())
			if !h.pause(acceptPause) {
				return
			}
			continue
		}
		select {
		case slots <- struct{}{}:
			h.conns.add(conn)
			h.wg.Go(func() {
				h.serve(conn)
				h.conns.remove(conn)
				h.leases.remove(conn)
				<-slots
			})
		default:
			h.tooMany(conn)
		}
	}
}

// tooMany refuses a connection without waiting for it.
func (h *Host) tooMany(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(acceptPause))
	to := conn
	if h.certs != nil {
		to = nowhere{conn} // a handshake costs more than a refusal may
	}
	h.refused(to, &problem.Error{Kind: problem.Overloaded, Op: "connect", Field: "connections", Value: "more",
		Allowed: "at most " + strconv.Itoa(maxConns), Detail: "try again later or another server"})
	_ = conn.Close()
}

// serve runs one connection from outside to its end, and closes it.
func (h *Host) serve(conn net.Conn) {
	defer conn.Close()
	conn, err := h.sealTaken(conn)
	if err != nil {
		return
	}
	r := bufio.NewReaderSize(conn, bufferBytes)
	hello, who, err := h.welcome(conn, r)
	if err != nil {
		return
	}
	if hello.Role == wire.RoleClient {
		h.serveClient(conn, r, who)
		return
	}
	p := h.peer(hello.Server)
	if p == nil {
		return // dropped since it was welcomed
	}
	used := false
	err = h.readFrames(r, step.Address(p.number), func(in []step.Input) bool {
		if !h.heardOf(hello.Server, hello.Boot, in) || !used && !p.movedTo(conn, hello.Boot) {
			return false
		}
		used = true
		p.heardNs.Store(h.nowNs())
		return h.inbox.putPeer(in)
	})
	h.log.Debug("peer's connection ended", "peer", p.number, "why", err.Error())
}

// serveClient runs a client's connection: its first frame says whether it watches or asks.
func (h *Host) serveClient(conn net.Conn, r *bufio.Reader, who subject.Subject) {
	first, err := wire.ReadFrame(r, wire.MaxFrameBytes)
	if err != nil {
		return
	}
	if header, body, err := wire.Open(first); err == nil && header.Kind == wire.KindWatch {
		if ask, err := wire.ReadWatch(body); err == nil {
			h.serveWatch(conn, r, who, header, ask)
			return
		}
	}
	h.serveAsker(conn, r, who, first)
}

// serveAsker runs the connection of a client that sends commands and queries.
func (h *Host) serveAsker(conn net.Conn, r *bufio.Reader, who subject.Subject, first []byte) {
	c := h.clients.add(who, conn.Close)
	gone := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		h.writeFrames(conn, c.out, gone)
		_ = conn.Close()
	})
	put := func(in []step.Input) bool { return h.inbox.putClient(h.permitted(c, who, in)) }
	if put([]step.Input{{Kind: step.Frame, From: c.address, Bytes: first}}) {
		_ = h.readFrames(r, c.address, put) // however it ended, the client knows or retries
	}
	close(gone)
	_ = conn.Close()
	writer.Wait()
	h.endClient(c)
}

func (h *Host) endClient(c *client) {
	h.clients.remove(c.address)
	c.out.setOpen(false)
	h.inbox.putUrgent(step.Input{Kind: step.Gone, From: c.address})
}

// conns are the connections to close when the host stops.
type conns struct {
	mu     sync.Mutex
	all    map[net.Conn]bool
	closed bool
}

func (c *conns) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
		return
	}
	if c.all == nil {
		c.all = map[net.Conn]bool{}
	}
	c.all[conn] = true
}

func (c *conns) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, conn)
}

func (c *conns) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.all {
		_ = conn.Close()
	}
}
