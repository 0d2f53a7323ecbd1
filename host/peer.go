package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"onevoice/problem"
	"onevoice/step"
	"onevoice/wire"
)

// peer is another server of the cluster.
type peer struct {
	number  uint64
	address string
	out     *outbox

	connected atomic.Bool
	heardNs   atomic.Int64 // when its last frame came, 0 never
	dials     atomic.Uint64
	moves     atomic.Uint64
	lastError atomic.Pointer[string]
	program   atomic.Pointer[wire.Program] // its build, while we are connected to it

	cancel context.CancelFunc // ends the dialling; set before it begins

	mu        sync.Mutex
	heard     net.Conn // the connection to us on which it sends
	heardBoot uint64   // and the start that does
	dropped   bool
}

func newPeer(number uint64, address string) *peer {
	return &peer{number: number, address: address, out: newOutbox(maxOutPeer, true, false)}
}

// movedTo says that the peer sends on that connection now. The one before, if there is one, is closed: the peer has given it up, or is
// a new start. A connection that was only welcomed does not count: a peer may make several and use one. False says that the peer was
// dropped.
func (p *peer) movedTo(conn net.Conn, boot uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard != nil {
		_ = p.heard.Close()
	}
	p.heard, p.heardBoot = conn, boot
	return !p.dropped
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

// dialFailed notes why p is not connected, and logs it where it is news.
func (h *Host) dialFailed(p *peer, err error) {
	if why, ours := condemned(err); ours {
		h.condemn(p, why)
		return
	}
	if why := h.takenDown(err, p.number); why != nil {
		h.fail(why)
		return
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		h.inbox.putUrgent(step.Input{Kind: step.Refused, From: step.Address(p.number)})
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
