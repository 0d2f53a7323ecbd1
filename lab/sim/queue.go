package sim

// event is something due at a moment of world time.
type event struct {
	atNs int64
	seq  uint64 // breaks ties in the order of planning
	run  func()
}

func (e event) before(o event) bool {
	return e.atNs < o.atNs || e.atNs == o.atNs && e.seq < o.seq
}

// queue is a binary heap of events, earliest first.
type queue struct {
	heap []event
	seq  uint64
}

func (q *queue) push(atNs int64, run func()) {
	q.seq++
	q.heap = append(q.heap, event{atNs, q.seq, run})
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !q.heap[i].before(q.heap[up]) {
			break
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

func (q *queue) pop() event {
	first := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	q.sink(0)
	return first
}

func (q *queue) sink(i int) {
	for {
		least, left := i, 2*i+1
		for _, child := range [2]int{left, left + 1} {
			if child < len(q.heap) && q.heap[child].before(q.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
