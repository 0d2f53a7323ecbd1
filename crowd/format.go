package crowd

import (
	"fmt"

	"onevoice/codec"
	"onevoice/ring"
)

// formatVersion begins a command, a result, a question, an answer, an event and a chunk; the byte after it says what it is.
const formatVersion = 1

// The second bytes of ours: below are those of package oracle, in whose log we are, and of what else it has inside.
const firstKind, lastKind = 128, 159

// Ours says whether a command, a question or a chunk is one of this package.
func Ours(b []byte) bool {
	return len(b) >= 2 && b[0] == formatVersion && b[1] >= firstKind && b[1] <= lastKind
}

const (
	memberBytes = 18 // of the shortest
	goneBytes   = 11
)

func (m Member) append(w *codec.Writer) {
	w.U64(m.ID)
	w.U64(m.Boot)
	w.String(m.Name)
	w.String(m.Address)
}

func readMember(r *codec.Reader) Member {
	m := Member{ID: r.U64(), Boot: r.U64(), Name: r.String(MaxNameBytes), Address: r.String(MaxAddressBytes)}
	if m.ID == 0 || m.Boot == 0 || m.Name == "" {
		r.Fail()
	}
	return m
}

// appendMembers and readMembers are a list by ID, in full.
func appendMembers(w *codec.Writer, all []Member) {
	w.Uvarint(uint64(len(all)))
	for _, m := range all {
		m.append(w)
	}
}

func readMembers(r *codec.Reader, most int) []Member {
	var all []Member
	last := uint64(0)
	for range r.Count(most, memberBytes) {
		m := readMember(r)
		if m.ID <= last {
			r.Fail()
		}
		last = m.ID
		all = append(all, m)
	}
	return all
}

func appendGone(w *codec.Writer, all []Gone) {
	w.Uvarint(uint64(len(all)))
	for _, g := range all {
		w.U64(g.ID)
		w.U8(uint8(g.Why))
		w.U8(g.Against)
		w.U8(g.Observers)
	}
}

func readGone(r *codec.Reader) []Gone {
	var all []Gone
	last := uint64(0)
	for range r.Count(MaxMembers, goneBytes) {
		g := Gone{ID: r.U64(), Why: Why(r.U8()), Against: r.U8(), Observers: r.U8()}
		if g.ID <= last || g.Why < Reported || g.Why > Condemned {
			r.Fail()
		}
		last = g.ID
		all = append(all, g)
	}
	return all
}

func (r *Roll) body(w *codec.Writer) {
	w.U64(r.Number)
	w.U32(r.Count)
	w.Raw(r.List[:])
	w.U64(r.Drawn)
	appendMembers(w, r.Joined)
	appendGone(w, r.Gone)
}

// Append writes r.
func (r *Roll) Append(w *codec.Writer) {
	w.Raw(r.Hash[:])
	r.body(w)
}

// ReadRoll takes a roll written by Append. It does not know the hash before it, so it cannot check the chain.
func ReadRoll(r *codec.Reader) Roll {
	roll := Roll{Hash: hash(r), Number: r.U64(), Count: r.U32(), List: hash(r), Drawn: r.U64()}
	roll.Joined, roll.Gone = readMembers(r, MaxJoined), readGone(r)
	if roll.Drawn > roll.Number {
		r.Fail()
	}
	return roll
}

func hash(r *codec.Reader) [32]byte {
	var h [32]byte
	copy(h[:], r.Raw(len(h)))
	return h
}

func (h *Head) append(w *codec.Writer) {
	h.Roll.Append(w)
	w.Raw(h.Seed[:])
}

func readHead(r *codec.Reader) Head { return Head{Roll: ReadRoll(r), Seed: ring.Seed(hash(r))} }

// open takes the two bytes that everything of ours begins with.
func open(r *codec.Reader, kind uint8) {
	if r.U8() != formatVersion || r.U8() != kind {
		r.Fail()
	}
}

// Event tells of a new roll.
type Event struct{ Roll Roll }

const kindRoll = firstKind

// Encode writes an event: what servers send to the members that are connected to them, too.
func (e *Event) Encode() []byte {
	w := codec.Writer{B: []byte{formatVersion, kindRoll}}
	e.Roll.Append(&w)
	return w.B
}

// DecodeEvent reads an Event.
func DecodeEvent(b []byte) (Event, error) {
	r := codec.NewReader(b)
	open(r, kindRoll)
	e := Event{Roll: ReadRoll(r)}
	if err := r.Finish(); err != nil {
		return Event{}, fmt.Errorf("crowd event: %w", err)
	}
	return e, nil
}
