package cluster

import (
	"cmp"
	"slices"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/lab/judge"
	"onevoice/problem"
)

// check compares every answer with the picture that the log's events give at its index (S1): a server that is behind, ahead or
// wrong about who is where says something else.
func (w *airspaceWork) check(court *judge.Court) {
	w.checkHorizon(court)
	slices.SortStableFunc(w.answers, func(a, b answered) int { return cmp.Compare(a.of(), b.of()) })
	p := newPicture(court.NewControl(w.group), w.facts)
	p.control.Matched = w.desks.matched
	defer w.tellControl(p.control)
	at := uint64(1)
	for i := range w.answers {
		a := &w.answers[i]
		for ; at < a.of(); at++ {
			events, known := court.Events(w.group, at+1)
			if !known {
				return
			}
			w.bundles.check(court, w.group, at+1, events)
			for _, e := range events {
				p.take(at+1, e)
			}
		}
		if !a.refused() && !p.agrees(a.query, &a.answer) || !w.rightTime(court, p, a) {
			court.Fail("S1", "group %d index %d: the answer is not what the log's events say: %v: %+v: %+v", w.group, a.index, &a.op, a.known, a.answer)
			return
		}
	}
}

func (p *picture) agrees(q airspace.Query, a *airspace.Answer) bool {
	switch q := q.(type) {
	case airspace.FlightQuery:
		f, found := p.flights[q.ID]
		said, is := a.Body.(*airspace.FlightRecord)
		if !found || !is {
			return isMissing(found, a)
		}
		return said.Version == f.version && slices.Equal(p.sure(q.ID, said.Windows), p.sure(q.ID, f.windows))
	case airspace.SectorQuery:
		v, found := p.sectors[q.ID]
		said, is := a.Body.(*airspace.SectorRecord)
		if !found || !is {
			return isMissing(found, a)
		}
		return said.Version == v
	case airspace.ControlQuery:
		_, found := p.sectors[q.ID]
		if q.Thing == control.Flight {
			_, found = p.flights[q.ID]
		}
		said, is := a.Body.(*airspace.Controlled)
		if !found || !is {
			return isMissing(found, a)
		}
		return p.control.Agrees(said)
	case airspace.ZoneQuery:
		z, found := p.zones[q.ID]
		said, is := a.Body.(*airspace.ZoneRecord)
		if !found || !is {
			return isMissing(found, a)
		}
		return said.Version == z.version
	case airspace.BreachQuery:
		z, found := p.zones[q.Zone]
		said, is := a.Body.(airspace.Breaches)
		if !found || !is {
			return isMissing(found, a)
		}
		return p.breached(&z, q, said)
	case airspace.WhoQuery:
		if _, found := p.sectors[q.Sector]; !found || a.Problem != nil {
			return isMissing(found, a)
		}
		visits, is := a.Body.(airspace.Visits)
		visits = slices.DeleteFunc(slices.Clone(visits), func(v airspace.Presence) bool { return p.vague(v.Flight, q.Sector) })
		return is && p.present(q) == len(visits) && p.allThere(q, visits)
	}
	return false
}

// isMissing says whether an answer tells rightly that a thing is not there.
func isMissing(found bool, a *airspace.Answer) bool {
	return !found && a.Problem != nil && a.Problem.Kind == problem.NotFound
}

func meets(w airspace.SectorWindow, q airspace.WhoQuery) bool {
	return w.Sector == q.Sector && w.EnterMinNs < q.ToNs && w.LeaveMaxNs > q.FromNs
}

func (p *picture) present(q airspace.WhoQuery) int {
	n := 0
	for id, f := range p.flights {
		for _, w := range p.sure(id, f.windows) {
			if meets(w, q) {
				n++
			}
		}
	}
	return n
}

func (p *picture) allThere(q airspace.WhoQuery, visits []airspace.Presence) bool {
	for _, v := range visits {
		f := p.flights[v.Flight]
		w := airspace.SectorWindow{Sector: q.Sector, Window: v.Window}
		past := v.Control == 0 // an answer of the past says nothing about control
		if v.Version != f.version || !past && !p.control.Shows(&v) || !slices.Contains(f.windows, w) || !meets(w, q) {
			return false
		}
	}
	return true
}

// breached compares the breaches of one zone.
func (p *picture) breached(z *area, q airspace.BreachQuery, said airspace.Breaches) bool {
	n := 0
	for _, windows := range z.breaches {
		for _, w := range windows {
			if w.EnterMinNs < q.ToNs && w.LeaveMaxNs > q.FromNs {
				n++
			}
		}
	}
	for i := range said {
		b := &said[i]
		if b.Version != p.flights[b.Flight].version || !slices.Contains(z.breaches[b.Flight], b.Window) {
			return false
		}
	}
	return n == len(said)
}
