package airspace

import (
	"fmt"

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
)

func countConflicts(s *State) int {
	t := &s.conflicts
	n := t.pending.Len() + t.crowded.Len() + t.len()
	if t.sweep {
		n++
	}
	return n
}

func writeConflicts(s *State, add func(func(*codec.Writer)) bool) {
	t := &s.conflicts
	record := func(kind uint8, name string, rest func(*codec.Writer)) bool {
		return add(func(w *codec.Writer) {
			w.U8(kind)
			w.String(name)
			rest(w)
		})
	}
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
			return p.flight != p.A || record(recordConflict, p.Name(), func(w *codec.Writer) { appendConflict(w, p.Conflict) })
		})
	}
}

func (m *Machine) loadConflict(r *codec.Reader) error {
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
		return fmt.Errorf("a record of unknown kind %d", kind)
	}
	if err := m.next(&c, r); err != nil {
		return err
	}
	keep()
	return nil
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
