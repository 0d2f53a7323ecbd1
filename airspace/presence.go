package airspace

import (
	"onevoice/airspace/control"
	"onevoice/codec"
	"onevoice/geo"
)

// Cursor is the place in a list sorted by (EnterMinNs, flight) after which the next page begins. The zero value begins it.
type Cursor struct {
	EnterNs int64
	Flight  string
}

// WhoQuery asks which flights may be in a sector at any instant of [FromNs, ToNs). The answer holds at most Limit
// (1 to MaxPage) visits; a page of exactly Limit may have a next one. It is answered with Visits.
type WhoQuery struct {
	Sector       string
	FromNs, ToNs int64
	After        Cursor
	Limit        int
}

// VolumeQuery asks the same of any volume. Cells is a covering of it, which may be empty. It is answered with Visits.
type VolumeQuery struct {
	Volume       geo.Polygon
	Cells        []uint64
	FromNs, ToNs int64
	After        Cursor
	Limit        int
}

// Presence is a visit in an answer, with what a list shows of the flight.
type Presence struct {
	Flight, Callsign, From, To string
	Version                    Version
	Window                     geo.Window
	// Control is the state of the flight's control record, 0 in an answer of the past, Position who controls it, empty for nobody, and Attended whether that is signed on.
	Control  control.State
	Position string
	Attended bool
}

// Visits is a page of visits, sorted by (EnterMinNs, flight).
type Visits []Presence

func (WhoQuery) kind() queryKind    { return kindWho }
func (VolumeQuery) kind() queryKind { return kindVolume }

func (q WhoQuery) appendBody(w *codec.Writer) {
	w.String(q.Sector)
	appendSpan(w, q.FromNs, q.ToNs, q.After, q.Limit)
}

func (q VolumeQuery) appendBody(w *codec.Writer) {
	appendPolygon(w, q.Volume)
	appendCells(w, q.Cells)
	appendSpan(w, q.FromNs, q.ToNs, q.After, q.Limit)
}

func readWhoQuery(r *codec.Reader) WhoQuery {
	q := WhoQuery{Sector: r.String(maxText)}
	q.FromNs, q.ToNs, q.After, q.Limit = readSpan(r)
	return q
}

func readVolumeQuery(r *codec.Reader) VolumeQuery {
	q := VolumeQuery{Volume: readPolygon(r), Cells: readCells(r)}
	q.FromNs, q.ToNs, q.After, q.Limit = readSpan(r)
	return q
}

func (q WhoQuery) answer(s *State) (Body, error) {
	list, err := s.Who(q.Sector, q.FromNs, q.ToNs, q.After, q.Limit)
	return occupants{s, list}, err
}

func (q VolumeQuery) answer(s *State) (Body, error) {
	list, err := s.InVolume(q.Volume, q.Cells, q.FromNs, q.ToNs, q.After, q.Limit)
	return occupants{s, list}, err
}

// occupants are written as the Visits that they are read as.
type occupants struct {
	state *State
	list  []Occupant
}

func (o occupants) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(o.list)))
	for i := range o.list {
		f := o.list[i].Flight
		p := Presence{Flight: f.ID, Callsign: f.Callsign, From: f.From, To: f.To, Version: f.Version, Window: o.list[i].Window}
		p.Control, p.Position, p.Attended = o.state.Controller(f.ID)
		appendPresence(w, &p)
	}
}

func (v Visits) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(v)))
	for i := range v {
		appendPresence(w, &v[i])
	}
}

func readVisits(r *codec.Reader) Visits {
	list := make(Visits, r.Count(MaxPage, 41))
	for i := range list {
		list[i] = readPresence(r)
	}
	return list
}

func appendSpan(w *codec.Writer, from, to int64, after Cursor, limit int) {
	w.I64(from)
	w.I64(to)
	w.I64(after.EnterNs)
	w.String(after.Flight)
	w.I64(int64(limit))
}

func readSpan(r *codec.Reader) (from, to int64, after Cursor, limit int) {
	from, to = r.I64(), r.I64()
	after = Cursor{EnterNs: r.I64(), Flight: r.String(maxText)}
	return from, to, after, int(r.I64())
}

func appendPresence(w *codec.Writer, p *Presence) {
	w.String(p.Flight)
	w.String(p.Callsign)
	w.String(p.From)
	w.String(p.To)
	appendVersion(w, p.Version)
	appendWindow(w, p.Window)
	w.U8(uint8(p.Control))
	w.String(p.Position)
	w.Bool(p.Attended)
}

func readPresence(r *codec.Reader) Presence {
	return Presence{
		Flight: r.String(maxText), Callsign: r.String(maxText), From: r.String(maxText), To: r.String(maxText),
		Version: readVersion(r), Window: readWindow(r), Control: control.State(r.U8()), Position: r.String(maxText), Attended: r.Bool(),
	}
}
