package web

import (
	"cmp"
	"net/http"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/web/api"
)

func (s *Server) listPositions(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "list positions", "after", "limit")
	after, limit := q.id("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	page, err := snap.State.Positions(after, limit)
	if err != nil {
		return err
	}
	out := api.WorkingPositions{Positions: []api.WorkingPosition{}}
	for i := range page {
		out.Positions = append(out.Positions, api.FromPosition(&page[i].Position, page[i].Sectors))
	}
	if len(page) == limit {
		if more, _ := snap.State.Positions(page[limit-1].ID, 1); len(more) > 0 {
			out.Next = page[limit-1].ID
		}
	}
	return s.answerJSON(w, out)
}

func (s *Server) getPosition(w http.ResponseWriter, r *http.Request) error {
	const op = "get position"
	id := r.PathValue("id")
	if err := only(r, op, id); err != nil {
		return err
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	p, err := snap.State.Position(id)
	if err != nil {
		return err
	}
	return s.answerJSON(w, api.FromPosition(&p.Position, p.Sectors))
}

// positionFlights answers with a controller's list.
func (s *Server) positionFlights(w http.ResponseWriter, r *http.Request) error {
	const op = "list flights of position"
	id := r.PathValue("id")
	q := parseQuery(r, op, "after", "limit")
	after, limit := q.id("after"), q.limit()
	if err := api.ReadID(op, "id", id); err != nil || q.err != nil {
		return cmp.Or(q.err, err)
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	page, err := snap.State.ControlList(control.Flight, id, after, limit)
	if err != nil {
		return err
	}
	out := api.ControlList{Position: id, Flights: []api.Control{}}
	for i := range page {
		out.Flights = append(out.Flights, api.FromControlled(&page[i]))
	}
	if len(page) == limit {
		if more, _ := snap.State.ControlList(control.Flight, id, page[limit-1].ID, 1); len(more) > 0 {
			out.Next = page[limit-1].ID
		}
	}
	return s.answerJSON(w, out)
}

func (s *Server) signOn(w http.ResponseWriter, r *http.Request) error {
	var body api.SignOn
	return s.positioned(w, r, control.OpSignOn, &body, func(id string) (airspace.Command, error) {
		by, err := desk(r, control.OpSignOn, id, body.Holder)
		return airspace.SignOn{By: by, Owner: cmp.Or(body.Owner, subjectOf(r).Name), LeaseMs: body.LeaseMs}, err
	})
}

func (s *Server) keepPosition(w http.ResponseWriter, r *http.Request) error {
	var body api.PositionHolder
	return s.positioned(w, r, control.OpKeep, &body, func(id string) (airspace.Command, error) {
		by, err := desk(r, control.OpKeep, id, body.Holder)
		return airspace.KeepPosition{By: by}, err
	})
}

func (s *Server) signOff(w http.ResponseWriter, r *http.Request) error {
	var body api.PositionHolder
	return s.positioned(w, r, control.OpSignOff, &body, func(id string) (airspace.Command, error) {
		by, err := desk(r, control.OpSignOff, id, body.Holder)
		return airspace.SignOff{By: by, Leave: body.Leave}, err
	})
}

// endPosition signs a position off by a supervisor's force.
func (s *Server) endPosition(w http.ResponseWriter, r *http.Request) error {
	var body struct{}
	return s.positioned(w, r, control.OpSignOff, &body, func(id string) (airspace.Command, error) {
		return airspace.SignOff{By: control.By{Position: id}, Force: true}, nil
	})
}

// positioned runs the command that is made of the name in the path and of the body.
func (s *Server) positioned(w http.ResponseWriter, r *http.Request, op string, body any, command func(id string) (airspace.Command, error)) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, op, id)
	if err != nil {
		return err
	}
	defer in.end()
	if in.when != (airspace.Precondition{}) {
		e := invalid(op, "If-Match", "given", "none: a lease has no version")
		e.Subject = id
		return e
	}
	if err := strict(op, in.body, body); err != nil {
		return err
	}
	cmd, err := command(id)
	if err != nil {
		return err
	}
	return s.agreed(w, r, cmd, id, in.key, func(res *airspace.Result) any {
		if res.Position != nil {
			return api.FromPosition(res.Position, nil)
		}
		return api.WorkingPosition{ID: id, Version: res.Version.String()}
	})
}
