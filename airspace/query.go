package airspace

import (
	"fmt"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// Query is one of WhoQuery, VolumeQuery, FlightQuery, SectorQuery.
type Query interface {
	queryKind() queryKind
	appendQuery(w *codec.Writer)
}

// queryKind says what a question is. The numbers are part of the wire's format; never reuse one.
type queryKind uint8

const (
	kindWho queryKind = iota + 1
	kindVolume
	kindFlight
	kindSector
)

// Cursor is the place in a list sorted by (EnterMinNs, flight) after which the next page begins. The zero value begins it.
type Cursor struct {
	EnterNs int64
	Flight  string
}

// WhoQuery asks which flights may be in a sector at any instant of [FromNs, ToNs). The answer holds at most Limit
// (1 to MaxPage) visits; a page of exactly Limit may have a next one.
type WhoQuery struct {
	Sector       string
	FromNs, ToNs int64
	After        Cursor
	Limit        int
}

// VolumeQuery asks the same of any volume. Cells is a covering of it, which may be empty.
type VolumeQuery struct {
	Volume       geo.Polygon
	Cells        []uint64
	FromNs, ToNs int64
	After        Cursor
	Limit        int
}

// FlightQuery asks for one flight.
type FlightQuery struct{ ID string }

// SectorQuery asks for one sector.
type SectorQuery struct{ ID string }

// Presence is a visit in an answer, with what a list shows of the flight.
type Presence struct {
	Flight, Callsign, From, To string
	Version                    Version
	Window                     geo.Window
}

// Answer is what a question came to, as of one index.
type Answer struct {
	// Problem is not nil where there is no answer; the rest but ServiceNs is empty then.
	Problem *problem.Error
	// ServiceNs is service time at the index.
	ServiceNs int64
	// Visits answers WhoQuery and VolumeQuery, sorted by (EnterMinNs, flight).
	Visits []Presence
	// Flight answers FlightQuery.
	Flight *FlightRecord
	// Sector answers SectorQuery.
	Sector *SectorRecord
}

func (WhoQuery) queryKind() queryKind    { return kindWho }
func (VolumeQuery) queryKind() queryKind { return kindVolume }
func (FlightQuery) queryKind() queryKind { return kindFlight }
func (SectorQuery) queryKind() queryKind { return kindSector }

func (q WhoQuery) appendQuery(w *codec.Writer) {
	w.String(q.Sector)
	appendSpan(w, q.FromNs, q.ToNs, q.After, q.Limit)
}

func (q VolumeQuery) appendQuery(w *codec.Writer) {
	appendPolygon(w, q.Volume)
	appendCells(w, q.Cells)
	appendSpan(w, q.FromNs, q.ToNs, q.After, q.Limit)
}

func (q FlightQuery) appendQuery(w *codec.Writer) { w.String(q.ID) }
func (q SectorQuery) appendQuery(w *codec.Writer) { w.String(q.ID) }

func appendSpan(w *codec.Writer, from, to int64, after Cursor, limit int) {
	w.I64(from)
	w.I64(to)
	w.I64(after.EnterNs)
	w.String(after.Flight)
	w.I64(int64(limit))
}

// EncodeQuery gives the bytes of a question, for State.Query. It checks nothing.
func EncodeQuery(q Query) []byte {
	var w codec.Writer
	w.U8(Format)
	w.U8(uint8(q.queryKind()))
	q.appendQuery(&w)
	return w.B
}

// DecodeQuery reads what EncodeQuery wrote; anything else is refused, with codec.ErrMalformed inside.
func DecodeQuery(b []byte) (Query, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return nil, fmt.Errorf("airspace question: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	q := readQuery(r, queryKind(r.U8()))
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("airspace question: %w", err)
	}
	return q, nil
}

func readQuery(r *codec.Reader, kind queryKind) Query {
	switch kind {
	case kindWho:
		q := WhoQuery{Sector: r.String(maxText)}
		q.FromNs, q.ToNs, q.After, q.Limit = readSpan(r)
		return q
	case kindVolume:
		q := VolumeQuery{Volume: readPolygon(r), Cells: readCells(r)}
		q.FromNs, q.ToNs, q.After, q.Limit = readSpan(r)
		return q
	case kindFlight:
		return FlightQuery{ID: r.String(maxText)}
	case kindSector:
		return SectorQuery{ID: r.String(maxText)}
	}
	r.Fail()
	return nil
}

func readSpan(r *codec.Reader) (from, to int64, after Cursor, limit int) {
	from, to = r.I64(), r.I64()
	after = Cursor{EnterNs: r.I64(), Flight: r.String(maxText)}
	return from, to, after, int(r.I64())
}

// appendAnswer writes an answer with n visits in place of those that it holds.
func appendAnswer(w *codec.Writer, a *Answer, n int, visit func(int) Presence) {
	w.U8(Format)
	appendProblem(w, a.Problem)
	w.I64(a.ServiceNs)
	w.Uvarint(uint64(n))
	for i := range n {
		p := visit(i)
		appendPresence(w, &p)
	}
	w.Bool(a.Flight != nil)
	if a.Flight != nil {
		appendFlightRecord(w, a.Flight)
	}
	w.Bool(a.Sector != nil)
	if a.Sector != nil {
		appendSectorRecord(w, a.Sector)
	}
}

// DecodeAnswer reads what State.Query returns.
func DecodeAnswer(b []byte) (Answer, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return Answer{}, fmt.Errorf("airspace answer: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	a := Answer{Problem: readProblem(r), ServiceNs: r.I64()}
	if n := r.Count(MaxPage, 38); n > 0 {
		a.Visits = make([]Presence, n)
	}
	for i := range a.Visits {
		a.Visits[i] = readPresence(r)
	}
	if r.Bool() {
		a.Flight = new(readFlightRecord(r))
	}
	if r.Bool() {
		a.Sector = new(readSectorRecord(r))
	}
	if err := r.Finish(); err != nil {
		return Answer{}, fmt.Errorf("airspace answer: %w", err)
	}
	return a, nil
}

func appendPresence(w *codec.Writer, p *Presence) {
	w.String(p.Flight)
	w.String(p.Callsign)
	w.String(p.From)
	w.String(p.To)
	appendVersion(w, p.Version)
	appendWindow(w, p.Window)
}

func readPresence(r *codec.Reader) Presence {
	return Presence{
		Flight: r.String(maxText), Callsign: r.String(maxText), From: r.String(maxText), To: r.String(maxText),
		Version: readVersion(r), Window: readWindow(r),
	}
}
