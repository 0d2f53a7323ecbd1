package airspace

import (
	"fmt"
	"slices"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/problem"
)

// MaxFlowWork bounds the work of one question about flows or routes: windows that are looked at, each of a flight's windows counting for each of
// its visits. A page of flows ends there; a sector with more by itself, or routes with more, are too large.
const MaxFlowWork = 2_000_000

// MaxFlowVisits bounds the visits to one sector, or the flights of a question about routes, so that sums of lateness fit.
const MaxFlowVisits = 100_000

// FlowQuery asks how flights go from sector to sector in [FromNs, ToNs): each crossing is at the earliest moment of the entry, those to the outside
// at that of the leaving. Where Sector is not empty, only what comes into it and goes out of it. Limit is 1 to MaxPage. It is answered with a *Flows.
type FlowQuery struct {
	FromNs, ToNs int64
	Sector       string
	After        FlowPlace
	Limit        int
}

// Flows is a page of flows, in the order of their places. Next is the last one's place where there may be more; a page may be shorter than
// its limit, and even empty, and have a next one.
type Flows struct {
	List []Flow
	Next *FlowPlace
}

func (FlowQuery) kind() queryKind { return kindFlows }

func (q FlowQuery) appendBody(w *codec.Writer) {
	w.I64(q.FromNs)
	w.I64(q.ToNs)
	w.String(q.Sector)
	appendFlowPlace(w, q.After)
	w.I64(int64(q.Limit))
}

func readFlowQuery(r *codec.Reader) FlowQuery {
	return FlowQuery{FromNs: r.I64(), ToNs: r.I64(), Sector: r.String(maxText), After: readFlowPlace(r), Limit: int(r.I64())}
}

func (q FlowQuery) answer(s *State) (Body, error) { return s.Flows(q) }

func appendFlowPlace(w *codec.Writer, p FlowPlace) {
	w.String(p.Sector)
	w.Bool(p.Out)
	w.String(p.Other)
}

func readFlowPlace(r *codec.Reader) FlowPlace {
	return FlowPlace{Sector: r.String(maxText), Out: r.Bool(), Other: r.String(maxText)}
}

func (p *Flows) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(p.List)))
	for i := range p.List {
		f := &p.List[i]
		w.String(f.From)
		w.String(f.To)
		w.Uvarint(uint64(f.Count))
		w.I64(f.FirstNs)
		w.I64(f.LastNs)
		w.Uvarint(uint64(f.Known))
		w.I64(f.MeanNs)
		w.I64(f.WorstNs)
	}
	w.Bool(p.Next != nil)
	if p.Next != nil {
		appendFlowPlace(w, *p.Next)
	}
}

func readFlows(r *codec.Reader) *Flows {
	p := &Flows{List: make([]Flow, r.Count(MaxPage, 36))}
	for i := range p.List {
		p.List[i] = Flow{From: r.String(maxText), To: r.String(maxText), Count: readSmall(r), FirstNs: r.I64(), LastNs: r.I64(),
			Lateness: Lateness{Known: readSmall(r), MeanNs: r.I64(), WorstNs: r.I64()}}
	}
	if r.Bool() {
		p.Next = new(readFlowPlace(r))
	}
	return p
}

// Flows answers a FlowQuery. The error is a *problem.Error: NotFound for an unknown sector, TooLarge where one sector alone is over
// MaxFlowWork or MaxFlowVisits. The cost grows with the visits in the time asked for, to the sectors of the page.
func (s *State) Flows(q FlowQuery) (*Flows, error) {
	if p := checkSpan("flows", q.Sector, q.FromNs, q.ToNs, q.Limit); p != nil {
		return nil, p
	}
	p := flowPage{state: s, q: &q, page: &Flows{List: []Flow{}}, place: q.After, left: MaxFlowWork}
	if q.Sector != "" {
		n, ok := s.sectors.Get(q.Sector, s.asOf)
		if !ok {
			return nil, notFound("flows", q.Sector, "sector")
		}
		p.sector(n)
	} else {
		p.sectors()
	}
	return p.page, p.result()
}

// flowPage makes one page.
type flowPage struct {
	state *State
	q     *FlowQuery
	page  *Flows
	place FlowPlace // after which the next is to be found
	left  int       // of MaxFlowWork
	any   bool      // a sector was done
	err   *problem.Error
}

// result avoids an error that is not nil and holds nothing.
func (p *flowPage) result() error {
	if p.err == nil {
		return nil
	}
	return p.err
}

// sectors adds what is found at all of them, from the page's place on.
func (p *flowPage) sectors() {
	s := p.state
	s.sectors.Ascend(p.q.After.Sector, s.asOf, func(_ string, v past.Version[*sector]) bool { return p.sector(v.Record) })
}

// sector adds what is found at one sector, and says whether the page goes on.
func (p *flowPage) sector(n *sector) bool {
	if endOfFlows(n.ID).Compare(p.q.After) <= 0 {
		return true
	}
	found, ok := p.found(n)
	if !ok {
		if !p.any {
			p.err = tooManyFlows("flows", n.ID)
		} else {
			p.page.Next = new(p.place)
		}
		return false
	}
	p.any = true
	for i := range found {
		e := &found[i]
		if e.Compare(p.q.After) <= 0 {
			continue
		}
		if len(p.page.List) == p.q.Limit {
			p.page.Next = new(p.place)
			return false
		}
		p.page.List, p.place = append(p.page.List, e.Flow), e.FlowPlace
	}
	p.place = endOfFlows(n.ID)
	return true
}

func tooManyFlows(op, sector string) *problem.Error {
	return &problem.Error{Kind: problem.TooLarge, Op: op, Subject: sector, Field: "to",
		Value: fmt.Sprintf("over %d visits, or %d steps", MaxFlowVisits, MaxFlowWork), Allowed: "a shorter time"}
}

// found gives the flows at one sector, sorted; false where that is too much work.
func (p *flowPage) found(n *sector) ([]foundFlow, bool) {
	g := flows{sector: n.ID, at: map[FlowPlace]int{}}
	ok := p.state.visitsIn(n, max(p.q.FromNs, 0)-FlowSlackNs, p.q.ToNs, func(f *FlightRecord, i int) bool {
		work := len(f.Windows)
		if p.q.Sector != "" {
			work *= work
		}
		if p.left -= work; p.left < 0 {
			return false
		}
		p.crossings(&g, f, i)
		return true
	})
	return g.sorted(), ok
}

// crossings counts what a flight does at its i-th sector.
func (p *flowPage) crossings(g *flows, f *FlightRecord, i int) {
	within := func(ns int64) bool { return ns >= p.q.FromNs && ns < p.q.ToNs }
	windows := f.Windows
	if within(windows[i].EnterMinNs) {
		other := ""
		if k := feeder(windows, i); k >= 0 {
			other = windows[k].Sector
		}
		g.add(FlowPlace{g.sector, false, other}, f, i, false)
	}
	if within(windows[i].LeaveMinNs) && goesOut(windows, i) {
		g.add(FlowPlace{g.sector, true, ""}, f, i, true)
	}
	if p.q.Sector == "" {
		return // what goes to another sector is found there
	}
	for k := i + 1; k < len(windows); k++ {
		if windows[k].Sector != g.sector && within(windows[k].EnterMinNs) && feeder(windows, k) == i {
			g.add(FlowPlace{g.sector, true, windows[k].Sector}, f, k, false)
		}
	}
}

// visitsIn gives each visit to a sector that may meet a time to each, class by class: the flight, and which of its windows it is. It ends
// with false where each says so, or where there are more than MaxFlowVisits.
func (s *State) visitsIn(n *sector, fromNs, toNs int64, each func(f *FlightRecord, i int) bool) bool {
	count, telling := 0, s.telling() != nil
	for _, run := range s.runs(n, fromNs, toNs, Cursor{}, MaxFlowVisits+1) {
		if count += len(run); count > MaxFlowVisits {
			return false
		}
		for _, o := range run {
			if telling {
				o.Flight = s.record(s.flight(o.Flight.ID))
			}
			i := slices.IndexFunc(o.Flight.Windows, func(w SectorWindow) bool { return w.Sector == n.ID && w.Window == o.Window })
			if i >= 0 && !each(o.Flight, i) {
				return false
			}
		}
	}
	return true
}
