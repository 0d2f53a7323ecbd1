package consensus

import (
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"slices"

	"onevoice/codec"
	"onevoice/machine"
)

// toy is a machine of named counters. An operation is a delta (8 bytes) and a name; the result is the new value. The name
// "due" arms a timer delta nanoseconds ahead, which then counts up "fired"; "big" gives a result of delta bytes; "version" that of the
// machine.
type toy struct {
	counters map[string]int64
	dueNs    int64
}

func newToy() machine.Machine { return &toy{counters: map[string]int64{}} }

func toyOp(name string, delta int64) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(delta)), name...)
}

func (t *toy) Advance(at machine.At, emit machine.Emit) {
	if t.dueNs != 0 && at.LogTimeNs >= t.dueNs {
		t.dueNs = 0
		t.add("fired", 1)
		emit([]byte("fired"))
	}
}

func (t *toy) add(name string, delta int64) int64 {
	t.counters[name] += delta
	return t.counters[name]
}

func (t *toy) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	if len(op) < 8 {
		return []byte("refused")
	}
	name, delta := string(op[8:]), int64(binary.BigEndian.Uint64(op))
	switch name {
	case "due":
		t.dueNs = at.LogTimeNs + delta
		return nil
	case "version":
		return binary.BigEndian.AppendUint64(nil, uint64(at.Version))
	case "big":
		return make([]byte, min(max(delta, 0), 1<<20))
	}
	emit(op[8:])
	return binary.BigEndian.AppendUint64(nil, uint64(t.add(name, delta)))
}

func (t *toy) DueNs() int64 { return t.dueNs }

func (t *toy) Root() machine.Root { return &toyRoot{counters: maps.Clone(t.counters), dueNs: t.dueNs} }

func (t *toy) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	t.dueNs = r.I64()
	for r.Len() > 0 {
		name := r.String(1 << 20)
		t.counters[name] = r.I64()
	}
	return r.Err()
}

func (t *toy) Loaded() error {
	if t.counters["unloadable"] != 0 {
		return errors.New("unloadable")
	}
	return nil
}

type toyRoot struct {
	counters map[string]int64
	dueNs    int64
}

func (r *toyRoot) Query(op []byte) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(r.counters[string(op)]))
}

// Chunks are small, so that a few counters make many of them.
func (r *toyRoot) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var w codec.Writer
		w.I64(r.dueNs)
		for _, name := range slices.Sorted(maps.Keys(r.counters)) {
			w.String(name)
			w.I64(r.counters[name])
			if len(w.B) >= 128 {
				if !yield(w.B) {
					return
				}
				w = codec.Writer{}
				w.I64(r.dueNs)
			}
		}
		yield(w.B)
	}
}
