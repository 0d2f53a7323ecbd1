package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"onevoice/client"
	"onevoice/client/lock"
	"onevoice/consensus"
	"onevoice/host"
	"onevoice/internal/ports"
	"onevoice/machine"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/problem"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/wire"
)

// servers are three hosts of the oracle's group in this process, over real sockets and disks.
type servers struct {
	t     *testing.T
	dir   string
	peers map[uint64]string
	up    map[uint64]func()
}

func newServers(t *testing.T) *servers {
	s := &servers{t: t, dir: t.TempDir(), peers: map[uint64]string{}, up: map[uint64]func(){}}
	all, err := ports.Addresses(3)
	if err != nil {
		t.Fatal(err)
	}
	for i, address := range all {
		s.peers[uint64(i+1)] = address
	}
	for n := range s.peers {
		first, err := replica.Bootstrap(s.config(n))
		if err == nil {
			err = store.Create(s.path(n), store.Identity{Cluster: wire.ID{1}, Server: n, Store: wire.ID{byte(n)}}, first)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

func (s *servers) path(n uint64) string { return filepath.Join(s.dir, fmt.Sprint("n", n)) }

func (s *servers) config(n uint64) replica.Config {
	genesis := members.Genesis{Groups: []uint32{1}}
	for n := range uint64(3) {
		genesis.Servers = append(genesis.Servers, members.Server{Number: n + 1, Name: fmt.Sprint("n", n+1), HTTP: fmt.Sprint("h:", n+1), Peer: s.peers[n+1]})
	}
	return replica.Config{Self: n, Boot: 1, Membership: 1, Groups: []consensus.Config{{
		Group: 1, Self: n, Voters: []uint64{1, 2, 3}, Rand: rand.New(rand.NewPCG(rand.Uint64(), n)),
		NewMachine: func() machine.Machine { return oracle.New(genesis) },
	}}}
}

func (s *servers) start() {
	s.t.Helper()
	for n := range s.peers {
		disk, err := store.Open(s.path(n))
		if err != nil {
			s.t.Fatal(err)
		}
		c := s.config(n)
		c.Boot = disk.Identity().Boot
		node, err := replica.Open(c, disk.Scan)
		if err != nil {
			s.t.Fatal(err)
		}
		h, err := host.Start(context.Background(), host.Options{Node: node, Store: disk, Self: n, Cluster: wire.ID{1}, Listen: s.peers[n], Peers: s.peers})
		if err != nil {
			s.t.Fatal(err)
		}
		s.up[n] = func() { h.Close(); disk.Close() }
	}
}

func (s *servers) stop() {
	for n, stop := range s.up {
		stop()
		delete(s.up, n)
	}
}

// TestOverAClient: locks over sockets and disks. All servers go, for longer than the lease lasts; the holder notices by itself, and when they are
// back nobody else has the name before its time.
func TestOverAClient(t *testing.T) {
	s := newServers(t)
	s.start()
	o := client.Options{Group: 1, Cluster: wire.ID{1}}
	for n := range uint64(3) {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: n + 1, Addr: s.peers[n+1]})
	}
	c, err := client.Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	opt := lock.Options{TTL: 2 * time.Second, Owner: "one"}
	one, err := lock.Acquire(ctx, lock.Over(c), "a", opt)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-one.Done():
		t.Fatal(one.Err())
	case <-time.After(opt.TTL + opt.TTL/4): // longer than it lasts unkept
	}
	var p *problem.Error
	if _, err := lock.Acquire(ctx, lock.Over(c), "a", lock.Options{}); !errors.As(err, &p) || p.Kind != problem.Refused {
		t.Errorf("a second holder: %v", err)
	}
	s.stop()
	<-one.Done()
	if err := one.Err(); !errors.As(err, &p) || p.Kind != problem.Expired {
		t.Errorf("lost: %v", err)
	}
	s.start()
	if _, err := lock.Acquire(ctx, lock.Over(c), "a", lock.Options{}); !errors.As(err, &p) || p.Kind != problem.Refused {
		t.Errorf("somebody else after the outage: %v", err)
	}
	opt.Holder = one.Token().Holder
	again, err := lock.Acquire(ctx, lock.Over(c), "a", opt)
	if err != nil || again.Token() != one.Token() {
		t.Fatalf("taken up again: %v, %v", again, err)
	}
	if l, held, err := lock.Over(c).Find(ctx, "a"); err != nil || !held || l.Token != one.Token() {
		t.Errorf("%+v, %v, %v", l, held, err)
	}
	if err := again.Release(ctx); err != nil {
		t.Error(err)
	}
	two, err := lock.Await(ctx, lock.Over(c), "a", opt)
	if err != nil || two.Token().Compare(one.Token()) <= 0 {
		t.Fatalf("after the release: %v, %v", two, err)
	}
	if err := two.Release(ctx); err != nil {
		t.Error(err)
	}
}
