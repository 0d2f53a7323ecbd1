package server_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/client"
	"onevoice/examples/counter"
	"onevoice/internal/ports"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/server"
	"onevoice/view"
)

// patience is far longer than anything a test waits for takes.
const patience = 30 * time.Second

// cluster is servers of a counter in this process.
type cluster struct {
	t         *testing.T
	dir       string
	addresses []string
	servers   map[uint64]*server.Server
}

func newCluster(t *testing.T, n int) *cluster {
	addresses, err := ports.Addresses(n + 1)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: t.TempDir(), addresses: addresses, servers: map[uint64]*server.Server{}}
	t.Cleanup(func() {
		for n := range c.servers {
			c.stop(n)
		}
	})
	for i := range uint64(n) {
		c.start(i + 1)
	}
	return c
}

func (c *cluster) options(number uint64) server.Options {
	return server.Options{
		Dir: filepath.Join(c.dir, fmt.Sprint(number)), Machine: counter.New,
		First: &server.First{Cluster: "test", Number: number, Addresses: c.addresses[:len(c.addresses)-1]},
	}
}

func (c *cluster) start(number uint64) *server.Server {
	c.t.Helper()
	return c.startAs(number, c.options(number))
}

func (c *cluster) startAs(number uint64, o server.Options) *server.Server {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	s, err := server.Start(context.WithoutCancel(ctx), o)
	if err != nil {
		c.t.Fatal(err)
	}
	c.servers[number] = s
	return s
}

func (c *cluster) stop(number uint64) {
	c.t.Helper()
	s := c.servers[number]
	delete(c.servers, number)
	if err := s.Stop(); err != nil {
		c.t.Errorf("server %d: %v", number, err)
	}
}

func (c *cluster) client() *client.Client {
	c.t.Helper()
	cl, err := client.Dial(server.Client(c.addresses...))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cl.Close() })
	return cl
}

func (c *cluster) add(cl *client.Client, n uint64) uint64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	reply, err := cl.Do(ctx, counter.Add(n), nil)
	if err != nil {
		c.t.Fatalf("add %d: %v", n, err)
	}
	return counter.Total(reply.Result)
}

// eventually waits for a condition that no channel tells of.
func (c *cluster) eventually(what string, holds func() bool) {
	c.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			c.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// TestEveryServerCanStopAndComeBack in turn, as in a rolling restart, and the directory alone is enough then.
func TestEveryServerCanStopAndComeBack(t *testing.T) {
	c := newCluster(t, 3)
	cl := c.client()
	want := uint64(0)
	for number := uint64(1); number <= 3; number++ {
		want++
		if got := c.add(cl, 1); got != want {
			t.Fatalf("total %d, want %d", got, want)
		}
		c.stop(number)
		want++
		if got := c.add(cl, 1); got != want {
			t.Fatalf("without server %d: total %d, want %d", number, got, want)
		}
		o := c.options(number)
		o.First = nil
		s := c.startAs(number, o)
		c.eventually("the server that came back has it all", func() bool {
			r := s.Host().Latest(server.Group).Root
			return r != nil && counter.Total(r.Query(counter.Get())) == want
		})
		c.eventually("it is up", func() bool {
			p, ok := processOf(s, number)
			return ok && p.Standing == view.Up && p.Boot == s.Host().Status().Identity.Boot
		})
	}
}

// TestAServerThatIsTakenDownIsStartedAnew by itself, within the process, as a new incarnation.
func TestAServerThatIsTakenDownIsStartedAnew(t *testing.T) {
	c := newCluster(t, 3)
	cl := c.client()
	c.add(cl, 1)
	victim := c.servers[2]
	before := victim.Host().Status().Identity.Boot
	pid := func() (p view.Process, ok bool) {
		p, ok = processOf(c.servers[1], 2)
		return p, ok && p.Standing == view.Up
	}
	c.eventually("server 2 is up", func() bool { _, up := pid(); return up })
	o := server.Client(c.addresses...)
	o.Group = server.Membership
	word, err := client.Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	defer word.Close()
	c.eventually("it is taken down by a fence", func() bool {
		p, _ := pid()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		reply, err := word.Do(ctx, oracle.Fence(p.PID).Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := members.DecodeResult(reply.Result)
		return err == nil && r.Problem == nil
	})
	c.eventually("the next start is up", func() bool {
		p, up := pid()
		return up && p.Boot > before && victim.Host().Status().Identity.Boot == p.Boot
	})
	if got := c.add(cl, 2); got != 3 {
		t.Errorf("total %d, want 3", got)
	}
}

// TestAServerJoinsByInvitation, learns, votes, and takes the place of one that goes.
func TestAServerJoinsByInvitation(t *testing.T) {
	c := newCluster(t, 3)
	cl := c.client()
	c.add(cl, 5)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	c.eventually("the beginning is settled", func() bool {
		s, ok := server.MembersOf(c.servers[1].Host().Latest(server.Membership))
		return ok && s.Settled()
	})
	invitation, err := c.servers[1].Invite(ctx, time.Hour, 3)
	if err != nil {
		t.Fatal(err)
	}
	address := c.addresses[3]
	joiner := c.startAs(4, server.Options{Dir: filepath.Join(c.dir, "4"), Machine: counter.New, Invitation: invitation, Address: address})
	if joiner.Number() != 4 {
		t.Errorf("joined as server %d", joiner.Number())
	}
	c.eventually("it votes in the place of server 3", func() bool {
		s, ok := server.MembersOf(c.servers[1].Host().Latest(server.Membership))
		old, _ := s.Server(3)
		v, joined := s.Server(4)
		return ok && joined && v.Wish == members.Voter && old.Gone
	})
	removed := c.servers[3]
	delete(c.servers, 3)
	if err := removed.Wait(); err == nil || !strings.Contains(err.Error(), "removed from the cluster") {
		t.Errorf("a server that was removed ended with: %v", err)
	}
	c.stop(1)
	if got := c.add(cl, 1); got != 6 {
		t.Errorf("total %d, want 6", got)
	}
	c.stop(4)
	c.startAs(4, server.Options{Dir: filepath.Join(c.dir, "4"), Machine: counter.New})
	if got := c.add(cl, 1); got != 7 {
		t.Errorf("total %d, want 7", got)
	}
	if _, err := server.Start(ctx, server.Options{Dir: filepath.Join(c.dir, "5"), Machine: counter.New, Invitation: invitation, Address: address}); err == nil {
		t.Error("an invitation was used twice")
	}
}

// TestWhatIsRefused says what is wrong, and what would be right.
func TestWhatIsRefused(t *testing.T) {
	addresses, err := ports.Addresses(3)
	if err != nil {
		t.Fatal(err)
	}
	first := func(n uint64, a ...string) *server.First { return &server.First{Number: n, Addresses: a} }
	made := server.Options{Dir: t.TempDir(), Machine: counter.New, First: first(1, addresses[0])}
	s, err := server.Start(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "server.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    server.Options
		want string
	}{
		{server.Options{Dir: t.TempDir()}, "Machine"},
		{server.Options{Machine: counter.New}, "Dir"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New}, "never a new cluster by itself"},
		{server.Options{Dir: damaged, Machine: counter.New}, "server.json"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New, First: first(4, addresses...)}, "First.Number is 4, allowed: 1 to 3"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New, First: first(1)}, "First.Addresses"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New, First: first(1, "nowhere")}, "host:port"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New, First: first(1, addresses[0], addresses[0])}, "twice"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New, First: first(1, "10.1.2.3:7001")}, "loopback"},
		{server.Options{Dir: made.Dir, Machine: counter.New, First: first(2, addresses...)}, "belongs to server 1, not to 2"},
		{server.Options{Dir: t.TempDir(), Machine: counter.New, Invitation: "xyz", Address: addresses[0]}, "invitation"},
	} {
		s, err := server.Start(t.Context(), c.o)
		if err == nil {
			err = errors.Join(errors.New("it was started"), s.Stop())
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q is not in: %v", c.want, err)
		}
	}
}

// TestAStoppedLeaderHandsOver: right after the stop somebody leads, and nobody has waited for an election.
func TestAStoppedLeaderHandsOver(t *testing.T) {
	c := newCluster(t, 3)
	cl := c.client()
	c.add(cl, 1)
	leader := cl.Status().Leader
	c.eventually("all are up", func() bool {
		for n := range c.servers {
			if p, ok := processOf(c.servers[leader], n); !ok || p.Standing != view.Up {
				return false
			}
		}
		return true
	})
	c.stop(leader)
	for _, s := range c.servers {
		for _, g := range s.Host().Status().Groups {
			if g.Group == server.Group && g.Leader == leader {
				t.Errorf("server %d still takes server %d for the leader", s.Number(), leader)
			}
		}
	}
}

// processOf is a server in the newest view of another.
func processOf(s *server.Server, number uint64) (view.Process, bool) {
	v := s.Host().View()
	return v.Process(number)
}
