package web

import (
	"net/http"

	"onevoice/airspace"
	"onevoice/web/api"
)

// flowSpan is when a question about flows is about, and where.
type flowSpan struct {
	known    airspace.Known
	from, to *api.Time
	sector   string
}

// flowSpan reads its parameters.
func (q *query) flowSpan() flowSpan {
	in := flowSpan{known: q.knownAt(), from: q.time("from"), to: q.time("to"), sector: q.id("sector")}
	if in.from != nil && in.to != nil && *in.to <= *in.from {
		q.refuse("to", q.get("to"), "after from, "+in.from.String())
	}
	return in
}

// times resolves it at a snapshot: from now on, for an hour, unless it says otherwise.
func (in *flowSpan) times(op string, snap Snapshot) (from, to api.Time, err error) {
	from = api.Time(snap.State.ServiceNs())
	if in.from != nil {
		from = *in.from
	}
	to = from + defaultSpan
	if in.to != nil {
		to = *in.to
	}
	if to <= from {
		err = invalid(op, "to", to.String(), "after from, "+from.String()+", which is now unless the question says another")
	}
	return from, to, err
}

// flows answers who feeds whom: the graph of sectors.
func (s *Server) flows(w http.ResponseWriter, r *http.Request) error {
	const op = "query flows"
	q := parseQuery(r, op, "from", "to", "known_at", "sector", "after", "limit")
	in, ask := q.flowSpan(), airspace.FlowQuery{Limit: q.limit()}
	if q.has("after") {
		var ok bool
		if ask.After, ok = api.ParseFlowPlace(q.get("after")); !ok {
			q.refuse("after", q.get("after"), "what next said on the page before")
		}
	}
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, in.known)
	if err != nil {
		return err
	}
	from, to, err := in.times(op, snap)
	if err != nil {
		return err
	}
	ask.Sector, ask.FromNs, ask.ToNs = in.sector, int64(from), int64(to)
	page, err := snap.State.Flows(ask)
	if err != nil {
		return err
	}
	return s.jsonOf(w, api.FlowsOf(from, to, page))
}

// routeList answers which routes are flown.
func (s *Server) routeList(w http.ResponseWriter, r *http.Request) error {
	const op = "query routes"
	q := parseQuery(r, op, "from", "to", "known_at", "sector", "after", "limit")
	in, ask := q.flowSpan(), airspace.RouteQuery{Limit: min(q.limit(), airspace.MaxRoutes)}
	if q.has("after") {
		after, ok := api.ParseRoutePlace(q.get("after"))
		if ask.After = &after; !ok {
			q.refuse("after", q.get("after"), "what next said on the page before")
		}
	}
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, in.known)
	if err != nil {
		return err
	}
	from, to, err := in.times(op, snap)
	if err != nil {
		return err
	}
	ask.Sector, ask.FromNs, ask.ToNs = in.sector, int64(from), int64(to)
	page, err := snap.State.Routes(ask)
	if err != nil {
		return err
	}
	return s.jsonOf(w, api.RoutesOf(from, to, page))
}
