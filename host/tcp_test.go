package host_test

import (
	"bufio"
	"net"
	"testing"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

var epoch0 = view.Epoch{}

// tcp is a client's or a stranger's connection over a socket.
type tcp struct {
	net.Conn
	r *bufio.Reader
}

func (c *tcp) Peer() view.Start { return view.Start{} }

func (c *tcp) Send(frames [][]byte) error {
	w := bufio.NewWriter(c.Conn)
	for _, frame := range frames {
		if err := wire.WriteFrame(w, frame); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (c *tcp) Recv() ([][]byte, error) {
	frame, err := wire.ReadFrame(c.r, wire.MaxFrameBytes)
	return [][]byte{frame}, err
}

func dialTCP(t testing.TB, address string) *tcp {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &tcp{conn, bufio.NewReader(conn)}
}

// hello introduces itself and gives the welcome or the refusal.
func (c *tcp) hello(t testing.TB, hello wire.Hello) (wire.Hello, *problem.Error) {
	t.Helper()
	if err := c.Send([][]byte{hello.Encode(wire.KindHello)}); err != nil {
		t.Fatal(err)
	}
	frames, err := c.Recv()
	if err != nil {
		t.Fatal(err)
	}
	header, body, err := wire.Open(frames[0])
	if err != nil {
		t.Fatal(err)
	}
	if header.Kind == wire.KindRefusal {
		return wire.Hello{}, problem.Read(body)
	}
	welcome, err := wire.ReadHello(body)
	if err != nil || header.Kind != wire.KindWelcome {
		t.Fatalf("answer to hello: %+v %v", header, err)
	}
	return welcome, nil
}
