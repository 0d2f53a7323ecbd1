package host

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"onevoice/problem"
	"onevoice/step"
	"onevoice/wire"
)

// Peer is a server as the agreed membership names it.
type Peer struct {
	Number  uint64
	Address string
	// Store is the identity of its disk; zero where it is not known: then the first one met counts.
	Store wire.ID
	// Gone says that it is removed for good: whoever comes under its number is refused, and told so.
	Gone bool
}

// roster is who may connect, and the connections with those who do. It is replaced as a whole.
type roster struct {
	peers  map[uint64]*peer // not ourselves
	agreed map[uint64]Peer  // what the membership says; nil while nobody has said anything
}

func (h *Host) peer(number uint64) *peer { return h.roster.Load().peers[number] }

func (h *Host) peerNumbers() []uint64 { return slices.Sorted(maps.Keys(h.roster.Load().peers)) }

// SetPeers says which servers there are and were, from now on: new ones are dialled, those gone and those not named are dropped, one
// with another address is dialled there. It is called with what is agreed whenever that changes.
func (h *Host) SetPeers(list []Peer) error {
	for _, p := range list {
		if p.Number == 0 || p.Number > uint64(step.MaxServer) {
			return fmt.Errorf("host: peer %d, allowed: 1 to %d", p.Number, step.MaxServer)
		}
	}
	h.setting.Lock()
	defer h.setting.Unlock()
	select {
	case <-h.stop:
		return nil
	default:
	}
	was := h.roster.Load()
	now := &roster{peers: map[uint64]*peer{}, agreed: map[uint64]Peer{}}
	var fresh []*peer
	for _, p := range list {
		now.agreed[p.Number] = p
		if p.Gone || p.Number == h.disk.Identity().Server {
			continue
		}
		old := was.peers[p.Number]
		if old != nil && old.address == p.Address {
			now.peers[p.Number] = old
			continue
		}
		now.peers[p.Number] = newPeer(p.Number, p.Address)
		fresh = append(fresh, now.peers[p.Number])
	}
	h.roster.Store(now)
	for number, p := range was.peers {
		if now.peers[number] != p {
			p.drop()
		}
	}
	for _, p := range fresh {
		h.startPeer(p)
	}
	return nil
}

// startPeer keeps a connection to a peer until it is dropped or the host stops.
func (h *Host) startPeer(p *peer) {
	ctx, cancel := context.WithCancel(h.dialing)
	p.cancel = cancel
	h.log.Info("peer added", "peer", p.number, "address", p.address)
	h.wg.Go(func() { h.dial(ctx, p) })
}

// drop ends both directions with a peer.
func (p *peer) drop() {
	if p.cancel != nil {
		p.cancel()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = true
	if p.heard != nil {
		_ = p.heard.Close()
	}
}

// checkAgreed compares who introduces itself as a server with the agreed membership.
func (h *Host) checkAgreed(o wire.Hello) *problem.Error {
	r := h.roster.Load()
	a, known := r.agreed[o.Server]
	switch {
	case known && a.Gone:
		return refuse(o, removedField, fmt.Sprint(o.Server), "a server of the cluster",
			"this server was removed from the cluster: stop it; its machine can join again as a new server, by an invitation and with an empty directory")
	case known && a.Store != wire.ID{} && a.Store != o.Store:
		return refuse(o, "store", fmt.Sprintf("%x", o.Store), fmt.Sprintf("%x", a.Store),
			"another disk than the one agreed under this number: a wiped disk is a stranger; invite it as a new server")
	case r.peers[o.Server] == nil:
		return refuse(o, "server", fmt.Sprint(o.Server), fmt.Sprint(h.peerNumbers()), "no server of this cluster has that number")
	}
	return nil
}

// removedField is the reason's word where a server learns that it is removed.
const removedField = "removed"

// handOverPause lies between two attempts to hand over: a tick and a round trip.
const handOverPause = 20 * time.Millisecond

// HandOver gives up what this server leads before it stops, so that nobody waits for an election. It ends when it leads nothing that
// another could, or after patience.
func (h *Host) HandOver(patience time.Duration) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		led := make(chan int, 1)
		select {
		case h.asks <- func() { led <- h.node.HandOver() }:
			if <-led == 0 {
				return
			}
		case <-h.stop:
			return
		}
		if !h.pause(handOverPause) {
			return
		}
	}
}

// Transfer makes this server hand a group that it leads to a voter, 0 for the most up-to-date one. False says that it does not lead it
// or that nobody can take over.
func (h *Host) Transfer(group uint32, to uint64) bool {
	tried := make(chan bool, 1)
	select {
	case h.asks <- func() { tried <- h.node.Transfer(group, to) }:
		return <-tried
	case <-h.stop:
		return false
	}
}
