package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"onevoice/consensus"
	"onevoice/host"
	"onevoice/lab/toy"
	"onevoice/machine"
	"onevoice/replica"
	"onevoice/view"
	"onevoice/wire"
)

// TestAFailingDiskStopsItsServer runs a server whose disk breaks: it acknowledges nothing any more, stops, and says why.
func TestAFailingDiskStopsItsServer(t *testing.T) {
	var broken atomic.Bool
	h := serveAlone(t, errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, ".log") {
			return syscall.EIO
		}
		return nil
	})))
	pipe := h.Pipe()
	for reply := (wire.Reply{}); reply.Status != wire.OK; {
		var err error
		if reply, err = openSession(pipe); err != nil {
			t.Fatal(err)
		}
	}
	broken.Store(true)
	if reply, err := openSession(pipe); err == nil {
		t.Fatalf("with a broken disk: %+v", reply)
	}
	<-h.Done()
	if err := h.Err(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("it stopped with %v", err)
	}
	if groups := h.Status().Groups; len(groups) != 0 {
		t.Fatal("a stopped server tells of its groups")
	}
	if _, err := h.Read(context.Background(), 1); err == nil {
		t.Fatal("a stopped server answers")
	}
}

// serveAlone starts the only voter of a group.
func serveAlone(t *testing.T, fs vfs.FS) *host.Host {
	t.Helper()
	cfg := replica.Config{Self: 3, Groups: []consensus.Config{{
		Group: 1, Self: 3, Voters: []uint64{3}, NewMachine: func() machine.Machine { return toy.New() },
		Rand: rand.New(rand.NewPCG(1, 2)),
	}}}
	first, err := replica.Bootstrap(cfg)
	if err != nil {
		t.Fatal(err)
	}
	create(t, fs, dir, first...)
	s := open(t, fs, dir)
	node, err := replica.Open(cfg, s.Scan)
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.Start(context.Background(), host.Options{
		Node: node, Store: s, Self: 3, Cluster: s.Identity().Cluster, Listen: "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// openSession asks for a session and waits for the answer.
func openSession(pipe *host.Pipe) (wire.Reply, error) {
	if err := pipe.Send([][]byte{(&wire.Command{Request: 1}).Encode(1, view.Epoch{})}); err != nil {
		return wire.Reply{}, err
	}
	for {
		frames, err := pipe.Recv()
		if err != nil {
			return wire.Reply{}, err
		}
		for _, f := range frames {
			header, body, err := wire.Open(f)
			if err != nil {
				return wire.Reply{}, err
			}
			if header.Kind == wire.KindReply {
				return wire.ReadReply(body)
			}
		}
	}
}
