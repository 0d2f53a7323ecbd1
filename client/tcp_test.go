package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

var ours = wire.ID{1, 2, 3}

// listen serves each connection on a port of its own; the test ends when all are served.
func listen(t testing.TB, serve func(net.Conn)) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		work.Wait()
	})
	return l.Addr().String()
}

// greet reads a Hello and answers it with raw bytes.
func greet(c net.Conn, answer []byte) (wire.Hello, error) {
	frame, err := wire.ReadFrame(c, wire.MaxHandshakeBytes)
	if err != nil {
		return wire.Hello{}, err
	}
	h, r, err := wire.Open(frame)
	if err != nil || h.Kind != wire.KindHello {
		return wire.Hello{}, fmt.Errorf("frame of kind %d, %w", h.Kind, err)
	}
	hello, err := wire.ReadHello(r)
	if err != nil {
		return hello, err
	}
	_, err = c.Write(answer)
	return hello, err
}

func framed(frame []byte) []byte {
	var b bytes.Buffer
	if err := wire.WriteFrame(&b, frame); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func welcome(cluster wire.ID, server uint64) []byte {
	return framed(wire.Hello{Role: wire.RoleServer, Cluster: cluster, Server: server}.Encode(wire.KindWelcome))
}

// over serves the group as one server behind TCP.
func (g *group) over(t testing.TB, server uint64) (addr string) {
	return listen(t, func(c net.Conn) {
		hello, err := greet(c, welcome(ours, server))
		if err != nil || hello.Role != wire.RoleClient {
			t.Errorf("greeted by %+v, %v", hello, err)
			return
		}
		s := newTCP(c, bufferBytes)
		for {
			frames, err := s.Recv()
			if err != nil {
				return
			}
			if replies := g.answer(server, frames); len(replies) > 0 && s.Send(replies) != nil {
				return
			}
		}
	})
}

func TestOverTCP(t *testing.T) {
	g := newGroup(3)
	o := Options{Group: 1, Cluster: ours}
	for server := range uint64(3) {
		o.Endpoints = append(o.Endpoints, Endpoint{Addr: g.over(t, server+1)}) // numbers are learnt
	}
	c := mustDial(t, o)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // for machines that are busy
	defer cancel()
	large := bytes.Repeat([]byte("x"), 1<<20)
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() {
			for j := range 50 {
				op := fmt.Appendf(nil, "%d-%d", i, j)
				if r, err := c.Do(ctx, op, nil); err != nil || !bytes.Equal(r.Result, op) {
					t.Errorf("%+v, %v", r, err)
				}
			}
			if r, err := c.Query(ctx, large); err != nil || !bytes.Equal(r.Result, large) {
				t.Errorf("a large query: %d bytes, %v", len(r.Result), err)
			}
		})
	}
	callers.Wait()
	if s := c.Status(); s.Leader != 3 {
		t.Errorf("%+v", s)
	}
	if len(g.applied) != 1000 {
		t.Errorf("%d applied", len(g.applied))
	}
}

func TestHandshakesThatFail(t *testing.T) {
	var nonsense codec.Writer
	wire.Header{Kind: wire.KindReply}.Append(&nonsense)
	tomorrow := wire.Hello{Role: wire.RoleServer}.Encode(wire.KindWelcome)
	tomorrow[0] = wire.FrameVersion + 1
	for want, answer := range map[string][]byte{
		"forbidden: of another cluster": framed(wire.EncodeRefusal(&problem.Error{Kind: problem.Forbidden, Op: "connect", Detail: "of another cluster"})),
		"it is server 2, not 1":         welcome(ours, 2),
		"it is server 0":                welcome(ours, 0),
		"kind 23":                       framed(nonsense.B),
		"frame version 2":               framed(tomorrow),
		"malformed":                     framed(append(wire.Hello{Role: wire.RoleServer}.Encode(wire.KindWelcome), 0)),
		"EOF":                           nil,
		"unexpected EOF":                {0, 0, 0, 99, 1},
		"frame of 4294967295 bytes":     {255, 255, 255, 255},
		"of cluster 09":                 welcome(wire.ID{9}, 1),
	} {
		addr := listen(t, func(c net.Conn) {
			if _, err := greet(c, answer); err != nil {
				t.Error(err)
			}
		})
		c, err := DialTCP(t.Context(), Endpoint{Number: 1, Addr: addr}, ours)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestAServerThatSaysNothingIsNotWaitedFor(t *testing.T) {
	addr := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := DialTCP(ctx, Endpoint{Addr: addr}, ours); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
}

func TestTheFirstServerSaysWhichCluster(t *testing.T) {
	g := newGroup(1)
	stranger := listen(t, func(c net.Conn) { _, _ = greet(c, welcome(wire.ID{9}, 2)) })
	dial := dialer(wire.ID{}, nil, bufferBytes)
	for _, c := range []struct {
		addr string
		good bool
	}{{g.over(t, 1), true}, {stranger, false}, {g.over(t, 3), true}} {
		conn, err := dial(t.Context(), Endpoint{Addr: c.addr})
		if err == nil {
			conn.Close()
		}
		if c.good != (err == nil) {
			t.Errorf("%s: %v", c.addr, err)
		}
	}
}

func TestAFrameOverTheLimitEndsAConnection(t *testing.T) {
	addr := listen(t, func(c net.Conn) {
		_, _ = greet(c, append(welcome(ours, 1), 0x7f, 0xff, 0xff, 0xff))
		_, _ = io.Copy(io.Discard, c)
	})
	c, err := DialTCP(t.Context(), Endpoint{Addr: addr}, ours)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Recv(); err == nil || !strings.Contains(err.Error(), "allowed") {
		t.Errorf("received %v", err)
	}
	if err := c.Send([][]byte{make([]byte, wire.MaxFrameBytes+1)}); err == nil {
		t.Error("sent a frame over the limit")
	}
}

func TestFramesThatHaveArrivedComeTogether(t *testing.T) {
	const n = 100
	sent := make(chan struct{})
	addr := listen(t, func(c net.Conn) {
		var all []byte
		for i := range n {
			p := wire.Reply{Request: uint64(i)}
			all = append(all, framed(p.Encode(1, view.Epoch{}))...)
		}
		_, _ = greet(c, append(welcome(ours, 1), all...))
		close(sent)
		_, _ = io.Copy(io.Discard, c)
	})
	c, err := DialTCP(t.Context(), Endpoint{Addr: addr}, ours)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-sent
	batches, got := 0, 0
	for ; got < n; batches++ {
		frames, err := c.Recv()
		if err != nil {
			t.Fatal(err)
		}
		got += len(frames)
	}
	if batches > n/4 {
		t.Errorf("%d frames came in %d batches", got, batches)
	}
}

// TestConnectionsComeFromTheAddressNamed looks at where the server sees a client come from.
func TestConnectionsComeFromTheAddressNamed(t *testing.T) {
	const from = "127.0.0.7"
	probe, err := net.Listen("tcp", from+":0")
	if err != nil {
		t.Skipf("skipped: this system has no address %s: %v", from, err)
	}
	probe.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled := make(chan error, 1)
	go func() {
		_, err := DialTCP(t.Context(), Endpoint{Addr: l.Addr().String(), From: from}, wire.ID{})
		dialled <- err
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := <-dialled; err == nil {
		t.Error("a server that says nothing was taken for one")
	}
	if got := conn.RemoteAddr().(*net.TCPAddr).IP.String(); got != from {
		t.Errorf("the client came from %s, want %s", got, from)
	}
	if _, err := Dial(Options{Group: 1, Endpoints: []Endpoint{{Addr: l.Addr().String(), From: "here"}}}); err == nil || !strings.Contains(err.Error(), `"here"`) {
		t.Errorf("an address that is none: %v", err)
	}
}
