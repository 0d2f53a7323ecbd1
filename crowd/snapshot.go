package crowd

import (
	"errors"
	"fmt"
	"iter"

	"onevoice/codec"
)

// The kinds of chunk, in the order in which they stand in a snapshot.
const (
	chunkHead     = firstKind
	chunkMembers  = firstKind + 1
	chunkJoining  = firstKind + 2
	chunkLeaving  = firstKind + 3
	chunkSuspects = firstKind + 4
	chunkFalls    = firstKind + 5
	chunkHistory  = firstKind + 6
	// chunkBytes is the size from which a chunk is closed.
	chunkBytes = 128 << 10
)

// Chunks is the state in its fixed encoding.
func (s *State) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		w := codec.Writer{B: []byte{formatVersion, chunkHead}}
		s.append(&w)
		_ = yield(w.B) &&
			chunksOf(chunkMembers, s.members, Member.append, yield) &&
			chunksOf(chunkJoining, s.joining, Member.append, yield) &&
			chunksOf(chunkLeaving, s.leaving, appendLeaving, yield) &&
			chunksOf(chunkSuspects, s.suspects, suspect.append, yield) &&
			chunksOf(chunkFalls, s.falls, fall.append, yield) &&
			chunksOf(chunkHistory, s.history, appendHistory, yield)
	}
}

func chunksOf[T any](kind uint8, list []T, put func(T, *codec.Writer), yield func([]byte) bool) bool {
	return codec.Chunks([]byte{formatVersion, kind}, chunkBytes, list, put, yield)
}

func (s *State) append(w *codec.Writer) {
	(&Head{s.head(), s.seed}).append(w)
	w.I64(s.drawnAtNs)
	w.U64(s.newest)
	w.I64(s.rollDueNs)
	w.I64(s.lookNs)
	w.Uvarint(uint64(s.held))
	w.Uvarint(uint64(len(s.cuts)))
	for _, c := range s.cuts {
		w.I64(c.atNs)
		w.Uvarint(uint64(c.count))
	}
	s.refused.append(w)
}

// head is the newest roll without who joined and went.
func (s *State) head() Roll {
	r := s.roll
	r.Joined, r.Gone = nil, nil
	return r
}

func (s *State) read(r *codec.Reader) {
	h := readHead(r)
	s.roll, s.seed = h.Roll, h.Seed
	s.drawnAtNs, s.newest, s.rollDueNs, s.lookNs = r.I64(), r.U64(), r.I64(), r.I64()
	s.held = int(min(r.Uvarint(), MaxMembers))
	for range r.Count(maxCuts, 9) {
		s.cuts = append(s.cuts, cut{r.I64(), int(min(r.Uvarint(), MaxMembers))})
	}
	s.refused = readRefused(r)
}

func (f Refused) append(w *codec.Writer) {
	w.U64(f.Forged)
	w.U64(f.Old)
	w.U64(f.Down)
	w.U64(f.Late)
}

func readRefused(r *codec.Reader) Refused { return Refused{r.U64(), r.U64(), r.U64(), r.U64()} }

func appendLeaving(g Gone, w *codec.Writer) {
	w.U64(g.ID)
	w.U8(uint8(g.Why))
}

func readLeaving(r *codec.Reader) Gone { return Gone{ID: r.U64(), Why: Why(r.U8())} }

func (s suspect) append(w *codec.Writer) {
	w.U64(s.subject)
	w.I64(s.overNs)
	w.Uvarint(uint64(len(s.marks)))
	for _, h := range s.marks {
		w.U64(h.reporter)
		w.U8(uint8(h.evidence))
		w.I64(h.atNs)
	}
}

func readSuspect(r *codec.Reader) suspect {
	s := suspect{subject: r.U64(), overNs: r.I64()}
	for range r.Count(MaxMarks, 17) {
		s.marks = append(s.marks, held{r.U64(), Evidence(r.U8()), r.I64()})
	}
	return s
}

func (f fall) append(w *codec.Writer) {
	w.String(f.name)
	w.U64(f.boot)
	w.U8(uint8(f.why))
	w.I64(f.atNs)
}

func readFall(r *codec.Reader) fall {
	return fall{r.String(MaxNameBytes), r.U64(), Why(r.U8()), r.I64()}
}

func appendHistory(roll Roll, w *codec.Writer) { roll.Append(w) }

// loading is a state being loaded; kind is that of the newest chunk.
type loading struct {
	state State
	kind  uint8
}

// Load adds one chunk of a snapshot. The first begins anew: what the machine was made with is dropped.
func (m *Machine) Load(chunk []byte) error {
	if m.loading == nil {
		m.loading = &loading{}
	}
	l, r := m.loading, codec.NewReader(chunk)
	version, kind := r.U8(), r.U8()
	if version != formatVersion || kind < l.kind || (l.kind == 0) != (kind == chunkHead) || r.Len() == 0 {
		r.Fail()
	}
	l.kind = kind
	s := &l.state
	switch kind {
	case chunkHead:
		s.read(r)
	case chunkMembers:
		load(r, &s.members, readMember)
	case chunkJoining:
		load(r, &s.joining, readMember)
	case chunkLeaving:
		load(r, &s.leaving, readLeaving)
	case chunkSuspects:
		load(r, &s.suspects, readSuspect)
	case chunkFalls:
		load(r, &s.falls, readFall)
	case chunkHistory:
		load(r, &s.history, ReadRoll)
	default:
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("crowd snapshot chunk: %w", err)
	}
	return nil
}

func load[T any](r *codec.Reader, list *[]T, read func(*codec.Reader) T) {
	for r.Err() == nil && r.Len() > 0 {
		*list = append(*list, read(r))
	}
}

// Loaded ends the chunks.
func (m *Machine) Loaded() error {
	if m.loading == nil || m.loading.kind == 0 {
		return errors.New("crowd snapshot: no chunk")
	}
	s := m.loading.state
	m.loading = nil
	if err := s.check(); err != nil {
		return fmt.Errorf("crowd snapshot: %w", err)
	}
	if n := len(s.history); n > 0 {
		s.roll = s.history[n-1]
	}
	m.state, m.rings = &s, nil
	return nil
}

func (s *State) check() error {
	id := uint64(0)
	for _, m := range append(s.members[:len(s.members):len(s.members)], s.joining...) {
		if m.ID <= id || m.ID > s.newest {
			return fmt.Errorf("member %d is out of order", m.ID)
		}
		id = m.ID
	}
	switch n := len(s.history); {
	case len(s.members) > MaxMembers || len(s.members) != int(s.roll.Count) || s.roll.Number > 0 && ListHash(s.members) != s.roll.List:
		return errors.New("the list is not that of the roll")
	case n > maxHistory || n > 0 && s.history[n-1].Hash != s.roll.Hash || n == 0 && s.roll.Number > 0:
		return errors.New("the history does not end with the roll")
	case len(s.joining) > 2*MaxMembers || len(s.leaving) > MaxMembers || len(s.falls) > maxFalls || len(s.suspects) > MaxMembers:
		return errors.New("a list is too long")
	}
	return nil
}
