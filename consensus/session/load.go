package session

import (
	"errors"
	"math"

	"onevoice/codec"
	"onevoice/wire"
)

var errLoad = errors.New("session: snapshot is not in canonical form")

// loader is the state between the chunks of a snapshot.
type loader struct {
	current *entry
	keys    bool
	lastKey Place
}

// Load adds one chunk made by Root.Chunks, in order, to a new table; Loaded ends them. It keeps parts of the chunk.
// After an error the table is thrown away.
func (t *Table) Load(chunk []byte) error {
	if t.load == nil {
		t.load = &loader{}
	}
	r := codec.NewReader(chunk)
	for r.Len() > 0 {
		ok := false
		switch r.U8() {
		case itemSession:
			ok = t.loadSession(r)
		case itemRecord:
			ok = t.loadRecord(r)
		case itemKey:
			ok = t.loadKey(r)
		}
		if !ok || r.Err() != nil {
			return errLoad
		}
	}
	return nil
}

// Loaded makes the table ready after the last chunk.
func (t *Table) Loaded() error {
	t.load = nil
	t.oldestNs = math.MaxInt64
	t.sessions.Scan(func(_ uint64, e *entry) bool {
		t.oldestNs = min(t.oldestNs, e.lastNs)
		return true
	})
	return nil
}

func (t *Table) loadSession(r *codec.Reader) bool {
	e := &entry{id: r.U64(), gen: t.gen, lastNs: r.I64(), acked: r.U64()}
	before := t.load.current
	if t.load.keys || before != nil && before.id >= e.id || t.sessions.Len() >= MaxSessions {
		return false
	}
	t.load.current = e
	t.sessions.Set(e.id, e)
	return true
}

func (t *Table) loadRecord(r *codec.Reader) bool {
	rec := record{seq: r.U64()}
	copy(rec.image[:], r.Raw(len(rec.image)))
	loadOutcome(r, &rec)
	e := t.load.current
	if e == nil || t.load.keys || r.Err() != nil {
		return false
	}
	if rec.seq <= e.acked || rec.seq-e.acked > Window || e.position(rec.seq) != len(e.recs) {
		return false
	}
	t.add(e, rec)
	return true
}

func (t *Table) loadKey(r *codec.Reader) bool {
	k := &keyed{}
	copy(k.name[:], r.Raw(len(k.name)))
	copy(k.body[:], r.Raw(len(k.body)))
	var rec record
	loadOutcome(r, &rec)
	k.index, k.sub, k.logNs, k.status, k.result = rec.index, rec.sub, rec.logNs, rec.status, rec.result
	last := t.load.lastKey
	after := k.index > last.Index || k.index == last.Index && k.sub > last.Sub
	if t.load.keys && !after || t.keys.byName[k.name] != nil || t.keys.len() >= MaxKeys || r.Err() != nil {
		return false
	}
	t.load.keys, t.load.lastKey = true, Place{Index: k.index, Sub: k.sub}
	t.keys.push(k)
	return true
}

func loadOutcome(r *codec.Reader, rec *record) {
	rec.index, rec.sub, rec.logNs = r.U64(), r.U32(), r.I64()
	rec.status = wire.Status(r.U8())
	rec.result = r.Bytes(MaxResultBytes)
	if len(rec.result) == 0 {
		rec.result = nil
	}
}
