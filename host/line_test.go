package host_test

import (
	"bufio"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"onevoice/codec"
	"onevoice/wire"
)

// silent says whether a connection is open and nothing comes on it for a moment.
func silent(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// peer2 listens at the address of server 2, which does not run.
func peer2(t *testing.T, c *cluster) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", c.addrs[2])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func takeHello(t *testing.T, l net.Listener) *tcp {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	got := &tcp{conn, bufio.NewReader(conn)}
	if _, err := got.Recv(); err != nil {
		t.Fatalf("no hello: %v", err)
	}
	return got
}

// TestAGreetingWithoutAnAnswerHoldsUpNobody has a peer that takes a connection and says nothing, as when the link is cut just then.
func TestAGreetingWithoutAnAnswerHoldsUpNobody(t *testing.T) {
	c := newCluster(t)
	l := peer2(t, c)
	c.create(1)
	s := c.start(1)
	mute := takeHello(t, l)
	second := takeHello(t, l)
	if !silent(t, mute) {
		t.Error("the second greeting came only after the first was given up")
	}
	welcome := wire.Hello{Role: wire.RoleServer, Cluster: c.id, Server: 2, Store: wire.ID{2}, Boot: 1, Starts: []uint64{7}}
	if err := second.Send([][]byte{welcome.Encode(wire.KindWelcome)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "server 2 counts as connected", func() bool { return s.Status().Peers[0].Connected })
	if err := mute.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := mute.Recv(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the greeting that came too late goes on: %v", err)
	}
}

// TestThePeerMovesByUsingAConnection makes two connections as server 2: the first ends when the second is used, not before.
func TestThePeerMovesByUsingAConnection(t *testing.T) {
	_, s := alone(t)
	hello := wire.Hello{Role: wire.RoleServer, Cluster: s.disk.Identity().Cluster, Server: 2, Store: wire.ID{2}, Boot: 1, Starts: []uint64{7}}
	heard := func() int64 {
		for _, p := range s.Status().Peers {
			if p.Server == 2 {
				return p.HeardNs
			}
		}
		return -1
	}
	var frame codec.Writer
	wire.Header{Kind: wire.KindRaft, Group: testGroup}.Append(&frame)
	use := func(conn *tcp) {
		t.Helper()
		if err := conn.Send([][]byte{frame.B}); err != nil {
			t.Fatal(err)
		}
	}
	first, second := dialTCP(t, s.Addr()), dialTCP(t, s.Addr())
	if _, refusal := first.hello(t, hello); refusal != nil {
		t.Fatal(refusal)
	}
	use(first)
	eventually(t, "server 2 is heard", func() bool { return heard() >= 0 })
	if _, refusal := second.hello(t, hello); refusal != nil {
		t.Fatal(refusal)
	}
	if !silent(t, first) {
		t.Fatal("the first connection ended when the second was welcomed")
	}
	use(second)
	if err := first.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the first connection goes on: %v", err)
	}
	if !silent(t, second) {
		t.Error("the second connection ended")
	}
}
