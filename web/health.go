package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"onevoice/problem"
	"onevoice/web/api"
)

// livez says that the process answers. It never depends on a majority, or a partition would have every server restarted.
func (s *Server) livez(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return s.write(w, []byte("ok\n"))
}

// readyTimeout is how soon a majority has to confirm a server that is ready.
const readyTimeout = 500 * time.Millisecond

// readyz says that a majority confirmed this server's state just now.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	snap, err := s.service.Read(ctx)
	if err != nil {
		return err
	}
	s.prove(w.Header(), snap)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return s.write(w, []byte("ok\n"))
}

// status tells what this server knows of itself, with or without a majority.
func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	if q := parseQuery(r, "get status"); q.err != nil {
		return q.err
	}
	latest := s.service.Latest()
	s.prove(w.Header(), latest)
	b, err := json.Marshal(s.statusOf(latest))
	if err != nil {
		return err
	}
	return s.json(w, func(to []byte) []byte { return append(to, b...) })
}

func (s *Server) statusOf(latest Snapshot) api.Status {
	t := s.service.Status()
	t.Node = s.node
	t.Voice = api.Silent
	if t.AgreedAgeMs >= 0 && t.AgreedAgeMs <= api.MaxAgreedAgeMs {
		t.Voice = api.OneVoice
	}
	t.View, t.Term, t.Index = uint64(latest.Epoch.View), latest.Epoch.Term, latest.Index
	t.Hash = hex.EncodeToString(latest.Hash[:])
	t.LogTime = api.Time(latest.LogTimeNs)
	t.Servers = s.servers()
	if latest.State != nil {
		t.ServiceTime = api.Time(latest.State.ServiceNs())
		t.Sectors, t.Flights = latest.State.SectorCount(), latest.State.FlightCount()
	}
	t.FirstHash, t.LastHash = s.service.Range()
	t.Watchers, t.Positions = int(s.streams.Load()), s.tracks.count()
	t.UptimeS = int64(time.Since(s.started) / time.Second)
	if t.Counters == nil {
		t.Counters = map[string]uint64{}
	}
	t.Counters["requests_unauthenticated_total"] = s.denied.unknown.Load()
	t.Counters["requests_forbidden_total"] = s.denied.forbidden.Load()
	t.Counters["tls_handshakes_failed_total"] = s.errors.handshakes.Load()
	return t
}

// hash gives the chain hash at an index, for whoever holds an answer to compare.
func (s *Server) hash(w http.ResponseWriter, r *http.Request) error {
	const op = "get hash"
	q := parseQuery(r, op, "index")
	index, err := strconv.ParseUint(q.get("index"), 10, 64)
	if err != nil || q.get("index") != strconv.FormatUint(index, 10) {
		q.refuse("index", q.get("index"), "a number, as 812")
	}
	if q.err != nil {
		return q.err
	}
	latest := s.service.Latest()
	s.prove(w.Header(), latest)
	first, last := s.service.Range()
	m, ok := s.service.Mark(index)
	if !ok {
		return fault{cause: &problem.Error{
			Kind: problem.NotFound, Op: op, Subject: q.get("index"), Detail: "this server does not hold the hash at that index",
		}, first: strconv.FormatUint(first, 10), last: strconv.FormatUint(last, 10)}
	}
	b, err := json.Marshal(api.Hash{Group: latest.Group, Index: index, Hash: hex.EncodeToString(m.Hash[:]), First: first, Last: last})
	if err != nil {
		return err
	}
	return s.json(w, func(to []byte) []byte { return append(to, b...) })
}
