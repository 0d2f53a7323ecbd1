package sim

import (
	"crypto/sha256"
	"fmt"

	"onevoice/step"
)

// obey does what a machine wants done.
func (w *World) obey(p *Party, out *step.Out) {
	if p.server && w.hooks.Stepped != nil {
		w.hooks.Stepped(p, out)
	}
	if out.Halt != nil {
		w.halted(p, out.Halt)
		return
	}
	for _, s := range out.Writes {
		w.write(p, s)
	}
	for _, s := range out.Reads {
		value := p.disk.read(s.Key)
		p.later(w.diskNs(p), func() { p.give(step.Input{Kind: step.Done, Token: s.Token, Bytes: value}) })
	}
	for _, s := range out.Saves {
		w.save(p, s)
	}
	for _, s := range out.Sends {
		w.send(p, s)
	}
	for _, frame := range out.Casts {
		w.cast(p, frame)
	}
	for _, s := range out.Evals {
		p.later(spread(p.rand, w.params.EvalNs), func() { w.send(p, step.Send{To: s.To, Bytes: s.Run()}) })
	}
}

func (w *World) halted(p *Party, why error) {
	asked := p.disk.broken
	if w.hooks.Anew != nil && w.hooks.Anew(p, why) {
		w.trace.note(w.nowNs, "%s ends: %v", p.name, why)
		w.count.Anew++
		w.crash(p, false)
		w.anew(p)
		return
	}
	w.count.Halts++
	w.crash(p, true)
	if !asked {
		w.broken(p, "halt", why)
		return
	}
	w.restartLater(p)
}

// Times between the end of a process and its next start by its own supervisor.
const (
	anewLeastNs = 10 * milliNs
	anewMostNs  = 150 * milliNs
)

// anew starts a server again as its supervisor does.
func (w *World) anew(p *Party) {
	boot := p.boot
	w.After(between(p.rand, anewLeastNs, anewMostNs), func() {
		if !p.up && p.boot == boot {
			p.begin()
		}
	})
}

func (w *World) diskNs(p *Party) int64 {
	after := w.params.DiskMinNs + spread(p.rand, w.params.DiskSpreadNs)
	return max(after, p.disk.stall-w.nowNs)
}

// write starts one batch; completions come in order.
func (w *World) write(p *Party, s step.Write) {
	d := &p.disk
	after := w.diskNs(p)
	if chance(p.rand, w.params.StallPpm) && !w.calm && !w.off.Has(Stall) {
		w.count.Stalls++
		after += spread(p.rand, w.params.StallNs)
	}
	d.lastNs = max(d.lastNs, w.nowNs+after)
	begun := started{write: s}
	if !d.broken {
		begun.number = d.start(s.Ops)
		w.count.Writes++
	}
	d.due = append(d.due, begun)
	p.later(d.lastNs-w.nowNs, func() { w.written(p) })
}

// written completes the oldest write.
func (w *World) written(p *Party) {
	d := &p.disk
	if wait := d.stall - w.nowNs; wait > 0 {
		p.later(wait, func() { w.written(p) })
		return
	}
	if len(d.due) == 0 {
		return
	}
	s := d.due[0]
	d.due = d.due[1:]
	done := step.Input{Kind: step.Done, Token: s.write.Token}
	if d.broken {
		done.Err = errDisk
	} else if s.write.Sync {
		w.count.Syncs++
		d.harden(s.number)
	}
	p.give(done)
}

// healDisk ends every stall: what was started completes soon.
func (w *World) healDisk(p *Party) {
	p.disk.stall, p.disk.lastNs = 0, w.nowNs
	for range p.disk.due {
		p.disk.lastNs += w.diskNs(p)
		p.later(p.disk.lastNs-w.nowNs, func() { w.written(p) })
	}
}

// save lets a save wait for those before it.
func (w *World) save(p *Party, s step.Save) {
	if p.disk.saves = append(p.disk.saves, s); len(p.disk.saves) == 1 {
		w.beginSave(p)
	}
}

func (w *World) beginSave(p *Party) { p.later(w.diskNs(p), func() { w.writeSave(p) }) }

// writeSave takes the chunks of an immutable state some time after they were asked, and writes them one by one.
func (w *World) writeSave(p *Party) {
	w.count.Saves++
	s, after := p.disk.saves[0], int64(0)
	sum := sha256.New()
	for _, ops := range batches(s) {
		after += spread(p.rand, w.params.SaveSpreadNs)
		p.later(after, func() {
			if !p.disk.broken {
				p.disk.start(ops)
			}
		})
		for _, op := range ops {
			if op.Kind == step.Set {
				fmt.Fprintf(sum, "%d ", len(op.Value))
				sum.Write(op.Value)
			}
		}
	}
	if w.hooks.Saved != nil {
		w.hooks.Saved(p, s.Prefix, [sha256.Size]byte(sum.Sum(nil)))
	}
	after += w.diskNs(p)
	p.later(after, func() { w.saved(p) })
}

// saved ends the first save, and begins the one that waits for it.
func (w *World) saved(p *Party) {
	done := step.Input{Kind: step.Done, Token: p.disk.saves[0].Token}
	if p.disk.broken {
		done.Err = fmt.Errorf("save: %w", errDisk)
	} else {
		p.disk.harden(p.disk.end())
	}
	p.give(done)
	if p.disk.saves = p.disk.saves[1:]; len(p.disk.saves) > 0 {
		w.beginSave(p)
	}
}

// crash stops a server; lose says that the machine it runs on fails too, not the process alone.
func (w *World) crash(p *Party, lose bool) {
	if !p.up {
		return
	}
	lost := 0
	if lose {
		lost = p.disk.crash(p.rand)
	} else {
		p.disk.harden(p.disk.end())
		p.disk.crash(p.rand)
	}
	w.count.LostBatches += lost
	w.trace.note(w.nowNs, "%s crashes, %d batches lost", p.name, lost)
	p.up, p.machine, p.inbox, p.ticking, p.scheduled = false, nil, nil, false, false
	p.pausedNs, p.slow = 0, false
	w.count.Crashes++
	for _, c := range w.conns {
		if c.server == p && !c.closed && chance(w.netRand, w.params.GonePpm) {
			c.closed = true
			w.count.Hangups++
			c.client.give(step.Input{Kind: step.Gone, From: p.addr})
		}
	}
	for _, other := range w.servers {
		if other != p && chance(w.netRand, w.params.GonePpm) {
			w.transmit(p, other, 0, func(bool) { other.give(step.Input{Kind: step.Gone, From: p.addr}) })
		}
	}
}

// restartLater starts a crashed server again after a while.
func (w *World) restartLater(p *Party) {
	boot := p.boot
	w.After(spread(w.faults.rand, w.params.RestartNs), func() {
		if !p.up && p.boot == boot {
			p.begin()
		}
	})
}
