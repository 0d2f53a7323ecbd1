package store

import (
	"sync"

	"onevoice/step"
)

type requestKind uint8

const (
	writeRequest requestKind = iota
	readRequest
	saveRequest
)

// request is one thing asked of the writer goroutine.
type request struct {
	kind  requestKind
	ops   []step.Op // writeRequest
	sync  bool
	bytes int
	key   []byte // readRequest
	found func([]byte, error)
	save  step.Save // saveRequest
	done  func(error)
}

// queue is bounded by the number of requests and by their bytes; a request over the bytes by itself passes when the queue
// is empty. push waits at the limit.
type queue struct {
	mu       sync.Mutex
	arrived  sync.Cond
	room     sync.Cond
	items    []request
	bytes    int
	most     int
	mostByte int
	closed   bool
}

func newQueue(most, mostBytes int) *queue {
	q := &queue{most: most, mostByte: mostBytes}
	q.arrived.L, q.room.L = &q.mu, &q.mu
	return q
}

// push adds r; false means that the queue is closed.
func (q *queue) push(r request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && len(q.items) > 0 && (len(q.items) >= q.most || q.bytes+r.bytes > q.mostByte) {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.items = append(q.items, r)
	q.bytes += r.bytes
	q.arrived.Signal()
	return true
}

// takeAll waits for requests and exchanges them for the emptied slice into. nil means closed and drained.
func (q *queue) takeAll(into []request) []request {
	clear(into)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.arrived.Wait()
	}
	if len(q.items) == 0 {
		return nil
	}
	items := q.items
	q.items, q.bytes = into[:0], 0
	q.room.Broadcast()
	return items
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.arrived.Broadcast()
	q.room.Broadcast()
}

func (q *queue) size() (items, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), q.bytes
}
