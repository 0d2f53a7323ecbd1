package web

import (
	"net/http"

	"onevoice/problem"
	"onevoice/web/api"
)

// Upgrader is what the web asks of a rolling upgrade.
type Upgrader interface {
	// Upgrade says which build this server runs and which machine versions are in force.
	Upgrade() api.Upgrade
	// Raise proposes the highest version that every member supports for each group that this server leads, and counts them.
	Raise() (proposed int, err error)
}

func (s *Server) getUpgrade(w http.ResponseWriter, r *http.Request) error {
	return s.answerUpgrade(w, r, "show versions", func() (int, error) { return 0, nil })
}

func (s *Server) postUpgrade(w http.ResponseWriter, r *http.Request) error {
	return s.answerUpgrade(w, r, "upgrade", func() (int, error) { return s.upgrader.Raise() })
}

func (s *Server) answerUpgrade(w http.ResponseWriter, r *http.Request, op string, first func() (int, error)) error {
	if s.upgrader == nil {
		return &problem.Error{Kind: problem.NotFound, Op: op, Detail: "this server has no versions to show"}
	}
	if err := parseQuery(r, op).err; err != nil {
		return err
	}
	if r.ContentLength != 0 {
		return invalid(op, "body", "not empty", "no body: the version is the highest that every server supports")
	}
	proposed, err := first()
	if err != nil {
		return err
	}
	u := s.upgrader.Upgrade()
	u.Proposed = proposed
	return s.answerJSON(w, u)
}
