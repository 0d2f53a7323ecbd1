package airspace

import (
	"slices"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/geo"
)

// MaxDiffWork bounds the work of one page of a diff: names that are looked at, and windows that are compared. The page ends there.
const MaxDiffWork = 50_000

// DiffQuery asks what differs between two known times: sectors, then flights, by identifier. It is of the present: it names known times itself.
// It is answered with a *Diff.
type DiffQuery struct {
	// From and To are the two; zero is the horizon, and the present.
	From, To Known
	// Sector, where it is not empty, leaves all out but this sector and the flights that have a window in it at either time.
	Sector string
	After  DiffPlace
	Limit  int // 1 to MaxPage
}

// DiffPlace is the place of a difference in the order of all: sectors come before flights.
type DiffPlace struct {
	Flights bool
	ID      string
}

// Aspect is what may differ of a thing, one bit each.
type Aspect uint16

// The aspects. AspectRecord is anything else: a version that was put again with nothing changed.
const (
	AspectPlan       Aspect = 1 << 0 // labels, path, volumes or uncertainty of a flight
	AspectWindows    Aspect = 1 << 1
	AspectProgress   Aspect = 1 << 2
	AspectName       Aspect = 1 << 3
	AspectVolumes    Aspect = 1 << 4 // of a sector, and their dates
	AspectHours      Aspect = 1 << 5
	AspectSeparation Aspect = 1 << 6
	AspectCapacity   Aspect = 1 << 7
	AspectRecord     Aspect = 1 << 8
)

// Difference is a thing that is not the same at both times.
type Difference struct {
	DiffPlace
	Callsign string // of a flight, at the later time where it is there
	// Before and After are its versions, zero where it is not there.
	Before, After Version
	// What differs, where it is there at both times.
	What Aspect
	// WindowsBefore and WindowsAfter are the windows of a flight that it has at one of the times only.
	WindowsBefore, WindowsAfter []SectorWindow
}

// Diff is a page of differences. Next is not nil where there may be more; a page may be shorter than its limit, and even empty, and have a next one.
type Diff struct {
	// FromIndex and ToIndex are the entries that the two times are as of, and FromNs and ToNs service time after them.
	FromIndex, ToIndex uint64
	FromNs, ToNs       int64
	List               []Difference
	Next               *DiffPlace
}

func (DiffQuery) kind() queryKind { return kindDiff }

func (q DiffQuery) appendBody(w *codec.Writer) {
	appendKnown(w, q.From)
	appendKnown(w, q.To)
	w.String(q.Sector)
	appendDiffPlace(w, q.After)
	w.I64(int64(q.Limit))
}

func readDiffQuery(r *codec.Reader) DiffQuery {
	return DiffQuery{From: readKnown(r), To: readKnown(r), Sector: r.String(maxText), After: readDiffPlace(r), Limit: int(r.I64())}
}

func (q DiffQuery) answer(s *State) (Body, error) { return s.Diff(q) }

func appendDiffPlace(w *codec.Writer, p DiffPlace) {
	w.Bool(p.Flights)
	w.String(p.ID)
}

func readDiffPlace(r *codec.Reader) DiffPlace { return DiffPlace{r.Bool(), r.String(maxText)} }

func (d *Diff) appendTo(w *codec.Writer) {
	w.U64(d.FromIndex)
	w.U64(d.ToIndex)
	w.I64(d.FromNs)
	w.I64(d.ToNs)
	w.Uvarint(uint64(len(d.List)))
	for i := range d.List {
		one := &d.List[i]
		appendDiffPlace(w, one.DiffPlace)
		w.String(one.Callsign)
		appendVersion(w, one.Before)
		appendVersion(w, one.After)
		w.Uvarint(uint64(one.What))
		appendWindows(w, one.WindowsBefore)
		appendWindows(w, one.WindowsAfter)
	}
	w.Bool(d.Next != nil)
	if d.Next != nil {
		appendDiffPlace(w, *d.Next)
	}
}

func readDiff(r *codec.Reader) *Diff {
	d := &Diff{FromIndex: r.U64(), ToIndex: r.U64(), FromNs: r.I64(), ToNs: r.I64()}
	d.List = make([]Difference, r.Count(MaxPage, 10))
	for i := range d.List {
		d.List[i] = Difference{DiffPlace: readDiffPlace(r), Callsign: r.String(maxText), Before: readVersion(r), After: readVersion(r), What: Aspect(readSmall(r)),
			WindowsBefore: readWindows(r), WindowsAfter: readWindows(r)}
	}
	if r.Bool() {
		d.Next = new(readDiffPlace(r))
	}
	return d
}

// Diff answers a DiffQuery. The error is a *problem.Error: Invalid for known times that are none or in the wrong order, Expired where From is before
// the horizon, NotFound for a sector that is known at neither time. A page looks at every name from its place on, so that it costs by the
// names of the store as far as MaxDiffWork; the next page goes on there.
func (s *State) Diff(q DiffQuery) (*Diff, error) {
	const op = "diff"
	if err := s.presentOnly(op); err != nil {
		return nil, err
	}
	c := checker{op: op, subject: q.Sector}
	if c.number("limit", int64(q.Limit), 1, MaxPage); c.found != nil {
		return nil, c.found
	}
	first, last, p := s.knownSpan(op, q.From, q.To)
	if p != nil {
		return nil, p
	}
	d := differ{q: &q, page: &Diff{List: []Difference{}}, left: MaxDiffWork, place: q.After}
	var err error
	if d.before, err = s.asOfEntry(first); err != nil {
		return nil, err
	}
	if d.after, err = s.asOfEntry(last); err != nil {
		return nil, err
	}
	if q.Sector != "" && !d.knows(q.Sector) {
		return nil, notFound(op, q.Sector, "sector")
	}
	d.page.FromIndex, d.page.FromNs = d.before.index, d.before.clock.nowNs
	d.page.ToIndex, d.page.ToNs = d.after.index, d.after.clock.nowNs
	if d.sectors(s) {
		d.flights(s)
	}
	return d.page, nil
}

// asOfEntry is AsOf of an entry; 0 is before all, where nothing is known.
func (s *State) asOfEntry(index uint64) (*State, error) {
	if index == 0 {
		return s, nil
	}
	return s.AsOf(Known{Index: index})
}

// differ makes one page.
type differ struct {
	q             *DiffQuery
	before, after *State
	page          *Diff
	place         DiffPlace // that was looked at last
	left          int       // of MaxDiffWork
}

func (d *differ) knows(sector string) bool {
	_, then := d.before.Sector(sector)
	_, now := d.after.Sector(sector)
	return then || now
}

// goesOn takes the work of a name, and reports whether the page takes more; else it has its next place.
func (d *differ) goesOn(place DiffPlace, work int) bool {
	d.place = place
	if d.left -= 1 + work; d.left > 0 && len(d.page.List) < d.q.Limit {
		return true
	}
	d.page.Next = &place
	return false
}

// sectors looks at the sectors, and reports whether all were looked at.
func (d *differ) sectors(s *State) (all bool) {
	if d.q.After.Flights {
		return true
	}
	all = true
	s.sectors.Names(d.q.After.ID, func(id string) bool {
		if id != d.q.After.ID && (d.q.Sector == "" || d.q.Sector == id) {
			d.sector(id)
			all = d.goesOn(DiffPlace{ID: id}, 0)
		}
		return all
	})
	return all
}

func (d *differ) sector(id string) {
	then, wasThere := d.before.Sector(id)
	now, isThere := d.after.Sector(id)
	one := Difference{DiffPlace: DiffPlace{ID: id}}
	if wasThere {
		one.Before = then.Version
	}
	if isThere {
		one.After = now.Version
	}
	if wasThere && isThere {
		one.What = then.differsIn(now)
	}
	if wasThere != isThere || one.What != 0 {
		d.page.List = append(d.page.List, one)
	}
}

// differsIn says what of a sector is another.
func (s *SectorRecord) differsIn(n *SectorRecord) (what Aspect) {
	if s.Name != n.Name {
		what |= AspectName
	}
	if !slices.EqualFunc(s.Volumes, n.Volumes, samePolygon) || !slices.Equal(s.Effective, n.Effective) {
		what |= AspectVolumes
	}
	if !s.Hours.equal(&n.Hours) {
		what |= AspectHours
	}
	if s.Separation != n.Separation {
		what |= AspectSeparation
	}
	if s.Capacity != n.Capacity {
		what |= AspectCapacity
	}
	if what == 0 && s.Version != n.Version {
		what = AspectRecord
	}
	return what
}

func (d *differ) flights(s *State) {
	after := ""
	if d.q.After.Flights {
		after = d.q.After.ID
	}
	past.Union(s.numbers, s.trails, after, func(id string) bool {
		return id == after || d.goesOn(DiffPlace{true, id}, d.flight(id))
	})
}

// flight compares a flight, and tells what work that was.
func (d *differ) flight(id string) (work int) {
	then, wasThere := d.before.Flight(id)
	now, isThere := d.after.Flight(id)
	if then == now || !d.concerned(then) && !d.concerned(now) {
		return 0
	}
	one := Difference{DiffPlace: DiffPlace{true, id}}
	var had, has []SectorWindow
	if wasThere {
		one.Before, one.Callsign, had = then.Version, then.Callsign, then.Windows
	}
	if isThere {
		one.After, one.Callsign, has = now.Version, now.Callsign, now.Windows
	}
	one.WindowsBefore, one.WindowsAfter = without(had, has), without(has, had)
	if wasThere && isThere {
		if one.What = then.differsIn(now); len(one.WindowsBefore)+len(one.WindowsAfter) > 0 {
			one.What |= AspectWindows
		}
		if one.What == 0 && then.Version != now.Version {
			one.What = AspectRecord
		}
	}
	if wasThere != isThere || one.What != 0 {
		d.page.List = append(d.page.List, one)
	}
	return len(had) + len(has)
}

// concerned reports whether a flight is asked about, nil where there is none.
func (d *differ) concerned(f *FlightRecord) bool {
	return f != nil && (d.q.Sector == "" || slices.ContainsFunc(f.Windows, func(w SectorWindow) bool { return w.Sector == d.q.Sector }))
}

// differsIn says what of a flight is another, beside its windows.
func (f *FlightRecord) differsIn(n *FlightRecord) (what Aspect) {
	if !f.equal(&n.Flight) {
		what |= AspectPlan
	}
	if (f.Progress == nil) != (n.Progress == nil) || f.Progress != nil && f.Progress.Mark != n.Progress.Mark {
		what |= AspectProgress
	}
	return what
}

// equal reports whether two plans are the same.
func (f *Flight) equal(n *Flight) bool {
	return f.Callsign == n.Callsign && f.From == n.From && f.To == n.To && f.Uncertainty == n.Uncertainty && slices.Equal(f.Path, n.Path) &&
		sameVolumes(f.Volumes, n.Volumes)
}

func samePolygon(a, b geo.Polygon) bool {
	return a.Band == b.Band && slices.EqualFunc(a.Rings, b.Rings, slices.Equal[geo.Ring])
}

// without lists the windows that are in one list and not in another; both are sorted.
func without(list, other []SectorWindow) (rest []SectorWindow) {
	for _, w := range list {
		if i, found := slices.BinarySearchFunc(other, w, compareWindows); !found || other[i] != w {
			rest = append(rest, w)
		}
	}
	return rest
}

// Names lists what differs, as "plan windows".
func (a Aspect) Names() []string {
	var list []string
	for i, name := range []string{"plan", "windows", "progress", "name", "volumes", "hours", "separation", "capacity", "put again"} {
		if a&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}
