package crowd

import "container/heap"

// event is something due at a moment.
type event struct {
	atNs int64
	seq  uint64 // breaks ties in the order of planning
	run  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].atNs < e[j].atNs || e[i].atNs == e[j].atNs && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// at plans.
func (w *world) at(atNs int64, run func()) {
	w.seq++
	heap.Push(&w.events, event{max(atNs, w.nowNs), w.seq, run})
}

// until lets everything happen up to a moment.
func (w *world) until(endNs int64) {
	for len(w.events) > 0 && w.events[0].atNs <= endNs {
		e := heap.Pop(&w.events).(event)
		w.nowNs = e.atNs
		e.run()
	}
	w.nowNs = endNs
}
