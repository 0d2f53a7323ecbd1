package session

import (
	"crypto/sha256"

	"github.com/tidwall/btree"

	"onevoice/internal/mutant"
	"onevoice/wire"
)

// Place is where in the log a request stands.
type Place struct {
	Index     uint64
	Sub       uint32
	LogTimeNs int64
}

// Request is one request as it stands in the log.
type Request struct {
	Session uint64
	Seq     uint64
	Acked   uint64
	// Key and Body are the idempotency key's sums, 32 bytes each, or both nil.
	Key, Body []byte
	// Op is the operation itself.
	Op []byte
	// Image is the encoded part that must be equal when the same seq comes again: key and op.
	Image []byte
}

// Outcome is how a request ended. Place is where it was applied first.
type Outcome struct {
	Status wire.Status
	Place
	Result []byte
}

// sum is a shortened SHA-256: it detects a mistaken client, it does not defend against a hostile one.
type sum [16]byte

// record is one outcome that is not yet acknowledged.
type record struct {
	seq    uint64
	image  sum
	result []byte
	index  uint64
	logNs  int64
	sub    uint32
	status wire.Status
}

func (r *record) outcome() Outcome {
	return Outcome{Status: r.status, Place: Place{Index: r.index, Sub: r.sub, LogTimeNs: r.logNs}, Result: r.result}
}

// Table holds the sessions and keys of one group. It is changed only by the log, in order, on one goroutine.
type Table struct {
	// sessions by number. An entry whose gen is not the table's is shared with a Root and is copied before it changes.
	sessions *btree.Map[uint64, *entry]
	gen      uint64
	bytes    int
	// oldestNs is never above the last use of any session: a hint that saves looking, no part of the state.
	oldestNs int64
	keys     keys
	// fresh is what Begin found out for the End that follows it.
	fresh struct {
		entry *entry
		image sum
	}
	load *loader
}

// New is an empty table.
func New() *Table {
	return &Table{sessions: btree.NewMap[uint64, *entry](0), keys: newKeys()}
}

// Len is the number of open sessions.
func (t *Table) Len() int { return t.sessions.Len() }

// Keys is the number of idempotency keys held.
func (t *Table) Keys() int { return t.keys.len() }

// Number is the number of the session opened at a place: index in the upper 48 bits, sub in the lower 16. An index is
// never used twice, so neither is a number; 2^48 entries last for centuries.
func Number(index uint64, sub uint32) uint64 { return index<<16 | uint64(sub&0xffff) }

// Open adds a session and returns its number; false where the table is full.
func (t *Table) Open(at Place) (uint64, bool) {
	if t.sessions.Len() >= MaxSessions {
		return 0, false
	}
	if t.sessions.Len() == 0 {
		t.oldestNs = at.LogTimeNs
	}
	id := Number(at.Index, at.Sub)
	t.sessions.Set(id, &entry{id: id, gen: t.gen, lastNs: at.LogTimeNs})
	return id, true
}

// Begin looks a request up and notes its acknowledgement. Where fresh is true the command must run now and End
// must follow with its result; otherwise o is the answer: the stored outcome of a retry, or a refusal without effect.
func (t *Table) Begin(at Place, q *Request) (o Outcome, fresh bool) {
	e := t.touch(q, at.LogTimeNs)
	if e == nil {
		return refuse(wire.NoSession, at), false
	}
	if q.Seq <= e.acked {
		return refuse(wire.AlreadyAcked, at), false
	}
	if mutant.On(mutant.DedupBySeqOnly) {
		if r := t.inAnySession(q.Seq); r != nil {
			return r.outcome(), false
		}
	}
	image := imageOf(q)
	if r := e.find(q.Seq); r != nil {
		if r.image != image {
			return refuse(wire.SeqReused, at), false
		}
		return r.outcome(), false
	}
	if q.Seq-e.acked > Window {
		return refuse(wire.OutOfWindow, at), false
	}
	if e.bytes >= MaxSessionBytes || t.bytes >= MaxBytes {
		return refuse(wire.Overloaded, at), false
	}
	t.fresh.entry, t.fresh.image = e, image
	if q.Key == nil {
		return Outcome{}, true
	}
	return t.beginKeyed(at, q)
}

func (t *Table) beginKeyed(at Place, q *Request) (Outcome, bool) {
	e, image, k := t.fresh.entry, t.fresh.image, t.keys.find(q.Key)
	switch {
	case k == nil && t.keys.full():
		return refuse(wire.Overloaded, at), false
	case k == nil:
		return Outcome{}, true
	case string(k.body[:]) != string(q.Body):
		// The refusal is kept as this seq's outcome: a later copy of the request must not run when the key has gone.
		r := record{seq: q.Seq, image: image, status: wire.KeyReused, index: at.Index, sub: at.Sub, logNs: at.LogTimeNs}
		t.add(e, r)
		return r.outcome(), false
	}
	r := record{seq: q.Seq, image: image, status: k.status, index: k.index, sub: k.sub, logNs: k.logNs, result: k.result}
	t.add(e, r)
	return r.outcome(), false
}

// End stores the result of the command that the last Begin called fresh; the table keeps the slice.
func (t *Table) End(at Place, q *Request, result []byte) Outcome {
	r := record{
		seq: q.Seq, image: t.fresh.image, status: wire.OK,
		index: at.Index, sub: at.Sub, logNs: at.LogTimeNs, result: result,
	}
	if len(result) > MaxResultBytes {
		r.status, r.result = wire.TooLarge, nil
	}
	t.add(t.fresh.entry, r)
	if q.Key != nil {
		t.keys.add(q, &r)
	}
	return r.outcome()
}

// Holds says whether an outcome is stored for a session's seq.
func (t *Table) Holds(session, seq uint64) bool {
	e, ok := t.sessions.Get(session)
	return ok && e.find(seq) != nil
}

// Find is the stored outcome of a request, where there is one; it changes nothing.
func (t *Table) Find(q *Request) (Outcome, bool) {
	e, ok := t.sessions.Get(q.Session)
	if !ok {
		return Outcome{}, false
	}
	r := e.find(q.Seq)
	if r == nil || r.image != imageOf(q) {
		return Outcome{}, false
	}
	return r.outcome(), true
}

// touch returns the request's session, made ours to change, with use and acknowledgement noted; nil where it is unknown.
func (t *Table) touch(q *Request, nowNs int64) *entry {
	e, ok := t.sessions.Get(q.Session)
	if !ok {
		return nil
	}
	e = t.own(e)
	e.lastNs = nowNs
	t.bytes -= e.ack(q.Acked)
	return e
}

func (t *Table) own(e *entry) *entry {
	if e.gen == t.gen {
		return e
	}
	e = e.clone(t.gen)
	t.sessions.Set(e.id, e)
	return e
}

func (t *Table) add(e *entry, r record) {
	e.add(r)
	t.bytes += recordBytes + len(r.result)
}

// inAnySession is a planted bug: it finds an outcome by its seq alone.
func (t *Table) inAnySession(seq uint64) (found *record) {
	t.sessions.Scan(func(_ uint64, e *entry) bool {
		found = e.find(seq)
		return found == nil
	})
	return found
}

func refuse(s wire.Status, at Place) Outcome { return Outcome{Status: s, Place: at} }

func imageOf(q *Request) sum {
	h := sha256.Sum256(q.Image)
	return sum(h[:16])
}
