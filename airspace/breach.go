package airspace

import (
	"slices"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/geo"
)

// BreachDetail says when a flight breaches a zone.
type BreachDetail struct {
	Flight string
	// Windows are all of its breaches of that zone, sorted.
	Windows []geo.Window
}

func (d *BreachDetail) appendTo(w *codec.Writer) {
	w.String(d.Flight)
	w.Uvarint(uint64(len(d.Windows)))
	for _, v := range d.Windows {
		appendWindow(w, v)
	}
}

func readBreachDetail(r *codec.Reader) *BreachDetail {
	d := &BreachDetail{Flight: r.String(maxText)}
	for range r.Count(MaxPairWindows, 32) {
		d.Windows = append(d.Windows, readWindow(r))
	}
	return d
}

// Breach is one visit of a flight to a zone that should not be.
type Breach struct {
	Zone   string
	Kind   ZoneKind
	Flight string
	// Callsign and Version are the flight's.
	Callsign string
	Version  Version
	Window   geo.Window
}

// BreachCursor is the place in a list of breaches after which the next page begins. The zero value begins it.
type BreachCursor struct {
	Zone    string
	EnterNs int64
	Flight  string
}

// BreachQuery asks for the breaches that may meet [FromNs, ToNs), of all zones and flights or of one, sorted by (Zone, EnterMinNs, Flight) and
// after a place. Limit is 1 to MaxPage; a page of exactly Limit may have a next one. It is answered with Breaches.
type BreachQuery struct {
	Zone, Flight string // empty for all
	FromNs, ToNs int64
	After        BreachCursor
	Limit        int
}

// Breaches is a page of breaches.
type Breaches []Breach

// Cursor is the place of a breach.
func (b *Breach) Cursor() BreachCursor { return BreachCursor{b.Zone, b.Window.EnterMinNs, b.Flight} }

// Breaches answers a BreachQuery. The error is a *problem.Error: NotFound for a zone or flight that is not there, never an empty list, and
// Invalid in a state of the past. The cost grows with the answer, and with the number of zones where none is named and few are breached.
func (s *State) Breaches(q BreachQuery) ([]Breach, error) {
	const op = "breaches"
	if p := checkSpan(op, "", q.FromNs, q.ToNs, q.Limit); p != nil {
		return nil, p
	}
	if err := s.presentOnly(op); err != nil {
		return nil, err
	}
	find := breachFinder{q: q}
	if q.Flight != "" {
		f := s.flight(q.Flight)
		if f == nil {
			return nil, notFound(op, q.Flight, "flight")
		}
		find.of = f
	}
	if q.Zone != "" {
		z, ok := s.zones.Get(q.Zone)
		if !ok {
			return nil, notFound(op, q.Zone, "zone")
		}
		if q.After.Zone <= q.Zone {
			find.in(z)
		}
		return find.list, nil
	}
	if find.of != nil {
		for _, z := range s.zonesOf(find.of) {
			find.in(z)
		}
		return find.list, nil
	}
	s.zones.Ascend(q.After.Zone, func(_ string, z *zone) bool {
		find.in(z)
		return len(find.list) < q.Limit
	})
	return find.list, nil
}

// zonesOf lists the zones that know of a flight, by identifier.
func (s *State) zonesOf(f *flight) []*zone {
	var list []*zone
	add := func(z *zone) {
		if z.of(f.ID) != nil {
			list = append(list, z)
		}
	}
	e := s.places.table.Get(f.number).extent
	e.kind = ofZone
	s.places.find(f.tiles, &e, MaxCrossRefCm, func(_ uint32, at *placed) bool {
		add(at.thing.(*zone))
		return true
	})
	slices.SortFunc(list, compareZones)
	return list
}

// breachFinder collects a page.
type breachFinder struct {
	q    BreachQuery
	of   *flight // nil for all
	list []Breach
}

// in adds the breaches of one zone, which must not come before the page.
func (b *breachFinder) in(z *zone) {
	if z.pairs == nil || z.Kind == ZoneNotice || z.ID < b.q.After.Zone {
		return
	}
	after := Cursor{}
	if z.ID == b.q.After.Zone {
		after = Cursor{b.q.After.EnterNs, b.q.After.Flight}
	}
	if b.of != nil {
		b.ofFlight(z, after)
		return
	}
	for left := b.q.Limit - len(b.list); left > 0; left = b.q.Limit - len(b.list) {
		page := merge(visitRuns(z.visits, zoneRun, past.Now, b.q.FromNs, b.q.ToNs, after, left), left)
		for i := range page {
			b.add(z, &page[i])
			after = Cursor{page[i].Window.EnterMinNs, page[i].Flight.ID}
		}
		if len(page) < left {
			return
		}
	}
}

// ofFlight adds the breaches of one zone by the one flight.
func (b *breachFinder) ofFlight(z *zone, after Cursor) {
	p := z.of(b.of.ID)
	if p == nil {
		return
	}
	for i := range p.stays {
		o := &p.stays[i].Occupant
		w := o.Window
		if w.EnterMinNs < b.q.ToNs && w.LeaveMaxNs > b.q.FromNs && after.before(w.EnterMinNs, b.of.ID) && len(b.list) < b.q.Limit {
			b.add(z, o)
		}
	}
}

// add adds a visit if it is a breach.
func (b *breachFinder) add(z *zone, o *Occupant) {
	if z.Kind == ZoneLimit {
		p := z.of(o.Flight.ID)
		i := slices.IndexFunc(p.stays, func(s stay) bool { return s.Window == o.Window })
		if i < 0 || !p.over[i] {
			return
		}
	}
	b.list = append(b.list, Breach{Zone: z.ID, Kind: z.Kind, Flight: o.Flight.ID, Callsign: o.Flight.Callsign, Version: o.Flight.Version, Window: o.Window})
}

// ZoneQuery asks for one zone. It is answered with a *ZoneRecord.
type ZoneQuery struct{ ID string }

func (ZoneQuery) kind() queryKind              { return kindZone }
func (q ZoneQuery) appendBody(w *codec.Writer) { w.String(q.ID) }

func (q ZoneQuery) answer(s *State) (Body, error) {
	return s.Zone(q.ID)
}

func (z *ZoneRecord) appendTo(w *codec.Writer) { appendZoneRecord(w, z) }

func (BreachQuery) kind() queryKind { return kindBreaches }

func (q BreachQuery) appendBody(w *codec.Writer) {
	w.String(q.Zone)
	w.String(q.Flight)
	w.String(q.After.Zone)
	appendSpan(w, q.FromNs, q.ToNs, Cursor{q.After.EnterNs, q.After.Flight}, q.Limit)
}

func readBreachQuery(r *codec.Reader) BreachQuery {
	q := BreachQuery{Zone: r.String(maxText), Flight: r.String(maxText), After: BreachCursor{Zone: r.String(maxText)}}
	var after Cursor
	q.FromNs, q.ToNs, after, q.Limit = readSpan(r)
	q.After.EnterNs, q.After.Flight = after.EnterNs, after.Flight
	return q
}

func (q BreachQuery) answer(s *State) (Body, error) {
	list, err := s.Breaches(q)
	return Breaches(list), err
}

func (list Breaches) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(list)))
	for i := range list {
		b := &list[i]
		w.String(b.Zone)
		w.U8(uint8(b.Kind))
		w.String(b.Flight)
		w.String(b.Callsign)
		appendVersion(w, b.Version)
		appendWindow(w, b.Window)
	}
}

func readBreaches(r *codec.Reader) Breaches {
	list := make(Breaches, r.Count(MaxPage, 38))
	for i := range list {
		list[i] = Breach{Zone: r.String(maxText), Kind: ZoneKind(r.U8()), Flight: r.String(maxText), Callsign: r.String(maxText), Version: readVersion(r), Window: readWindow(r)}
	}
	return list
}
