package session

import (
	"iter"

	"github.com/tidwall/btree"

	"onevoice/codec"
	"onevoice/wire"
)

// Root is the table at one moment: immutable, made in constant time, for any goroutine.
type Root struct {
	sessions *btree.Map[uint64, *entry]
	keys     []*keyed
}

// Root is the present state. Sessions changed after it are copied once each.
func (t *Table) Root() Root {
	t.gen++
	n := len(t.keys.queue)
	return Root{sessions: t.sessions.Copy(), keys: t.keys.queue[t.keys.head:n:n]}
}

// chunkBytes is the size from which a chunk is closed; the last item may exceed it by one record.
const chunkBytes = 128 << 10

// The items of a chunk. The numbers are part of the format.
const (
	itemSession = 1 // number, last use, acknowledged; its records follow
	itemRecord  = 2 // one outcome of the session before it
	itemKey     = 3 // one outcome under a key; after all sessions
)

// Chunks is the state in the project's encoding: sessions by number with their outcomes by seq, then keys in the order
// they came. Equal states give equal chunks. An empty table has none.
func (r Root) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c := chunker{yield: yield}
		r.sessions.Scan(func(_ uint64, e *entry) bool { return c.session(e) })
		for _, k := range r.keys {
			if !c.key(k) {
				return
			}
		}
		c.end()
	}
}

type chunker struct {
	w     codec.Writer
	yield func([]byte) bool
	stop  bool
}

func (c *chunker) session(e *entry) bool {
	c.w.U8(itemSession)
	c.w.U64(e.id)
	c.w.I64(e.lastNs)
	c.w.U64(e.acked)
	for i := range e.live() {
		r := &e.live()[i]
		c.w.U8(itemRecord)
		c.w.U64(r.seq)
		c.w.Raw(r.image[:])
		c.outcome(r.index, r.sub, r.logNs, r.status, r.result)
		if !c.cut() {
			return false
		}
	}
	return c.cut()
}

func (c *chunker) key(k *keyed) bool {
	c.w.U8(itemKey)
	c.w.Raw(k.name[:])
	c.w.Raw(k.body[:])
	c.outcome(k.index, k.sub, k.logNs, k.status, k.result)
	return c.cut()
}

func (c *chunker) outcome(index uint64, sub uint32, logNs int64, status wire.Status, result []byte) {
	c.w.U64(index)
	c.w.U32(sub)
	c.w.I64(logNs)
	c.w.U8(uint8(status))
	c.w.Bytes(result)
}

func (c *chunker) cut() bool {
	if len(c.w.B) >= chunkBytes {
		c.end()
	}
	return !c.stop
}

func (c *chunker) end() {
	if len(c.w.B) > 0 && !c.stop {
		c.stop = !c.yield(c.w.B)
		c.w.B = nil
	}
}
