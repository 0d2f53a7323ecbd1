package real

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"onevoice/lab/judge"
	"onevoice/web/api"
)

// judgeKey bounds porcupine for one flight.
const judgeKey = 5 * time.Second

// Judge holds a record against the laws with the judges of the simulated world. Real servers show less of themselves than
// simulated ones: what they applied is taken from the event streams of all servers together, which must agree; epochs are
// not seen, elections are, from the logs (S2); the state is what they answer at rest (S7).
func Judge(r *Record) *judge.Court {
	court := judge.NewCourt()
	court.EventID = func(_ uint32, _ uint64, event []byte) (uint64, bool) {
		id, _, ok := put(event)
		return id, ok
	}
	for _, w := range r.Wrong {
		court.Now = func() int64 { return w.AtNs }
		court.Fail(w.Invariant, "%s", w.Evidence)
	}
	court.Now = nil
	held := r.judgeStreams(court)
	for _, h := range r.Hashes {
		court.Hashed(h.Server, airspaceGroup, h.Index, h.Hash)
	}
	for _, s := range r.States {
		court.State(s.Server, airspaceGroup, s.Index, s.Sum)
	}
	for _, e := range r.Elections {
		court.Led(e.Server, e.Boot, e.Group, e.Term)
	}
	for _, p := range r.Replies {
		court.Replied(airspaceGroup, p.Key, p.ID, p.Index, p.Sub, p.Result)
	}
	ops := r.judged(court)
	if !held.holds(ops) {
		court.Undecided++ // not every effect can be looked up
		court.EventID = nil
	}
	court.History(ops, judgeKey)
	return court
}

// put reads the number and version of the change that an event tells of.
func put(event []byte) (id uint64, version string, ok bool) {
	var e api.Event
	if err := json.Unmarshal(event, &e); err != nil || e.Kind != "flight-put" {
		return 0, "", false
	}
	id, err := strconv.ParseUint(e.Callsign, 10, 64)
	return id, e.Version, err == nil
}

// span is a range of indices that a stream has told completely.
type span struct{ after, to uint64 }

type spans []span

// holds says whether the streams together tell every index at which something was changed.
func (s spans) holds(ops []judge.Op) bool {
	for i := range ops {
		o := &ops[i]
		if o.Changed && !slices.ContainsFunc(s, func(p span) bool { return p.after < o.Index && o.Index <= p.to }) {
			return false
		}
	}
	return true
}

// judgeStreams gives the court what the servers' own watchers saw as what the servers applied, and then every watcher's
// stream as such (S7, S8). It returns what was told.
func (r *Record) judgeStreams(court *judge.Court) spans {
	var all spans
	byWatcher := map[string][]Seen{}
	for _, s := range r.Seen {
		byWatcher[s.Watcher] = append(byWatcher[s.Watcher], s)
	}
	var names []string
	for name := range byWatcher {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, "at ") {
			all = append(all, applied(court, name, byWatcher[name])...)
		}
	}
	for _, name := range names {
		for _, s := range byWatcher[name] {
			switch {
			case s.Cut:
			case s.From:
				court.WatchFrom(name, airspaceGroup, s.Index)
			default:
				court.Watched(name, s.Server, s.Index, s.Sub, s.Data)
			}
		}
	}
	court.CloseWatches()
	return all
}

// applied gives the court one server's stream, an index at a time.
func applied(court *judge.Court, name string, seen []Seen) spans {
	var all spans
	begin := 0
	var entry judge.Applied
	flush := func() {
		if len(entry.Events) > 0 {
			court.Applied(name, begin, airspaceGroup, entry)
			all[len(all)-1].to = entry.Index
		}
		entry = judge.Applied{}
	}
	for _, s := range seen {
		switch {
		case s.Cut:
			entry = judge.Applied{} // perhaps not all of it was told
			continue
		case s.From:
			flush()
			begin++
			all = append(all, span{s.Index, s.Index})
			continue
		case s.Index != entry.Index:
			flush()
			entry.Index = s.Index
		}
		entry.Events = append(entry.Events, s.Data)
	}
	flush()
	return all
}

// judged are the operations as the judge takes them. A change that was refused names the version that is there; which value that
// is, the events tell.
func (r *Record) judged(court *judge.Court) []judge.Op {
	values := map[string]int64{}
	for _, s := range r.Seen {
		if id, version, ok := put(s.Data); ok {
			values[version] = int64(id)
		}
	}
	ops := make([]judge.Op, 0, len(r.Ops))
	for i := range r.Ops {
		o := r.Ops[i].Op
		if current := r.Ops[i].Current; current != "" {
			value, known := values[current]
			if !known {
				court.Fail("S1", "refused because of version %s, which no server's events have: %v", current, &o)
				continue
			}
			o.Value = value
		}
		ops = append(ops, o)
	}
	slices.SortStableFunc(ops, func(a, b judge.Op) int { return cmp.Compare(a.CallNs, b.CallNs) })
	return ops
}
