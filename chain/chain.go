// Package chain is how the chain hash of a group goes over its log, so that who has the hash and what was told of an entry can
// prove that the two belong together.
// It is quiet and replicated.
//
// An entry has two sums: Digest, of what was agreed and what came of it, which only servers can make, and the sum of its events, which
// everybody can make who was told them. The hash after an entry is made of the hash before it, its index, its log time and the two
// sums. So a reader of events proves with 32 bytes an entry that none was left out, added, changed or moved.
//
// All sums are SHA-256 over the encoding of package codec:
//
//	Digest   raft term (8 bytes), entry type (1 byte), payload (with length), the number of commands (4 bytes), for each its
//	         status (1 byte) and result (with length); an entry that is no group of commands counts 0
//	events   their number (4 bytes), each with its length
//	hash     the hash before, index, log time (8 bytes each), Digest, events
package chain

import (
	"crypto/sha256"
	"hash"

	"onevoice/codec"
)

// Hash is the chain hash after an index.
type Hash [sha256.Size]byte

// Digest is the sum of what was agreed at an index and what came of it.
type Digest [sha256.Size]byte

// Entry is what a link is made of. LogTimeNs is log time after the entry, nanoseconds UTC.
type Entry struct {
	Index     uint64
	LogTimeNs int64
	Digest    Digest
	Events    [][]byte
}

// Linker makes sums; it keeps memory from one to the next. One goroutine at a time may use it. The zero value is ready.
type Linker struct {
	sha hash.Hash
	w   codec.Writer
	sum [sha256.Size]byte
}

// begin gives an empty sum and an empty writer.
func (l *Linker) begin() *codec.Writer {
	if l.sha == nil {
		l.sha = sha256.New()
	}
	l.sha.Reset()
	l.w.B = l.w.B[:0]
	return &l.w
}

// Digest makes the digest of an entry; results begin with the number of commands, as in the package comment.
func (l *Linker) Digest(term uint64, kind uint8, payload, results []byte) Digest {
	w := l.begin()
	w.U64(term)
	w.U8(kind)
	w.Uvarint(uint64(len(payload)))
	l.sha.Write(w.B)
	l.sha.Write(payload)
	l.sha.Write(results)
	l.sha.Sum(l.sum[:0])
	return l.sum
}

// Next is the chain hash after an entry that follows the one after which the hash was before.
func (l *Linker) Next(before Hash, e *Entry) Hash {
	w := l.begin()
	w.U32(uint32(len(e.Events)))
	for _, event := range e.Events {
		w.Bytes(event)
	}
	l.sha.Write(w.B)
	l.sha.Sum(l.sum[:0])
	w = l.begin()
	w.Raw(before[:])
	w.U64(e.Index)
	w.I64(e.LogTimeNs)
	w.Raw(e.Digest[:])
	w.Raw(l.sum[:])
	l.sha.Write(w.B)
	l.sha.Sum(l.sum[:0])
	return l.sum
}
