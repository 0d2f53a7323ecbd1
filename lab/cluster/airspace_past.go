package cluster

import (
	"math/rand/v2"
	"slices"

	"onevoice/airspace"
	"onevoice/lab/judge"
	"onevoice/problem"
)

// pastTimes is what clients know of times that they may ask about.
type pastTimes struct {
	newest   uint64 // index of the newest answer
	newestNs int64
	oldestNs int64
	// forgets says that this world is told to hold little of the past.
	forgets bool
}

func newPastTimes(r *rand.Rand) pastTimes { return pastTimes{forgets: r.IntN(2) == 0} }

func (p *pastTimes) see(a *airspace.Answer) {
	if a.Index > p.newest {
		p.newest, p.newestNs = a.Index, max(p.newestNs, a.ServiceNs)
	}
	if p.oldestNs == 0 {
		p.oldestNs = a.ServiceNs
	}
}

// pastTime draws a known time: mostly one that was, now and then one that may be still to come.
func (w *airspaceWork) pastTime() airspace.Known {
	p := &w.past
	if p.newestNs > 0 && w.rand.IntN(4) == 0 {
		return airspace.Known{AtNs: p.oldestNs + w.rand.Int64N(p.newestNs-p.oldestNs+secNs)}
	}
	return airspace.Known{Index: 1 + w.rand.Uint64N(p.newest+4)}
}

// history says how much of the past is to be held.
func (w *airspaceWork) history() airspace.Command {
	h := airspace.History{SpanNs: airspace.DefaultHistoryNs, Records: airspace.DefaultHistoryRecords, Bytes: airspace.DefaultHistoryBytes}
	if w.past.forgets {
		h.Records, h.Bytes = pick(w.rand, int64(0), 5, 20, 60), pick(w.rand, h.Bytes, h.Bytes, 3_000)
		h.SpanNs = pick(w.rand, h.SpanNs, h.SpanNs, secNs, minuteNs)
	}
	return airspace.SetHistory{History: h}
}

// refused says whether an answer refuses its known time.
func (a *answered) refused() bool {
	p := a.answer.Problem
	return p != nil && p.Field == "known_at"
}

// rightTime says whether an answer is as of the time that was asked for, or refuses one that it has to. The picture is that of the entry that the
// answer is of.
func (w *airspaceWork) rightTime(court *judge.Court, p *picture, a *answered) bool {
	k := a.known
	switch {
	case k == (airspace.Known{}):
		return a.answer.Index == a.index
	case a.refused() && a.answer.Problem.Kind == problem.Expired:
		w.facts["airspace: before the horizon"]++
		return w.past.forgets || p.mayForget(k, a.answer.ServiceNs)
	case a.refused():
		w.facts["airspace: in the future"]++
		return k.Index > a.index || k.AtNs > a.answer.ServiceNs
	case k.Index > a.index:
		return false
	}
	w.facts["airspace: of the past"]++
	last := p.last()
	if last == (moment{}) {
		return true
	}
	if a.answer.Index != last.index || a.answer.ServiceNs != last.atNs || k.Index == 0 && last.atNs > k.AtNs {
		return false
	}
	return k.Index > 0 || w.nextAfter(court, last.index, a.index, k.AtNs)
}

// mayForget says whether a time is before all that is held by default: before the first entry that changed anything, or before one that is older
// than the history is long. Service time may go fast, and a wall clock jump.
func (p *picture) mayForget(k airspace.Known, nowNs int64) bool {
	before := func(m moment) bool { return k.Index > 0 && m.index > k.Index || k.Index == 0 && m.atNs > k.AtNs }
	for i, m := range p.marks {
		if before(m) && (i == 0 || m.atNs <= nowNs-airspace.DefaultHistoryNs) {
			return true
		}
	}
	return false
}

// nextAfter says whether the next entry that changed something, up to last, came after an instant.
func (w *airspaceWork) nextAfter(court *judge.Court, from, last uint64, atNs int64) bool {
	for i := from + 1; i <= last; i++ {
		if events, known := court.Events(w.group, i); known && len(events) > 0 {
			e, err := airspace.DecodeEvent(events[0])
			return err != nil || e.ServiceNs > atNs
		}
	}
	return true
}

// checkHorizon fails answers about a time that an earlier state, or the same, held no more: what is forgotten stays so.
func (w *airspaceWork) checkHorizon(court *judge.Court) {
	slices.SortStableFunc(w.answers, func(a, b answered) int { return int(a.index) - int(b.index) })
	gone := uint64(0)
	for i := 0; i < len(w.answers); {
		j := i
		for ; j < len(w.answers) && w.answers[j].index == w.answers[i].index; j++ {
			if a := &w.answers[j]; a.refused() && a.answer.Problem.Kind == problem.Expired {
				gone = max(gone, a.known.Index)
			}
		}
		for ; i < j; i++ {
			if a := &w.answers[i]; a.known.Index > 0 && a.known.Index <= gone && !a.refused() {
				court.Fail("S1", "group %d index %d: an answer as of index %d, and what was known at %d was held no more: %v", w.group, a.index, a.known.Index, gone, &a.op)
			}
		}
	}
}
