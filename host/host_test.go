package host_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/watch"
	"onevoice/wire"
)

func TestWhatIsAcknowledgedIsReadAtEveryServer(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.piped()
	var sum uint64
	for i := range uint64(50) {
		reply := c.add(cl, i)
		if sum += i; totalOf(reply) != sum {
			t.Fatalf("total is %d, want %d", totalOf(reply), sum)
		}
		for number := range c.servers {
			got, at, err := c.read(number)
			if err != nil || got != sum || at.Index < reply.Index {
				t.Fatalf("server %d reads %d as of %d: %v; %d was acknowledged at %d", number, got, at.Index, err, sum, reply.Index)
			}
			if mark, ok := c.servers[number].Journal(testGroup).Mark(reply.Index); !ok || mark.Hash != reply.Hash {
				t.Fatalf("server %d: hash of index %d is %x %v, the reply had %x", number, reply.Index, mark.Hash, ok, reply.Hash)
			}
		}
	}
}

// TestAnswersAreFoundInJournalAndState asks under load, over sockets: whoever has an answer finds its index published.
func TestAnswersAreFoundInJournalAndState(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.client()
	const callers, each = 16, 40
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				reply, err := cl.Do(context.Background(), add(1), nil)
				if err != nil {
					t.Errorf("add: %v", err)
					return
				}
				s := c.servers[reply.Server]
				latest := s.Latest(testGroup)
				if mark, ok := s.Journal(testGroup).Mark(reply.Index); !ok || mark.Hash != reply.Hash || latest.Index < reply.Index {
					t.Errorf("answer of index %d: journal has it: %v, published is %d", reply.Index, ok, latest.Index)
				}
			}
		})
	}
	wg.Wait()
	if got, _, err := c.read(1); err != nil || got != callers*each {
		t.Fatalf("total is %d %v, want %d", got, err, callers*each)
	}
}

func TestARestartedServerCatchesUp(t *testing.T) {
	for _, limits := range []consensus.Limits{{}, {SnapshotEntries: 20, KeepEntries: 5}} {
		c := newCluster(t)
		c.limits = limits
		c.startAll()
		leader := c.waitLeader()
		down := leader%3 + 1
		cl := c.client()
		c.add(cl, 1)
		c.stop(down)
		var last wire.Reply
		for range 100 {
			last = c.add(cl, 1)
		}
		s := c.start(down)
		if got, _, err := c.read(down); err != nil || got != totalOf(last) {
			t.Fatalf("after the restart: %d %v, want %d", got, err, totalOf(last))
		}
		if s.Status().Identity.Boot != 2 {
			t.Fatalf("boot is %d", s.Status().Identity.Boot)
		}
		if mark, ok := s.Journal(testGroup).Mark(last.Index); !ok || mark.Hash != last.Hash {
			t.Fatal("the restarted server has another hash")
		}
	}
}

func TestEventsResumeOnAnyServer(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	cl := c.client()
	from := c.add(cl, 0).Index
	const n = 60
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		for range n {
			if _, err := cl.Do(context.Background(), add(1), nil); err != nil {
				t.Error(err)
			}
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pos, want := watch.EndOf(from), uint64(1)
	for want <= n {
		server := c.servers[want%3+1]
		items, err := server.Journal(testGroup).Wait(ctx, pos, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			if got := binary.BigEndian.Uint64(item.Event); got != want {
				t.Fatalf("event %d came, want %d", got, want)
			}
			pos, want = item.Position, want+1
		}
	}
	cancel()
	if _, err := c.servers[1].Journal(testGroup).Wait(ctx, pos, 7); !errors.Is(err, context.Canceled) {
		t.Fatalf("waiting without news ended with %v", err)
	}
}

func isKind(err error, kind problem.Kind) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Kind == kind
}

func TestWithoutAMajorityThereIsNoVoice(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	leader := c.waitLeader()
	last := c.add(c.client(), 7)
	left := leader%3 + 1
	for number := range c.addrs {
		if number != left {
			c.stop(number)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.servers[left].Read(ctx, testGroup); !isKind(err, problem.NoVoice) {
		t.Fatalf("a read with a deadline got %v", err)
	}
	if _, _, err := c.read(left); !isKind(err, problem.NoVoice) {
		t.Fatalf("a read without a majority got %v", err)
	}
	if latest := c.servers[left].Latest(testGroup); latest.Root == nil {
		t.Fatal("the last known state is gone")
	}
	for number := range c.addrs {
		if number != left {
			c.start(number)
		}
	}
	if got, _, err := c.read(left); err != nil || got != totalOf(last) {
		t.Fatalf("after the restart of the others: %d %v", got, err)
	}
	if _, err := c.servers[left].Read(context.Background(), 99); !isKind(err, problem.NotFound) {
		t.Fatalf("a read of an unknown group got %v", err)
	}
}
