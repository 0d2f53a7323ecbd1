package web

import (
	"net/http"
	"strconv"

	"onevoice/airspace"
	"onevoice/web/api"
)

// headerKnown tells which entry an answer with known_at is as of: the last one by then that changed something.
const headerKnown = "Onevoice-Known-Index"

// knownAt is the parameter known_at: an index or an instant of service time. The zero value is the present.
func (q *query) knownAt() airspace.Known { return q.known("known_at") }

// known is a parameter that names a known time.
func (q *query) known(name string) airspace.Known {
	if !q.has(name) {
		return airspace.Known{}
	}
	text := q.get(name)
	index, err := strconv.ParseUint(text, 10, 64)
	if err == nil && index > 0 {
		return airspace.Known{Index: index}
	}
	at, err := api.ParseTime(text)
	if err != nil || at == 0 {
		q.refuse(name, text, "an index from 1 up, or RFC 3339 in UTC, such as 2018-08-01T05:00:00Z, after 1970-01-01T00:00:00Z")
	}
	return airspace.Known{AtNs: int64(at)}
}

// readKnown gives, after a read barrier, the state as it was known at a time, with the proof of the present that tells of it.
func (s *Server) readKnown(w http.ResponseWriter, r *http.Request, known airspace.Known) (Snapshot, error) {
	snap, err := s.read(w, r)
	if err != nil || known == (airspace.Known{}) {
		return snap, err
	}
	if snap.State, err = snap.State.AsOf(known); err != nil {
		return snap, err
	}
	w.Header()[headerKnown] = []string{strconv.FormatUint(snap.State.Index(), 10)}
	return snap, nil
}

// readThing is readKnown for one thing, whose identifier the path holds.
func (s *Server) readThing(w http.ResponseWriter, r *http.Request, op, id string) (Snapshot, error) {
	q := parseQuery(r, op, "known_at")
	known := q.knownAt()
	if q.err != nil {
		return Snapshot{}, q.err
	}
	if err := api.ReadID(op, "id", id); err != nil {
		return Snapshot{}, err
	}
	return s.readKnown(w, r, known)
}
