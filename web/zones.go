package web

import (
	"net/http"
	"time"

	"onevoice/airspace"
	"onevoice/problem"
	"onevoice/subject"
	"onevoice/web/api"
)

// maxPageVertices bounds the vertices of a page of zones, some 4 MB of JSON; a page ends early there.
const maxPageVertices = 100_000

func (s *Server) listZones(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "list zones", "after", "limit")
	after, limit := q.id("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	page := api.Zones{Zones: []api.Zone{}}
	vertices := 0
	zones, err := snap.State.Zones(after, limit)
	if err != nil {
		return err
	}
	for _, z := range zones {
		for _, v := range z.Volumes {
			for _, ring := range v.Area.Rings {
				vertices += len(ring)
			}
		}
		if vertices > maxPageVertices && len(page.Zones) > 0 {
			break
		}
		page.Zones = append(page.Zones, api.FromZone(z))
		after = z.ID
	}
	if len(page.Zones) > 0 {
		if more, _ := snap.State.Zones(after, 1); len(more) > 0 {
			page.Next = after
		}
	}
	return s.jsonOf(w, page)
}

func (s *Server) getZone(w http.ResponseWriter, r *http.Request) error {
	const op = "get zone"
	id := r.PathValue("id")
	if err := only(r, op, id); err != nil {
		return err
	}
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	z, err := snap.State.Zone(id)
	if err != nil {
		return err
	}
	if s.tagged(w, r, z.Version) {
		return nil
	}
	return s.jsonOf(w, api.FromZone(z))
}

func (s *Server) putZone(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, "put zone", id)
	if err != nil {
		return err
	}
	defer in.end()
	z, err := api.ReadZone(id, in.body)
	if err != nil {
		return err
	}
	return s.command(w, r, airspace.PutZone{Zone: z, If: in.when}, id, in.key)
}

func (s *Server) removeZone(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, "remove zone", id)
	if err != nil {
		return err
	}
	defer in.end()
	return s.command(w, r, airspace.RemoveZone{ID: id, If: in.when}, id, in.key)
}

// breachSpan is how far a question about breaches without an end looks ahead.
const breachSpan = api.Time(24 * time.Hour)

func (s *Server) breaches(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "list breaches", "zone", "flight", "from", "to", "after", "limit")
	ask := airspace.BreachQuery{Zone: q.id("zone"), Flight: q.id("flight"), Limit: q.limit()}
	from, to := q.time("from"), q.time("to")
	if q.has("after") {
		var ok bool
		if ask.After, ok = api.ParseBreachCursor(q.get("after")); !ok {
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
	page := api.Breaches{From: api.Time(snap.State.ServiceNs()), Breaches: []api.Breach{}}
	if from != nil {
		page.From = *from
	}
	page.To = page.From + breachSpan
	if to != nil {
		page.To = *to
	}
	ask.FromNs, ask.ToNs = int64(page.From), int64(page.To)
	list, err := snap.State.Breaches(ask)
	if err != nil {
		return err
	}
	for i := range list {
		page.Breaches = append(page.Breaches, api.FromBreach(&list[i]))
	}
	if len(list) == ask.Limit {
		page.Next = api.BreachCursor(&list[len(list)-1])
	}
	return s.jsonOf(w, page)
}

// commands runs several commands as one.
func (s *Server) commands(w http.ResponseWriter, r *http.Request) error {
	in, err := s.writing(w, r, "apply commands", "")
	if err != nil {
		return err
	}
	defer in.end()
	if in.when != (airspace.Precondition{}) {
		return invalid("apply commands", "If-Match", "there", "a precondition for each command, as if_match and if_none_match")
	}
	cmd, err := api.ReadCommands(in.body)
	if err != nil {
		return err
	}
	for i := range cmd.Commands {
		switch one := cmd.Commands[i].(type) {
		case airspace.PutSector:
			one.Sector.Cells = sectorCells(one.Sector.Volumes)
			cmd.Commands[i] = one
			err = needSettings(r, one)
		case airspace.RemoveSector, airspace.PutZone, airspace.RemoveZone:
			err = needSettings(r, one)
		}
		if err != nil {
			return err
		}
	}
	res, err := s.run(w, r, cmd, "", in.key)
	if err != nil {
		return err
	}
	return s.json(w, func(b []byte) []byte { return api.AppendApplied(b, cmd, res) })
}

// needSettings refuses a change that needs more than the right to file flights.
func needSettings(r *http.Request, cmd airspace.Command) error {
	if who := subjectOf(r); !who.Rights.Has(subject.Settings) {
		return &problem.Error{Kind: problem.Forbidden, Op: cmd.Op(), Subject: who.String(), Field: "right", Value: who.Rights.String(), Allowed: subject.Settings.String(),
			Detail: "ask whoever issues certificates or tokens for that right"}
	}
	return nil
}
