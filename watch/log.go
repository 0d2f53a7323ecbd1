// Package watch keeps the newest events and hashes of one group on one replica, so that any reader can resume where it
// stopped, on any replica.
// It is quiet: a bounded journal without a goroutine or lock; its driver wakes readers.
//
// A reader gets every event after its position, in log order, once: whole indices, never a part of one unless a single
// index is more than it asked for. Where the events after its position are no longer all held it gets Compacted, never a
// gap: it then reads the state as of some index and goes on from EndOf that index.
package watch

import (
	"fmt"
	"sort"

	"onevoice/chain"
	"onevoice/internal/mutant"
	"onevoice/view"
)

// Entry is what one applied log entry left behind. The bytes belong to the Log once it is appended.
type Entry struct {
	Index     uint64
	Hash      [32]byte
	Digest    chain.Digest // that leads with Events to Hash
	LogTimeNs int64
	Epoch     view.Epoch
	Events    [][]byte
}

// Mark is what is known of one index: the chain hash after it, and the digest, log time and epoch of its entry. The digest is not
// known of an index that a journal begins with.
type Mark struct {
	Index     uint64
	Hash      [32]byte
	Digest    chain.Digest
	LogTimeNs int64
	Epoch     view.Epoch
}

// Item is one event and its place.
type Item struct {
	Position  Position
	Event     []byte
	LogTimeNs int64
}

// Limits bound what a Log holds. At a limit the oldest are let go: marks one by one, events by whole indices.
type Limits struct {
	Marks  int // indices whose hash is held
	Events int // events held
	Bytes  int // sum of the lengths of the events held
}

// DefaultLimits are 65,536 hashes (the promise of the service, 5.5 MiB) and 100,000 events or 64 MiB of them.
func DefaultLimits() Limits { return Limits{Marks: 1 << 16, Events: 100_000, Bytes: 64 << 20} }

// Compacted says that events after Position are no longer held.
type Compacted struct {
	Position Position // where the reader stood
	First    Position // of the oldest event held, or of the next one to come where none is
}

// Error names both positions and the next step.
func (c *Compacted) Error() string {
	return fmt.Sprintf("watch: events after %v are no longer all held, the first held is %v: "+
		"read the state and go on from its index", c.Position, c.First)
}

// Log is the journal. The zero value is not ready; use NewLog.
type Log struct {
	limits  Limits
	marks   ring[Mark]
	items   ring[Item]
	bytes   int
	last    uint64
	started bool
	// horizon is the newest position whose event is not held although it may have been: readers before it have lost something.
	horizon Position
}

// NewLog makes an empty journal; a limit below 1 is taken as 1.
func NewLog(l Limits) *Log {
	return &Log{limits: Limits{Marks: max(1, l.Marks), Events: max(1, l.Events), Bytes: max(1, l.Bytes)}}
}

// Restart empties the journal and lets it continue after m.Index: at start, and when a snapshot has put the replica
// ahead of what the journal holds. The hash of m.Index is held.
func (l *Log) Restart(m Mark) {
	*l = Log{limits: l.limits, last: m.Index, started: true, horizon: EndOf(m.Index)}
	l.marks.push(m)
}

// Append adds the entry that follows. Any index may be first in a new journal; from then on a lower, equal or skipped
// index is refused and changes nothing, and so is an entry with more events than a position can number.
func (l *Log) Append(e Entry) error {
	if l.started && e.Index != l.last+1 {
		return fmt.Errorf("watch: append of index %d after %d, allowed: %d", e.Index, l.last, l.last+1)
	}
	if e.Index == 0 || uint64(len(e.Events)) >= uint64(EndOf(0).Sub) {
		return fmt.Errorf("watch: append of index %d with %d events, allowed: an index from 1 and fewer than %d events",
			e.Index, len(e.Events), EndOf(0).Sub)
	}
	if !l.started {
		l.started, l.horizon = true, EndOf(e.Index-1)
	}
	l.last = e.Index
	l.marks.push(Mark{Index: e.Index, Hash: e.Hash, Digest: e.Digest, LogTimeNs: e.LogTimeNs, Epoch: e.Epoch})
	if l.marks.len() > l.limits.Marks {
		l.marks.pop()
	}
	for sub, event := range e.Events {
		l.items.push(Item{Position: Position{Index: e.Index, Sub: uint32(sub)}, Event: event, LogTimeNs: e.LogTimeNs})
		l.bytes += len(event)
	}
	l.trim()
	return nil
}

// trim lets go of the oldest indices until the limits hold; one index that is over them by itself goes too.
func (l *Log) trim() {
	for l.items.len() > l.limits.Events || l.bytes > l.limits.Bytes {
		index := l.items.at(0).Position.Index
		for l.items.len() > 0 && l.items.at(0).Position.Index == index {
			item := l.items.pop()
			l.bytes -= len(item.Event)
			l.horizon = item.Position
		}
	}
}

// Range is the first and last index whose hash is held; both 0 where none is.
func (l *Log) Range() (first, last uint64) {
	if l.marks.len() == 0 {
		return 0, 0
	}
	return l.marks.at(0).Index, l.last
}

// At is what is known of an index; false outside Range.
func (l *Log) At(index uint64) (Mark, bool) {
	first, last := l.Range()
	if index == 0 || index < first || index > last {
		return Mark{}, false
	}
	return *l.marks.at(int(index - first)), true
}

// Hash is the chain hash after an index; false outside Range.
func (l *Log) Hash(index uint64) ([32]byte, bool) {
	m, ok := l.At(index)
	return m.Hash, ok
}

// First is the position of the oldest event held, or of the next one to come where none is held.
func (l *Log) First() Position {
	if l.items.len() > 0 {
		return l.items.at(0).Position
	}
	return Position{Index: l.last + 1}
}

// After gives the events after pos, in order, at most most of them (at least 1): whole indices only, unless the first
// of them alone holds more than most; then the rest of it follows at the position of the last item given. None is not
// an error: the reader is at the end, or ahead of this replica. The error is *Compacted.
func (l *Log) After(pos Position, most int) ([]Item, error) {
	if mutant.On(mutant.WatchFromThePast) && pos.Compare(EndOf(l.last)) > 0 {
		pos = l.horizon
	}
	if pos.Compare(l.horizon) < 0 && !mutant.On(mutant.DropOnSlowWatcher) {
		return nil, &Compacted{Position: pos, First: l.First()}
	}
	from := sort.Search(l.items.len(), func(i int) bool { return l.items.at(i).Position.Compare(pos) > 0 })
	to := l.cut(from, max(1, most))
	if from == to {
		return nil, nil
	}
	items := make([]Item, 0, to-from)
	for i := from; i < to; i++ {
		items = append(items, *l.items.at(i))
	}
	return items, nil
}

// cut finds where a page of at most most items from from ends.
func (l *Log) cut(from, most int) int {
	end := from + most
	if end >= l.items.len() {
		return l.items.len()
	}
	for to := end; to > from; to-- {
		if l.items.at(to-1).Position.Index != l.items.at(to).Position.Index {
			return to
		}
	}
	return end
}
