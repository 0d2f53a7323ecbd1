package airspace

import (
	"fmt"

	"onevoice/codec"
	"onevoice/problem"
)

// stagingRecord is a staging in a snapshot, or, where Sector is not empty, one of its changes.
type stagingRecord struct {
	version Version
	sector  string
	// Of a change:
	put, moved bool
	what       Sector
	// Of a staging:
	sinceNs int64
	rules   *rules
	phase   StagingPhase
	after   string
	done    uint64
	// heldSince is 0 before the switch.
	heldSince uint64
}

// name sorts the changes of a staging behind it.
func (r *stagingRecord) name() string {
	return fmt.Sprintf("%020d.%010d %s", r.version.Index, r.version.Sub, r.sector)
}

func (r *stagingRecord) append(w *codec.Writer) {
	appendVersion(w, r.version)
	w.String(r.sector)
	if r.sector != "" {
		w.Bool(r.moved)
		w.Bool(r.put)
		if r.put {
			appendSector(w, &r.what)
		}
		return
	}
	w.I64(r.sinceNs)
	w.Bool(r.rules != nil)
	if r.rules != nil {
		w.I32(r.rules.crossRefCm)
		w.I64(r.rules.retainNs)
		appendSeparation(w, r.rules.separation)
	}
	w.U8(uint8(r.phase))
	w.String(r.after)
	w.Uvarint(r.done)
	w.Uvarint(r.heldSince)
}

func readStagingRecord(r *codec.Reader) stagingRecord {
	rec := stagingRecord{version: readVersion(r), sector: r.String(maxText)}
	if rec.sector != "" {
		rec.moved = r.Bool()
		if rec.put = r.Bool(); rec.put {
			rec.what = readSector(r)
		}
		return rec
	}
	rec.sinceNs = r.I64()
	if r.Bool() {
		rec.rules = &rules{crossRefCm: r.I32(), retainNs: r.I64(), separation: readSeparation(r)}
	}
	rec.phase, rec.after, rec.done, rec.heldSince = StagingPhase(r.U8()), r.String(maxText), r.Uvarint(), r.Uvarint()
	return rec
}

// stagingRecords counts them. What rules change follows from the sectors and is not stored.
func (s *State) stagingRecords() int {
	n := len(s.stagings)
	for _, st := range s.stagings {
		if st.rules == nil {
			n += len(st.changes)
		}
	}
	return n
}

func writeStagings(s *State, add func(func(*codec.Writer)) bool) {
	for _, st := range s.stagings {
		head := stagingRecord{version: st.of.version, sinceNs: st.sinceNs, rules: st.rules, phase: st.phase, after: st.after, done: uint64(st.done), heldSince: st.heldSince}
		if !add(head.append) {
			return
		}
		for _, ch := range st.changes {
			rec := stagingRecord{version: st.of.version, sector: ch.id, put: ch.n != nil}
			_, rec.moved = findChange(st.moved, ch.id)
			if rec.put {
				rec.what = ch.n.Sector
			}
			if st.rules == nil && !add(rec.append) {
				return
			}
		}
	}
}

func (m *Machine) loadStaging(r *codec.Reader) error {
	rec := readStagingRecord(r)
	c := checker{op: "load staging", subject: rec.name()}
	m.checkStaging(&c, &rec)
	if err := m.next(&c, r); err != nil {
		return err
	}
	s := &m.state
	if rec.sector == "" {
		s.stagings = append(s.stagings, &staging{
			of: &generation{version: rec.version}, sinceNs: rec.sinceNs, rules: rec.rules, phase: rec.phase, after: rec.after, done: int(rec.done), heldSince: rec.heldSince,
		})
		if len(s.stagings) == 1 {
			m.begin()
		}
		return nil
	}
	st := s.stagings[len(s.stagings)-1]
	change := []sectorChange{{id: rec.sector}}
	if rec.put {
		change[0].n = newSector(rec.what, rec.version)
	}
	m.numberAll(change)
	if rec.moved && rec.put && st.phase != StagingTells {
		change[0].n.number = m.newNumber()
	}
	st.changes = append(st.changes, change...)
	if rec.moved {
		st.moved = append(st.moved, change...)
	}
	*st.of = *generationOf(rec.version, st.changes)
	return nil
}

// checkStaging holds a record against what every machine writes.
func (m *Machine) checkStaging(c *checker, rec *stagingRecord) {
	s := &m.state
	if rec.sector != "" {
		c.id(rec.sector)
		if n := len(s.stagings); n == 0 || s.stagings[n-1].of.version != rec.version || s.stagings[n-1].rules != nil {
			c.fail(problem.Invalid, "sector", rec.sector, "one of the staging before it")
		}
		if rec.put {
			c.sector(&rec.what)
			if rec.what.ID != rec.sector {
				c.fail(problem.Invalid, "id", rec.what.ID, rec.sector)
			}
		}
		return
	}
	c.count("stagings", len(s.stagings), 0, MaxStagings-1)
	c.number("phase", int64(rec.phase), int64(StagingPrepares), int64(StagingDrops))
	c.number("done", int64(min(rec.done, MaxFlights*1024)), 0, MaxFlights*1023)
	if r := rec.rules; r != nil {
		c.number("crossRefCm", int64(r.crossRefCm), 0, MaxCrossRefCm)
		c.number("retain", r.retainNs, 0, MaxRetainNs)
		c.separation(r.separation)
	}
	if len(s.stagings) > 0 && rec.phase != StagingPrepares {
		c.fail(problem.Invalid, "phase", rec.phase.String(), "one that waits")
	}
}

// snapshotFlight is a flight in a snapshot: what it is, and what a staged change makes of it.
func snapshotFlight(w *codec.Writer, f *flight) {
	appendFlightRecord(w, &f.FlightRecord)
	w.Bool(f.next != nil)
	if f.next != nil {
		appendWindows(w, f.next.Windows)
	}
}

// loadComing reads and checks what a staged change makes of a flight, and what both of its lists stay in.
func (m *Machine) loadComing(c *checker, f *flight, windows []SectorWindow) {
	if c.found != nil {
		return
	}
	if len(m.state.stagings) == 0 {
		c.fail(problem.Invalid, "windows", "those of after a change", "none, since nothing is being changed")
		return
	}
	st := m.state.stagings[0]
	f.next = &coming{FlightRecord: f.FlightRecord, of: st.of}
	f.next.Windows = windows
	before, after := m.state.numberOf, st.numberOf
	if st.phase == StagingTells {
		// What is in the sectors as they were is asked for by the past alone.
		before, after = m.numberBefore(st), m.state.numberOf
	}
	f.stays, f.next.stays = m.staysOf(&f.FlightRecord, before), m.staysOf(&f.next.FlightRecord, after)
	m.checkWindows(c, &f.next.FlightRecord)
}

// numberBefore is numberOf as it was before the switch to a staging: what it moved had another number then.
func (m *Machine) numberBefore(st *staging) func(string) (uint64, bool) {
	return func(id string) (uint64, bool) {
		if _, found := findChange(st.moved, id); found {
			return m.load.numberBefore(m, id), true
		}
		return m.state.numberOf(id)
	}
}

// numberBefore is the number of a sector as it was before a switch that is being told of.
func (l *loader) numberBefore(m *Machine, id string) uint64 {
	number, ok := l.before[id]
	if !ok {
		if l.before == nil {
			l.before = map[string]uint64{}
		}
		number = m.newNumber()
		l.before[id] = number
	}
	return number
}
