package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"onevoice/codec"
)

// adder adds up the chunks of one group.
type adder struct {
	sum  Sum
	hash hash.Hash
}

func newAdder() *adder { return &adder{hash: sha256.New()} }

func (a *adder) add(chunk []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(chunk)))
	a.hash.Write(length[:])
	a.hash.Write(chunk)
	a.sum.Chunks++
	a.sum.Bytes += uint64(len(chunk))
}

func (a *adder) done() Sum {
	copy(a.sum.SHA256[:], a.hash.Sum(nil))
	return a.sum
}

// Writer writes one backup. A record is one Write, so that a slow receiver slows the writer down, and no more than one
// record is in memory. After an error nothing more may be written.
type Writer struct {
	out     io.Writer
	total   hash.Hash
	records uint64
	groups  uint32 // still to come
	last    uint32 // number of the newest group
	group   *adder
	b       []byte
}

// NewWriter begins a backup.
func NewWriter(out io.Writer, h Head) (*Writer, error) {
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("backup: head: %w", err)
	}
	w := &Writer{out: out, total: sha256.New(), groups: h.Groups}
	w.b = append(append(w.b, magic...), Format)
	if err := w.flush(); err != nil {
		return nil, err
	}
	return w, w.record(kindHead, h.append)
}

// Group begins a group; they come by number.
func (w *Writer) Group(g Group) error {
	if err := g.check(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if w.group != nil || w.groups == 0 || g.Number <= w.last {
		return fmt.Errorf("backup: group %d comes after group %d, with %d to come", g.Number, w.last, w.groups)
	}
	w.groups--
	w.group, w.last = newAdder(), g.Number
	return w.record(kindGroup, g.append)
}

// Chunk adds a chunk of the group that has begun.
func (w *Writer) Chunk(chunk []byte) error {
	if w.group == nil || len(chunk) == 0 || len(chunk) > MaxChunkBytes {
		return fmt.Errorf("backup: chunk of %d bytes, allowed: 1 to %d, within a group", len(chunk), MaxChunkBytes)
	}
	w.group.add(chunk)
	return w.record(kindChunk, func(c *codec.Writer) { c.Raw(chunk) })
}

// EndGroup ends the group that has begun.
func (w *Writer) EndGroup() (Sum, error) {
	if w.group == nil || w.group.sum.Chunks == 0 {
		return Sum{}, fmt.Errorf("backup: group %d has no chunk", w.last)
	}
	sum := w.group.done()
	w.group = nil
	return sum, w.record(kindGroupEnd, sum.append)
}

// End makes it a backup.
func (w *Writer) End() error {
	if w.group != nil || w.groups != 0 {
		return fmt.Errorf("backup: ends with %d groups to come", w.groups)
	}
	return w.record(kindEnd, func(c *codec.Writer) {
		c.U64(w.records)
		c.Raw(w.total.Sum(nil))
	})
}

func (w *Writer) record(k kind, body func(*codec.Writer)) error {
	c := codec.Writer{B: w.b[:0]}
	c.U8(uint8(k))
	c.U32(0)
	body(&c)
	binary.BigEndian.PutUint32(c.B[1:], uint32(len(c.B)-prefixBytes))
	c.U32(checksum(c.B))
	w.b = c.B
	w.records++
	return w.flush()
}

func (w *Writer) flush() error {
	w.total.Write(w.b)
	if _, err := w.out.Write(w.b); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
