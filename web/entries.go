package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"onevoice/airspace"
	"onevoice/problem"
	"onevoice/watch"
	"onevoice/web/api"
)

// Bounds of a page of entries, and of how long one may wait for something to come.
const (
	maxEntries     = 1000
	maxEntryBytes  = 4 << 20
	maxEntriesWait = 20 * time.Second
)

// entries gives the log's entries after an index, for who keeps its history elsewhere: their digests and events, by which the chain hash
// can be followed. It comes after a read barrier, so that a server that is cut off says so.
func (s *Server) entries(w http.ResponseWriter, r *http.Request) error {
	const op = "read entries"
	q := parseQuery(r, op, "after", "limit", "wait_s")
	after, wait := q.number("after", 1, math.MaxInt64), q.number("wait_s", 0, uint64(maxEntriesWait/time.Second))
	limit := q.limit()
	if q.err != nil {
		return q.err
	}
	snap, err := s.service.Read(r.Context())
	if err != nil {
		return err
	}
	if after > snap.Index {
		q.refuse("after", q.get("after"), "at most "+strconv.FormatUint(snap.Index, 10)+", the newest index")
		return q.err
	}
	if after == snap.Index && wait > 0 {
		// What has come meanwhile is given in any case, so how the waiting ended does not matter.
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Second)
		stop := context.AfterFunc(s.ending, cancel)
		_, _ = s.service.Events(ctx, watch.EndOf(after))
		stop()
		cancel()
	}
	before, list, err := s.service.Entries(after, min(limit, maxEntries), maxEntryBytes)
	if err != nil {
		return compacted(op, err)
	}
	s.prove(w.Header(), s.service.Latest())
	return s.json(w, func(b []byte) []byte { return api.AppendEntries(b, after, before, list) })
}

// number is a parameter that is a whole number within bounds; the lower bound where it is absent.
func (q *query) number(name string, low, high uint64) uint64 {
	if !q.has(name) {
		return low
	}
	n, err := strconv.ParseUint(q.get(name), 10, 64)
	if err != nil || n < low || n > high || q.get(name) != strconv.FormatUint(n, 10) {
		q.refuse(name, q.get(name), strconv.FormatUint(low, 10)+" to "+strconv.FormatUint(high, 10))
	}
	return n
}

// stateType is the media type of a whole state: a JSON text a line.
const stateType = "application/jsonl"

// state streams the whole agreed state as of one index: all sectors, then all flights. One at a time, since each holds the state of its
// moment in memory.
func (s *Server) state(w http.ResponseWriter, r *http.Request) error {
	const op = "read the state"
	if q := parseQuery(r, op); q.err != nil {
		return q.err
	}
	if !s.listing.CompareAndSwap(false, true) {
		return refused(problem.Overloaded, op, "another whole state is being read")
	}
	defer s.listing.Store(false)
	ctx, done, err := s.stream(r, op)
	if err != nil {
		return err
	}
	defer done()
	snap, err := s.read(w, r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", stateType)
	w.Header().Set("Cache-Control", "no-store")
	if err := writeState(&streamWriter{ctx, w, op}, snap); err != nil {
		// The status has gone; that the stream has no end says enough.
		s.log.Warn("a whole state broke off", "error", err)
	}
	return nil
}

func writeState(out *streamWriter, snap Snapshot) error {
	err := writeLine(out, api.StateLine{Head: &api.StateHead{
		Index: snap.Index, Hash: hex.EncodeToString(snap.Hash[:]), View: uint64(snap.Epoch.View), LogTime: api.Time(snap.LogTimeNs), ServiceTime: api.Time(snap.State.ServiceNs()),
	}})
	if err != nil {
		return err
	}
	var end api.StateEnd
	end.Sectors, err = writeThings(out, snap.State.Sectors, func(b []byte, one *airspace.SectorRecord) ([]byte, string) {
		return api.AppendSectorLine(b, one), one.ID
	})
	if err != nil {
		return err
	}
	end.Flights, err = writeThings(out, snap.State.Flights, func(b []byte, one *airspace.FlightRecord) ([]byte, string) {
		return api.AppendFlightLine(b, one), one.ID
	})
	if err != nil {
		return err
	}
	return writeLine(out, api.StateLine{End: &end})
}

func writeLine(out io.Writer, line api.StateLine) error {
	b, err := json.Marshal(line)
	if err == nil {
		_, err = out.Write(append(b, '\n'))
	}
	return err
}

// stateBatch is how many things are made ready at once.
const stateBatch = 100

// writeThings writes all things of a kind, by identifier, and says how many there are.
func writeThings[R any](out io.Writer, list func(after string, limit int) []R, add func([]byte, R) ([]byte, string)) (count int, err error) {
	var b []byte
	for after := ""; ; {
		page := list(after, stateBatch)
		if len(page) == 0 {
			return count, nil
		}
		for b = b[:0]; len(page) > 0; page = page[1:] {
			b, after = add(b, page[0])
			count++
		}
		if _, err := out.Write(b); err != nil {
			return count, err
		}
	}
}
