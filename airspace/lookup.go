package airspace

import "onevoice/codec"

// FlightQuery asks for one flight. It is answered with a *FlightRecord.
type FlightQuery struct{ ID string }

// SectorQuery asks for one sector. It is answered with a *SectorRecord.
type SectorQuery struct{ ID string }

func (FlightQuery) kind() queryKind              { return kindFlight }
func (q FlightQuery) appendBody(w *codec.Writer) { w.String(q.ID) }
func (SectorQuery) kind() queryKind              { return kindSector }
func (q SectorQuery) appendBody(w *codec.Writer) { w.String(q.ID) }

func (q FlightQuery) answer(s *State) (Body, error) {
	if f, found := s.Flight(q.ID); found {
		return f, nil
	}
	return nil, notFound("flight", q.ID, "flight")
}

func (q SectorQuery) answer(s *State) (Body, error) {
	if n, found := s.Sector(q.ID); found {
		return n, nil
	}
	return nil, notFound("sector", q.ID, "sector")
}

func (f *FlightRecord) appendTo(w *codec.Writer) { appendFlightRecord(w, f) }
func (s *SectorRecord) appendTo(w *codec.Writer) { appendSectorRecord(w, s) }
