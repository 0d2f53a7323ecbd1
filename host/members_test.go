package host_test

import (
	"strings"
	"testing"

	"onevoice/host"
	"onevoice/problem"
	"onevoice/store"
	"onevoice/wire"
)

// peersOf is the agreed membership of a cluster of three, with a change made to it.
func (c *cluster) peersOf(change func(p *host.Peer)) []host.Peer {
	var list []host.Peer
	for n := uint64(1); n <= 3; n++ {
		p := host.Peer{Number: n, Address: c.addrs[n]}
		change(&p)
		list = append(list, p)
	}
	return list
}

// TestWhoIsRemovedStopsForGood: a server that the membership calls gone is refused, learns why, and never serves again.
func TestWhoIsRemovedStopsForGood(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	c.waitLeader()
	list := c.peersOf(func(p *host.Peer) { p.Gone = p.Number == 3 })
	for n := uint64(1); n <= 2; n++ {
		if err := c.servers[n].SetPeers(list); err != nil {
			t.Fatal(err)
		}
	}
	s := c.servers[3]
	<-s.Done()
	if err := s.Err(); !isKind(err, problem.Refused) || !strings.Contains(err.Error(), "was removed from the cluster") {
		t.Fatalf("it stopped with %v", err)
	}
	delete(c.servers, 3)
	if err := s.disk.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(c.path(3)); err == nil || !strings.Contains(err.Error(), "was removed from the cluster") {
		t.Errorf("its disk opens again: %v", err)
	}
	eventually(t, "the refusal is counted", func() bool {
		return c.servers[1].Status().Counters.Refused["removed"]+c.servers[2].Status().Counters.Refused["removed"] > 0
	})
	for _, p := range c.servers[1].Status().Peers {
		if p.Server == 3 {
			t.Error("it is still dialled")
		}
	}
	if _, _, err := c.read(1); err != nil {
		t.Error(err)
	}
}

// TestAnotherDiskThanTheAgreedOne is refused, though nobody has met the agreed one.
func TestAnotherDiskThanTheAgreedOne(t *testing.T) {
	c := newCluster(t)
	c.create(1)
	c.create(2)
	c.create(3)
	c.start(1)
	list := c.peersOf(func(p *host.Peer) {
		if p.Number == 2 {
			p.Store = wire.ID{9, 9, 9}
		}
	})
	if err := c.servers[1].SetPeers(list); err != nil {
		t.Fatal(err)
	}
	c.start(2)
	eventually(t, "the stranger is refused", func() bool { return c.servers[1].Status().Counters.Refused["store"] > 0 })
	if err := c.servers[1].SetPeers([]host.Peer{{Number: 1 << 20}}); err == nil {
		t.Error("a number that no server can have is taken")
	}
}

func TestHandOver(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	leader := c.waitLeader()
	if c.servers[leader].Transfer(99, 0) {
		t.Error("a group that is not here is handed over")
	}
	c.servers[leader].HandOver(patience)
	eventually(t, "another leads", func() bool { return c.servers[leader].Status().Groups[0].Role == "follower" })
}
