package oracle

import (
	"errors"
	"fmt"
	"iter"

	"onevoice/codec"
	"onevoice/crowd"
	"onevoice/lease"
	"onevoice/view"
)

// The chunks of a snapshot: those of package members, then ours, whose second byte is above all of its kinds, then those of package lease and of
// package crowd.
const (
	chunkState   = 64
	chunkHistory = 65
	// chunkBytes is the size from which a chunk is closed.
	chunkBytes = 128 << 10
)

// Chunks is the state in its fixed encoding.
func (s *State) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for c := range s.State.Chunks() {
			if !yield(c) {
				return
			}
		}
		w := codec.Writer{B: []byte{formatVersion, chunkState}}
		s.append(&w)
		if !yield(w.B) {
			return
		}
		if !codec.Chunks([]byte{formatVersion, chunkHistory}, chunkBytes, s.history, Verdict.append, yield) {
			return
		}
		for _, chunks := range []iter.Seq[[]byte]{s.leases.Chunks(), s.crowd.Chunks()} {
			for c := range chunks {
				if !yield(c) {
					return
				}
			}
		}
	}
}

func (s *State) append(w *codec.Writer) {
	s.view.Append(w)
	s.observed.append(w)
	w.I64(s.dueNs)
	w.I64(s.highNs)
	w.Uvarint(uint64(len(s.suspects)))
	for _, p := range s.suspects {
		w.U64(p.server)
		w.U64(p.boot)
		w.I64(p.sinceNs)
	}
	w.Uvarint(uint64(len(s.heard)))
	for _, h := range s.heard {
		w.U64(h.server)
		w.I64(h.sinceNs)
	}
	w.Uvarint(uint64(len(s.falls)))
	for _, f := range s.falls {
		w.U64(f.Server)
		w.U64(f.Incarnation)
		w.I64(f.atNs)
	}
}

func (s *State) read(r *codec.Reader) {
	s.view = view.ReadView(r)
	s.observed = readObservation(r)
	s.dueNs, s.highNs = r.I64(), r.I64()
	for range r.Count(view.MaxProcesses, 24) {
		s.suspects = append(s.suspects, suspect{r.U64(), r.U64(), r.I64()})
	}
	for range r.Count(view.MaxProcesses, 16) {
		s.heard = append(s.heard, heard{r.U64(), r.I64()})
	}
	for range r.Count(maxFalls, 24) {
		s.falls = append(s.falls, fall{view.PID{Server: r.U64(), Incarnation: r.U64()}, r.I64()})
	}
}

func (v Verdict) append(w *codec.Writer) {
	v.View.Append(w)
	w.I64(v.AtNs)
	v.Observed.append(w)
}

func readVerdict(r *codec.Reader) Verdict {
	return Verdict{View: view.ReadView(r), AtNs: r.I64(), Observed: readObservation(r)}
}

// loading is a state being loaded.
type loading struct {
	state State
	kind  uint8
}

// Load adds one chunk of a snapshot. The first begins anew: what the machine was made with is dropped.
func (m *Machine) Load(chunk []byte) error {
	if m.loading == nil {
		m.loading = &loading{}
	}
	l := m.loading
	switch {
	case len(chunk) < 2 || chunk[1] < l.kind || (lease.Ours(chunk) || crowd.Ours(chunk)) && l.kind == 0:
		return errors.New("oracle snapshot chunk: out of order")
	case chunk[1] < chunkState:
		return m.members.Load(chunk)
	case lease.Ours(chunk):
		l.kind = chunk[1]
		return m.leases.Load(chunk)
	case crowd.Ours(chunk):
		l.kind = chunk[1]
		return m.crowd.Load(chunk)
	}
	r := codec.NewReader(chunk)
	version, kind := r.U8(), r.U8()
	if version != formatVersion || (kind == chunkState) != (l.kind == 0) || r.Len() == 0 {
		r.Fail()
	}
	l.kind = kind
	switch kind {
	case chunkState:
		l.state.read(r)
	case chunkHistory:
		for r.Err() == nil && r.Len() > 0 {
			l.state.history = append(l.state.history, readVerdict(r))
		}
	default:
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("oracle snapshot chunk: %w", err)
	}
	return nil
}

// Loaded ends the chunks.
func (m *Machine) Loaded() error {
	if m.loading == nil || m.loading.kind == 0 {
		return errors.New("oracle snapshot: a chunk is missing")
	}
	s := m.loading.state
	m.loading = nil
	if err := errors.Join(m.members.Loaded(), m.leases.Loaded(), m.crowd.Loaded()); err != nil {
		return err
	}
	if n := len(s.history); n > maxHistory || n > 0 && s.history[n-1].View.Hash != s.view.Hash {
		return errors.New("oracle snapshot: the history does not end with the view")
	}
	s.State, s.leases, s.crowd = m.membership(), m.leases.State(), m.crowd.State()
	m.state = &s
	return nil
}

// The kinds of question, above all of package members.
const (
	questionView    = 64
	questionExplain = 65
)

// AskView is the question for the newest view; DecodeView reads its answer.
func AskView() []byte { return []byte{formatVersion, questionView} }

// AskExplain is the question for a view with what led to it; DecodeVerdict reads its answer.
func AskExplain(n view.Number) []byte {
	w := codec.Writer{B: []byte{formatVersion, questionExplain}}
	w.U64(uint64(n))
	return w.B
}

// Query answers AskView and AskExplain, the latter with nothing where the view is not held, and what packages members, lease and crowd
// answer; anything else with nothing.
func (s *State) Query(op []byte) []byte {
	switch {
	case lease.Ours(op):
		return s.leases.Query(op)
	case crowd.Ours(op):
		return s.crowd.Query(op)
	}
	if len(op) < 2 || op[1] < questionView {
		return s.State.Query(op)
	}
	r := codec.NewReader(op)
	version, kind := r.U8(), r.U8()
	var w codec.Writer
	switch {
	case version != formatVersion:
		return nil
	case kind == questionView && r.Finish() == nil:
		s.view.Append(&w)
	case kind == questionExplain:
		v, ok := s.Explain(view.Number(r.U64()))
		if r.Finish() != nil || !ok {
			return nil
		}
		v.append(&w)
	}
	return w.B
}

// DecodeView reads the answer to AskView.
func DecodeView(b []byte) (view.View, error) {
	r := codec.NewReader(b)
	v := view.ReadView(r)
	return v, r.Finish()
}

// DecodeVerdict reads the answer to AskExplain.
func DecodeVerdict(b []byte) (Verdict, error) {
	r := codec.NewReader(b)
	v := readVerdict(r)
	return v, r.Finish()
}

// Event tells of a new view.
type Event struct{ View view.View }

// eventView is above all kinds of event of package members.
const eventView = 64

func (e Event) encode() []byte {
	w := codec.Writer{B: []byte{formatVersion, eventView}}
	e.View.Append(&w)
	return w.B
}

// DecodeEvent reads an Event; false where it is one of package members, lease or crowd.
func DecodeEvent(b []byte) (Event, bool, error) {
	r := codec.NewReader(b)
	version, kind := r.U8(), r.U8()
	if version == formatVersion && kind != eventView {
		return Event{}, false, nil
	}
	e := Event{View: view.ReadView(r)}
	return e, true, r.Finish()
}
