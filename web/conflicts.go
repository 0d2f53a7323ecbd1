package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"onevoice/airspace"
	"onevoice/web/api"
)

// conflicts answers which plans come too close.
func (s *Server) conflicts(w http.ResponseWriter, r *http.Request) error {
	const op = "query conflicts"
	q := parseQuery(r, op, "sector", "flight", "from", "to", "after", "limit")
	ask := airspace.ConflictsQuery{Sector: q.id("sector"), Flight: q.id("flight"), After: q.conflictCursor(), Limit: q.limit()}
	from, to := q.time("from"), q.time("to")
	if q.err != nil {
		return q.err
	}
	return s.answerConflicts(w, r, ask, from, to)
}

// queryConflicts answers the same of those whose closest point lies in a volume.
func (s *Server) queryConflicts(w http.ResponseWriter, r *http.Request) error {
	const op = "query conflicts"
	q := parseQuery(r, op, "after", "limit")
	ask := airspace.ConflictsQuery{After: q.conflictCursor(), Limit: q.limit()}
	if q.err != nil {
		return q.err
	}
	body, err := s.body(w, r, op, nil)
	if err != nil {
		return err
	}
	question, err := api.ReadQuestion(body)
	if err != nil {
		return err
	}
	ask.Volume = &question.Volume
	return s.answerConflicts(w, r, ask, question.From, question.To)
}

// conflictCursor is the parameter after of a list of conflicts.
func (q *query) conflictCursor() (after airspace.ConflictCursor) {
	if q.has("after") {
		var ok bool
		if after, ok = api.ParseConflictCursor(q.get("after")); !ok {
			q.refuse("after", q.get("after"), "what next said on the page before")
		}
	}
	return after
}

func (s *Server) answerConflicts(w http.ResponseWriter, r *http.Request, ask airspace.ConflictsQuery, from, to *api.Time) error {
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	now := api.Time(snap.State.ServiceNs())
	begin, end, err := timesOf("query conflicts", now, from, to)
	if err != nil {
		return err
	}
	ask.FromNs, ask.ToNs = int64(begin), int64(end)
	page, err := snap.State.Conflicts(ask)
	if err != nil {
		return err
	}
	return s.json(w, func(b []byte) []byte { return api.AppendConflicts(b, now, begin, end, page) })
}

// timesOf resolves a time asked for: from now, for an hour, where it does not say another.
func timesOf(op string, now api.Time, from, to *api.Time) (begin, end api.Time, err error) {
	begin = now
	if from != nil {
		begin = *from
	}
	end = begin + defaultSpan
	if to != nil {
		end = *to
	}
	if end <= begin {
		return 0, 0, invalid(op, "to", end.String(), "after from, "+begin.String()+", which is now unless the question says another")
	}
	return begin, end, nil
}

// load answers how much traffic a sector is to expect.
func (s *Server) load(w http.ResponseWriter, r *http.Request) error {
	const op = "query load"
	id := r.PathValue("id")
	if err := api.ReadID(op, "id", id); err != nil {
		return err
	}
	q := parseQuery(r, op, "from", "to", "bucket", "known_at")
	known, from, to, bucket := q.knownAt(), q.time("from"), q.time("to"), q.bucket()
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, known)
	if err != nil {
		return err
	}
	// Buckets begin on the clock, unless the question says where.
	now := api.Time(snap.State.ServiceNs())
	begin, end, err := timesOf(op, now-now%api.Time(bucket), from, to)
	if err != nil {
		return err
	}
	load, err := snap.State.Load(airspace.LoadQuery{Sector: id, FromNs: int64(begin), ToNs: int64(end), BucketNs: int64(bucket)})
	if err != nil {
		return err
	}
	return s.json(w, func(b []byte) []byte { return api.AppendLoad(b, load) })
}

// bucket is the parameter that says how long buckets are, in whole minutes.
func (q *query) bucket() time.Duration {
	if !q.has("bucket") {
		return time.Duration(airspace.DefaultBucketNs)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(q.get("bucket"), "m"))
	if d := time.Duration(n) * time.Minute; err == nil && strings.HasSuffix(q.get("bucket"), "m") && n > 0 && n <= int(airspace.MaxBucketNs/airspace.MinBucketNs) {
		return d
	}
	q.refuse("bucket", q.get("bucket"), "whole minutes, 1m to 1440m")
	return time.Minute
}

// capacity lists the buckets of the day ahead in which a sector's load reaches a threshold.
func (s *Server) capacity(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "query capacity", "known_at", "after", "limit")
	known, limit := q.knownAt(), q.limit()
	after := q.levelCursor()
	if q.err != nil {
		return q.err
	}
	snap, err := s.readKnown(w, r, known)
	if err != nil {
		return err
	}
	list, counting, err := snap.State.Levels(after, limit)
	if err != nil {
		return err
	}
	next := ""
	if len(list) == limit {
		last := list[limit-1]
		if more, _, _ := snap.State.Levels(last, 1); len(more) > 0 {
			next = strconv.FormatInt(last.FromNs, 10) + "_" + last.Sector
		}
	}
	page, err := watchedLevels(snap.State, list)
	if err != nil {
		return err
	}
	return s.json(w, func(b []byte) []byte { return api.AppendLevels(b, page, counting, next) })
}

func (q *query) levelCursor() airspace.SectorLevel {
	if !q.has("after") {
		return airspace.SectorLevel{}
	}
	ns, sector, ok := strings.Cut(q.get("after"), "_")
	from, err := strconv.ParseInt(ns, 10, 64)
	if !ok || err != nil || !airspace.ValidID(sector) {
		q.refuse("after", q.get("after"), "what next said on the page before")
	}
	return airspace.SectorLevel{Sector: sector, FromNs: from}
}

// watchedLevels counts the buckets of a list again, each sector at once.
func watchedLevels(state *airspace.State, list []airspace.SectorLevel) ([]api.WatchedLevel, error) {
	page := make([]api.WatchedLevel, len(list))
	for i := 0; i < len(list); {
		n := i + 1
		for n < len(list) && list[n].Sector == list[i].Sector {
			n++
		}
		begin := list[i].FromNs
		load, err := state.Load(airspace.LoadQuery{Sector: list[i].Sector, FromNs: begin, ToNs: list[n-1].FromNs + airspace.DefaultBucketNs, BucketNs: airspace.DefaultBucketNs})
		if err != nil {
			return nil, err
		}
		for ; i < n; i++ {
			page[i] = api.WatchedLevel{SectorLevel: list[i], Bucket: load.Buckets[(list[i].FromNs-begin)/airspace.DefaultBucketNs], Capacity: load.Capacity}
			page[i].Bucket.Level = list[i].Level
		}
	}
	return page, nil
}
