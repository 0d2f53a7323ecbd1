package airspace

import (
	"fmt"

	"onevoice/codec"
)

func writeMarks(s *State, add func(func(*codec.Writer)) bool) {
	for i := range s.marks.Len() {
		at := s.marks.At(i)
		if !add(func(w *codec.Writer) {
			w.Uvarint(at.index)
			w.Uvarint(zigzag64(at.atNs))
		}) {
			return
		}
	}
}

func (m *Machine) loadMark(r *codec.Reader) error {
	s := &m.state
	at := mark{r.Uvarint(), readZigzag64(r)}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	var last mark
	if n := s.marks.Len(); n > 0 {
		last = s.marks.At(n - 1)
	}
	if at.index <= last.index || at.index > s.index || at.atNs < last.atNs || at.atNs > s.clock.nowNs {
		return fmt.Errorf("mark at %d after %d of %d", at.index, last.index, s.index)
	}
	s.marks.Push(at)
	return nil
}

func writeOver(s *State, add func(func(*codec.Writer)) bool) {
	for i := range s.over.Len() {
		e := s.over.At(i)
		if !add(func(w *codec.Writer) {
			w.U8(uint8(e.record.pastKind()))
			w.Uvarint(e.since)
			w.Uvarint(e.until)
			w.Uvarint(e.noted)
			e.record.appendTo(w)
		}) {
			return
		}
	}
}

func (m *Machine) loadOver(r *codec.Reader) error {
	s := &m.state
	kind := pastKind(r.U8())
	e := ended{since: r.Uvarint(), until: r.Uvarint(), noted: r.Uvarint()}
	last := uint64(0)
	if n := s.over.Len(); n > 0 {
		last = s.over.At(n - 1).noted
	}
	if e.noted < last || e.noted > s.index || e.until > e.noted {
		return fmt.Errorf("past record that ended at %d, noted at %d after one of %d of %d", e.until, e.noted, last, s.index)
	}
	for _, of := range memories() {
		if of.kind != kind {
			continue
		}
		record, err := of.recall(m, r, e.since, e.until)
		if err != nil {
			return err
		}
		e.record = record
		s.remember(e)
		return nil
	}
	return fmt.Errorf("past record of unknown kind %d", kind)
}
