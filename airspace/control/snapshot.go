package control

import (
	"fmt"
	"strings"

	"onevoice/codec"
	"onevoice/view"
)

// The parts of a snapshot, in their order. Each record begins with the number of its part.
const (
	partHead uint8 = iota + 1
	partPositions
	partSectors
	partFlights
)

// Saved is how many records Save hands out.
func (s *Board) Saved() int { return 1 + s.positions.Len() + s.sectors.Len() + s.flights.Len() }

// Save hands out the state as records in the fixed encoding, each by the function that writes it, until add is false.
func (s *Board) Save(add func(write func(*codec.Writer)) bool) {
	going := add(func(w *codec.Writer) {
		w.U8(partHead)
		s.epoch.Append(w)
		w.I64(s.nowNs)
		w.I64(s.renewedNs)
	})
	s.positions.Scan(func(_ string, p *Position) bool {
		going = going && add(func(w *codec.Writer) {
			w.U8(partPositions)
			p.Append(w)
		})
		return going
	})
	for i, t := range []Thing{Sector, Flight} {
		s.of(t).Scan(func(_ string, n *Record) bool {
			going = going && add(func(w *codec.Writer) {
				w.U8(partSectors + uint8(i))
				n.Append(w)
			})
			return going
		})
	}
}

// loading is where a machine stands in reading a snapshot.
type loading struct {
	part uint8
	last string
}

// Load takes one record that Save wrote, in its order. Known says whether there is a flight or sector of that name.
func (m *Machine) Load(r *codec.Reader, known func(Thing, string) bool) error {
	part := r.U8()
	if part < m.load.part || part > partFlights || (part == partHead) != (m.load.part == 0) {
		return fmt.Errorf("control: part %d after %d", part, m.load.part)
	}
	if part != m.load.part {
		m.load.part, m.load.last = part, ""
	}
	switch part {
	case partHead:
		s := &m.board
		s.epoch, s.nowNs, s.renewedNs = view.ReadEpoch(r), r.I64(), r.I64()
		return finish(r, "head")
	case partPositions:
		p := ReadPosition(r)
		return m.take(r, p.ID, func() { m.loadPosition(&p) })
	}
	n := ReadRecord(r)
	if (n.Thing == Sector) != (part == partSectors) || r.Err() == nil && !known(n.Thing, n.ID) {
		return fmt.Errorf("control: a record of %s %s, which is not there", n.Thing, n.ID)
	}
	return m.take(r, n.ID, func() { m.putRecord(&n) })
}

// take puts a record in its place, if it is whole and follows the one before.
func (m *Machine) take(r *codec.Reader, id string, put func()) error {
	if err := finish(r, id); err != nil {
		return err
	}
	if strings.Compare(id, m.load.last) <= 0 {
		return fmt.Errorf("control: record %q after %q: not sorted", id, m.load.last)
	}
	m.load.last = id
	put()
	return nil
}

func finish(r *codec.Reader, what string) error {
	if err := r.Finish(); err != nil {
		return fmt.Errorf("control: %s: %w", what, err)
	}
	return nil
}

// loadPosition does not forget one that has nothing yet: its records follow.
func (m *Machine) loadPosition(p *Position) {
	m.board.positions.Set(p.ID, p)
	if p.Attended() {
		m.due.Set(due{p.EndsNs, 0, p.ID})
	}
}

// Loaded ends a snapshot: every position that has something is there, and every other one is attended.
func (m *Machine) Loaded() error {
	s := &m.board
	if m.load.part == 0 {
		return fmt.Errorf("control: no head")
	}
	wrong := ""
	s.positions.Scan(func(id string, p *Position) bool {
		if !p.Attended() && !s.has(id) {
			wrong = "position " + id + " is not attended and has nothing"
		}
		return wrong == ""
	})
	s.links.Scan(func(l link) bool {
		if _, ok := s.positions.Get(l.of); l.kind == linkHas && !ok {
			wrong = "position " + l.of + " has something and is not there"
		}
		return wrong == "" && l.kind == linkHas
	})
	if wrong != "" {
		return fmt.Errorf("control: %s", wrong)
	}
	m.load = loading{}
	return nil
}
