package consensus

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"onevoice/codec"
	"onevoice/machine"
	"onevoice/step"
)

// Image is the whole state of a group at one index, outside of any running group: what a backup holds and what a new
// cluster may begin with. One goroutine uses it.
type Image struct {
	group uint32
	state *state
}

// Content names the chunks of a state: how many, how many bytes, and the SHA-256 over all, each preceded by its length (uint64).
type Content struct {
	Chunks, Bytes uint64
	SHA256        [32]byte
}

func (c content) exported() Content { return Content{Chunks: c.chunks, Bytes: c.bytes, SHA256: c.sum} }

// ImageReader makes an Image of the chunks that Group.StateChunks gave.
type ImageReader struct{ load *loader }

// NewImageReader reads the state of a group, whose number must be from 1, into a new machine. versions are those that this build
// supports, as in Config.
func NewImageReader(group uint32, newMachine func() machine.Machine, versions Versions) *ImageReader {
	return &ImageReader{newLoader(&Config{Group: group, NewMachine: newMachine, Versions: versions})}
}

// Add takes the next chunk, parts of which it keeps. After an error the reader is of no more use.
func (r *ImageReader) Add(chunk []byte) error { return r.load.add(chunk) }

// Finish gives the image after the last chunk. It makes the chunks again from what was loaded: that they are equal to those read
// says that nothing in them was passed over.
func (r *ImageReader) Finish() (*Image, error) {
	if r.load.kind == 0 {
		return nil, errors.New("no chunk")
	}
	// What was promised is kept by the caller; here the header's own word is all there is.
	got := r.load.sum.content()
	loaded := r.load.state
	s, err := r.load.finish(&snapMeta{index: loaded.index, term: loaded.term, members: loaded.members, content: got})
	if err != nil {
		return nil, err
	}
	i := &Image{group: r.load.group, state: s}
	if again := i.Content(); again != got.exported() {
		return nil, fmt.Errorf("%d chunks with sum %x were read; made again they are %d with %x", got.chunks, got.sum[:8], again.Chunks, again.SHA256[:8])
	}
	return i, nil
}

// Published is the state as queries see it.
func (i *Image) Published() Published {
	s := i.state
	return Published{Group: i.group, Index: s.index, Epoch: s.epoch, Hash: s.hash, LogTimeNs: s.logNs, Version: s.version, Root: s.machine.Root()}
}

// Sessions counts the client sessions held.
func (i *Image) Sessions() int { return i.state.sessions.Len() }

// Keys counts the idempotency keys held.
func (i *Image) Keys() int { return i.state.sessions.Keys() }

// Chunks is the state as a snapshot stores it. It may be read later, on any goroutine.
func (i *Image) Chunks() iter.Seq[[]byte] { return i.state.root(i.group).chunks() }

// Content names the chunks.
func (i *Image) Content() Content {
	sum := newContentSum()
	for c := range i.Chunks() {
		sum.add(c)
	}
	return sum.content().exported()
}

// Distances between what an image held and what a cluster begins with that is made of it. The old cluster may have gone on after
// the image was taken, so its later indices, versions, positions in streams, session numbers and epochs are known outside; none
// of them may come again with another meaning. Ten thousand million entries are months at full load, a million views more than
// anybody has seen change.
const (
	RebirthIndices = 10_000_000_000
	RebirthViews   = 1_000_000
)

// Rebirth makes i the first state of a new cluster: index and view move on by the distances above, nobody leads, and the chain
// hash goes on from the old one with what is peculiar to the new cluster, so that no server of the old cluster can hold an equal
// one. State, sessions, keys and log time stay; who votes is said anew, as for Bootstrap. salt must be the same on every server of
// the new cluster and of no other.
func (i *Image) Rebirth(salt []byte, voters []uint64) error {
	s := i.state
	if s.index > maxSessionIndex-RebirthIndices {
		return fmt.Errorf("group %d is at index %d, allowed: up to %d", i.group, s.index, uint64(maxSessionIndex-RebirthIndices))
	}
	var w codec.Writer
	w.String("onevoice restored group")
	w.U32(i.group)
	w.U64(s.index)
	w.Raw(s.hash[:])
	w.Bytes(salt)
	s.hash = sha256.Sum256(w.B)
	s.index += RebirthIndices
	// The new cluster's oracle counts its views from 1; in this group they go on from the old ones.
	s.base = s.epoch.View + RebirthViews
	s.epoch.View, s.known = s.base, known{}
	s.leader, s.boot = 0, 0
	s.members = members{voters: slices.Clone(voters)}
	return nil
}

// maxSessionIndex is the last index that session numbers can hold.
const maxSessionIndex = 1<<48 - 1

// Bootstrap returns what makes an empty store begin with this image: see the function of that name. cfg is of the new
// cluster, with the voters of its Rebirth.
func (i *Image) Bootstrap(cfg Config) ([]step.Op, error) {
	if cfg.Group != i.group {
		return nil, fmt.Errorf("consensus: image of group %d, the configuration is of group %d", i.group, cfg.Group)
	}
	return bootstrap(cfg, i.state)
}

// Held says what the disk of a stopped server holds of one group.
type Held struct {
	Group    uint32
	Voters   []uint64
	Term     uint64 // of raft, when it stopped
	Snapshot uint64 // index of the newest snapshot
	Agreed   uint64 // the last index that it knew to be agreed
	Last     uint64 // the last entry that it holds
	LastTerm uint64 // and its term
}

// Compare is positive where h's log is further than o's, in raft's order: a server with the lesser one cannot be elected over
// one with the greater.
func (h Held) Compare(o Held) int {
	return slices.Compare([]uint64{h.LastTerm, h.Last}, []uint64{o.LastTerm, o.Last})
}

// Salvage reads what a stopped server's disk holds of a group, with all the checks of Open, and applies its log: up to the last
// index known to be agreed or, with tail, to its last entry. The tail may hold entries that the cluster never agreed on, and then
// nobody was told that they took effect; this server, elected, would make all of them take effect.
func Salvage(cfg Config, scan func(prefix []byte) iter.Seq2[[]byte, []byte], tail bool) (*Image, Held, error) {
	d, g, err := salvage(cfg, scan)
	if err != nil {
		return nil, Held{}, err
	}
	held := d.held()
	end := held.Agreed
	if tail {
		end = held.Last
	}
	for _, e := range d.entries {
		if e.GetIndex() <= d.meta.index || e.GetIndex() > end {
			continue
		}
		if !g.applyEntry(e) {
			return nil, held, fmt.Errorf("consensus: salvage group %d: %w", cfg.Group, g.halted)
		}
		g.out.Reset()
	}
	return &Image{group: cfg.Group, state: g.state}, held, nil
}

// Holds reads what a stopped server's disk holds of a group, with all the checks of Open.
func Holds(cfg Config, scan func(prefix []byte) iter.Seq2[[]byte, []byte]) (Held, error) {
	d, _, err := salvage(cfg, scan)
	if err != nil {
		return Held{}, err
	}
	return d.held(), nil
}

func salvage(cfg Config, scan scanner) (*disk, *Group, error) {
	if err := cfg.check(); err != nil {
		return nil, nil, err
	}
	cfg.Limits, cfg.Versions = cfg.Limits.orDefault(), cfg.Versions.orDefault()
	cfg.Rand = rand.New(rand.NewPCG(0, 0)) // for read barriers, of which there will be none
	d := &disk{cfg: &cfg}
	if err := d.read(scan); err != nil {
		return nil, nil, fmt.Errorf("consensus: salvage group %d: %w", cfg.Group, err)
	}
	g, err := newGroup(cfg, d)
	return d, g, err
}

func (d *disk) held() Held {
	last, term := d.last()
	return Held{
		Group: d.cfg.Group, Voters: slices.Clone(d.meta.members.voters), Term: d.hard.term,
		Snapshot: d.meta.index, Agreed: d.hard.commit, Last: last, LastTerm: term,
	}
}
