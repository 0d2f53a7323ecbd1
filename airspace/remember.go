package airspace

import (
	"fmt"

	"onevoice/airspace/past"
	"onevoice/codec"
)

// remembered is a record of any kind that the past may hold. It never changes.
type remembered interface {
	pastKind() pastKind
	// pastName is its name among those of its kind.
	pastName() string
	// pastBytes is about how much memory it takes, by what it holds alone: the same on every replica.
	pastBytes() int
	appendTo(w *codec.Writer)
}

// pastKind says what a record of the past is. The numbers are part of the format of snapshots; never reuse one.
type pastKind uint8

const (
	pastSettings pastKind = 1
	pastSector   pastKind = 2
	pastFlight   pastKind = 3
)

// memory is what the past of one kind of record needs. A kind whose records are in a past.Table has them put there by put and
// drop, and its memory made by memoryOf.
type memory struct {
	kind pastKind
	// recall reads a record that held from since on and before until, checks it, and takes it as the newest past one of its name.
	recall func(m *Machine, r *codec.Reader, since, until uint64) (remembered, error)
	// forget leaves out the past records of a name that ended at an index or before it.
	forget func(m *Machine, name string, until uint64)
}

func memories() []memory {
	return []memory{
		{pastSettings, (*Machine).recallSettings, (*Machine).forgetSettings},
		memoryOf(pastSector, func(m *Machine) *past.Table[*sector] { return &m.state.sectors }, readPastSector),
		{pastFlight, (*Machine).recallFlight, (*Machine).forgetFlight},
	}
}

// memoryOf is the memory of a kind whose records are in a table; read reads one and checks it.
func memoryOf[R remembered](kind pastKind, table func(*Machine) *past.Table[R], read func(m *Machine, r *codec.Reader) (R, error)) memory {
	return memory{
		kind,
		func(m *Machine, r *codec.Reader, since, until uint64) (remembered, error) {
			record, err := read(m, r)
			if err != nil {
				return nil, err
			}
			if !table(m).Recall(record.pastName(), past.Version[R]{Since: since, Until: until, Record: record}) {
				return nil, overlaps(record.pastName(), since, until)
			}
			return record, nil
		},
		func(m *Machine, name string, until uint64) { table(m).Forget(name, until) },
	}
}

func overlaps(name string, since, until uint64) error {
	return fmt.Errorf("past record %q from %d to %d: another one holds then", name, since, until)
}

// put puts a record into its table, at the entry that the machine is in; what it supersedes is past.
func put[R remembered](m *Machine, table *past.Table[R], record R) {
	if over, was := table.Put(record.pastName(), record, m.state.index); was {
		m.over(over.Record, over.Since, over.Until)
	}
}

// drop removes a name from its table, as put does.
func drop[R remembered](m *Machine, table *past.Table[R], name string) {
	if over, was := table.Delete(name, m.state.index); was {
		m.over(over.Record, over.Since, over.Until)
	}
}

// ended is a past record, of any kind. It ended with the entry until; noted is the entry that found that out, which is a later one where a
// staged change is told of in steps.
type ended struct {
	since, until, noted uint64
	record              remembered
	// sum is the bytes of all up to it, and of all that were forgotten.
	sum int64
}

// over notes that a record has ended.
func (m *Machine) over(record remembered, since, until uint64) {
	m.state.remember(ended{since: since, until: until, noted: m.state.index, record: record})
}

func (s *State) remember(e ended) {
	e.sum = int64(e.record.pastBytes())
	if n := s.over.Len(); n > 0 {
		e.sum += s.over.At(n - 1).sum
	}
	s.over.Push(e)
}
