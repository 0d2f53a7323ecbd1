package members

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"onevoice/codec"
)

// oracleBit marks a server's standing as that of a server of the role Oracle. A build that does not know it refuses the snapshot.
const oracleBit = 0x80

// chunkBytes is the size from which a chunk is closed.
const chunkBytes = 128 << 10

// The kinds of chunk, in the order in which they stand in a snapshot.
const (
	chunkHead        = 1
	chunkServers     = 2
	chunkInvitations = 3
)

func (s *State) chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		head := codec.Writer{B: []byte{formatVersion, chunkHead}}
		head.U64(s.change)
		head.U64(s.about)
		head.U64(s.next)
		head.Uvarint(uint64(len(s.groups)))
		for _, g := range s.groups {
			head.U32(g.Number)
			head.U64(g.Reached)
		}
		if !yield(head.B) || !chunksOf(chunkServers, s.servers, Server.append, yield) {
			return
		}
		chunksOf(chunkInvitations, s.invitations, Invitation.append, yield)
	}
}

func chunksOf[T any](kind uint8, list []T, put func(T, *codec.Writer), yield func([]byte) bool) bool {
	return codec.Chunks([]byte{formatVersion, kind}, chunkBytes, list, put, yield)
}

func (v Server) append(w *codec.Writer) {
	w.U64(v.Number)
	w.String(v.Name)
	w.String(v.HTTP)
	w.String(v.Peer)
	w.Raw(v.Store[:])
	w.String(v.Organisation)
	standing := uint8(v.Wish)
	if v.Oracle {
		standing |= oracleBit
	}
	w.U8(standing)
	w.U64(v.Change)
	w.U64(v.Replaces)
	w.Bool(v.Gone)
}

func readServer(r *codec.Reader) Server {
	v := Server{
		Number: r.U64(), Name: r.String(MaxNameBytes), HTTP: r.String(MaxAddressBytes), Peer: r.String(MaxAddressBytes),
		Store: [16]byte(raw(r, 16)), Organisation: r.String(MaxOrganisationBytes), Wish: Standing(r.U8()), Change: r.U64(),
		Replaces: r.U64(), Gone: r.Bool(),
	}
	v.Oracle, v.Wish = v.Wish&oracleBit != 0, v.Wish&^oracleBit
	return v
}

func (i Invitation) append(w *codec.Writer) {
	w.U64(i.ID)
	w.Raw(i.Hash[:])
	w.String(i.Name)
	w.String(i.Organisation)
	w.U64(i.Replaces)
	w.I64(i.ExpiresNs)
	w.U64(i.UsedBy)
}

func readInvitation(r *codec.Reader) Invitation {
	return Invitation{
		ID: r.U64(), Hash: [32]byte(raw(r, 32)), Name: r.String(MaxNameBytes), Organisation: r.String(MaxOrganisationBytes),
		Replaces: r.U64(), ExpiresNs: r.I64(), UsedBy: r.U64(),
	}
}

// loading is a state being loaded; kind is that of the newest chunk.
type loading struct {
	state State
	kind  uint8
}

// Load adds one chunk of a snapshot. The first begins anew: what the machine was made with is dropped.
func (m *Machine) Load(chunk []byte) error {
	if m.loading == nil {
		m.loading = &loading{}
	}
	l, r := m.loading, codec.NewReader(chunk)
	version, kind := r.U8(), r.U8()
	if version != formatVersion || kind < l.kind || (l.kind == 0) != (kind == chunkHead) {
		r.Fail()
	}
	if r.Len() == 0 {
		r.Fail()
	}
	l.kind = kind
	switch kind {
	case chunkHead:
		l.state.change, l.state.about, l.state.next = r.U64(), r.U64(), r.U64()
		for range r.Count(MaxGroups, 12) {
			l.state.groups = append(l.state.groups, Group{Number: r.U32(), Reached: r.U64()})
		}
	case chunkServers:
		for r.Err() == nil && r.Len() > 0 {
			l.state.servers = append(l.state.servers, readServer(r))
		}
	case chunkInvitations:
		for r.Err() == nil && r.Len() > 0 {
			l.state.invitations = append(l.state.invitations, readInvitation(r))
		}
	default:
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("members snapshot chunk: %w", err)
	}
	return nil
}

// Loaded ends the chunks.
func (m *Machine) Loaded() error {
	if m.loading == nil {
		return errors.New("members snapshot: no chunk")
	}
	s := &m.loading.state
	m.loading = nil
	if err := s.check(); err != nil {
		return fmt.Errorf("members snapshot: %w", err)
	}
	m.state = s
	return nil
}

func (s *State) check() error {
	number := uint64(0)
	for _, v := range s.servers {
		if v.Number <= number || v.Number >= s.next || v.Wish < Learner || v.Wish > Removed || v.Change > s.change {
			return fmt.Errorf("server %d does not fit", v.Number)
		}
		number = v.Number
	}
	if len(s.groups) > MaxGroups || len(s.invitations) > MaxInvitations || len(s.servers) > MaxNumber {
		return errors.New("groups, invitations or servers do not fit")
	}
	return nil
}

// questionList asks for the state.
const questionList = 1

// List is the question for the whole membership. DecodeList reads its answer.
func List() []byte { return []byte{formatVersion, questionList} }

// Query answers List with the servers, the newest change, and how far the groups are; anything else with nothing. Invitations are
// not for everybody.
func (s *State) Query(op []byte) []byte {
	if !slices.Equal(op, List()) {
		return nil
	}
	present := *s
	present.invitations = nil
	present.servers = slices.DeleteFunc(slices.Clone(s.servers), func(v Server) bool { return v.Gone })
	var w codec.Writer
	for chunk := range present.chunks() {
		w.Bytes(chunk)
	}
	return w.B
}

// DecodeList reads the answer to List: a state without invitations and without servers that are gone.
func DecodeList(answer []byte) (*State, error) {
	m, r := New(Genesis{}), codec.NewReader(answer)
	for r.Err() == nil && r.Len() > 0 {
		if err := m.Load(r.Bytes(1 << 20)); err != nil {
			return nil, err
		}
	}
	if err := r.Finish(); err != nil {
		return nil, err
	}
	if err := m.Loaded(); err != nil {
		return nil, err
	}
	return m.state, nil
}
