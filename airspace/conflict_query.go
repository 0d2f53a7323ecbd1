package airspace

import (
	"cmp"
	"fmt"
	"slices"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// ConflictCursor is the place in a list of conflicts, sorted by (FromNs, A, B), after which the next page begins. The zero value begins it.
type ConflictCursor struct {
	FromNs int64
	A, B   string
}

func (c *ConflictCursor) compare(o *Conflict) int {
	return cmp.Or(cmp.Compare(c.FromNs, o.FromNs()), cmp.Compare(c.A, o.A), cmp.Compare(c.B, o.B))
}

// ConflictsQuery asks for the conflicts with an instant in [FromNs, ToNs) that meet all of what else is given. It is answered with
// Conflicts.
type ConflictsQuery struct {
	// Sector, where not empty, is one that either flight may be in while they are too close.
	Sector string
	// Flight, where not empty, is one of the two.
	Flight string
	// Volume, where not nil, holds the closest point of approach: its place, and the height of either flight.
	Volume       *geo.Polygon
	FromNs, ToNs int64
	After        ConflictCursor
	// Limit is the most conflicts to give, 1 to MaxPage.
	Limit int
}

// Encounter is a conflict in an answer, with the callsigns of its flights.
type Encounter struct {
	*Conflict
	CallsignA, CallsignB string
}

// Conflicts is a page of conflicts.
type Conflicts struct {
	List []Encounter
	// Next is after what the next page begins, nil where there is none.
	Next *ConflictCursor
	// Computing says that conflicts of some flights are still being worked out: some may be missing here, or over.
	Computing bool
	// Crowded says that some flights have more conflicts than are kept: some may be missing here for good.
	Crowded bool
}

func (ConflictsQuery) kind() queryKind { return kindConflicts }

func (q ConflictsQuery) appendBody(w *codec.Writer) {
	w.String(q.Sector)
	w.String(q.Flight)
	w.Bool(q.Volume != nil)
	if q.Volume != nil {
		appendPolygon(w, *q.Volume)
	}
	w.I64(q.FromNs)
	w.I64(q.ToNs)
	appendConflictCursor(w, q.After)
	w.I64(int64(q.Limit))
}

func readConflictsQuery(r *codec.Reader) ConflictsQuery {
	q := ConflictsQuery{Sector: r.String(maxText), Flight: r.String(maxText)}
	if r.Bool() {
		q.Volume = new(readPolygon(r))
	}
	q.FromNs, q.ToNs, q.After, q.Limit = r.I64(), r.I64(), readConflictCursor(r), int(r.I64())
	return q
}

func appendConflictCursor(w *codec.Writer, c ConflictCursor) {
	w.I64(c.FromNs)
	w.String(c.A)
	w.String(c.B)
}

func readConflictCursor(r *codec.Reader) ConflictCursor {
	return ConflictCursor{r.I64(), r.String(maxText), r.String(maxText)}
}

func (q ConflictsQuery) answer(s *State) (Body, error) {
	return s.Conflicts(q)
}

// Conflicts answers a ConflictsQuery. The error is a *problem.Error: Invalid for a wrong question or one of the past, NotFound for an unknown sector or flight,
// TooLarge where more than MaxConflictScan conflicts of the time would have to be looked at.
func (s *State) Conflicts(q ConflictsQuery) (*Conflicts, error) {
	c := checker{op: "conflicts", found: checkSpan("conflicts", "", q.FromNs, q.ToNs, q.Limit)}
	var volume *geo.Prepared
	if q.Volume != nil && c.found == nil {
		c.geometry("volume.", q.Volume.Validate())
	}
	if c.found != nil {
		return nil, c.found
	}
	if err := s.presentOnly(c.op); err != nil {
		return nil, err
	}
	if q.Volume != nil {
		volume = geo.Prepare(*q.Volume)
	}
	if _, ok := s.sectors.Get(q.Sector, s.asOf); q.Sector != "" && !ok {
		return nil, notFound(c.op, q.Sector, "sector")
	}
	if q.Flight != "" && s.flight(q.Flight) == nil {
		return nil, notFound(c.op, q.Flight, "flight")
	}
	list, err := s.conflictsOf(&q, func(o *Conflict) bool {
		return meets(o.Spans, q.FromNs, q.ToNs) && q.After.compare(o) < 0 && (q.Sector == "" || slices.Contains(o.Sectors, q.Sector)) &&
			(volume == nil || s.within(o, volume))
	})
	if err != nil {
		return nil, err
	}
	return s.conflictPage(list, q.Limit), nil
}

// conflictsOf lists those that a question is about and that fit it, unsorted: of each class of length at most one more than the limit.
func (s *State) conflictsOf(q *ConflictsQuery, fits func(*Conflict) bool) (list []*Conflict, err error) {
	if q.Flight != "" {
		return slices.DeleteFunc(s.conflicts.of(q.Flight, ""), func(o *Conflict) bool { return !fits(o) }), nil
	}
	seen := 0
	for class := range 1 << classBits {
		n := len(list)
		from := max(visitsFrom(class, q.FromNs), q.After.FromNs)
		s.conflicts.times.Ascend(timedConflict{class, from, &Conflict{}}, func(t timedConflict) bool {
			if t.class != class || t.fromNs >= q.ToNs || len(list)-n > q.Limit {
				return false
			}
			if seen++; fits(t.Conflict) {
				list = append(list, t.Conflict)
			}
			return seen <= MaxConflictScan
		})
		if seen > MaxConflictScan {
			return nil, &problem.Error{Kind: problem.TooLarge, Op: "conflicts", Field: "to", Value: fmt.Sprintf("over %d conflicts in that time", MaxConflictScan), Allowed: "a shorter time"}
		}
	}
	return list, nil
}

// within reports whether a volume holds the closest point of approach of a conflict.
func (s *State) within(o *Conflict, volume *geo.Prepared) bool {
	if !volume.Contains(o.Pos) {
		return false
	}
	low, high := bandCm(volume.Band())
	for _, id := range [...]string{o.A, o.B} {
		at := geo.PathAt(s.flight(id).Path, o.AtNs).Alt
		slack := int64(0)
		if at.Ref != volume.Band().Floor.Ref {
			slack = int64(s.settings.CrossRefCm)
		}
		if int64(at.Cm) >= low-slack && int64(at.Cm) < high+slack {
			return true
		}
	}
	return false
}

// conflictPage makes a page of what was found.
func (s *State) conflictPage(list []*Conflict, limit int) *Conflicts {
	slices.SortFunc(list, func(a, b *Conflict) int {
		return (&ConflictCursor{a.FromNs(), a.A, a.B}).compare(b)
	})
	page := &Conflicts{Computing: s.computingConflicts(), Crowded: s.conflicts.crowded.Len() > 0}
	if len(list) > limit {
		last := list[limit-1]
		page.Next, list = &ConflictCursor{last.FromNs(), last.A, last.B}, list[:limit]
	}
	for _, o := range list {
		page.List = append(page.List, Encounter{o, s.flight(o.A).Callsign, s.flight(o.B).Callsign})
	}
	return page
}

func (c *Conflicts) appendTo(w *codec.Writer) {
	w.Bool(c.Computing)
	w.Bool(c.Crowded)
	w.Bool(c.Next != nil)
	if c.Next != nil {
		appendConflictCursor(w, *c.Next)
	}
	w.Uvarint(uint64(len(c.List)))
	for _, e := range c.List {
		appendConflict(w, e.Conflict)
		w.String(e.CallsignA)
		w.String(e.CallsignB)
	}
}

func readConflicts(r *codec.Reader) *Conflicts {
	c := &Conflicts{Computing: r.Bool(), Crowded: r.Bool()}
	if r.Bool() {
		c.Next = new(readConflictCursor(r))
	}
	for range r.Count(MaxPage, 40) {
		c.List = append(c.List, Encounter{readConflict(r), r.String(maxText), r.String(maxText)})
	}
	return c
}
