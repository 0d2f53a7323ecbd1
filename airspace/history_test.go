package airspace

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
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
	d.askVersions(s)
	d.askDiff(s, known, &want)
}

// askVersions holds what is said to have been known of a flight against the whole airspace after each entry that is held.
func (d *drawer) askVersions(s *State) {
	q := VersionsQuery{Flight: d.id("f"), Limit: rapid.SampledFrom([]int{1, 2, MaxPage}).Draw(d.t, "limit")}
	var all []KnownVersion
	for {
		page, err := s.Versions(q)
		if err != nil {
			break // nothing is known: then no entry has it either
		}
		all = append(all, page.List...)
		if q.After = page.Next; q.After == 0 {
			break
		}
	}
	for _, at := range d.model.archive.whole {
		f, there := at.state.flights[q.Flight]
		i := slices.IndexFunc(all, func(v KnownVersion) bool { return v.Since <= at.index && (v.Until == 0 || at.index < v.Until) })
		if (i >= 0) != there || there && (all[i].Flight.Version != f.Version || !slices.Equal(all[i].Flight.Windows, f.Windows)) {
			d.t.Fatalf("versions of %s: at %d it is the one at %d of %+v, want it there: %v, as %+v", q.Flight, at.index, i, all, there, f)
		}
		if there && all[i].Since == at.index && all[i].SinceNs != at.state.nowNs {
			d.t.Fatalf("version since %d is of %d, want %d", at.index, all[i].SinceNs, at.state.nowNs)
		}
	}
	for i := 1; i < len(all); i++ {
		if all[i-1].Until == 0 || all[i-1].Until > all[i].Since || all[i-1].Until == all[i].Since && all[i].Change != changeBetween(all[i-1].Flight, all[i].Flight) {
			d.t.Fatalf("versions %+v and %+v", all[i-1], all[i])
		}
	}
}

// changeBetween says what happened between two versions by what they hold.
func changeBetween(f, n *FlightRecord) Change {
	switch {
	case n.Version == f.Version:
		return ChangeRewindowed
	case n.Progress == nil:
		return ChangePut
	}
	return ChangeReported
}

// askDiff compares the differences between a known time and the present with what the two airspaces say.
func (d *drawer) askDiff(s *State, known Known, then *naive) {
	q := DiffQuery{From: known, Limit: rapid.SampledFrom([]int{1, 2, MaxPage}).Draw(d.t, "limit")}
	if rapid.Bool().Draw(d.t, "one sector") {
		q.Sector = d.id("s")
	}
	want := differences(then, &d.model.archive.whole[len(d.model.archive.whole)-1].state, q.Sector)
	var got []string
	for {
		page, err := s.Diff(q)
		if err != nil {
			_, was := then.sectors[q.Sector]
			_, is := d.model.sectors[q.Sector]
			if q.Sector == "" || was || is {
				d.t.Fatalf("diff %+v: %v", q, err)
			}
			return
		}
		for _, one := range page.List {
			got = append(got, fmt.Sprint(one.Flights, one.ID, one.Before, one.After, one.What&^(AspectRecord), len(one.WindowsBefore), len(one.WindowsAfter)))
		}
		if page.Next == nil {
			break
		}
		q.After = *page.Next
	}
	if !slices.Equal(got, want) {
		d.t.Fatalf("diff %+v:\n%q\nwant\n%q", q, got, want)
	}
}

// differences is the definition of a diff, without its wording of what was put again with nothing changed.
func differences(then, now *naive, sector string) (list []string) {
	for _, id := range namesOf(then.sectors, now.sectors) {
		a, was := then.sectors[id]
		b, is := now.sectors[id]
		if (sector == "" || sector == id) && (was != is || a.Version != b.Version) {
			what := Aspect(0)
			if was && is {
				what = a.differsIn(&b) &^ AspectRecord
			}
			list = append(list, fmt.Sprint(false, id, a.Version, b.Version, what, 0, 0))
		}
	}
	for _, id := range namesOf(then.flights, now.flights) {
		a, was := then.flights[id]
		b, is := now.flights[id]
		enters := func(f FlightRecord) bool {
			return slices.ContainsFunc(f.Windows, func(w SectorWindow) bool { return sector == "" || w.Sector == sector })
		}
		lost := slices.DeleteFunc(slices.Clone(a.Windows), func(w SectorWindow) bool { return slices.Contains(b.Windows, w) })
		won := slices.DeleteFunc(slices.Clone(b.Windows), func(w SectorWindow) bool { return slices.Contains(a.Windows, w) })
		if was == is && a.Version == b.Version && len(lost)+len(won) == 0 || sector != "" && !enters(a) && !enters(b) {
			continue
		}
		what := Aspect(0)
		if was && is {
			if !reflect.DeepEqual(a.Flight, b.Flight) {
				what |= AspectPlan
			}
			if !reflect.DeepEqual(a.Progress, b.Progress) {
				what |= AspectProgress
			}
			if len(lost)+len(won) > 0 {
				what |= AspectWindows
			}
		}
		list = append(list, fmt.Sprint(true, id, a.Version, b.Version, what, len(lost), len(won)))
	}
	return list
}

// namesOf lists the names of two maps in order.
func namesOf[V any](a, b map[string]V) []string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
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
