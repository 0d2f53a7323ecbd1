package consensus

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/codec"
)

// The first byte of every stored value is the version of its kind; the CRC-32C of what follows it comes next.
const (
	storeVersion = 1 // of entries and of the hard state
	stateVersion = 4 // of chunks, snapshot records and what a snapshot message carries: from 2 on the members, from 3 the machine version, from 4 the view
)

const sealBytes = 5

// sealStart begins a value of n bytes; seal completes it.
func sealStart(version uint8, n int) *codec.Writer {
	w := &codec.Writer{B: make([]byte, 0, sealBytes+n)}
	sealIn(w, version)
	return w
}

// sealIn begins a value in w's memory, in place of what it holds.
func sealIn(w *codec.Writer, version uint8) {
	w.B = w.B[:0]
	w.U8(version)
	w.U32(0)
}

func seal(w *codec.Writer) []byte {
	binary.BigEndian.PutUint32(w.B[1:], checksum(w.B[sealBytes:]))
	return w.B
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// unseal checks a stored value and returns what it holds, aliasing it.
func unseal(version uint8, value []byte) ([]byte, error) {
	if len(value) < sealBytes {
		return nil, fmt.Errorf("value of %d bytes is too short", len(value))
	}
	if value[0] != version {
		return nil, unknown("storage format version", value[0], version)
	}
	body := value[sealBytes:]
	if want, got := binary.BigEndian.Uint32(value[1:]), checksum(body); want != got {
		return nil, fmt.Errorf("CRC-32C is %08x, stored was %08x", got, want)
	}
	return body, nil
}

// encodeEntry names the index again, beside the key, so that a value under a wrong key is noticed.
func encodeEntry(e *raftpb.Entry) []byte {
	w := sealStart(storeVersion, 17+len(e.GetData()))
	w.U64(e.GetIndex())
	w.U64(e.GetTerm())
	w.U8(uint8(e.GetType()))
	w.Raw(e.GetData())
	return seal(w)
}

func decodeEntry(index uint64, value []byte) (*raftpb.Entry, error) {
	body, err := unseal(storeVersion, value)
	if err != nil {
		return nil, err
	}
	r := codec.NewReader(body)
	if i := r.U64(); r.Err() == nil && i != index {
		return nil, fmt.Errorf("holds entry %d", i)
	}
	e := &raftpb.Entry{Index: new(index), Term: new(r.U64()), Type: raftpb.EntryType(r.U8()).Enum()}
	if data := r.Rest(); len(data) > 0 {
		e.Data = append([]byte(nil), data...)
	}
	return e, r.Err()
}

// hardState is raft's, as plain numbers.
type hardState struct{ term, vote, commit uint64 }

func (h hardState) encode() []byte {
	w := sealStart(storeVersion, 24)
	w.U64(h.term)
	w.U64(h.vote)
	w.U64(h.commit)
	return seal(w)
}

func decodeHard(value []byte) (hardState, error) {
	body, err := unseal(storeVersion, value)
	if err != nil {
		return hardState{}, err
	}
	r := codec.NewReader(body)
	h := hardState{term: r.U64(), vote: r.U64(), commit: r.U64()}
	return h, r.Finish()
}

func (h hardState) raft() *raftpb.HardState {
	return &raftpb.HardState{Term: new(h.term), Vote: new(h.vote), Commit: new(h.commit)}
}

// content names the bytes of a snapshot: how many chunks, how many bytes, and the SHA-256 over all chunks, each
// preceded by its length.
type content struct {
	chunks uint64
	bytes  uint64
	sum    [32]byte
}

func (c content) append(w *codec.Writer) {
	w.U64(c.chunks)
	w.U64(c.bytes)
	w.Raw(c.sum[:])
}

func readContent(r *codec.Reader) content {
	c := content{chunks: r.U64(), bytes: r.U64()}
	copy(c.sum[:], r.Raw(len(c.sum)))
	return c
}

// snapMeta describes one complete snapshot.
type snapMeta struct {
	index, term uint64
	members     members
	content
}

func (m *snapMeta) encode() []byte {
	w := sealStart(stateVersion, 100+8*m.members.len())
	w.U64(m.index)
	w.U64(m.term)
	m.members.append(w)
	m.append(w)
	return seal(w)
}

func decodeMeta(value []byte) (snapMeta, error) {
	body, err := unseal(stateVersion, value)
	if err != nil {
		return snapMeta{}, err
	}
	r := codec.NewReader(body)
	m := snapMeta{index: r.U64(), term: r.U64(), members: readMembers(r)}
	m.content = readContent(r)
	return m, r.Finish()
}

// raft is the snapshot as raft knows it: Data holds the content's name only, the chunks are fetched by number.
func (m *snapMeta) raft() *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: m.data(), Metadata: &raftpb.SnapshotMetadata{
		ConfState: m.members.raft(), Index: new(m.index), Term: new(m.term),
	}}
}

func (m *snapMeta) data() []byte {
	var w codec.Writer
	w.U8(stateVersion)
	w.U64(m.members.change)
	m.append(&w)
	return w.B
}

func metaOf(s *raftpb.Snapshot) (snapMeta, error) {
	r := codec.NewReader(s.GetData())
	if v := r.U8(); r.Err() == nil && v != stateVersion {
		return snapMeta{}, unknown("snapshot format version", v, stateVersion)
	}
	at := s.GetMetadata()
	m := snapMeta{index: at.GetIndex(), term: at.GetTerm(), members: membersOf(at.GetConfState(), r.U64())}
	m.content = readContent(r)
	if m.chunks == 0 || m.index == 0 {
		r.Fail()
	}
	return m, r.Finish()
}
