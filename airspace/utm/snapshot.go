package utm

import (
	"bytes"
	"fmt"

	"onevoice/codec"
)

// The parts of a snapshot, in their order. Each record begins with the number of its part.
const (
	partHead uint8 = iota + 1
	partUSS
	partEntities
)

// Saved is how many records Save hands out.
func (s *Register) Saved() int {
	n := 1 + s.uss.Len()
	for i := range s.shelves {
		n += s.shelves[i].numbers.Len()
	}
	return n
}

// Save hands out the state as records in the fixed encoding, each by the function that writes it, until add is false. A record has
// up to 150 KB.
func (s *Register) Save(add func(write func(*codec.Writer)) bool) {
	going := add(func(w *codec.Writer) {
		w.U8(partHead)
		w.I64(s.nowNs)
	})
	s.uss.Scan(func(_ string, u *USS) bool {
		going = going && add(func(w *codec.Writer) {
			w.U8(partUSS)
			u.append(w)
		})
		return going
	})
	for i := range s.shelves {
		shelf := &s.shelves[i]
		shelf.numbers.Scan(func(n numbered) bool {
			at := shelf.places.At(n.number)
			going = going && add(func(w *codec.Writer) {
				w.U8(partEntities)
				w.U32(at.notified)
				at.entity.Append(w)
			})
			return going
		})
	}
}

// loading is where a machine stands in reading a snapshot.
type loading struct {
	part    uint8
	manager string
	kind    Kind
	id      ID
}

// Load takes one record that Save wrote, in its order.
func (m *Machine) Load(r *codec.Reader) error {
	part := r.U8()
	if part < m.load.part || part > partEntities || (part == partHead) != (m.load.part == 0) {
		return fmt.Errorf("utm: part %d after %d", part, m.load.part)
	}
	m.load.part = part
	switch part {
	case partHead:
		m.register.nowNs = r.I64()
		return finish(r, "head")
	case partUSS:
		return m.loadUSS(r)
	}
	return m.loadEntity(r)
}

func (m *Machine) loadUSS(r *codec.Reader) error {
	u := readUSS(r)
	c := checker{}
	c.text("", u.Manager, MaxManagerBytes)
	c.ovn("", u.OVN)
	if c.found != nil || u.Availability > Down || u.Manager <= m.load.manager {
		r.Fail()
	}
	if err := finish(r, "availability"); err != nil {
		return err
	}
	m.load.manager = u.Manager
	m.register.uss.Set(u.Manager, u)
	return nil
}

func (m *Machine) loadEntity(r *codec.Reader) error {
	notified := r.U32()
	e := ReadEntity(r)
	if e.Kind != Subscription && e.Kind != RIDSubscription && notified != 0 {
		r.Fail()
	}
	if err := finish(r, "entity"); err != nil {
		return err
	}
	if e.Kind < m.load.kind || e.Kind == m.load.kind && bytes.Compare(e.ID[:], m.load.id[:]) <= 0 {
		return fmt.Errorf("utm: %s %s after %s %s: not sorted", e.Kind, e.ID, m.load.kind, m.load.id)
	}
	m.load.kind, m.load.id = e.Kind, e.ID
	m.enter(e, notified)
	return nil
}

func finish(r *codec.Reader, what string) error {
	if err := r.Finish(); err != nil {
		return fmt.Errorf("utm: %s: %w", what, err)
	}
	return nil
}

// Loaded ends a snapshot: every subscription that an intent names is there, covers it and is of its manager, and no implicit one is without.
func (m *Machine) Loaded() error {
	s := &m.register
	if m.load.part == 0 {
		return fmt.Errorf("utm: no head")
	}
	var err error
	s.dependents.Scan(func(d dependent) bool {
		intent, _ := s.shelves[Intent].get(d.intent)
		sub, ok := s.shelves[Subscription].get(d.subscription)
		if !ok || sub.entity.Manager != intent.entity.Manager || !sub.entity.Extent.covers(&intent.entity.Extent) {
			err = fmt.Errorf("utm: subscription %s of intent %s is not there, or does not cover it", d.subscription, d.intent)
		}
		return err == nil
	})
	s.shelves[Subscription].numbers.Scan(func(n numbered) bool {
		if e := s.shelves[Subscription].places.At(n.number).entity; e.Implicit && s.dependentCount(n.id, 1) == 0 {
			err = fmt.Errorf("utm: implicit subscription %s is of no intent", n.id)
		}
		return err == nil
	})
	m.load = loading{}
	return err
}
