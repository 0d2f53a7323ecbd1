package host

import "sync"

// Limits of what waits to be sent on one connection.
const (
	// maxOutPeer frames: a peer that does not read loses the oldest, and raft repeats what matters.
	maxOutPeer = 4_096
	// maxOutClient frames: a client that does not read its replies is cut off; it retries over a new connection.
	maxOutClient = 32_768
	maxOutBytes  = 64 << 20
)

// outbox is the queue of frames for one connection.
type outbox struct {
	most       int
	dropOldest bool

	mu      sync.Mutex
	frames  [][]byte
	bytes   int
	open    bool
	dropped uint64
	ready   chan struct{}
}

func newOutbox(most int, dropOldest, open bool) *outbox {
	return &outbox{most: most, dropOldest: dropOldest, open: open, ready: make(chan struct{}, 1)}
}

// put adds a frame and never waits. At a limit the oldest frames are dropped, or false says that the reader is too slow.
// What is put into a closed box is dropped.
func (o *outbox) put(frame []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open {
		o.dropped++
		return true
	}
	if !o.dropOldest && o.full(len(frame)) {
		return false
	}
	for o.full(len(frame)) {
		o.bytes -= len(o.frames[0])
		o.frames[0] = nil
		o.frames = o.frames[1:]
		o.dropped++
	}
	o.frames = append(o.frames, frame)
	o.bytes += len(frame)
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return true
}

func (o *outbox) full(more int) bool {
	return len(o.frames) > 0 && (len(o.frames) >= o.most || o.bytes+more > maxOutBytes)
}

// take exchanges what waits for the emptied slice into.
func (o *outbox) take(into [][]byte) [][]byte {
	clear(into)
	o.mu.Lock()
	defer o.mu.Unlock()
	frames := o.frames
	o.frames, o.bytes = into[:0], 0
	return frames
}

// setOpen opens or closes the box, empty in both cases: what was meant for an earlier connection is out of date.
func (o *outbox) setOpen(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropped += uint64(len(o.frames))
	o.frames, o.bytes, o.open = nil, 0, open
}

func (o *outbox) sizes() (queued int, dropped uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.frames), o.dropped
}
