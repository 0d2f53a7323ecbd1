// Package codec is the project's fixed binary encoding: what is stored, hashed, replicated or framed is written with it.
// It is quiet and replicated: plain functions over byte slices.
//
// The encoding is canonical: one value has one byte string, so equal states have equal bytes and equal hashes, whatever
// build wrote them. Integers are big-endian and fixed, or minimal unsigned varints; byte strings carry their length.
// A Reader is total: any input gives values or an error, never a panic, and never allocates more than the input holds.
package codec

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// ErrMalformed says that bytes are not what the reader expects: too short, too long, or not in canonical form.
var ErrMalformed = errors.New("codec: malformed bytes")

// Writer appends values to B. The zero value is ready for use.
type Writer struct{ B []byte }

// U8 appends one byte.
func (w *Writer) U8(v uint8) { w.B = append(w.B, v) }

// Bool appends 1 or 0.
func (w *Writer) Bool(v bool) {
	if v {
		w.U8(1)
	} else {
		w.U8(0)
	}
}

// U32 appends four bytes, big-endian.
func (w *Writer) U32(v uint32) { w.B = binary.BigEndian.AppendUint32(w.B, v) }

// U64 appends eight bytes, big-endian.
func (w *Writer) U64(v uint64) { w.B = binary.BigEndian.AppendUint64(w.B, v) }

// I32 appends a signed 32-bit value, two's complement.
func (w *Writer) I32(v int32) { w.U32(uint32(v)) }

// I64 appends a signed 64-bit value, two's complement.
func (w *Writer) I64(v int64) { w.U64(uint64(v)) }

// Uvarint appends v in the minimal unsigned varint form.
func (w *Writer) Uvarint(v uint64) { w.B = binary.AppendUvarint(w.B, v) }

// Bytes appends the length of b as a varint, then b.
func (w *Writer) Bytes(b []byte) {
	w.Uvarint(uint64(len(b)))
	w.B = append(w.B, b...)
}

// String appends s as Bytes does.
func (w *Writer) String(s string) {
	w.Uvarint(uint64(len(s)))
	w.B = append(w.B, s...)
}

// Raw appends b without a length; the reader must know it.
func (w *Writer) Raw(b []byte) { w.B = append(w.B, b...) }

// Reader takes values off the front of a byte string. The first failure sticks: later calls return zero values.
// Byte slices it returns alias the input.
type Reader struct {
	b   []byte
	err error
}

// NewReader reads from b.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Err is the first failure, or nil.
func (r *Reader) Err() error { return r.err }

// Len is the number of bytes not yet read; 0 after a failure.
func (r *Reader) Len() int { return len(r.b) }

// Finish is Err, or ErrMalformed where bytes are left over.
func (r *Reader) Finish() error {
	if r.err == nil && len(r.b) != 0 {
		r.Fail()
	}
	return r.err
}

// Fail marks the input malformed, for checks that only the caller can make.
func (r *Reader) Fail() {
	if r.err == nil {
		r.err = ErrMalformed
	}
	r.b = nil
}

// Raw takes n bytes.
func (r *Reader) Raw(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.Fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// U8 takes one byte.
func (r *Reader) U8() uint8 {
	if v := r.Raw(1); v != nil {
		return v[0]
	}
	return 0
}

// Bool takes one byte, which must be 0 or 1.
func (r *Reader) Bool() bool {
	v := r.U8()
	if v > 1 {
		r.Fail()
	}
	return v == 1
}

// U32 takes four bytes.
func (r *Reader) U32() uint32 {
	if v := r.Raw(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// U64 takes eight bytes.
func (r *Reader) U64() uint64 {
	if v := r.Raw(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// I32 takes a signed 32-bit value.
func (r *Reader) I32() int32 { return int32(r.U32()) }

// I64 takes a signed 64-bit value.
func (r *Reader) I64() int64 { return int64(r.U64()) }

// Uvarint takes a varint in its minimal form.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n != uvarintLen(v) {
		r.Fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Count takes a varint that counts things of at least minBytes each still to come, so that a hostile count cannot make
// the caller allocate more than the input holds. It fails above most.
func (r *Reader) Count(most, minBytes int) int {
	v := r.Uvarint()
	if v > uint64(most) || v*uint64(max(minBytes, 1)) > uint64(len(r.b)) {
		r.Fail()
		return 0
	}
	return int(v)
}

// Bytes takes a byte string written by Writer.Bytes, of at most most bytes.
func (r *Reader) Bytes(most int) []byte {
	v := r.Uvarint()
	if v > uint64(most) || v > uint64(len(r.b)) {
		r.Fail()
		return nil
	}
	return r.Raw(int(v))
}

// String takes a string of at most most bytes.
func (r *Reader) String(most int) string { return string(r.Bytes(most)) }

// Rest takes all that is left.
func (r *Reader) Rest() []byte { return r.Raw(len(r.b)) }

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// Chunks yields a list in chunks: each begins with head and is closed from most bytes on. It says whether yield wants more.
func Chunks[T any](head []byte, most int, list []T, put func(T, *Writer), yield func([]byte) bool) bool {
	for len(list) > 0 {
		w := Writer{B: append([]byte(nil), head...)}
		for len(list) > 0 && len(w.B) < most {
			put(list[0], &w)
			list = list[1:]
		}
		if !yield(w.B) {
			return false
		}
	}
	return true
}
