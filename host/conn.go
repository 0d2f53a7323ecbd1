package host

import (
	"bufio"
	"net"
	"time"

	"onevoice/step"
	"onevoice/wire"
)

const (
	// bufferBytes is the size of each connection's read and write buffer: many small frames a system call.
	bufferBytes = 64 << 10
	// maxReadBurst is how many frames that have already arrived go into the inbox at once.
	maxReadBurst = 64
	// writeTimeout ends a connection on which nothing could be written for so long, or up to writeSlack longer: what is set again
	// for each write costs. It is long: a stopped peer costs only its own queue, and one that goes on within it needs no new
	// connection.
	writeTimeout = 10 * time.Second
	writeSlack   = time.Second
)

// keepAlive finds a peer whose machine has vanished, within about 4 s.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}

// sender writes frames to one connection.
type sender struct {
	conn  net.Conn
	w     *bufio.Writer
	until time.Time // the deadline that is set
}

func newSender(conn net.Conn, buffer int) *sender {
	return &sender{conn: conn, w: bufio.NewWriterSize(conn, buffer)}
}

// begin gives a write its time.
func (s *sender) begin() error {
	now := time.Now()
	if s.until.Sub(now) >= writeTimeout {
		return nil
	}
	s.until = now.Add(writeTimeout + writeSlack)
	return s.conn.SetWriteDeadline(s.until)
}

// writeFrames sends what the box holds until the connection breaks or stop closes.
func (h *Host) writeFrames(conn net.Conn, box *outbox, stop <-chan struct{}) {
	out := newSender(conn, bufferBytes)
	var frames [][]byte
	for {
		select {
		case <-box.ready:
		case <-stop:
			return
		}
		frames = box.take(frames)
		if len(frames) == 0 {
			continue
		}
		if err := h.writeBurst(out, frames); err != nil {
			return
		}
	}
}

func (h *Host) writeBurst(s *sender, frames [][]byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	bytes := 0
	for _, frame := range frames {
		if err := wire.WriteFrame(s.w, frame); err != nil {
			return err
		}
		bytes += len(frame)
	}
	h.count.framesOut.Add(uint64(len(frames)))
	h.count.bytesOut.Add(uint64(bytes))
	return s.w.Flush()
}

// readFrames puts the frames of a connection into the inbox until it breaks; put says false when the host closes.
func (h *Host) readFrames(r *bufio.Reader, from step.Address, put func([]step.Input) bool) error {
	burst := make([]step.Input, 0, maxReadBurst)
	for {
		burst = burst[:0]
		for more := true; more; more = len(burst) < maxReadBurst && wire.Buffered(r) {
			frame, err := wire.ReadFrame(r, wire.MaxFrameBytes)
			if err != nil {
				return err
			}
			burst = append(burst, step.Input{Kind: step.Frame, From: from, Bytes: frame})
			h.count.bytesIn.Add(uint64(len(frame)))
		}
		h.count.framesIn.Add(uint64(len(burst)))
		if !put(burst) {
			return net.ErrClosed
		}
	}
}
