package host_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"onevoice/host"
	"onevoice/internal/realm"
	"onevoice/problem"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/wire"
)

// alone starts server 1 of three; the others never run.
func alone(t *testing.T) (*cluster, *server) {
	c := newCluster(t)
	c.create(1)
	return c, c.start(1)
}

func TestStrangersAreRefusedAndCounted(t *testing.T) {
	c, s := alone(t)
	good := wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 2, Store: wire.ID{2}, Boot: 5, Starts: []uint64{50, 40, 30}}
	with := func(change func(*wire.Hello)) wire.Hello {
		h := good
		change(&h)
		return h
	}
	check := func(what string, hello wire.Hello, field string) {
		t.Helper()
		conn := dialTCP(t, s.Addr())
		welcome, refusal := conn.hello(t, hello)
		if field == "" {
			if refusal != nil || welcome.Server != 1 || welcome.Cluster != c.id || welcome.Boot != 1 {
				t.Fatalf("%s: %+v %v", what, welcome, refusal)
			}
			return
		}
		if refusal == nil || refusal.Field != field || refusal.Detail == "" {
			t.Fatalf("%s: %+v %v, want a refusal for %s", what, welcome, refusal, field)
		}
		if _, err := conn.Recv(); err == nil {
			t.Fatalf("%s: the connection goes on", what)
		}
		if s.Status().Counters.Refused[field] == 0 {
			t.Fatalf("%s: not counted: %v", what, s.Status().Counters.Refused)
		}
	}
	check("a client that knows no cluster", wire.Hello{Role: wire.RoleClient}, "")
	check("a client of this cluster", wire.Hello{Role: wire.RoleClient, Cluster: c.id}, "")
	check("a client of another cluster", wire.Hello{Role: wire.RoleClient, Cluster: wire.ID{9}}, "cluster")
	check("a server of another cluster", with(func(h *wire.Hello) { h.Cluster = wire.ID{9} }), "cluster")
	check("a server of no cluster", with(func(h *wire.Hello) { h.Cluster = wire.ID{} }), "cluster")
	check("a server with our number", with(func(h *wire.Hello) { h.Server = 1 }), "server")
	check("a server with no voter's number", with(func(h *wire.Hello) { h.Server = 4 }), "server")
	check("server 2", good, "")
	check("server 2 again", good, "")
	check("server 2 with a wiped disk", with(func(h *wire.Hello) { h.Store = wire.ID{3} }), "store")
	check("server 2 with an older disk", with(func(h *wire.Hello) { h.Boot = 4 }), "boot")
	check("a copy of server 2's disk", with(func(h *wire.Hello) { h.Starts = []uint64{51, 40, 30} }), "start")
	check("a copy of server 2's disk, started again", with(func(h *wire.Hello) { h.Boot, h.Starts = 6, []uint64{60, 51, 40} }), "start")
	check("a copy of server 2's disk, started often", with(func(h *wire.Hello) { h.Boot, h.Starts = 7, []uint64{70, 60, 51, 40} }), "start")
	check("server 2 after a restart", with(func(h *wire.Hello) { h.Boot, h.Starts = 6, []uint64{60, 50, 40} }), "")
	check("server 2 from before the restart", good, "boot")
	c.stop(1)
	s = c.start(1)
	check("an older server 2 after our restart", good, "boot")
	check("a copy of server 2's disk after our restart", with(func(h *wire.Hello) { h.Boot, h.Starts = 6, []uint64{61, 50, 40} }), "start")
	check("a wiped server 2 after our restart", with(func(h *wire.Hello) { h.Store = wire.ID{3} }), "store")
	conn := dialTCP(t, s.Addr())
	if welcome, refusal := conn.hello(t, with(func(h *wire.Hello) { h.Boot, h.Starts = 6, []uint64{60, 50, 40} })); refusal != nil || welcome.Boot != 2 {
		t.Fatalf("server 2 after our restart: %+v %v", welcome, refusal)
	}
}

func TestAnotherLanguageIsRefused(t *testing.T) {
	_, s := alone(t)
	otherVersion := wire.Hello{Role: wire.RoleClient}.Encode(wire.KindHello)
	otherVersion[0]++
	for what, frame := range map[string][]byte{
		"another version": otherVersion,
		"a query first":   (&wire.Query{}).Encode(testGroup, epoch0),
		"a long hello":    append(wire.Hello{Role: wire.RoleClient}.Encode(wire.KindHello), 0),
	} {
		conn := dialTCP(t, s.Addr())
		if err := conn.Send([][]byte{frame}); err != nil {
			t.Fatal(err)
		}
		frames, err := conn.Recv()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		header, body, err := wire.Open(frames[0])
		if p := problem.Read(body); err != nil || header.Kind != wire.KindRefusal || p.Field != "hello" {
			t.Fatalf("%s: answered by kind %d, %v", what, header.Kind, p)
		}
	}
	if n := s.Status().Counters.Refused["hello"]; n != 3 {
		t.Fatalf("%d refusals are counted, want 3", n)
	}
}

// TestAFrameOverTheLimitEndsTheConnection says a length that no frame may have.
func TestAFrameOverTheLimitEndsTheConnection(t *testing.T) {
	_, s := alone(t)
	conn := dialTCP(t, s.Addr())
	if _, refusal := conn.hello(t, wire.Hello{Role: wire.RoleClient}); refusal != nil {
		t.Fatal(refusal)
	}
	if _, err := conn.Write([]byte{0x00, 0x80, 0x00, 0x01}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Recv(); err == nil {
		t.Fatal("the connection goes on")
	}
	eventually(t, "the client is forgotten", func() bool { return s.Status().Clients == 0 })
}

// TestAnOlderDiskEndsItsServerForGood puts a server's disk back to an older state: a peer that saw the later start refuses it,
// and the disk never serves again, however often it is started.
func TestAnOlderDiskEndsItsServerForGood(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	c.waitLeader()
	for range 3 {
		c.stop(3)
		if err := os.CopyFS(c.path(3)+".old", os.DirFS(c.path(3))); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		c.start(3)
		if _, _, err := c.read(3); err != nil {
			t.Fatal(err)
		}
	}
	c.stop(3)
	if err := errors.Join(os.RemoveAll(c.path(3)), os.Rename(c.path(3)+".old", c.path(3))); err != nil {
		t.Fatal(err)
	}
	s, err := c.open(3)
	if err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if err := s.Err(); !isKind(err, problem.Refused) || !strings.Contains(err.Error(), "older") {
		t.Fatalf("it stopped with %v", err)
	}
	if err := s.disk.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(c.path(3)); err == nil || !strings.Contains(err.Error(), "condemned") {
		t.Fatalf("the older disk opens again: %v", err)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	c := newCluster(t)
	c.create(1)
	disk, err := store.Open(c.path(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = disk.Close() }()
	node, err := replica.Open(c.config(1), disk.Scan)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, change := range map[string]func(*host.Options){
		"Options.Node":        func(o *host.Options) { o.Node = nil },
		"server 2 of cluster": func(o *host.Options) { o.Self = 2 },
		"another server's":    func(o *host.Options) { o.Cluster = wire.ID{8} },
		`Options.Listen is ":7483", allowed: a loopback address`: func(o *host.Options) { o.Listen = ":7483" },
		"0.0.0.0":                func(o *host.Options) { o.Listen = "0.0.0.0:0" },
		"neither encrypted":      func(o *host.Options) { o.Peers = map[uint64]string{2: "192.0.2.7:7483"} },
		"host:port":              func(o *host.Options) { o.Listen = "127.0.0.1" },
		"server 0":               func(o *host.Options) { o.Peers = map[uint64]string{0: "127.0.0.1:1"} },
		"address already in use": func(o *host.Options) { o.Listen = taken.Addr().String() },
	} {
		o := host.Options{Node: node, Store: disk, Self: 1, Cluster: c.id, Listen: "127.0.0.1:0", Peers: c.addrs}
		change(&o)
		if h, err := host.Start(context.Background(), o); err == nil {
			t.Errorf("started, want an error with %q", want)
			_ = h.Close()
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q in it", err, want)
		}
	}
}

// TestNoServerBesideASimulatedWorld runs in a process of its own, because the first world keeps its process.
func TestNoServerBesideASimulatedWorld(t *testing.T) {
	const marker = "ONEVOICE_TEST_SIMULATED"
	if os.Getenv(marker) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoServerBesideASimulatedWorld$")
		cmd.Env = append(os.Environ(), marker+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	if err := realm.EnterSim(); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	c.create(1)
	if _, err := c.open(1); !errors.Is(err, realm.ErrSimulated) {
		t.Fatalf("started beside a simulated world: %v", err)
	}
}

// TestAPeerThatDoesNotReadHoldsUpNobody has a stranger in the place of server 3 that shakes hands and then never reads.
func TestAPeerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	c := newCluster(t)
	mute, err := net.Listen("tcp", c.addrs[3])
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	go func() {
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			hello := wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 3, Store: wire.ID{3}, Boot: 1}
			if err := (&tcp{Conn: conn}).Send([][]byte{hello.Encode(wire.KindWelcome)}); err != nil {
				return
			}
		}
	}()
	for number := uint64(1); number <= 2; number++ {
		c.create(number)
		c.start(number)
	}
	leader := c.waitLeader()
	cl := c.piped()
	for range 50 {
		c.add(cl, 1)
	}
	peers := c.servers[leader].Status().Peers
	if last := peers[len(peers)-1]; last.Server != 3 || !last.Connected || last.HeardNs != -1 {
		t.Fatalf("the mute peer: %+v", last)
	}
}
