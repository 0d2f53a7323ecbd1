package cluster

import (
	"cmp"
	"slices"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/lab/judge"
	"onevoice/problem"
)

// picture is the airspace as the events of the log tell it, up to some index.
type picture struct {
	sectors map[string]airspace.Version
	flights map[string]plan
	control *judge.Control
}

type plan struct {
	version airspace.Version
	windows []airspace.SectorWindow
}

// check compares every answer with the picture that the log's events give at its index (S1): a server that is behind, ahead or
// wrong about who is where says something else.
func (w *airspaceWork) check(court *judge.Court) {
	slices.SortStableFunc(w.answers, func(a, b answered) int { return cmp.Compare(a.index, b.index) })
	p := picture{sectors: map[string]airspace.Version{}, flights: map[string]plan{}, control: court.NewControl(w.group)}
	p.control.Matched = w.desks.matched
	defer w.tellControl(p.control)
	at := uint64(1)
	for i := range w.answers {
		a := &w.answers[i]
		for ; at < a.index; at++ {
			events, known := court.Events(w.group, at+1)
			if !known {
				return
			}
			w.bundles.check(court, w.group, at+1, events)
			for _, e := range events {
				p.take(e)
			}
		}
		if !p.agrees(a.query, &a.answer) {
			court.Fail("S1", "group %d index %d: the answer is not what the log's events say: %v: %+v", w.group, a.index, &a.op, a.answer)
			return
		}
	}
}

func (p *picture) take(event []byte) {
	e, err := airspace.DecodeEvent(event)
	if err != nil {
		return
	}
	p.control.Take(&e)
	switch e.Kind {
	case airspace.SectorPut:
		p.sectors[e.ID] = e.Version
	case airspace.SectorRemoved:
		delete(p.sectors, e.ID)
	case airspace.FlightPut, airspace.FlightRewindowed:
		p.flights[e.ID] = plan{e.Version, e.Windows}
	case airspace.FlightCancelled, airspace.FlightExpired:
		delete(p.flights, e.ID)
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
		return said.Version == f.version && slices.Equal(said.Windows, f.windows)
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
	case airspace.WhoQuery:
		if _, found := p.sectors[q.Sector]; !found || a.Problem != nil {
			return isMissing(found, a)
		}
		visits, is := a.Body.(airspace.Visits)
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
	for _, f := range p.flights {
		for _, w := range f.windows {
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
		if v.Version != f.version || !p.control.Shows(&v) || !slices.Contains(f.windows, w) || !meets(w, q) {
			return false
		}
	}
	return true
}
