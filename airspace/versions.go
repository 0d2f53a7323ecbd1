package airspace

import (
	"fmt"
	"slices"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/problem"
)

// VersionsQuery asks what was known of one thing, one version after another. It is of the present: it names known times itself. It is answered
// with *Versions.
type VersionsQuery struct {
	// Flight or Sector names the thing; the other is empty.
	Flight, Sector string
	// From and To bound the known time; zero is the horizon, and the present.
	From, To Known
	// After is the Since of the last version of the page before, 0 for the first page.
	After uint64
	Limit int // 1 to MaxPage
}

// Change says what a version brought.
type Change uint8

// The changes.
const (
	// ChangePut is a thing that was put: it came, or its plan or shape became another.
	ChangePut Change = 1
	// ChangeRewindowed is a flight whose windows became others, since a sector did.
	ChangeRewindowed Change = 2
	// ChangeReported is a flight whose progress was reported.
	ChangeReported Change = 3
)

// String gives "put", "rewindowed" or "reported".
func (c Change) String() string {
	switch c {
	case ChangePut:
		return "put"
	case ChangeRewindowed:
		return "rewindowed"
	case ChangeReported:
		return "reported"
	}
	return "none"
}

// KnownVersion is a thing as it was known from the entry Since on, until before the entry Until.
type KnownVersion struct {
	Since uint64
	// Until is 0 where it holds still.
	Until uint64
	// SinceNs and UntilNs are service time after these entries; 0 where the entry lies before the horizon, or Until is 0.
	SinceNs, UntilNs int64
	Change           Change
	Flight           *FlightRecord // of a flight
	Sector           *SectorRecord // of a sector
}

// Versions are what was known of one thing, the oldest first. Where one ends before the next begins, the thing was not there between.
type Versions struct {
	List []KnownVersion
	// Next is the After of the next page, 0 where there is none.
	Next uint64
}

func (VersionsQuery) kind() queryKind { return kindVersions }

func (q VersionsQuery) appendBody(w *codec.Writer) {
	w.String(q.Flight)
	w.String(q.Sector)
	appendKnown(w, q.From)
	appendKnown(w, q.To)
	w.U64(q.After)
	w.I64(int64(q.Limit))
}

func readVersionsQuery(r *codec.Reader) VersionsQuery {
	return VersionsQuery{Flight: r.String(maxText), Sector: r.String(maxText), From: readKnown(r), To: readKnown(r), After: r.U64(), Limit: int(r.I64())}
}

func appendKnown(w *codec.Writer, k Known) {
	w.U64(k.Index)
	w.I64(k.AtNs)
}

func readKnown(r *codec.Reader) Known { return Known{r.U64(), r.I64()} }

func (q VersionsQuery) answer(s *State) (Body, error) { return s.Versions(q) }

func (v *Versions) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(v.List)))
	for i := range v.List {
		k := &v.List[i]
		w.U64(k.Since)
		w.U64(k.Until)
		w.I64(k.SinceNs)
		w.I64(k.UntilNs)
		w.U8(uint8(k.Change))
		w.Bool(k.Flight != nil)
		if k.Flight != nil {
			appendFlightRecord(w, k.Flight)
		} else {
			appendSectorRecord(w, k.Sector)
		}
	}
	w.U64(v.Next)
}

func readVersions(r *codec.Reader) *Versions {
	v := &Versions{List: make([]KnownVersion, r.Count(MaxPage, 34))}
	for i := range v.List {
		k := &v.List[i]
		*k = KnownVersion{Since: r.U64(), Until: r.U64(), SinceNs: r.I64(), UntilNs: r.I64(), Change: Change(r.U8())}
		if r.Bool() {
			k.Flight = new(readFlightRecord(r))
		} else {
			k.Sector = new(readSectorRecord(r))
		}
	}
	v.Next = r.U64()
	return v
}

// Versions answers a VersionsQuery. The error is a *problem.Error: Invalid where the question names no thing or two, or known times that are
// none; Expired where From is before the horizon; NotFound where nothing of the thing is known any more.
func (s *State) Versions(q VersionsQuery) (*Versions, error) {
	const op = "history"
	if err := s.presentOnly(op); err != nil {
		return nil, err
	}
	if (q.Flight == "") == (q.Sector == "") {
		return nil, &problem.Error{Kind: problem.Invalid, Op: op, Field: "flight", Value: problem.Clip(q.Flight), Allowed: "a flight or a sector, and not both"}
	}
	c := checker{op: op, subject: q.Flight + q.Sector}
	if c.number("limit", int64(q.Limit), 1, MaxPage); c.found != nil {
		return nil, c.found
	}
	from, to, p := s.knownSpan(op, q.From, q.To)
	if p != nil {
		return nil, p
	}
	var all []KnownVersion
	what, id := "flight", q.Flight
	if q.Flight != "" {
		all = s.flightVersions(q.Flight)
	} else {
		what, id = "sector", q.Sector
		all = s.sectorVersions(q.Sector)
	}
	horizon, _ := s.Horizon()
	all = slices.DeleteFunc(all, func(v KnownVersion) bool { return v.Until != 0 && v.Until <= horizon })
	if len(all) == 0 {
		return nil, notFound(op, id, what)
	}
	return s.pageOf(all, from, to, q), nil
}

// pageOf takes the page that a question asks for out of all versions.
func (s *State) pageOf(all []KnownVersion, from, to uint64, q VersionsQuery) *Versions {
	page := &Versions{List: []KnownVersion{}}
	for _, v := range all {
		switch {
		case v.Until != 0 && v.Until <= from, v.Since > to, v.Since <= q.After:
			continue
		case len(page.List) == q.Limit:
			page.Next = page.List[q.Limit-1].Since
			return page
		}
		v.SinceNs, v.UntilNs = s.timeOf(v.Since), s.timeOf(v.Until)
		page.List = append(page.List, v)
	}
	return page
}

// timeOf is service time after an entry that changed something, 0 where that is before the horizon.
func (s *State) timeOf(index uint64) int64 {
	i := s.marks.Search(func(k mark) bool { return k.index >= index })
	if i < s.marks.Len() && s.marks.At(i).index == index {
		return s.marks.At(i).atNs
	}
	return 0
}

// knownSpan resolves two known times, the horizon and the present where they are zero, to the entries that they are as of.
func (s *State) knownSpan(op string, from, to Known) (first, last uint64, p *problem.Error) {
	if first, _ = s.Horizon(); from != (Known{}) {
		then, p := s.markOf(from)
		if p != nil {
			return 0, 0, ofField(p, op, "known_from")
		}
		first = s.markIndex(then)
	}
	if last = s.index; to != (Known{}) {
		then, p := s.markOf(to)
		if p != nil {
			return 0, 0, ofField(p, op, "known_to")
		}
		last = s.markIndex(then)
	}
	if last < first {
		return 0, 0, &problem.Error{Kind: problem.Invalid, Op: op, Field: "known_to", Value: fmt.Sprint(last), Allowed: "not before known_from, which is index " + fmt.Sprint(first)}
	}
	return first, last, nil
}

// ofField says of a known time that is refused in which field it was named.
func ofField(p *problem.Error, op, field string) *problem.Error {
	of := *p
	of.Op, of.Field = op, field
	return &of
}

// markIndex is the entry of a mark, 0 before all.
func (s *State) markIndex(i int) uint64 {
	if i < 0 {
		return 0
	}
	return s.marks.At(i).index
}

// flightVersions lists all that is held of a flight, the oldest first.
func (s *State) flightVersions(id string) []KnownVersion {
	var all []KnownVersion
	add := func(since, until uint64, f *FlightRecord) {
		if until != past.Now && since >= until {
			return
		}
		v := KnownVersion{Since: since, Until: until, Change: ChangePut, Flight: f}
		if until == past.Now {
			v.Until = 0
		}
		if n := len(all); n > 0 && all[n-1].Until == since {
			v.Change = all[n-1].Flight.changeTo(f)
		}
		all = append(all, v)
	}
	if t := s.trail(id); t != nil {
		for _, v := range t.line.Versions() {
			add(v.Since, v.Until, &v.Record.FlightRecord)
		}
	}
	if number, ok := s.numbers.Get(id); ok {
		f := s.flightAt(number)
		if st := s.telling(); st != nil && f.next != nil {
			add(f.Since, st.heldSince, &f.FlightRecord)
			add(st.heldSince, past.Now, &f.next.FlightRecord)
		} else {
			add(f.Since, past.Now, &f.FlightRecord)
		}
	}
	return all
}

// changeTo says what made of a flight what follows.
func (f *FlightRecord) changeTo(n *FlightRecord) Change {
	switch {
	case f.Version == n.Version:
		return ChangeRewindowed
	case n.Progress != nil: // which a plan that is put has not
		return ChangeReported
	}
	return ChangePut
}

// sectorVersions lists all that is held of a sector, the oldest first.
func (s *State) sectorVersions(id string) []KnownVersion {
	var all []KnownVersion
	for _, v := range s.sectors.Versions(id) {
		k := KnownVersion{Since: v.Since, Until: v.Until, Change: ChangePut, Sector: &v.Record.SectorRecord}
		if v.Until == past.Now {
			k.Until = 0
		}
		all = append(all, k)
	}
	return all
}
