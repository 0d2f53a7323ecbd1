package web

import (
	"net/http"

	"onevoice/web/api"
)

// combineSectors makes one sector of several for a time.
func (s *Server) combineSectors(w http.ResponseWriter, r *http.Request) error {
	in, err := s.writing(w, r, "combine sectors", "")
	if err != nil {
		return err
	}
	defer in.end()
	cmd, err := api.ReadCombine(in.body)
	if err != nil {
		return err
	}
	cmd.If = in.when
	return s.command(w, r, cmd, cmd.Into, in.key)
}

// splitSector ends what combineSectors has made.
func (s *Server) splitSector(w http.ResponseWriter, r *http.Request) error {
	in, err := s.writing(w, r, "split sector", "")
	if err != nil {
		return err
	}
	defer in.end()
	cmd, err := api.ReadSplit(in.body)
	if err != nil {
		return err
	}
	cmd.If = in.when
	return s.command(w, r, cmd, cmd.ID, in.key)
}
