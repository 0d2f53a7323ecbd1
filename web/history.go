package web

import (
	"net/http"
	"strconv"

	"onevoice/airspace"
	"onevoice/web/api"
)

// knownSpan is the parameters known_from and known_to.
func (q *query) knownSpan() (from, to airspace.Known) {
	return q.known("known_from"), q.known("known_to")
}

// history answers what was known of a flight or a sector, one version after another.
func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "history", "flight", "sector", "known_from", "known_to", "after", "limit")
	ask := airspace.VersionsQuery{Flight: q.id("flight"), Sector: q.id("sector"), Limit: q.limit()}
	ask.From, ask.To = q.knownSpan()
	if q.has("after") {
		var err error
		if ask.After, err = strconv.ParseUint(q.get("after"), 10, 64); err != nil {
			q.refuse("after", q.get("after"), "what next said on the page before")
		}
	}
	if q.err != nil {
		return q.err
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	page, err := snap.State.Versions(ask)
	if err != nil {
		return err
	}
	return s.jsonOf(w, api.VersionsOf(&ask, snap.State, page))
}

// diff answers what differs between two known times.
func (s *Server) diff(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "diff", "sector", "known_from", "known_to", "after", "limit")
	ask := airspace.DiffQuery{Sector: q.id("sector"), Limit: q.limit()}
	ask.From, ask.To = q.knownSpan()
	if q.has("after") {
		var ok bool
		if ask.After, ok = api.ParseDiffPlace(q.get("after")); !ok {
			q.refuse("after", q.get("after"), "what next said on the page before")
		}
	}
	if q.err != nil {
		return q.err
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	page, err := snap.State.Diff(ask)
	if err != nil {
		return err
	}
	return s.jsonOf(w, api.DiffOf(page))
}

func historySettings(b []byte, snap Snapshot, set *airspace.Settings) []byte {
	return api.AppendHistorySettings(b, snap.State, set)
}
