package web

import (
	_ "embed" // the description is part of the binary
	"net/http"
)

// description is the OpenAPI 3.1 text of every route.
//
//go:embed openapi.yaml
var description []byte

func (s *Server) openapi(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	return s.write(w, description)
}
