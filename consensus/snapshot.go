package consensus

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"google.golang.org/protobuf/proto"

	"onevoice/internal/mutant"
	"onevoice/step"
)

// snapshots is where saving stands.
type snapshots struct {
	meta   snapMeta // the newest durable one
	since  uint64   // bytes applied since it
	saving saving
	// recording is the index of a saved snapshot whose record is being written, 0 for none.
	recording uint64
	// cleaning counts the deletions of chunks on their way. Saves are not ordered against writes, so none begins before
	// these are durable: one may be of the same index.
	cleaning int
	// wanted says that a member needs a snapshot and the newest one is from before it was a member.
	wanted bool
}

// saving is a snapshot whose chunks are being written. The driver may read the chunks on another goroutine; it fills sum,
// and this side reads it only after Done.
//
// It waits, with token 0, while a follower fetches the snapshot before it: to record it is to delete that one.
type saving struct {
	token       step.Token
	index, term uint64
	members     members
	sum         *contentSum
}

// maybeSave begins a snapshot where enough was applied since the last one.
func (g *Group) maybeSave() {
	l, s := &g.cfg.Limits, &g.snap
	s.wanted = s.wanted && !s.meta.members.covers(g.state.members)
	place, of := g.state.members.place(g.cfg.Self)
	late := s.since >= l.SnapshotBytes+l.SnapshotBytes/2/of*place
	if !late && g.state.index < saveAfter(s.meta.index, l.SnapshotEntries, place, of) && !s.wanted {
		return
	}
	if s.saving.index != 0 || s.recording != 0 || s.cleaning > 0 || g.staged != nil {
		return
	}
	if mutant.On(mutant.ApplyBeforePersist) && g.state.index > g.rn.BasicStatus().Applied {
		return // so that the bug shows in answers, not in a refusal of raft
	}
	if g.holdsSnapshot() {
		return
	}
	root := g.state.root(g.cfg.Group)
	sum := new(contentSum)
	s.saving = saving{token: g.disk.next(), index: g.state.index, term: g.state.term, members: g.state.members, sum: sum}
	s.since, s.wanted = 0, false
	chunks := func(yield func([]byte) bool) {
		*sum = *newContentSum()
		for c := range root.passingChunks() {
			sum.add(c)
			if !yield(c) {
				return
			}
		}
		sum.whole = true
	}
	g.out.Saves = append(g.out.Saves, step.Save{
		Token: s.saving.token, Prefix: chunksOf(g.cfg.Group, s.saving.index), Chunks: chunks,
	})
	g.fact("snapshot-saving", s.saving.index, "")
}

// holdsSnapshot says that a follower is fetching the present one. It would have to start anew: let it finish, within reason.
func (g *Group) holdsSnapshot() bool {
	l, s := &g.cfg.Limits, &g.snap
	return g.peers.fetching() && g.state.index-s.meta.index < holdEntries*l.SnapshotEntries && s.since < holdBytes*l.SnapshotBytes
}

// saveAfter is the index from which a server saves the snapshot after the one at last: the first of its own marks that is at least half
// an interval on. The marks of one server are an interval apart, and those of the members lie evenly between, so that they save by turns.
func saveAfter(last, interval, place, of uint64) uint64 {
	least := last + (interval+1)/2
	return least + (interval/of*place+interval-least%interval)%interval
}

// saved follows a save whose chunks are durable.
func (g *Group) saved() {
	v := &g.snap.saving
	v.token = 0
	switch {
	case !v.sum.whole:
		g.halt("snapshot %d was reported saved, but not all its chunks were taken", v.index)
	case v.sum.largest > maxStoredChunk:
		g.halt("snapshot %d has a chunk of %d bytes, allowed: %d", v.index, v.sum.largest, maxStoredChunk)
	default:
		g.recordSaved()
	}
}

// recordSaved makes what was saved the newest snapshot: one write records it, deletes the one before and cuts the log.
func (g *Group) recordSaved() {
	s := &g.snap
	v := s.saving
	if v.index == 0 || v.token != 0 || g.holdsSnapshot() {
		return
	}
	s.saving = saving{}
	if v.index <= s.meta.index || g.staged != nil && g.staged.taken { // a newer one came from the leader meanwhile
		g.clean(v.index)
		return
	}
	meta := snapMeta{index: v.index, term: v.term, members: v.members, content: v.sum.content()}
	compact := g.compactTo(v.index)
	ops := []step.Op{{Kind: step.Set, Key: keyOf(g.cfg.Group, keyMeta), Value: meta.encode()}}
	ops = append(ops, dropChunks(g.cfg.Group, s.meta.index))
	// The entry at the cut itself stays: a restart needs its term.
	ops = append(ops, dropEntries(g.cfg.Group, 0, compact))
	s.recording = v.index
	g.write(g.hardOp(ops), true, pendingWrite{kind: wroteMeta, meta: meta, compact: compact})
}

// clean deletes chunks that no snapshot record names.
func (g *Group) clean(indices ...uint64) {
	var ops []step.Op
	for _, index := range indices {
		ops = append(ops, dropChunks(g.cfg.Group, index))
	}
	if len(ops) > 0 {
		g.snap.cleaning++
		g.write(ops, true, pendingWrite{kind: wroteCleanup})
	}
}

// compactTo is the last index that may leave the log with a snapshot at index: KeepEntries stay behind it, as far as KeepBytes
// allows, and what a live follower still lacks or will lack once it has the snapshot that it fetches. If less of that stayed than
// the snapshot was held for, a follower that needs long to fetch one would need the next one at once, and so for ever.
func (g *Group) compactTo(index uint64) uint64 {
	l := &g.cfg.Limits
	first, _ := g.tail.FirstIndex()
	low := first - 1
	want, most := index-min(index, l.KeepEntries), l.KeepBytes
	if held := g.lacking(); held < want {
		want, most = held, max(most, holdBytes*l.SnapshotBytes)
	}
	entries, err := g.tail.Entries(first, index+1, maxIndex)
	if err != nil {
		return low
	}
	kept := uint64(0)
	for _, e := range slices.Backward(entries) {
		kept += uint64(proto.Size(e))
		if kept > most {
			return max(want, e.GetIndex(), low)
		}
	}
	return max(want, low)
}

// lacking is the index up to which every live follower has the log, or will have with the snapshot that it fetches.
func (g *Group) lacking() uint64 {
	least := uint64(maxIndex)
	if !g.leads() {
		return least
	}
	g.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if id != g.cfg.Self && pr.RecentActive {
			least = min(least, max(pr.Match, pr.PendingSnapshot))
		}
	})
	return least
}

// snapshotDurable takes a recorded snapshot into use.
func (g *Group) snapshotDurable(p *pendingWrite) {
	s := &g.snap
	s.recording = 0
	if p.meta.index <= s.meta.index {
		return
	}
	s.meta = p.meta
	if _, err := g.tail.CreateSnapshot(p.meta.index, p.meta.members.raft(), p.meta.data()); err != nil {
		g.halt("snapshot %d: %v", p.meta.index, err)
		return
	}
	if first, _ := g.tail.FirstIndex(); p.compact >= first {
		if err := g.tail.Compact(p.compact); err != nil {
			g.halt("log cut at %d: %v", p.compact, err)
			return
		}
	}
	g.counters.Snapshots++
	g.fact("snapshot-saved", p.meta.index, "")
}
