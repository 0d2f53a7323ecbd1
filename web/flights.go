package web

import (
	"net/http"

	"onevoice/airspace"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// maxPagePoints bounds the points and vertices of a page of flights, some 8 MB of JSON; a page ends early there.
const maxPagePoints = 50_000

func (s *Server) listFlights(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "list flights", "known_at", "after", "limit")
	known, after, limit := q.knownAt(), q.id("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, known)
	if err != nil {
		return err
	}
	page := snap.State.Flights(after, limit)
	points := 0
	for i, f := range page {
		points += len(f.Path)
		for _, v := range f.Volumes {
			for _, ring := range v.Area.Rings {
				points += len(ring)
			}
		}
		if i > 0 && points > maxPagePoints {
			page = page[:i]
			break
		}
	}
	next := ""
	if n := len(page); n > 0 && len(snap.State.Flights(page[n-1].ID, 1)) > 0 {
		next = page[n-1].ID
	}
	return s.json(w, func(b []byte) []byte { return api.AppendFlights(b, page, next) })
}

func (s *Server) getFlight(w http.ResponseWriter, r *http.Request) error {
	const op = "get flight"
	id := r.PathValue("id")
	snap, err := s.readThing(w, r, op, id)
	if err != nil {
		return err
	}
	flight, ok := snap.State.Flight(id)
	if !ok {
		return notFound(op, "flight", id)
	}
	if s.tagged(w, r, flight.Version) {
		return nil
	}
	return s.json(w, func(b []byte) []byte { return api.AppendFlight(b, flight) })
}

func (s *Server) putFlight(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, "put flight", id)
	if err != nil {
		return err
	}
	defer in.end()
	flight, err := api.ReadFlight(id, in.body)
	if err != nil {
		return err
	}
	by, err := amender(r, "put flight")
	if err != nil {
		return err
	}
	return s.command(w, r, airspace.PutFlight{Flight: flight, By: by, If: in.when}, id, in.key)
}

func (s *Server) putProgress(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, "report progress", id)
	if err != nil {
		return err
	}
	defer in.end()
	report, err := api.ReadProgress(id, in.body)
	if err != nil {
		return err
	}
	report.If = in.when
	return s.command(w, r, report, id, in.key)
}

func (s *Server) cancelFlight(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, "cancel flight", id)
	if err != nil {
		return err
	}
	defer in.end()
	by, err := amender(r, "cancel flight")
	if err != nil {
		return err
	}
	return s.command(w, r, airspace.CancelFlight{ID: id, By: by, If: in.when}, id, in.key)
}

// writing is what comes with every write. Nothing may keep body beyond end.
type writing struct {
	body   []byte
	when   airspace.Precondition
	key    *wire.Key
	buffer *[]byte
}

// end gives back the memory of a body that has been read.
func (in *writing) end() { giveBack(in.buffer, in.body) }

// writing reads it. id is empty for settings.
func (s *Server) writing(w http.ResponseWriter, r *http.Request, op, id string) (writing, error) {
	var in writing
	if q := parseQuery(r, op); q.err != nil {
		return in, q.err
	}
	if id != "" {
		if err := api.ReadID(op, "id", id); err != nil {
			return in, err
		}
	}
	var err error
	if in.when, err = precondition(r, op, id); err != nil {
		return in, err
	}
	in.buffer = buffers.Get().(*[]byte)
	if in.body, err = s.body(w, r, op, *in.buffer); err != nil {
		return in, err
	}
	if r.Method == http.MethodDelete && len(in.body) > 0 {
		return in, &problem.Error{Kind: problem.Invalid, Op: op, Subject: id, Field: "body", Value: "not empty", Allowed: "no body"}
	}
	in.key, err = idempotencyKey(r, op, in.body)
	return in, err
}
