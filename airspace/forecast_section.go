package airspace

import (
	"fmt"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// What a record of the section of conflicts is about. They come in this order.
const (
	recordSweep uint8 = iota
	recordPending
	recordCrowded
	recordConflict
	recordWatch
	recordStale
	recordLevel
)

func countForecast(s *State) int {
	t := &s.conflicts
	n := t.pending.Len() + t.crowded.Len() + t.len()
	if t.sweep {
		n++
	}
	l := &s.levels
	if l.fromNs != 0 {
		n++
	}
	return n + l.stale.Len() + l.levels.Len()
}

// recorder adds a record of a kind and name; false where no more is wanted.
type recorder func(kind uint8, name string, rest func(*codec.Writer)) bool

func writeForecast(s *State, add func(func(*codec.Writer)) bool) {
	record := func(kind uint8, name string, rest func(*codec.Writer)) bool {
		return add(func(w *codec.Writer) {
			w.U8(kind)
			w.String(name)
			rest(w)
		})
	}
	if s.conflicts.write(record) {
		s.levels.write(record)
	}
}

func (t *conflictTable) write(record recorder) bool {
	more := !t.sweep || record(recordSweep, "", func(w *codec.Writer) { w.String(t.sweptTo) })
	if more {
		t.pending.Scan(func(id string, p progress) bool {
			more = record(recordPending, id, func(w *codec.Writer) {
				w.Bool(p.looking)
				w.String(p.after)
			})
			return more
		})
	}
	if more {
		t.crowded.Scan(func(id string, _ struct{}) bool {
			more = record(recordCrowded, id, func(*codec.Writer) {})
			return more
		})
	}
	if more {
		t.pairs.Scan(func(p pairing) bool {
			more = p.flight != p.A || record(recordConflict, p.Name(), func(w *codec.Writer) { appendConflict(w, p.Conflict) })
			return more
		})
	}
	return more
}

func (t *levelTable) write(record recorder) {
	if t.fromNs == 0 || !record(recordWatch, "", func(w *codec.Writer) { w.I64(t.fromNs) }) {
		return
	}
	more := true
	t.stale.Scan(func(id string, s geo.Span) bool {
		more = record(recordStale, id, func(w *codec.Writer) {
			w.I64(s.FromNs)
			w.I64(s.ToNs)
		})
		return more
	})
	if !more {
		return
	}
	t.levels.Scan(func(l SectorLevel) bool {
		return record(recordLevel, fmt.Sprintf("%s+%019d", l.Sector, l.FromNs), func(w *codec.Writer) {
			w.String(l.Sector)
			w.I64(l.FromNs)
			w.U8(uint8(l.Level))
			appendVersion(w, l.Since)
		})
	})
}

func (m *Machine) loadForecast(r *codec.Reader) error {
	t := &m.state.conflicts
	kind, name := r.U8(), r.String(maxText)
	c := checker{op: "load conflict", subject: fmt.Sprintf("%d %s", kind, name)}
	var keep func()
	switch kind {
	case recordSweep:
		to := r.String(maxText)
		keep = func() { t.sweep, t.sweptTo = true, to }
	case recordPending:
		p := progress{r.Bool(), r.String(maxText)}
		m.checkFlight(&c, name)
		keep = func() { t.pending.Set(name, p) }
	case recordCrowded:
		m.checkFlight(&c, name)
		keep = func() { t.crowded.Set(name, struct{}{}) }
	case recordConflict:
		found := readConflict(r)
		if r.Err() == nil {
			m.checkConflict(&c, name, found)
		}
		keep = func() { t.set(nil, found) }
	default:
		keep = m.loadLevel(&c, kind, name, r)
	}
	if err := m.next(&c, r); err != nil {
		return err
	}
	keep()
	return nil
}

// loadLevel reads a record of what is watched, and gives what keeps it.
func (m *Machine) loadLevel(c *checker, kind uint8, name string, r *codec.Reader) func() {
	t := &m.state.levels
	switch kind {
	case recordWatch:
		from := r.I64()
		c.number("from", from, 1, MaxServiceNs)
		return func() { t.fromNs = from }
	case recordStale:
		s := geo.Span{FromNs: r.I64(), ToNs: r.I64()}
		c.id(name)
		return func() { t.stale.Set(name, s) }
	case recordLevel:
		l := SectorLevel{r.String(maxText), r.I64(), Level(r.U8()), readVersion(r)}
		if _, there := m.state.sectors.Get(l.Sector, past.Now); !there || l.Level != LevelWarn && l.Level != LevelAlert {
			c.fail(problem.Invalid, "level", l.Level.String(), "warn or alert, of a sector that is there")
		}
		return func() { t.levels.Set(l) }
	}
	c.fail(problem.Invalid, "kind", fmt.Sprint(kind), "a kind of record")
	return func() {}
}

func (m *Machine) checkFlight(c *checker, id string) {
	if m.state.flight(id) == nil {
		c.fail(problem.Invalid, "flight", id, "a flight that is there")
	}
}

// checkConflict holds a stored conflict against what every machine makes.
func (m *Machine) checkConflict(c *checker, name string, found *Conflict) {
	m.checkFlight(c, found.A)
	m.checkFlight(c, found.B)
	if name != found.Name() {
		c.fail(problem.Invalid, "name", name, found.Name())
	}
	for i, s := range found.Spans {
		if s.FromNs >= s.ToNs || i > 0 && found.Spans[i-1].ToNs >= s.FromNs {
			c.fail(problem.Invalid, "spans", fmt.Sprintf("%d to %d", s.FromNs, s.ToNs), "in order and apart")
		}
	}
	if found.AtNs < found.FromNs() || found.AtNs >= found.ToNs() {
		c.fail(problem.Invalid, "at", fmt.Sprint(found.AtNs), fmt.Sprintf("%d to %d", found.FromNs(), found.ToNs()))
	}
	c.geometry("", found.Pos.Validate())
	c.number("lateralCm", int64(found.LateralCm), 0, geo.MaxSeparationCm)
	c.number("verticalCm", int64(found.VerticalCm), 0, geo.MaxVerticalCm+MaxCrossRefCm)
	for i, id := range found.Sectors {
		// One that is gone stays named until the conflict is worked out anew.
		if i > 0 && found.Sectors[i-1] >= id {
			c.fail(problem.Invalid, "sectors", id, "sorted by name")
		}
		c.id(id)
	}
}
