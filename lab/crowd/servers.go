package crowd

import (
	"math"

	"onevoice/crowd"
	"onevoice/crowd/peer"
	"onevoice/members"
)

func (w *world) lost(permille int) bool { return permille > 0 && w.net.IntN(1000) < permille }

func (w *world) spread(meanNs int64) int64 {
	return int64(math.Min(w.net.ExpFloat64(), 20) * float64(meanNs))
}

func (w *world) lan() int64 { return lanNs + w.spread(lanSpreadNs) }

// segment is how long TCP takes to bring a segment over a link that loses some.
func (w *world) segment(permille int) int64 {
	took := w.lan()
	for again := resendNs; w.lost(permille) && again < 60_000*ms; again *= 2 {
		took += again
	}
	return took
}

// work takes a server's processor for one frame, and says when that is done.
func (w *world) work(server int, fromNs int64) int64 {
	s := &w.servers[server]
	s.busyNs = max(s.busyNs, fromNs) + SendNs
	w.result.Frames++
	return s.busyNs
}

// up brings a frame from a member to its server.
func (w *world) up(x *member, then func()) {
	x.outNs = max(x.outNs, w.nowNs+w.segment(x.out))
	w.at(x.outNs, func() { w.at(w.work(x.server, w.nowNs), then) })
}

// down brings a frame from a server to a member, from a moment on.
func (w *world) down(x *member, fromNs int64, then func()) {
	x.inNs = max(x.inNs, w.work(x.server, fromNs)+w.segment(x.in))
	w.at(x.inNs, then)
}

// forward brings a report to the leader, server 0.
func (w *world) forward(server int, r crowd.Reports) {
	way := int64(0)
	if server != 0 {
		way = w.lan()
	}
	w.at(w.nowNs+way, func() { w.queued = append(w.queued, r) })
}

// batch brings to the log what has come, or what is due.
func (w *world) batch() {
	w.at(w.nowNs+batchNs, w.batch)
	due := w.m.DueNs()
	if len(w.queued) == 0 && (due == 0 || due > w.nowNs) {
		return
	}
	commands := w.together()
	stamp := w.nowNs
	w.agreeNs = max(w.agreeNs, w.nowNs+w.agreement())
	w.at(w.agreeNs, func() { w.apply(stamp, commands) })
}

// together makes one command of all reports, and leaves the others as they are.
func (w *world) together() []crowd.Command {
	var reports crowd.Reports
	var all []crowd.Command
	for _, c := range w.queued {
		if r, ok := c.(crowd.Reports); ok && len(reports.All) < crowd.MaxReports {
			reports.All = append(reports.All, r.All...)
		} else {
			all = append(all, c)
		}
	}
	w.queued = nil
	if len(reports.All) > 0 {
		all = append(all, reports)
	}
	return all
}

// agreement is how long an entry takes until a majority has it and the leader knows.
func (w *world) agreement() int64 {
	sync := func() int64 { return syncNs + w.spread(syncSpreadNs) }
	own := sync()
	others := make([]int64, min(w.o.Servers, members.MaxVoters)-1)
	for i := range others {
		others[i] = w.lan() + sync() + w.lan()
	}
	need := (len(others) + 1) / 2
	took := own
	for range need { // the need-th fastest of the others
		best := 0
		for i, o := range others {
			if o < others[best] {
				best = i
			}
		}
		took = max(took, others[best])
		others[best] = math.MaxInt64
	}
	return took
}

func (w *world) apply(stampNs int64, commands []crowd.Command) {
	w.result.Entries++
	w.place.Index++
	w.place.LogTimeNs, w.place.Sub = max(w.place.LogTimeNs, stampNs), 0
	w.m.Advance(w.place, w.roll)
	for i, c := range commands {
		w.place.Sub = uint32(i)
		b := w.m.Apply(w.place, crowd.Encode(c), w.roll)
		if _, joins := c.(crowd.Join); !joins {
			continue
		}
		if r, err := crowd.DecodeResult(b); err == nil && r.Problem == nil {
			x := w.admit(r.ID)
			w.down(x, w.nowNs, func() {
				w.load(x)
				w.tick(x)
			})
		}
	}
}

// roll takes an event of the machine: each server pushes it to the members that are connected to it, one after another.
func (w *world) roll(event []byte) {
	e, err := crowd.DecodeEvent(event)
	if err != nil {
		panic(err)
	}
	w.trace.Write(e.Roll.Hash[:])
	w.judge(&e.Roll)
	w.result.RollBytes = max(w.result.RollBytes, len(event))
	run := rollRun{number: e.Roll.Number, agreedNs: w.nowNs}
	known := make([]int64, w.o.Servers)
	for i := range known {
		known[i] = w.nowNs
		if i > 0 {
			known[i] += w.lan()
		}
	}
	run.want = int(e.Roll.Count)
	w.rolls = append(w.rolls, run)
	first := w.net.IntN(len(w.members))
	for i := range w.members {
		x := w.members[(first+i)%len(w.members)]
		if !x.ended {
			w.down(x, known[x.server], func() { w.hear(x, func(o *peer.Out) { x.peer.Hear(e.Roll, o) }) })
		}
	}
}

// judge notes who goes by a roll.
func (w *world) judge(r *crowd.Roll) {
	w.result.Rolls++
	lossy := 0
	for _, g := range r.Gone {
		switch {
		case g.Why != crowd.Reported:
		case w.byID[g.ID].lossy:
			lossy++
		default:
			w.result.HealthyCut++
		}
	}
	if lossy > 0 {
		w.result.Cut += lossy
		w.result.CutRolls++
		w.result.CutAtNs = w.nowNs
	}
}
