package web

import (
	"net/http"
	"time"

	"onevoice/airspace"
	"onevoice/web/api"
)

// span is what a question about presence asks for beside the place.
type span struct {
	at, from, to *api.Time
	known        airspace.Known
	after        airspace.Cursor
	limit        int
}

// defaultSpan is how far a question without an end looks ahead.
const defaultSpan = api.Time(time.Hour)

// who answers the question that the service exists for: which flights may be in a sector, and when.
func (s *Server) who(w http.ResponseWriter, r *http.Request) error {
	const op = "query flights"
	id := r.PathValue("id")
	if err := api.ReadID(op, "id", id); err != nil {
		return err
	}
	q := parseQuery(r, op, "from", "to", "at", "known_at", "after", "limit")
	in := q.span(true)
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, in.known)
	if err != nil {
		return err
	}
	return s.present(w, op, in, snap, id, func(from, to int64, limit int) ([]airspace.Occupant, error) {
		return snap.State.Who(id, from, to, in.after, limit)
	})
}

// queryVolume answers the same of any volume.
func (s *Server) queryVolume(w http.ResponseWriter, r *http.Request) error {
	const op = "query flights"
	q := parseQuery(r, op, "known_at", "after", "limit")
	in := q.span(false)
	if q.err != nil {
		return q.err
	}
	body, err := s.body(w, r, op, nil)
	if err != nil {
		return err
	}
	question, err := api.ReadQuestion(body)
	if err != nil {
		return err
	}
	in.from, in.to = question.From, question.To
	snap, err := s.readKnown(w, r, in.known)
	if err != nil {
		return err
	}
	return s.present(w, op, in, snap, "", func(from, to int64, limit int) ([]airspace.Occupant, error) {
		return snap.State.InVolume(question.Volume, nil, from, to, in.after, limit)
	})
}

// span reads the parameters that say when, and which page; times only where they are parameters.
func (q *query) span(times bool) span {
	in := span{known: q.knownAt(), limit: q.limit()}
	if times {
		in.at, in.from, in.to = q.time("at"), q.time("from"), q.time("to")
	}
	if in.at != nil && in.from != nil {
		q.refuse("at", q.get("at"), "not together with from, which says where to begin")
	}
	if in.from != nil && in.to != nil && *in.to <= *in.from {
		q.refuse("to", q.get("to"), "after from, "+in.from.String())
	}
	if q.has("after") {
		var ok bool
		if in.after, ok = api.ParseCursor(q.get("after")); !ok {
			q.refuse("after", q.get("after"), "what next said on the page before")
		}
	}
	return in
}

// present resolves the times of a question at a snapshot, once, and answers it.
func (s *Server) present(w http.ResponseWriter, op string, in span, snap Snapshot, sector string, ask func(from, to int64, limit int) ([]airspace.Occupant, error)) error {
	page := api.Page{Sector: sector, State: snap.State, At: api.Time(snap.State.ServiceNs())}
	if in.at != nil {
		page.At = *in.at
	}
	page.From = page.At
	if in.from != nil {
		page.From = *in.from
	}
	page.To = page.From + defaultSpan
	if in.to != nil {
		page.To = *in.to
	}
	if page.To <= page.From {
		return invalid(op, "to", page.To.String(), "after from, "+page.From.String()+", which is now unless the question says another")
	}
	// One more than asked for tells whether there is a next page.
	visits, err := ask(int64(page.From), int64(page.To), min(in.limit+1, airspace.MaxPage))
	if err != nil {
		return err
	}
	more := len(visits) > in.limit
	if in.limit == airspace.MaxPage {
		more = len(visits) == in.limit
	}
	if len(visits) == 0 && sector != "" {
		open, err := snap.State.OpenTimes(sector, int64(page.From), int64(page.To), 1)
		if err != nil {
			return err
		}
		page.Closed = len(open) == 0
	}
	page.Visits = visits[:min(len(visits), in.limit)]
	if more {
		page.Next = api.Cursor(page.Visits[in.limit-1])
	}
	return s.json(w, func(b []byte) []byte { return api.AppendPage(b, &page) })
}
