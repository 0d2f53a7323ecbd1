package host

import (
	"fmt"
	"time"

	"onevoice/step"
	"onevoice/view"
)

// drive owns the node: it turns what comes into steps until the host stops.
func (h *Host) drive() {
	ticker := time.NewTicker(step.TickNs) // holds at most one tick that came too early for us
	defer ticker.Stop()
	var in []step.Input
	var out step.Out
	again := false
	for {
		tick := false
		select {
		case <-h.inbox.ready:
		case <-ticker.C:
			tick = true
		case ask := <-h.asks:
			ask()
			continue
		case <-h.disk.Failed():
			err := h.disk.Err()
			h.err.CompareAndSwap(nil, &err) // before the others say that this start is over, which follows from it
			h.sayFarewell(view.Disk)
			h.pause(farewellPause)
			h.fail(err)
			return
		case <-h.stop:
			return
		}
		select {
		case <-ticker.C:
			tick = true
		default:
		}
		in = h.gather(in[:0], tick)
		if len(in) == 0 && !again {
			continue
		}
		var err error
		if again, err = h.step(in, &out); err != nil {
			h.fail(err)
			return
		}
		clear(in)
	}
}

// gather makes a burst: the tick first, then what waits.
func (h *Host) gather(in []step.Input, tick bool) []step.Input {
	if tick {
		h.count.tick(h.nowNs())
		in = append(in, step.Input{Kind: step.Tick})
	}
	return h.inbox.take(in)
}

// step gives the node one burst and does what it wants done. It reports true where the next step shall not wait for inputs.
func (h *Host) step(in []step.Input, out *step.Out) (again bool, err error) {
	began := h.nowNs()
	defer func() { h.count.step(h.nowNs() - began) }()
	h.count.steps.Add(1)
	h.count.inputs.Add(uint64(len(in)))
	h.node.Step(step.Now{MonoNs: h.nowNs(), WallNs: time.Now().UnixNano()}, in, out)
	h.facts.take(h, out.Facts)
	if out.Halt != nil {
		return false, fmt.Errorf("host: server %d: %w", h.disk.Identity().Server, out.Halt)
	}
	h.startDisk(out)
	if err := h.publish(); err != nil {
		return false, err
	}
	for i := range out.Sends {
		h.deliver(out.Sends[i].To, out.Sends[i].Bytes)
	}
	for _, frame := range out.Casts {
		h.cast(frame)
	}
	for _, e := range out.Evals {
		h.evaluate(e)
	}
	if again = out.Again; again {
		h.inbox.signal()
	}
	out.Reset()
	return again, nil
}

// startDisk starts what the node wants of the disk. Each completion becomes an input; those of writes keep their order.
func (h *Host) startDisk(out *step.Out) {
	done := func(token step.Token) func(error) {
		return func(err error) { h.inbox.putUrgent(step.Input{Kind: step.Done, Token: token, Err: err}) }
	}
	for _, w := range out.Writes {
		h.disk.Write(w, done(w.Token))
	}
	for _, r := range out.Reads {
		h.disk.Read(r, func(value []byte, err error) {
			h.inbox.putUrgent(step.Input{Kind: step.Done, Token: r.Token, Bytes: value, Err: err})
		})
	}
	for _, s := range out.Saves {
		h.disk.Save(s, done(s.Token))
	}
}

// publish adds what was applied to the journals, then notes that the states went on, then tells readers: who is shown it finds both.
func (h *Host) publish() error {
	h.obey()
	applied := h.node.TakeApplied()
	if len(applied) == 0 {
		return nil
	}
	news := make(map[*group]bool, len(h.groups))
	for _, a := range applied {
		g := h.groups[a.Group]
		fresh, err := g.journal.add(a)
		if err != nil {
			return fmt.Errorf("host: group %d: %w", a.Group, err)
		}
		news[g] = news[g] || fresh
		if a.Index > g.startCommit {
			g.confirmedNs.Store(h.nowNs())
		}
	}
	for g, fresh := range news {
		h.applied(g)
		if fresh {
			g.journal.tell()
		}
	}
	return nil
}
