package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

const (
	// bufferBytes is the size of a Client's connection's read and write buffers: some hundred small frames.
	bufferBytes = 64 << 10
	// watchBufferBytes is that of a Watcher's: some ten events. Larger frames do not go through it.
	watchBufferBytes = 8 << 10
	// writePatience is how long a write may block before the connection counts as broken.
	writePatience = 5 * time.Second
)

// DialTCP makes a connection over TCP and shakes hands, for an Options.Dial that treats some endpoints otherwise. A cluster that is
// not zero is the only one accepted.
func DialTCP(ctx context.Context, e Endpoint, cluster wire.ID) (Conn, error) {
	conn, _, err := dial(ctx, e, cluster, nil, bufferBytes)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// dialer dials TCP, and TLS over it with config; buffer is the size of each connection's buffers. All connections of one client must lead to one cluster.
func dialer(cluster wire.ID, config *tls.Config, buffer int) func(context.Context, Endpoint) (Conn, error) {
	var mu sync.Mutex
	return func(ctx context.Context, e Endpoint) (Conn, error) {
		mu.Lock()
		known := cluster
		mu.Unlock()
		conn, welcome, err := dial(ctx, e, known, config, buffer)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if cluster == (wire.ID{}) {
			cluster = welcome.Cluster
		}
		if err := admit(e, cluster, welcome); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("client: greet %s: %w", e.Addr, err)
		}
		return conn, nil
	}
}

func dial(ctx context.Context, e Endpoint, cluster wire.ID, config *tls.Config, buffer int) (*tcp, wire.Hello, error) {
	var d net.Dialer
	if e.From != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(e.From)}
	}
	raw, err := d.DialContext(ctx, "tcp", e.Addr)
	if err != nil {
		return nil, wire.Hello{}, fmt.Errorf("client: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c, welcome, err := introduce(ctx, raw, e, cluster, config, buffer)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, wire.Hello{}, fmt.Errorf("client: greet %s: %w", e.Addr, err)
	}
	c.peer = view.Start{Server: welcome.Server, Boot: welcome.Boot}
	return c, welcome, nil
}

// introduce shakes hands over a new connection.
func introduce(ctx context.Context, raw net.Conn, e Endpoint, cluster wire.ID, config *tls.Config, buffer int) (*tcp, wire.Hello, error) {
	conn, err := seal(ctx, raw, e, config)
	if err != nil {
		return nil, wire.Hello{}, err
	}
	c := newTCP(conn, buffer)
	welcome, err := c.shake(cluster)
	if err == nil {
		err = admit(e, cluster, welcome)
	}
	if err == nil {
		err = provedBy(conn, welcome)
	}
	return c, welcome, err
}

// admit says what is wrong with who answered.
func admit(e Endpoint, cluster wire.ID, welcome wire.Hello) error {
	switch {
	case welcome.Role != wire.RoleServer || welcome.Server == 0:
		return fmt.Errorf("it is server %d, in role %d", welcome.Server, welcome.Role)
	case e.Number != 0 && welcome.Server != e.Number:
		return fmt.Errorf("it is server %d, not %d", welcome.Server, e.Number)
	case cluster != (wire.ID{}) && welcome.Cluster != cluster:
		return fmt.Errorf("it is of cluster %x, not of %x", welcome.Cluster, cluster)
	}
	return nil
}

// tcp is a Conn over TCP.
type tcp struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	peer view.Start
}

func newTCP(conn net.Conn, buffer int) *tcp {
	return &tcp{conn: conn, in: bufio.NewReaderSize(conn, buffer), out: bufio.NewWriterSize(conn, buffer)}
}

func (c *tcp) Peer() view.Start { return c.peer }

// shake says Hello and reads the Welcome, or why there is none.
func (c *tcp) shake(cluster wire.ID) (wire.Hello, error) {
	if err := c.Send([][]byte{wire.Hello{Role: wire.RoleClient, Cluster: cluster}.Encode(wire.KindHello)}); err != nil {
		return wire.Hello{}, err
	}
	frame, err := wire.ReadFrame(c.in, wire.MaxHandshakeBytes)
	if err != nil {
		return wire.Hello{}, err
	}
	h, r, err := wire.Open(frame)
	switch {
	case err != nil:
		return wire.Hello{}, err
	case h.Kind == wire.KindRefusal:
		return wire.Hello{}, problem.Read(r)
	case h.Kind != wire.KindWelcome:
		return wire.Hello{}, fmt.Errorf("frame of kind %d, want a welcome", h.Kind)
	}
	return wire.ReadHello(r)
}

func (c *tcp) Send(frames [][]byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return err
	}
	for _, f := range frames {
		if err := wire.WriteFrame(c.out, f); err != nil {
			return err
		}
	}
	return c.out.Flush()
}

// Recv takes one frame, and with it those that have arrived already.
func (c *tcp) Recv() ([][]byte, error) {
	var frames [][]byte
	for {
		f, err := wire.ReadFrame(c.in, wire.MaxFrameBytes)
		if err != nil {
			return nil, err
		}
		if frames = append(frames, f); !wire.Buffered(c.in) {
			return frames, nil
		}
	}
}

func (c *tcp) Close() error { return c.conn.Close() }
