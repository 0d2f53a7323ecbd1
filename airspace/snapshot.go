package airspace

import (
	"fmt"
	"iter"
	"slices"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/problem"
)

// The kinds of chunk: the first is the head, those of the sections follow. The numbers are part of the format.
const (
	chunkHead     uint8 = 1
	chunkSectors  uint8 = 2
	chunkFlights  uint8 = 3
	chunkStagings uint8 = 7
)

// section is a list of records of one kind in a snapshot. The head says how many records each has, in the order of the sections.
type section struct {
	kind uint8
	// count is how many records there are.
	count func(*State) int
	// write gives the records, sorted by name, to add; it ends when that says false.
	write func(s *State, add func(func(*codec.Writer)) bool)
	// load reads a record, and takes it.
	load func(m *Machine, r *codec.Reader) error
}

// sections come in the order in which what they hold refers to one another.
func sections() []section {
	return []section{
		{chunkSectors, (*State).SectorCount, writeSectors, (*Machine).loadSector},
		{chunkStagings, (*State).stagingRecords, writeStagings, (*Machine).loadStaging},
		{chunkFlights, (*State).FlightCount, writeFlights, (*Machine).loadFlight},
		{4, (*State).zoneRecords, writeZones, (*Machine).loadZones},
		{5, (*State).controlCount, writeControl, (*Machine).loadControl},
		{6, countForecast, writeForecast, (*Machine).loadForecast},
		// The past comes after all that is there, in the order in which it is forgotten.
		{28, func(s *State) int { return s.marks.Len() }, writeMarks, (*Machine).loadMark},
		{29, func(s *State) int { return s.over.Len() }, writeOver, (*Machine).loadOver},
	}
}

// Chunks implements machine.Root. A chunk is the Format, its kind and whole records. The first holds the settings, the
// clock and how many records of each section follow.
func (s *State) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !yield(s.head()) {
			return
		}
		for _, part := range sections() {
			p := packer{kind: part.kind, yield: yield}
			part.write(s, p.add)
			if !p.flush() {
				return
			}
		}
	}
}

func (s *State) head() []byte {
	var w codec.Writer
	w.U8(Format)
	w.U8(chunkHead)
	set := s.Settings()
	appendSettings(&w, &set)
	w.Bool(s.clock.begun)
	w.I64(s.clock.logNs)
	w.Uvarint(s.index)
	w.Uvarint(s.settingsSince)
	for _, part := range sections() {
		w.Uvarint(uint64(part.count(s)))
	}
	return w.B
}

func writeSectors(s *State, add func(func(*codec.Writer)) bool) {
	s.sectors.Ascend("", past.Now, func(_ string, v past.Version[*sector]) bool {
		return add(func(w *codec.Writer) {
			appendSectorRecord(w, &v.Record.SectorRecord)
			w.Uvarint(v.Since)
		})
	})
}

func writeFlights(s *State, add func(func(*codec.Writer)) bool) {
	s.numbers.Scan(func(_ string, n uint32) bool {
		return add(func(w *codec.Writer) { snapshotFlight(w, s.flightAt(n)) })
	})
}

// packer fills chunks with records.
type packer struct {
	kind   uint8
	yield  func([]byte) bool
	chunk  codec.Writer
	record codec.Writer
	ended  bool
}

// add appends one record; false when the reader wants no more.
func (p *packer) add(write func(*codec.Writer)) bool {
	p.record.B = p.record.B[:0]
	write(&p.record)
	if len(p.chunk.B)+len(p.record.B)+4 > MaxChunkBytes && !p.flush() {
		return false
	}
	if len(p.chunk.B) == 0 {
		p.chunk.U8(Format)
		p.chunk.U8(p.kind)
	}
	p.chunk.Bytes(p.record.B)
	return true
}

// flush hands out what there is.
func (p *packer) flush() bool {
	if p.ended || len(p.chunk.B) == 0 {
		return !p.ended
	}
	p.ended = !p.yield(p.chunk.B)
	p.chunk.B = p.chunk.B[:0]
	return !p.ended
}

// loader is where a machine stands in reading a snapshot.
type loader struct {
	kind   uint8             // of the last chunk, 0 where there was none
	place  int               // of that kind among the sections, from 1
	last   string            // name of the last record
	before map[string]uint64 // numbers of sectors as they were before a switch that is being told of
	counts []uint64          // promised by the head, for each section
}

// maxRecord bounds one record that is read.
const maxRecord = 1 << 20

// Load implements machine.Machine.
func (m *Machine) Load(chunk []byte) error {
	if err := m.loadChunk(codec.NewReader(chunk)); err != nil {
		return fmt.Errorf("airspace snapshot: %w", err)
	}
	return nil
}

func (m *Machine) loadChunk(r *codec.Reader) error {
	m.root = nil
	if v := r.U8(); v != Format {
		return fmt.Errorf("format %d, this build reads %d", v, Format)
	}
	kind := r.U8()
	if (kind == chunkHead) != (m.load.kind == 0) {
		return fmt.Errorf("chunk of kind %d after one of kind %d", kind, m.load.kind)
	}
	if kind == chunkHead {
		m.load.kind = kind
		return m.loadHead(r)
	}
	list := sections()
	place := 1 + slices.IndexFunc(list, func(part section) bool { return part.kind == kind })
	if place < max(m.load.place, 1) {
		return fmt.Errorf("chunk of kind %d after one of kind %d, or an unknown one", kind, m.load.kind)
	}
	if place > m.load.place {
		m.load.kind, m.load.place, m.load.last = kind, place, ""
	}
	return m.loadRecords(r, list[place-1].load)
}

func (m *Machine) loadRecords(r *codec.Reader, load func(*Machine, *codec.Reader) error) error {
	for r.Err() == nil && r.Len() > 0 {
		if err := load(m, codec.NewReader(r.Bytes(maxRecord))); err != nil {
			return err
		}
	}
	return r.Finish()
}

func (m *Machine) loadHead(r *codec.Reader) error {
	s := &m.state
	set := readSettings(r)
	s.clock = clock{begun: r.Bool(), logNs: r.I64()}
	s.clock.setAnchor(&set)
	s.index, s.settingsSince = r.Uvarint(), r.Uvarint()
	c := checker{op: "load head"}
	c.settings(&set)
	set.ServiceAnchorLogNs, set.ServiceAnchorNs, set.RateMilli = 0, 0, 0
	s.settings = set
	for range sections() {
		m.load.counts = append(m.load.counts, r.Uvarint())
	}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	if s.clock.begun {
		s.clock.nowNs = s.clock.at(s.clock.logNs)
	}
	return c.err()
}

// next checks what every record must keep to: complete, sorted, valid in itself.
func (m *Machine) next(c *checker, r *codec.Reader) error {
	if err := r.Finish(); err != nil {
		return fmt.Errorf("record after %q: %w", m.load.last, err)
	}
	if c.subject <= m.load.last {
		return fmt.Errorf("record %q after %q: not sorted", c.subject, m.load.last)
	}
	m.load.last = c.subject
	return c.err()
}

// err keeps a nil problem from becoming a non-nil error.
func (c *checker) err() error {
	if c.found == nil {
		return nil
	}
	return c.found
}

func (m *Machine) loadSector(r *codec.Reader) error {
	rec, since := readSectorRecord(r), r.Uvarint()
	c := checker{op: "load sector", subject: rec.ID}
	c.sector(&rec.Sector)
	if err := m.next(&c, r); err != nil {
		return err
	}
	n := newSector(rec.Sector, rec.Version)
	n.number = m.newNumber()
	m.state.sectors.Put(rec.ID, n, since)
	if n.Capacity != (Capacity{}) {
		m.state.levels.ageAll(rec.ID)
	}
	m.ground = nil
	return nil
}

func (m *Machine) loadFlight(r *codec.Reader) error {
	f := &flight{FlightRecord: readFlightRecord(r)}
	var after []SectorWindow
	both := r.Bool()
	if both {
		after = readWindows(r)
	}
	c := checker{op: "load flight", subject: f.ID}
	c.flight(&f.Flight)
	if c.found == nil {
		m.checkWindows(&c, &f.FlightRecord)
		c.progress(&f.FlightRecord)
	}
	if both {
		m.loadComing(&c, f, after)
	}
	if err := m.next(&c, r); err != nil {
		return err
	}
	m.outline.lay(&f.Flight)
	f.tiles = m.outline.tiles()
	m.addFlight(f)
	return nil
}

// checkWindows holds the stored windows against what every machine makes: sorted, in sectors that there are, within the
// time of the flight.
func (m *Machine) checkWindows(c *checker, f *FlightRecord) {
	c.windows(f)
	for _, w := range f.Windows {
		if !m.state.known(w.Sector) {
			c.fail(problem.Invalid, "windows", w.Sector, "a sector that is there")
		}
	}
}

// windows refuses windows that are not sorted, or not within the time of the flight.
func (c *checker) windows(f *FlightRecord) {
	c.count("windows", len(f.Windows), 0, MaxFlightWindows)
	for i, w := range f.Windows {
		if i > 0 && compareWindows(f.Windows[i-1], w) >= 0 {
			c.fail(problem.Invalid, "windows", fmt.Sprintf("%d at %s", w.EnterMinNs, w.Sector), "sorted by entry and sector")
		}
		if w.EnterMinNs < f.BeginNs() || w.EnterMinNs >= w.LeaveMaxNs || w.LeaveMaxNs > f.EndNs() {
			c.fail(problem.Invalid, "windows", fmt.Sprintf("%d to %d", w.EnterMinNs, w.LeaveMaxNs), fmt.Sprintf("within %d to %d", f.BeginNs(), f.EndNs()))
		}
	}
}

// known says whether there may be windows in a sector: it is there, or a staged change makes it or takes it away.
func (s *State) known(id string) bool {
	_, there := s.sectors.Get(id, past.Now)
	if !there && len(s.stagings) > 0 {
		_, there = s.stagings[0].find(id)
	}
	return there
}

// Loaded implements machine.Machine.
func (m *Machine) Loaded() error {
	if m.load.kind == 0 {
		return fmt.Errorf("airspace snapshot: no head")
	}
	for i, part := range sections() {
		if there := uint64(part.count(&m.state)); there != m.load.counts[i] {
			return fmt.Errorf("airspace snapshot: %d records of kind %d, the head says %d", there, part.kind, m.load.counts[i])
		}
	}
	if err := m.control.Loaded(); err != nil {
		return fmt.Errorf("airspace snapshot: %w", err)
	}
	m.load = loader{}
	return nil
}
