package host

import "onevoice/step"

// maxEvals bounds the queries that have passed their barrier and wait for a worker. Beyond it the node's own goroutine
// evaluates them: that slows the node down, and so, by the bounded inbox, those who ask.
const maxEvals = 4_096

// evaluate starts a query on the workers, or runs it here.
func (h *Host) evaluate(e step.Eval) {
	select {
	case h.evals <- e:
	default:
		h.count.evalsInline.Add(1)
		h.deliver(e.To, e.Run())
	}
}

// work evaluates queries until the host stops.
func (h *Host) work() {
	for {
		select {
		case e := <-h.evals:
			h.deliver(e.To, e.Run())
		case <-h.stop:
			return
		}
	}
}
