package lease

import (
	"errors"
	"fmt"
	"iter"

	"onevoice/codec"
	"onevoice/fence"
	"onevoice/view"
)

// The chunks of a snapshot.
const (
	chunkHead   = 96
	chunkLeases = 97
	// chunkBytes is the size from which a chunk is closed.
	chunkBytes = 128 << 10
)

// Chunks is the state in its fixed encoding.
func (s *State) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		w := codec.Writer{B: []byte{formatVersion, chunkHead}}
		w.U64(s.seq)
		s.epoch.Append(&w)
		w.I64(s.nowNs)
		w.I64(s.renewedNs)
		w.U32(uint32(s.leases.Len()))
		if !yield(w.B) {
			return
		}
		begin := func() { w = codec.Writer{B: []byte{formatVersion, chunkLeases}} }
		begin()
		going := true
		s.leases.Scan(func(_ string, l *Lease) bool {
			l.append(&w)
			if len(w.B) >= chunkBytes {
				going = yield(w.B)
				begin()
			}
			return going
		})
		if going && len(w.B) > 2 {
			yield(w.B)
		}
	}
}

// leastLease is the size of the smallest lease.
const leastLease = 1 + fence.TokenBytes + 1 + 8 + 8 + 1 + 8

func (l *Lease) append(w *codec.Writer) {
	w.String(l.Name)
	l.Token.Append(w)
	w.String(l.Owner)
	w.I64(l.TTLMs)
	w.I64(l.DelayMs)
	w.U8(uint8(l.Standing))
	w.I64(l.EndsNs)
}

// readLease takes a lease written by append, and fails where it cannot be one.
func readLease(r *codec.Reader) Lease {
	l := Lease{
		Name: r.String(MaxNameBytes), Token: fence.Read(r), Owner: r.String(MaxOwnerBytes), TTLMs: r.I64(), DelayMs: r.I64(),
		Standing: Standing(r.U8()), EndsNs: r.I64(),
	}
	c := Grant{l.Name, l.Token.Holder, l.TTLMs, l.DelayMs, l.Owner}
	if c.check() != nil || l.Token.Seq == 0 || l.Standing < Held || l.Standing > Lapsed {
		r.Fail()
	}
	return l
}

// loading is a machine being loaded.
type loading struct {
	fresh *Machine
	count uint32
	last  string
}

// Load adds one chunk of a snapshot. The first begins anew: what the machine held is dropped.
func (m *Machine) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	version, kind := r.U8(), r.U8()
	if version != formatVersion || (kind == chunkHead) != (m.load == nil) || r.Len() == 0 {
		r.Fail()
	}
	switch kind {
	case chunkHead:
		m.load = &loading{fresh: New()}
		s := &m.load.fresh.state
		s.seq, s.epoch, s.nowNs, s.renewedNs, m.load.count = r.U64(), view.ReadEpoch(r), r.I64(), r.I64(), r.U32()
	case chunkLeases:
		for r.Err() == nil && r.Len() > 0 {
			m.load.add(r)
		}
	default:
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("lease snapshot chunk: %w", err)
	}
	return nil
}

func (l *loading) add(r *codec.Reader) {
	one := readLease(r)
	if one.Name <= l.last || one.Token.Seq > l.fresh.state.seq || l.fresh.state.leases.Len() >= MaxLeases {
		r.Fail()
	}
	if l.last = one.Name; r.Err() == nil {
		l.fresh.put(&one)
	}
}

// Loaded ends the chunks.
func (m *Machine) Loaded() error {
	if m.load == nil {
		return errors.New("lease snapshot: no chunk")
	}
	l := m.load
	if n := l.fresh.state.leases.Len(); uint64(n) != uint64(l.count) {
		return fmt.Errorf("lease snapshot: %d leases, its head says %d", n, l.count)
	}
	*m = *l.fresh
	return nil
}
