package airspace

import (
	"errors"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"onevoice/problem"
)

// archive is the past as one would keep it without caring for memory: the whole airspace as it was after each entry that changed it, and
// a list of what ended.
type archive struct {
	whole []kept
	// sizes says that what ended is known one by one: not where changes are made in steps, since then what ended is noted later.
	sizes bool
	ended []endedThing
}

type kept struct {
	index uint64
	state naive
}

type endedThing struct {
	until uint64
	bytes int
}

// take keeps the airspace as it is after an entry.
func (a *archive) take(n *naive, index uint64) {
	a.ended = append(a.ended, a.endedSince(n, index)...)
	state := *n
	state.sectors, state.flights = maps.Clone(n.sectors), maps.Clone(n.flights)
	a.whole = append(a.whole, kept{index, state})
}

// endedSince lists what held after the last entry and holds no more.
func (a *archive) endedSince(n *naive, index uint64) []endedThing {
	var list []endedThing
	if len(a.whole) == 0 {
		return nil
	}
	before := a.whole[len(a.whole)-1].state
	for id, f := range before.flights {
		if now, ok := n.flights[id]; !ok || now.Version != f.Version || now.Since != f.Since {
			list = append(list, endedThing{index, (&flight{FlightRecord: f}).pastBytes()})
		}
	}
	for id, s := range before.sectors {
		if now, ok := n.sectors[id]; !ok || now.Version != s.Version {
			list = append(list, endedThing{index, (&sector{SectorRecord: s}).pastBytes()})
		}
	}
	if before.settings.Version != n.settings.Version {
		list = append(list, endedThing{index, before.settings.pastBytes()})
	}
	return list
}

// cut leaves out what is beyond the settings: at the beginning of an entry, when index is 0, or at a change of the settings in it.
func (a *archive) cut(n *naive, index uint64) {
	if len(a.whole) == 0 {
		return
	}
	h := n.settings.History
	ended := a.ended
	if index > 0 {
		ended = slices.Concat(ended, a.endedSince(n, index))
	}
	total, horizon := 0, uint64(0)
	for _, e := range ended {
		total += e.bytes
	}
	for i, e := range ended {
		if len(ended)-i > int(h.Records) || total > int(h.Bytes) {
			horizon = e.until
		}
		total -= e.bytes
	}
	tooOld := func(i int) bool {
		next := a.whole[i+1]
		return next.state.nowNs <= n.nowNs-h.SpanNs || len(a.whole)-i-1 > int(h.Records) || a.whole[i].index < horizon
	}
	first := 0
	for first+1 < len(a.whole) && tooOld(first) {
		first++
	}
	a.whole = a.whole[first:]
	if index == 0 {
		a.ended = slices.DeleteFunc(a.ended, func(e endedThing) bool { return e.until <= a.whole[0].index })
	}
}

// at gives the airspace as it was known then.
func (a *archive) at(known Known) (naive, bool) {
	for i := len(a.whole) - 1; i >= 0; i-- {
		at := &a.whole[i]
		if known.Index == 0 && at.state.nowNs <= known.AtNs || known.Index != 0 && at.index <= known.Index {
			return at.state, true
		}
	}
	return naive{}, false
}

// askPast compares the whole airspace and answers, as of random times.
func (d *drawer) askPast(s *State, newest uint64) {
	var known Known
	if rapid.Bool().Draw(d.t, "by index") {
		known.Index = rapid.Uint64Range(1, newest+1).Draw(d.t, "known")
	} else {
		known.AtNs = d.model.nowNs - rapid.SampledFrom([]int64{-1, 0, 1, second, 301 * second, 3601 * second, 36_000 * second}).Draw(d.t, "ago")
	}
	if d.model.archive.sizes && s.over.Len() != len(d.model.archive.ended) {
		d.t.Fatalf("%d past records, want %d", s.over.Len(), len(d.model.archive.ended))
	}
	then, err := s.AsOf(known)
	if known.Index > newest || known.Index == 0 && known.AtNs > d.model.nowNs {
		d.refused(err, problem.Invalid)
		return
	}
	want, ok := d.model.archive.at(known)
	if !ok {
		d.refused(err, problem.Expired)
		return
	}
	if err != nil {
		d.t.Fatalf("as of %+v: %v", known, err)
	}
	compareState(d.t, then, &want)
	for _, id := range []string{"fa", "fb"} {
		got, there := then.Flight(id)
		if f, ok := want.flights[id]; ok != there || ok && !slices.Equal(got.Windows, f.Windows) {
			d.t.Fatalf("flight %s as of %+v: %v, want %v", id, known, got, f)
		}
	}
	(&drawer{d.t, &want}).ask(then)
}

func (d *drawer) refused(err error, kind problem.Kind) {
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != kind || p.Allowed == "" {
		d.t.Fatalf("refused as %v, want kind %v", err, kind)
	}
}

func (d *drawer) history() Command {
	if !d.model.archive.sizes {
		h := defaultHistory()
		h.SpanNs = rapid.SampledFrom([]int64{0, 300 * second, DefaultHistoryNs}).Draw(d.t, "span")
		return SetHistory{History: h, If: d.when(d.model.settings.Version, false)}
	}
	return SetHistory{
		History: History{
			SpanNs:  rapid.SampledFrom([]int64{0, 1, 300 * second, DefaultHistoryNs}).Draw(d.t, "span"),
			Records: rapid.SampledFrom([]int64{0, 1, 5, DefaultHistoryRecords, MaxHistoryRecords + 1}).Draw(d.t, "records"),
			Bytes:   rapid.SampledFrom([]int64{0, 2000, 5000, DefaultHistoryBytes, DefaultHistoryBytes}).Draw(d.t, "bytes"),
		},
		If: d.when(d.model.settings.Version, false),
	}
}
