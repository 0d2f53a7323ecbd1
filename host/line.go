package host

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"onevoice/step"
	"onevoice/wire"
)

// greetTurn, and four times as long as it took to connect, is for how long an attempt may greet alone; without it all attempts that a
// distant peer answers would greet it.
const greetTurn = 20 * time.Millisecond

// line is a connection that we dialled to a peer and on which it has welcomed us.
type line struct {
	raw     net.Conn
	conn    net.Conn // raw, or TLS over it
	r       *bufio.Reader
	welcome wire.Hello
	watch   stallWatch
}

// closeLine ends a line.
func (h *Host) closeLine(l *line) {
	_ = l.raw.Close()
	h.conns.remove(l.raw)
	h.leases.remove(l.raw)
}

// dial keeps a connection to p until ctx ends.
func (h *Host) dial(ctx context.Context, p *peer) {
	for l := h.reach(ctx, p, always); l != nil; {
		l = h.use(ctx, p, l)
	}
}

// use sends p's frames on a line until it ends, or until it stalls and another one was made beside it. It gives the next line,
// nil when ctx ends.
func (h *Host) use(ctx context.Context, p *peer, l *line) *line {
	defer h.closeLine(l)
	defer context.AfterFunc(ctx, func() { _ = l.raw.Close() })()
	p.program.Store(l.welcome.Program)
	p.lastError.Store(nil)
	p.connected.Store(true)
	p.out.setOpen(true)
	h.log.Info("peer connected", "peer", p.number, "address", p.address)
	over := make(chan struct{})
	h.wg.Go(func() {
		defer close(over)
		h.talk(l.conn, l.r, p)
	})
	next := h.spare(ctx, p, l, over)
	_ = l.raw.Close()
	<-over
	p.out.setOpen(false)
	p.connected.Store(false)
	p.program.Store(nil)
	h.inbox.putUrgent(step.Input{Kind: step.Gone, From: step.Address(p.number)})
	if next != nil {
		p.moves.Add(1)
		return next
	}
	if ctx.Err() == nil {
		h.dialFailed(p, errors.New("the connection ended"))
	}
	return h.reach(ctx, p, always)
}

// spare waits until a line is over, or stalls; then it makes another one beside it. TCP itself goes on with a stalled connection too,
// but its pauses double while a link is cut, and it stays silent for as long again when the link is whole. nil where the line is
// over first.
func (h *Host) spare(ctx context.Context, p *peer, l *line, over <-chan struct{}) *line {
	ticker := time.NewTicker(stallPoll)
	defer ticker.Stop()
	needed := func() bool {
		select {
		case <-over:
			return false
		default:
			return l.watch.stalled(l.raw, time.Now())
		}
	}
	for {
		select {
		case <-over:
			return nil
		case <-ticker.C:
		}
		if !needed() {
			continue
		}
		if next := h.reach(ctx, p, needed); next != nil {
			return next
		}
	}
}

// always is what is needed until the end.
func always() bool { return true }

// reach makes a connection to p. It gives nil when ctx ends, or when it is not needed any more.
func (h *Host) reach(ctx context.Context, p *peer, needed func() bool) *line {
	turn := make(chan struct{}, 1)
	r := race{
		connect: func(ctx context.Context, patience time.Duration) (*line, error) {
			return h.connect(ctx, p, patience, turn)
		},
		failed: func(err error) { h.dialFailed(p, err) }, drop: h.closeLine, needed: needed, group: &h.wg,
	}
	return r.run(ctx)
}

// connect dials p once and is greeted. turn is held by the attempt that greets.
func (h *Host) connect(ctx context.Context, p *peer, patience time.Duration, turn chan struct{}) (*line, error) {
	p.dials.Add(1)
	d := net.Dialer{Timeout: patience, KeepAliveConfig: keepAlive, Control: impatient}
	if from := SourceFor(h.Addr(), p.address); from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	began := time.Now()
	raw, err := d.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	alone := greetTurn + 4*time.Since(began)
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		_ = raw.Close()
		return nil, ctx.Err()
	}
	pass := sync.OnceFunc(func() { <-turn })
	defer pass()
	defer time.AfterFunc(alone, pass).Stop()
	l := &line{raw: raw}
	h.conns.add(raw)
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err = h.meet(ctx, l, p.number)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		h.closeLine(l)
		return nil, err
	}
	return l, nil
}

// meet proves both sides and is welcomed.
func (h *Host) meet(ctx context.Context, l *line, number uint64) (err error) {
	if l.conn, err = h.sealDialled(ctx, l.raw, number); err != nil {
		return err
	}
	l.r = bufio.NewReaderSize(l.conn, bufferBytes)
	l.welcome, err = h.greet(l.conn, l.r, number)
	return err
}

// talk sends p's frames until the connection ends. Nothing comes back on it: a byte that does is the end as well.
func (h *Host) talk(conn net.Conn, r *bufio.Reader, p *peer) {
	ended := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		_, _ = r.ReadByte() // blocks until the connection ends
		close(ended)
		_ = conn.Close()
	})
	h.writeFrames(conn, p.out, ended)
	_ = conn.Close()
	reader.Wait()
}
