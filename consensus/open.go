package consensus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"onevoice/step"
)

// scanner yields all keys that begin with a prefix, in order, with their values.
type scanner func(prefix []byte) iter.Seq2[[]byte, []byte]

// Open rebuilds a group from what is on disk. scan yields all keys with a prefix, whole and in order, with their values.
// What it finds is checked: checksums, format versions, the snapshot's content, the continuity of the log and the hard
// state; an error says what is wrong, and such a store must not be used. Entries after the snapshot are applied again as
// raft commits them, and listed in Output.Applied again; nobody is answered for them.
func Open(cfg Config, scan func(prefix []byte) iter.Seq2[[]byte, []byte]) (*Group, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Rand == nil {
		return nil, fmt.Errorf("consensus: Config.Rand is nil")
	}
	cfg.Limits, cfg.Versions = cfg.Limits.orDefault(), cfg.Versions.orDefault()
	d := disk{cfg: &cfg}
	if err := d.read(scan); err != nil {
		return nil, fmt.Errorf("consensus: open group %d: %w", cfg.Group, err)
	}
	return newGroup(cfg, &d)
}

// disk is what Open found.
type disk struct {
	cfg     *Config
	meta    snapMeta
	hard    hardState
	state   *state
	entries []*raftpb.Entry
	stray   []uint64 // indices of incomplete or superseded snapshots, in order
}

func (d *disk) read(scan scanner) error {
	meta, err := one(scan, keyOf(d.cfg.Group, keyMeta))
	if err != nil {
		return err
	}
	if d.meta, err = decodeMeta(meta); err != nil {
		return fmt.Errorf("snapshot record: %w", err)
	}
	hard, err := one(scan, keyOf(d.cfg.Group, keyHard))
	if err != nil {
		return err
	}
	if d.hard, err = decodeHard(hard); err != nil {
		return fmt.Errorf("hard state: %w", err)
	}
	if err := d.readChunks(scan); err != nil {
		return err
	}
	if err := d.readEntries(scan); err != nil {
		return err
	}
	if err := d.checkHard(); err != nil {
		return err
	}
	return d.checkVersions()
}

func one(scan scanner, key []byte) ([]byte, error) {
	for k, v := range scan(key) {
		if bytes.Equal(k, key) {
			return bytes.Clone(v), nil
		}
	}
	return nil, fmt.Errorf("key %x is missing: the store was never made complete, or it is damaged", key)
}

func (d *disk) readChunks(scan scanner) error {
	l := newLoader(d.cfg)
	prefix := keyOf(d.cfg.Group, keyChunk)
	for k, v := range scan(prefix) {
		if len(k) != keyPrefixBytes+16 {
			return fmt.Errorf("chunk key %x has %d bytes", k, len(k))
		}
		index, number := binary.BigEndian.Uint64(k[keyPrefixBytes:]), binary.BigEndian.Uint64(k[keyPrefixBytes+8:])
		if index != d.meta.index {
			if n := len(d.stray); n == 0 || d.stray[n-1] != index {
				d.stray = append(d.stray, index)
			}
			continue
		}
		if number != l.sum.chunks {
			return fmt.Errorf("snapshot %d: chunk %d is missing", index, l.sum.chunks)
		}
		if err := l.add(bytes.Clone(v)); err != nil {
			return fmt.Errorf("snapshot %d: %w", index, err)
		}
	}
	if d.meta.index == 0 {
		d.state = l.state // a server that joined and has not been reached yet
		return nil
	}
	var err error
	d.state, err = l.finish(&d.meta)
	return err
}

func (d *disk) readEntries(scan scanner) error {
	for k, v := range scan(keyOf(d.cfg.Group, keyEntry)) {
		if len(k) != keyPrefixBytes+8 {
			return fmt.Errorf("entry key %x has %d bytes", k, len(k))
		}
		index := binary.BigEndian.Uint64(k[keyPrefixBytes:])
		e, err := decodeEntry(index, v)
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		if n := len(d.entries); n > 0 {
			if last := d.entries[n-1]; last.GetIndex()+1 != index || last.GetTerm() > e.GetTerm() {
				return fmt.Errorf("entry %d of term %d follows entry %d of term %d", index, e.GetTerm(), last.GetIndex(), last.GetTerm())
			}
		}
		d.entries = append(d.entries, e)
	}
	return d.checkEntries()
}

// checkEntries compares the log with the snapshot that it must continue.
func (d *disk) checkEntries() error {
	if len(d.entries) == 0 {
		return nil
	}
	first, last := d.entries[0].GetIndex(), d.entries[len(d.entries)-1].GetIndex()
	if first > d.meta.index+1 || last < d.meta.index {
		return fmt.Errorf("log %d to %d does not continue the snapshot at %d", first, last, d.meta.index)
	}
	if first <= d.meta.index {
		if term := d.entries[d.meta.index-first].GetTerm(); term != d.meta.term {
			return fmt.Errorf("entry %d is of term %d, the snapshot at it of term %d", d.meta.index, term, d.meta.term)
		}
	} else if term := d.entries[0].GetTerm(); term < d.meta.term {
		return fmt.Errorf("entry %d is of term %d, the snapshot before it of term %d", first, term, d.meta.term)
	}
	return nil
}

func (d *disk) last() (index, term uint64) {
	if n := len(d.entries); n > 0 {
		return d.entries[n-1].GetIndex(), d.entries[n-1].GetTerm()
	}
	return d.meta.index, d.meta.term
}

func (d *disk) checkHard() error {
	last, term := d.last()
	switch {
	case d.hard.term < term:
		return fmt.Errorf("hard state is of term %d, the last entry of term %d", d.hard.term, term)
	case d.hard.commit < d.meta.index || d.hard.commit > last:
		return fmt.Errorf("hard state commits %d, the log reaches from %d to %d", d.hard.commit, d.meta.index, last)
	case d.hard.vote > uint64(step.MaxServer):
		return fmt.Errorf("hard state votes for %d, allowed: up to %d", d.hard.vote, step.MaxServer)
	}
	return nil
}

// tail fills raft's view of the stable log. The first entry on disk, where it is at or below the snapshot, serves only to
// know its term.
func (d *disk) tail() (*raft.MemoryStorage, error) {
	ms := raft.NewMemoryStorage()
	base, rest := d.meta.raft(), d.entries
	if len(rest) > 0 && rest[0].GetIndex() < d.meta.index {
		base = &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
			ConfState: base.GetMetadata().GetConfState(),
			Index:     new(rest[0].GetIndex()), Term: new(rest[0].GetTerm()),
		}}
	}
	if err := ms.ApplySnapshot(base); err != nil {
		return nil, err
	}
	if err := ms.Append(rest); err != nil {
		return nil, err
	}
	if base.GetMetadata().GetIndex() < d.meta.index {
		if _, err := ms.CreateSnapshot(d.meta.index, base.GetMetadata().GetConfState(), d.meta.data()); err != nil {
			return nil, err
		}
	}
	return ms, ms.SetHardState(d.hard.raft())
}
