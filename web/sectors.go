package web

import (
	"net/http"

	"onevoice/airspace"
	"onevoice/web/api"
)

func (s *Server) listSectors(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "list sectors", "known_at", "after", "limit")
	known, after, limit := q.knownAt(), q.id("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, known)
	if err != nil {
		return err
	}
	page := snap.State.Sectors(after, limit)
	next := ""
	if len(page) == limit && len(snap.State.Sectors(page[limit-1].ID, 1)) > 0 {
		next = page[limit-1].ID
	}
	return s.json(w, func(b []byte) []byte { return api.AppendSectors(b, page, next) })
}

func (s *Server) getSector(w http.ResponseWriter, r *http.Request) error {
	const op = "get sector"
	id := r.PathValue("id")
	snap, err := s.readThing(w, r, op, id)
	if err != nil {
		return err
	}
	sector, ok := snap.State.Sector(id)
	if !ok {
		return notFound(op, "sector", id)
	}
	if s.tagged(w, r, sector.Version) {
		return nil
	}
	return s.json(w, func(b []byte) []byte {
		if st, staged := snap.State.StagingOf(id); staged {
			return api.AppendSectorStaged(b, sector, &st)
		}
		return api.AppendSector(b, sector)
	})
}

// only checks the identifier of a path, and that no parameter comes with it.
func only(r *http.Request, op, id string) error {
	if q := parseQuery(r, op); q.err != nil {
		return q.err
	}
	return api.ReadID(op, "id", id)
}

func (s *Server) putSector(w http.ResponseWriter, r *http.Request) error {
	const op = "put sector"
	id := r.PathValue("id")
	in, err := s.writing(w, r, op, id)
	if err != nil {
		return err
	}
	defer in.end()
	sector, err := api.ReadSector(id, in.body)
	if err != nil {
		return err
	}
	sector.Cells = sectorCells(sector.Volumes)
	return s.command(w, r, airspace.PutSector{Sector: sector, If: in.when}, id, in.key)
}

func (s *Server) removeSector(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := s.writing(w, r, "remove sector", id)
	if err != nil {
		return err
	}
	defer in.end()
	return s.command(w, r, airspace.RemoveSector{ID: id, If: in.when}, id, in.key)
}
