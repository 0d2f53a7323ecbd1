package host

import (
	"fmt"
	"io"
	"sync"

	"onevoice/step"
	"onevoice/subject"
	"onevoice/view"
	"onevoice/wire"
)

// Pipe is a client's connection within the process, for the gateway of this server: a client.Conn. It needs no handshake.
type Pipe struct {
	host   *Host
	client *client
	once   sync.Once
	closed chan struct{}
	inputs []step.Input // reused by Send
}

// Pipe opens a connection within the process. It ends with the host.
func (h *Host) Pipe() *Pipe {
	p := &Pipe{host: h, closed: make(chan struct{})}
	p.client = h.clients.add(subject.Loopback(), p.Close) // who asks is checked by whoever holds the pipe
	return p
}

// Peer is this server's start.
func (p *Pipe) Peer() view.Start {
	id := p.host.disk.Identity()
	return view.Start{Server: id.Server, Boot: id.Boot}
}

// Send gives the node frames, which belong to it from then on; one goroutine calls it. It waits while the node has too
// much to do. The error is io.ErrClosedPipe after Close or when the host stops, or names a frame that is too large.
func (p *Pipe) Send(frames [][]byte) error {
	p.inputs = p.inputs[:0]
	for _, frame := range frames {
		if len(frame) < wire.HeaderBytes || len(frame) > wire.MaxFrameBytes {
			return fmt.Errorf("host: frame of %d bytes, allowed: %d to %d", len(frame), wire.HeaderBytes, wire.MaxFrameBytes)
		}
		p.inputs = append(p.inputs, step.Input{Kind: step.Frame, From: p.client.address, Bytes: frame})
	}
	select {
	case <-p.closed:
		return io.ErrClosedPipe
	default:
	}
	if !p.host.inbox.putClient(p.inputs) {
		return io.ErrClosedPipe
	}
	clear(p.inputs)
	return nil
}

// Recv waits for frames from the node; one goroutine calls it. The error is io.EOF after Close, when the host stops, or
// when replies were not received for so long that too many waited.
func (p *Pipe) Recv() ([][]byte, error) {
	for {
		select {
		case <-p.client.out.ready:
		case <-p.closed:
			return nil, io.EOF
		case <-p.host.stop:
			return nil, io.EOF
		}
		if frames := p.client.out.take(nil); len(frames) > 0 {
			return frames, nil
		}
	}
}

// Close ends the connection; it may be called from any goroutine and more than once.
func (p *Pipe) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.host.endClient(p.client)
	})
	return nil
}
