package host_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onevoice/cert"
	"onevoice/client"
	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/host"
	"onevoice/internal/ports"
	"onevoice/machine"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/wire"
)

const testGroup = 1

// counter is a machine that adds: each operation is a number, the result is the total, and each makes one event.
type counter struct{ total uint64 }

func (c *counter) Advance(machine.At, machine.Emit) {}

func (c *counter) Apply(_ machine.At, op []byte, emit machine.Emit) []byte {
	n, _ := binary.Uvarint(op)
	c.total += n
	result := binary.BigEndian.AppendUint64(nil, c.total)
	emit(result)
	return result
}

func (c *counter) DueNs() int64       { return 0 }
func (c *counter) Root() machine.Root { return total(c.total) }
func (c *counter) Loaded() error      { return nil }

func (c *counter) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	c.total = r.U64()
	return r.Finish()
}

type total uint64

func (t total) Query([]byte) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t)) }

func (t total) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { yield(t.Query(nil)) }
}

func add(n uint64) []byte { return binary.AppendUvarint(nil, n) }

// cluster is three servers in this process, over real sockets and disks.
type cluster struct {
	t       testing.TB
	id      wire.ID
	dir     string
	addrs   map[uint64]string
	limits  consensus.Limits
	machine func() machine.Machine  // nil: a counter
	agreed  uint32                  // the group that says who is up, 0 for none
	certs   map[uint64]*cert.Keeper // nil: without TLS
	tls     *tls.Config             // of clients
	mu      sync.Mutex              // of servers, which clients of this process look up
	servers map[uint64]*server
}

type server struct {
	*host.Host
	disk *store.Store
}

func newCluster(t testing.TB) *cluster {
	c := &cluster{t: t, id: wire.ID{1, 2, 3}, dir: t.TempDir(), addrs: freeAddresses(t, 3), servers: map[uint64]*server{}}
	t.Cleanup(func() {
		for number := range c.servers {
			c.stop(number)
		}
	})
	return c
}

// freeAddresses finds ports that were free a moment ago; whoever listens takes them anew.
func freeAddresses(t testing.TB, n uint64) map[uint64]string {
	t.Helper()
	all, err := ports.Addresses(int(n))
	if err != nil {
		t.Fatal(err)
	}
	addrs := map[uint64]string{}
	for i, address := range all {
		addrs[uint64(i+1)] = address
	}
	return addrs
}

func (c *cluster) path(number uint64) string { return filepath.Join(c.dir, fmt.Sprint("n", number)) }

func (c *cluster) config(number uint64) replica.Config {
	g := consensus.Config{
		Group: testGroup, Self: number, NewMachine: func() machine.Machine { return &counter{} }, Limits: c.limits,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
	if c.machine != nil {
		g.NewMachine = c.machine
	}
	for n := range uint64(len(c.addrs)) {
		g.Voters = append(g.Voters, n+1)
	}
	return replica.Config{Self: number, Membership: c.agreed, Groups: []consensus.Config{g}}
}

func (c *cluster) identity(number uint64) store.Identity {
	return store.Identity{Cluster: c.id, Server: number, Store: wire.ID{byte(number), byte(rand.Uint32()), byte(rand.Uint32())}}
}

func (c *cluster) create(number uint64) {
	c.t.Helper()
	first, err := replica.Bootstrap(c.config(number))
	if err == nil {
		err = store.Create(c.path(number), c.identity(number), first)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// open starts a server whose disk exists; the error is Start's.
func (c *cluster) open(number uint64) (*server, error) {
	c.t.Helper()
	disk, err := store.Open(c.path(number))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.serve(number, disk)
}

func (c *cluster) serve(number uint64, disk *store.Store) (*server, error) {
	config := c.config(number)
	config.Boot = disk.Identity().Boot
	node, err := replica.Open(config, disk.Scan)
	if err != nil {
		c.t.Fatal(err)
	}
	h, err := host.Start(context.Background(), host.Options{
		Node: node, Store: disk, Self: number, Cluster: disk.Identity().Cluster, Listen: c.addrs[number], Peers: c.addrs,
		Certs: c.certs[number], Needs: testNeeds,
		Log: slog.New(slog.NewTextHandler(logTo{c.t}, &slog.HandlerOptions{Level: slog.LevelWarn})).With("server", number),
	})
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return &server{h, disk}, nil
}

func (c *cluster) start(number uint64) *server {
	c.t.Helper()
	s, err := c.open(number)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[number] = s
	return s
}

func (c *cluster) startAll() {
	c.t.Helper()
	for number := range c.addrs {
		c.create(number)
		c.start(number)
	}
}

func (c *cluster) stop(number uint64) {
	s := c.servers[number]
	if s == nil {
		return
	}
	c.mu.Lock()
	delete(c.servers, number)
	c.mu.Unlock()
	var down *replica.Downed
	if err := errors.Join(s.Close(), s.disk.Close()); err != nil && !errors.As(err, &down) {
		c.t.Errorf("server %d: %v", number, err)
	}
}

type logTo struct{ t testing.TB }

func (l logTo) Write(line []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

// patience is far longer than anything a test waits for takes.
const patience = 20 * time.Second

// eventually waits for a condition that no channel tells of.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func (c *cluster) leader() uint64 {
	for number, s := range c.servers {
		for _, g := range s.Status().Groups {
			if g.Role == consensus.RoleLeader && g.ConfirmedAgeNs >= 0 {
				return number
			}
		}
	}
	return 0
}

func (c *cluster) waitLeader() uint64 {
	c.t.Helper()
	var leader uint64
	eventually(c.t, "a leader", func() bool { leader = c.leader(); return leader != 0 })
	return leader
}

func (c *cluster) read(number uint64) (uint64, consensus.Published, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := c.servers[number].Read(ctx, testGroup)
	if err != nil {
		return 0, p, err
	}
	return uint64(p.Root.(total)), p, nil
}

// client asks all servers over sockets, and follows the leader.
func (c *cluster) client() *client.Client { return c.dial(nil) }

// piped asks servers of this process without sockets.
func (c *cluster) piped() *client.Client {
	return c.dial(func(_ context.Context, e client.Endpoint) (client.Conn, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if s := c.servers[e.Number]; s != nil {
			return s.Pipe(), nil
		}
		return nil, errors.New("that server does not run")
	})
}

func (c *cluster) dial(dial func(context.Context, client.Endpoint) (client.Conn, error)) *client.Client {
	c.t.Helper()
	o := client.Options{Group: testGroup, Cluster: c.id, Dial: dial, TLS: c.tls}
	for number := range uint64(len(c.addrs)) {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: number + 1, Addr: c.addrs[number+1]})
	}
	cl, err := client.Dial(o)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cl.Close() })
	return cl
}

// add adds n through cl and gives the reply.
func (c *cluster) add(cl *client.Client, n uint64) wire.Reply {
	c.t.Helper()
	reply, err := cl.Do(context.Background(), add(n), nil)
	if err != nil {
		c.t.Fatalf("add: %v", err)
	}
	return reply
}

func totalOf(r wire.Reply) uint64 { return binary.BigEndian.Uint64(r.Result) }
