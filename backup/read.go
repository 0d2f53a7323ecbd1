package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"onevoice/codec"
)

// Visit takes what a reader finds, in order; each may be nil. Their errors end the reading and are returned as they are.
type Visit struct {
	Head  func(Head) error
	Group func(Group) error
	// Chunk gets a chunk of the group, which belongs to it.
	Chunk    func([]byte) error
	GroupEnd func(Sum) error
}

// Whole is what a backup is that was read to its end.
type Whole struct {
	Head   Head
	Bytes  uint64
	SHA256 [32]byte // of all bytes
}

// Read reads one backup to the end of in and checks all of it. The error is a *Damaged, or that of in or of visit. What visit
// has been given before an error is of no worth: only a nil error says that it is a backup.
func Read(in io.Reader, visit Visit) (Whole, error) {
	r := &reader{in: in, visit: visit, hash: sha256.New()}
	err := r.magic()
	for err == nil && !r.ended {
		err = r.record()
	}
	if err == nil {
		err = r.nothingMore()
	}
	if err != nil {
		return Whole{}, err
	}
	w := Whole{Head: r.head, Bytes: uint64(r.offset)}
	copy(w.SHA256[:], r.hash.Sum(nil))
	return w, nil
}

type reader struct {
	in      io.Reader
	visit   Visit
	hash    hash.Hash
	offset  int64 // of the record that is read
	records uint64
	head    Head
	groups  uint32 // begun
	last    uint32 // number of the newest group
	group   *adder
	ended   bool
}

func (r *reader) damaged(format string, args ...any) error {
	return &Damaged{Offset: r.offset, Why: fmt.Sprintf(format, args...)}
}

// fill reads all of b; less is a backup that broke off.
func (r *reader) fill(b []byte) error {
	_, err := io.ReadFull(r.in, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damaged("it breaks off")
	}
	return err
}

func (r *reader) magic() error {
	b := make([]byte, magicBytes)
	if err := r.fill(b); err != nil {
		return err
	}
	if !bytes.Equal(b[:len(magic)], []byte(magic)) {
		return r.damaged("this is no backup")
	}
	if v := b[len(magic)]; v != Format {
		if v > Format {
			return fmt.Errorf("a backup of format %d, this build reads format %d: read it with the build that wrote it, or a newer one", v, Format)
		}
		return r.damaged("format version %d, this build reads %d", v, Format)
	}
	r.hash.Write(b)
	r.offset += int64(len(b))
	return nil
}

// maxBody is the largest body of a kind, 0 where there is no such kind.
func maxBody(k kind) uint32 {
	switch k {
	case kindHead, kindGroup, kindGroupEnd, kindEnd:
		return 2 * maxTextBytes
	case kindChunk:
		return MaxChunkBytes
	}
	return 0
}

func (r *reader) record() error {
	prefix := make([]byte, prefixBytes)
	if err := r.fill(prefix); err != nil {
		return err
	}
	k, length := kind(prefix[0]), binary.BigEndian.Uint32(prefix[1:])
	if most := maxBody(k); length > most {
		return r.damaged("record of kind %d with %d bytes, allowed: up to %d", k, length, most)
	}
	body := make([]byte, length+crcBytes)
	if err := r.fill(body); err != nil {
		return err
	}
	body, crc := body[:length:length], body[length:]
	if got, want := checksum(prefix, body), binary.BigEndian.Uint32(crc); got != want {
		return r.damaged("CRC-32C is %08x, it says %08x", got, want)
	}
	before := r.hash.Sum(nil)
	for _, part := range [][]byte{prefix, body, crc} {
		r.hash.Write(part)
	}
	if err := r.take(k, body, before); err != nil {
		return err
	}
	r.records++
	r.offset += int64(prefixBytes + len(body) + crcBytes)
	return nil
}

// take checks that a record is in its place, and hands it on.
func (r *reader) take(k kind, body, before []byte) error {
	switch {
	case k == kindHead && r.records == 0:
		return r.takeHead(body)
	case k == kindGroup && r.records > 0 && r.group == nil && r.groups < r.head.Groups:
		return r.takeGroup(body)
	case k == kindChunk && r.group != nil && len(body) > 0:
		r.group.add(body)
		return call(r.visit.Chunk, body)
	case k == kindGroupEnd && r.group != nil && r.group.sum.Chunks > 0:
		return r.takeSum(body)
	case k == kindEnd && r.records > 0 && r.group == nil && r.groups == r.head.Groups:
		return r.takeEnd(body, before)
	}
	return r.damaged("record of kind %d is out of place", k)
}

func call[T any](visit func(T) error, v T) error {
	if visit == nil {
		return nil
	}
	return visit(v)
}

func (r *reader) takeHead(body []byte) (err error) {
	if r.head, err = readHead(codec.NewReader(body)); err != nil {
		return r.damaged("head: %v", err)
	}
	return call(r.visit.Head, r.head)
}

func (r *reader) takeGroup(body []byte) error {
	g, err := readGroup(codec.NewReader(body))
	if err == nil && g.Number <= r.last {
		err = fmt.Errorf("number %d follows %d", g.Number, r.last)
	}
	if err != nil {
		return r.damaged("group: %v", err)
	}
	r.groups++
	r.group, r.last = newAdder(), g.Number
	return call(r.visit.Group, g)
}

func (r *reader) takeSum(body []byte) error {
	want, err := readSum(codec.NewReader(body))
	if err != nil {
		return r.damaged("end of group %d: %v", r.last, err)
	}
	if got := r.group.done(); got != want {
		return r.damaged("group %d has %d chunks of %d bytes with sum %x, it says %d of %d with %x", r.last,
			got.Chunks, got.Bytes, got.SHA256[:8], want.Chunks, want.Bytes, want.SHA256[:8])
	}
	r.group = nil
	return call(r.visit.GroupEnd, want)
}

func (r *reader) takeEnd(body, before []byte) error {
	c := codec.NewReader(body)
	records, sum := c.U64(), c.Raw(sha256.Size)
	if err := c.Finish(); err != nil {
		return r.damaged("end: %v", err)
	}
	if records != r.records || !bytes.Equal(sum, before) {
		return r.damaged("%d records with SHA-256 %x, it says %d with %x", r.records, before[:8], records, sum[:8])
	}
	r.ended = true
	return nil
}

func (r *reader) nothingMore() error {
	n, err := io.ReadFull(r.in, make([]byte, 1))
	switch {
	case n > 0:
		return r.damaged("something follows its end")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}
