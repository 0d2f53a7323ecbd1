package backup

import (
	"fmt"
	"hash/crc32"

	"onevoice/codec"
	"onevoice/view"
)

// magic begins a backup; the format version follows it. Its first byte is no text, and its line ends tell a file that was
// copied as text.
const magic = "\x89onevoice\r\n\x1a\nbk"

// magicBytes is the size of magic and version.
const magicBytes = len(magic) + 1

// kind is what a record is. The numbers are part of the format.
type kind uint8

const (
	kindHead     kind = 1
	kindGroup    kind = 2
	kindChunk    kind = 3
	kindGroupEnd kind = 4
	kindEnd      kind = 5
)

// Sizes of a record beside its body: kind and length before it, the checksum after it.
const (
	prefixBytes = 1 + 4
	crcBytes    = 4
)

func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, p := range parts {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
	}
	return sum
}

func (h *Head) append(w *codec.Writer) {
	w.Raw(h.Cluster[:])
	w.U64(h.Server)
	w.U8(uint8(h.Origin))
	w.I64(h.TimeNs)
	w.String(h.Program)
	w.U32(h.Groups)
}

func readHead(r *codec.Reader) (h Head, err error) {
	copy(h.Cluster[:], r.Raw(len(h.Cluster)))
	h.Server, h.Origin, h.TimeNs = r.U64(), Origin(r.U8()), r.I64()
	h.Program, h.Groups = r.String(maxTextBytes), r.U32()
	if err := r.Finish(); err != nil {
		return h, err
	}
	return h, h.check()
}

func (h *Head) check() error {
	switch {
	case h.Origin < Live || h.Origin > DiskWithTail:
		return fmt.Errorf("origin is %d, allowed: %d to %d", h.Origin, Live, DiskWithTail)
	case len(h.Program) > maxTextBytes:
		return fmt.Errorf("program has %d bytes, allowed: up to %d", len(h.Program), maxTextBytes)
	case h.Groups < 1 || h.Groups > MaxGroups:
		return fmt.Errorf("groups is %d, allowed: 1 to %d", h.Groups, MaxGroups)
	}
	return nil
}

func (g *Group) append(w *codec.Writer) {
	w.U32(g.Number)
	w.String(g.Machine)
	w.U32(g.Version)
	w.U64(g.Index)
	g.Epoch.Append(w)
	w.Raw(g.Hash[:])
	w.I64(g.LogTimeNs)
	w.U64(g.Agreed)
	w.U64(g.Last)
}

func readGroup(r *codec.Reader) (g Group, err error) {
	g.Number, g.Machine, g.Version, g.Index = r.U32(), r.String(maxTextBytes), r.U32(), r.U64()
	g.Epoch = view.ReadEpoch(r)
	copy(g.Hash[:], r.Raw(len(g.Hash)))
	g.LogTimeNs, g.Agreed, g.Last = r.I64(), r.U64(), r.U64()
	if err := r.Finish(); err != nil {
		return g, err
	}
	return g, g.check()
}

func (g *Group) check() error {
	switch {
	case g.Number == 0 || g.Index == 0:
		return fmt.Errorf("group %d at index %d, allowed: both from 1", g.Number, g.Index)
	case len(g.Machine) == 0 || len(g.Machine) > maxTextBytes:
		return fmt.Errorf("machine has %d bytes, allowed: 1 to %d", len(g.Machine), maxTextBytes)
	case g.Agreed > g.Last || g.Index > g.Last:
		return fmt.Errorf("group %d is at index %d, agreed to %d, of %d", g.Number, g.Index, g.Agreed, g.Last)
	}
	return nil
}

func (s *Sum) append(w *codec.Writer) {
	w.U64(s.Chunks)
	w.U64(s.Bytes)
	w.Raw(s.SHA256[:])
}

func readSum(r *codec.Reader) (s Sum, err error) {
	s.Chunks, s.Bytes = r.U64(), r.U64()
	copy(s.SHA256[:], r.Raw(len(s.SHA256)))
	return s, r.Finish()
}
