package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/problem"
	"onevoice/step"
	"onevoice/wire"
)

// A peer is dialled for ever: the pause doubles from firstPause to lastPause, with jitter, and begins anew after a
// handshake. A broken connection is not a death; only the cluster decides who is down.
const (
	firstPause  = 5 * time.Millisecond
	lastPause   = 200 * time.Millisecond
	dialTimeout = 300 * time.Millisecond // a lost first packet is sent again by the next dial, which the system would do after 1 s
)

// peer is another server of the cluster.
type peer struct {
	number  uint64
	address string
	out     *outbox

	connected atomic.Bool
	heardNs   atomic.Int64 // when its last frame came, 0 never
	dials     atomic.Uint64
	lastError atomic.Pointer[string]
	program   atomic.Pointer[wire.Program] // its build, while we are connected to it

	cancel context.CancelFunc // ends the dialling; set before it begins

	mu    sync.Mutex
	heard net.Conn // its newest connection to us
}

func newPeer(number uint64, address string) *peer {
	return &peer{number: number, address: address, out: newOutbox(maxOutPeer, true, false)}
}

// heardOn notes the peer's newest connection to us and gives the one before.
func (p *peer) heardOn(conn net.Conn) net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.heard
	p.heard = conn
	return old
}

// dial keeps a connection to p until ctx ends.
func (h *Host) dial(ctx context.Context, p *peer) {
	pause := firstPause
	for {
		met, err := h.dialOnce(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if met {
			pause = firstPause
		}
		h.dialFailed(p, err)
		if !h.pause(pause/2 + rand.N(pause)) {
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// dialOnce runs one connection to its end; met says whether the handshake succeeded.
func (h *Host) dialOnce(ctx context.Context, p *peer) (met bool, err error) {
	p.dials.Add(1)
	d := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive, Control: impatient}
	if from := SourceFor(h.Addr(), p.address); from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	raw, err := d.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return false, err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	h.conns.add(raw)
	defer h.conns.remove(raw)
	defer h.leases.remove(raw)
	conn, err := h.sealDialled(ctx, raw, p.number)
	if err != nil {
		return false, err
	}
	r := bufio.NewReaderSize(conn, bufferBytes)
	welcome, err := h.greet(conn, r, p.number)
	if err != nil {
		return false, err
	}
	p.program.Store(welcome.Program)
	p.lastError.Store(nil)
	p.connected.Store(true)
	p.out.setOpen(true)
	h.log.Info("peer connected", "peer", p.number, "address", p.address)
	h.talk(conn, r, p)
	p.out.setOpen(false)
	p.connected.Store(false)
	p.program.Store(nil)
	h.inbox.putUrgent(step.Input{Kind: step.Gone, From: step.Address(p.number)})
	return true, errors.New("the connection ended")
}

// SourceFor is the IP address from which a server that listens at one host:port dials another, so that firewalls and logs
// see one address per server; empty leaves it to the system. That is so where either is no address but a name, the first is
// of all interfaces, or only one is a loopback address, from which nothing but loopback addresses can be reached.
func SourceFor(listen, peer string) string {
	own, to := ipOf(listen), ipOf(peer)
	if own == nil || to == nil || own.IsUnspecified() || own.IsLoopback() != to.IsLoopback() || (own.To4() == nil) != (to.To4() == nil) {
		return ""
	}
	return own.String()
}

func ipOf(address string) net.IP {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	return net.ParseIP(host)
}

// talk sends p's frames until the connection ends. Nothing comes back on it: a byte that does is the end as well.
func (h *Host) talk(conn net.Conn, r *bufio.Reader, p *peer) {
	ended := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		_, _ = r.ReadByte() // blocks until the connection ends
		close(ended)
		_ = conn.Close()
	})
	h.writeFrames(conn, p.out, ended)
	_ = conn.Close()
	reader.Wait()
}

// dialFailed notes why p is not connected, and logs it where it is news.
func (h *Host) dialFailed(p *peer, err error) {
	if why, ours := condemned(err); ours {
		h.condemn(p, why)
		return
	}
	var refusal *problem.Error
	if errors.As(err, &refusal) {
		h.count.refuse(refusal.Field)
	}
	text := err.Error()
	if old := p.lastError.Swap(&text); old == nil || *old != text {
		h.log.Warn("peer not connected", "peer", p.number, "address", p.address, "why", text)
	}
}

// condemn ends this server for good: a peer has seen a later start of it, so its disk has forgotten promises, or it was removed.
func (h *Host) condemn(p *peer, why *problem.Error) {
	if err := h.disk.Condemn(fmt.Sprintf("server %d refused it: %v", p.number, why)); err != nil {
		h.fail(err)
		return
	}
	h.fail(why)
}

// pause waits; false means that the host stops.
func (h *Host) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.stop:
		return false
	}
}
