package web

import (
	"net/http"

	"onevoice/airspace"
	"onevoice/web/api"
)

// getSettings answers with a part of the settings. All parts have one version.
func (s *Server) getSettings(op string, form func(b []byte, snap Snapshot, set *airspace.Settings) []byte) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		if q := parseQuery(r, op); q.err != nil {
			return q.err
		}
		snap, err := s.read(w, r)
		if err != nil {
			return err
		}
		set := snap.State.Settings()
		if s.tagged(w, r, set.Version) {
			return nil
		}
		return s.json(w, func(b []byte) []byte { return form(b, snap, &set) })
	}
}

// putSettings takes a part of the settings.
func (s *Server) putSettings(op string, read func(body []byte, when airspace.Precondition) (airspace.Command, error)) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := s.writing(w, r, op, "")
		if err != nil {
			return err
		}
		defer in.end()
		cmd, err := read(in.body, in.when)
		if err != nil {
			return err
		}
		return s.command(w, r, cmd, "", in.key)
	}
}

func serviceTime(b []byte, snap Snapshot, set *airspace.Settings) []byte {
	return api.AppendServiceTime(b, api.Time(snap.State.ServiceNs()), set)
}

func rules(b []byte, _ Snapshot, set *airspace.Settings) []byte { return api.AppendRules(b, set) }
