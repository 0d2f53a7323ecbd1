package consensus

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"iter"
	"slices"

	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/internal/mutant"
	"onevoice/machine"
	"onevoice/view"
)

// state is what the log has built up to one index. All of it is replicated and goes into snapshots.
type state struct {
	index, term uint64
	epoch       view.Epoch
	leader      uint64 // who leads in that epoch, and in which of its starts
	boot        uint64
	base        view.Number // what is added to the oracle's views in this group: see Rebirth
	known       known
	logNs       int64
	hash        [32]byte
	version     uint32 // of the machine
	members     members
	sessions    *session.Table
	machine     machine.Machine
}

// genesis is the state at index 1, before any entry: the same on every voter.
func genesis(cfg *Config) *state {
	var w codec.Writer
	w.String("onevoice group")
	w.U32(cfg.Group)
	w.Uvarint(uint64(len(cfg.Voters)))
	for _, v := range cfg.Voters {
		w.U64(v)
	}
	for _, v := range cfg.Learners { // none, and the hash is that of a group that knew no learners at its beginning
		w.U64(v)
	}
	return &state{
		index: 1, term: 1, hash: sha256.Sum256(w.B), version: FirstVersion, sessions: session.New(),
		members: members{voters: slices.Clone(cfg.Voters), learners: slices.Clone(cfg.Learners)},
		machine: cfg.NewMachine(),
	}
}

// root is a state at one moment, immutable.
type root struct {
	group    uint32
	at       state // without sessions and machine
	sessions session.Root
	machine  machine.Root
}

func (s *state) root(group uint32) root {
	at := *s
	at.sessions, at.machine = nil, nil
	return root{group: group, at: at, sessions: s.sessions.Root(), machine: s.machine.Root()}
}

// The kinds of chunk, in the order in which they stand in a snapshot. The numbers are part of the format.
const (
	chunkHeader   = 1
	chunkSessions = 2
	chunkMachine  = 3
)

// chunks is the state as it is stored: each chunk sealed, its kind first, in memory of its own.
func (r root) chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for c := range r.passingChunks() {
			if !yield(bytes.Clone(c)) {
				return
			}
		}
	}
}

// passingChunks are chunks that stay until the next one is taken. A save makes hundreds, of which it needs one at a time.
func (r root) passingChunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var w codec.Writer
		if !yield(sealChunk(&w, chunkHeader, r.header())) {
			return
		}
		sessions := r.sessions
		if mutant.On(mutant.SessionsNotInSnapshot) {
			sessions = session.New().Root()
		}
		for c := range sessions.Chunks() {
			if !yield(sealChunk(&w, chunkSessions, c)) {
				return
			}
		}
		for c := range r.machine.Chunks() {
			if !yield(sealChunk(&w, chunkMachine, c)) {
				return
			}
		}
	}
}

func sealChunk(w *codec.Writer, kind uint8, body []byte) []byte {
	sealIn(w, stateVersion)
	w.U8(kind)
	w.Raw(body)
	return seal(w)
}

func (r root) header() []byte {
	var w codec.Writer
	w.U32(r.group)
	w.U64(r.at.index)
	w.U64(r.at.term)
	epoch := r.at.epoch
	if mutant.On(mutant.EpochNotDurable) {
		epoch = view.Epoch{}
	}
	epoch.Append(&w)
	w.U64(r.at.leader)
	w.U64(r.at.boot)
	w.U64(uint64(r.at.base))
	r.at.known.append(&w)
	w.I64(r.at.logNs)
	w.Raw(r.at.hash[:])
	w.U32(r.at.version)
	r.at.members.append(&w)
	return w.B
}

func (s *state) readHeader(group uint32, known Versions, body []byte) error {
	r := codec.NewReader(body)
	if g := r.U32(); r.Err() == nil && g != group {
		return fmt.Errorf("snapshot of group %d, this is group %d", g, group)
	}
	s.index, s.term = r.U64(), r.U64()
	s.epoch = view.ReadEpoch(r)
	s.leader, s.boot, s.base, s.known = r.U64(), r.U64(), view.Number(r.U64()), readKnown(r)
	s.logNs = r.I64()
	copy(s.hash[:], r.Raw(len(s.hash)))
	if s.version = r.U32(); r.Err() == nil && !known.Has(s.version) {
		return machineVersion(s.version, known)
	}
	s.members = readMembers(r)
	return r.Finish()
}

// contentSum adds up the content of a snapshot chunk by chunk.
type contentSum struct {
	h       hash.Hash
	chunks  uint64
	bytes   uint64
	largest int
	whole   bool // all chunks were taken
}

func newContentSum() *contentSum { return &contentSum{h: sha256.New()} }

func (c *contentSum) add(chunk []byte) {
	var w codec.Writer
	w.U64(uint64(len(chunk)))
	c.h.Write(w.B)
	c.h.Write(chunk)
	c.chunks++
	c.bytes += uint64(len(chunk))
	c.largest = max(c.largest, len(chunk))
}

func (c *contentSum) content() content {
	return content{chunks: c.chunks, bytes: c.bytes, sum: [32]byte(c.h.Sum(nil))}
}

// loader builds a state from the chunks of a snapshot, in order. It keeps parts of the chunks.
type loader struct {
	group    uint32
	versions Versions
	state    *state
	sum      *contentSum
	kind     uint8
}

func newLoader(cfg *Config) *loader {
	return &loader{
		group: cfg.Group, versions: cfg.Versions.orDefault(), sum: newContentSum(),
		state: &state{version: FirstVersion, sessions: session.New(), machine: cfg.NewMachine()},
	}
}

func (l *loader) add(chunk []byte) error {
	body, err := unseal(stateVersion, chunk)
	if err != nil {
		return fmt.Errorf("chunk %d: %w", l.sum.chunks, err)
	}
	if len(body) == 0 || body[0] < l.kind || (l.kind == 0) != (body[0] == chunkHeader) {
		return fmt.Errorf("chunk %d: out of order", l.sum.chunks)
	}
	l.kind = body[0]
	switch l.kind {
	case chunkHeader:
		err = l.state.readHeader(l.group, l.versions, body[1:])
	case chunkSessions:
		err = l.state.sessions.Load(body[1:])
	case chunkMachine:
		err = l.state.machine.Load(body[1:])
	default:
		err = fmt.Errorf("unknown kind %d", l.kind)
	}
	if err != nil {
		return fmt.Errorf("chunk %d: %w", l.sum.chunks, err)
	}
	l.sum.add(chunk)
	return nil
}

// finish checks the whole against what was promised.
func (l *loader) finish(want *snapMeta) (*state, error) {
	if got := l.sum.content(); got != want.content {
		return nil, fmt.Errorf("snapshot %d: %d chunks with sum %x, promised were %d with %x",
			want.index, got.chunks, got.sum[:8], want.chunks, want.sum[:8])
	}
	if l.state.index != want.index || l.state.term != want.term {
		return nil, fmt.Errorf("snapshot %d of term %d holds the state at %d of term %d",
			want.index, want.term, l.state.index, l.state.term)
	}
	if !l.state.members.equal(want.members) {
		return nil, fmt.Errorf("snapshot %d of members %v holds the state of members %v", want.index, want.members, l.state.members)
	}
	if err := l.state.sessions.Loaded(); err != nil {
		return nil, fmt.Errorf("snapshot %d: %w", want.index, err)
	}
	if err := l.state.machine.Loaded(); err != nil {
		return nil, fmt.Errorf("snapshot %d: machine: %w", want.index, err)
	}
	return l.state, nil
}
