package export

import (
	"encoding/hex"
	"errors"
	"fmt"

	"onevoice/chain"
	"onevoice/problem"
	"onevoice/web/api"
)

// Limits say when a segment ends. At the first that is reached it is written.
type Limits struct {
	Entries int   // 1 to MaxEntries
	Events  int   // 1 to MaxEvents
	Bytes   int   // of events as the machine made them, 1 to MaxBytes
	AgeNs   int64 // since its first entry came
}

// Bounds of one segment, which is in memory until it is written. A segment is over them by at most the last entry in it.
const (
	MaxEntries = 1 << 20
	MaxEvents  = 1 << 20
	MaxBytes   = 512 << 20
)

// DefaultLimits are for files of some 10 MB, or one in five minutes where little happens.
func DefaultLimits() Limits {
	return Limits{Entries: 1 << 16, Events: 100_000, Bytes: 64 << 20, AgeNs: 300e9}
}

// Options say what an Exporter writes.
type Options struct {
	Cluster string // identity of the cluster, hexadecimal
	Endings []string
	Limits  Limits
	Program string // build
}

// Exporter writes a history. One goroutine calls it. After an error of its Place it may not be used again: open it anew.
type Exporter struct {
	place    Place
	options  Options
	position Position
	tag      string // of position as it is kept
	linker   chain.Linker

	// next is what has come after position and is not yet written.
	next struct {
		before  chain.Hash // before the oldest entry
		hash    chain.Hash // after the newest
		last    uint64
		entries []EntryRow
		events  []EventRow
		bytes   int
		begunNs int64
		logNs   int64
	}
}

// Open opens a history, or begins one in a place that holds nothing of the kind. What an earlier exporter wrote and did not finish
// is removed. The error says whether it is another cluster's history.
func Open(p Place, o Options, nowNs int64) (*Exporter, error) {
	x := &Exporter{place: p, options: o}
	b, tag, err := read(p, positionName)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return x, x.begin(nowNs)
	}
	if x.position, err = parse[Position](positionName, b); err != nil {
		return nil, err
	}
	if x.position.Cluster != o.Cluster {
		return nil, fmt.Errorf("the history is of cluster %s, and these servers are of %s: write another cluster's elsewhere (one restored from a backup is another)",
			x.position.Cluster, o.Cluster)
	}
	x.tag = tag
	if x.position.Last > 0 {
		if x.next.hash, err = readHash[chain.Hash](x.position.Hash); err != nil {
			return nil, fmt.Errorf("%s: %w", positionName, err)
		}
	}
	x.next.last = x.position.Last
	return x, x.tidy()
}

// begin begins a history: where files lie about without a position, something else than us is at work.
func (x *Exporter) begin(nowNs int64) error {
	for _, folder := range folders() {
		names, err := x.place.List(folder)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return fmt.Errorf("there is %s and no %s: this is no history that one can go on with, choose an empty place", names[0], positionName)
		}
	}
	x.position = Position{Format: Format, Cluster: x.options.Cluster}
	return x.keepPosition(nowNs)
}

// tidy removes what lies after the position.
func (x *Exporter) tidy() error {
	for _, folder := range folders() {
		names, err := x.place.List(folder)
		if err != nil {
			return err
		}
		for _, name := range names {
			if first, ours := firstOf(name); ours && first > x.position.Last {
				if err := x.place.Remove(name); err != nil {
					return fmt.Errorf("%s, which an earlier exporter did not finish: %w", name, err)
				}
			}
		}
	}
	return nil
}

// Last is the newest index taken, written or not; 0 before there is any.
func (x *Exporter) Last() uint64 { return x.next.last }

// Begin says from which index on entries follow where the history has none yet: the beginning of a cluster whose log is held whole.
func (x *Exporter) Begin(index uint64, hash string) error {
	if x.next.last != 0 {
		return fmt.Errorf("begin at %d: the history is at %d", index, x.next.last)
	}
	h, err := readHash[chain.Hash](hash)
	x.next.last, x.next.hash = index, h
	return err
}

// Add takes the entry that follows. It follows the chain hash itself: where the entry does not give the hash that it claims, or the
// entry before it was another, the error is a *problem.Error of kind TwoVoices.
func (x *Exporter) Add(e *api.Entry, nowNs int64) error {
	n := &x.next
	if e.Index != n.last+1 {
		return fmt.Errorf("entry %d comes after %d", e.Index, n.last)
	}
	link := chain.Entry{Index: e.Index, LogTimeNs: int64(e.LogTime), Events: e.Events}
	var err error
	if link.Digest, err = readHash[chain.Digest](e.Digest); err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	hash := x.linker.Next(n.hash, &link)
	if hex.EncodeToString(hash[:]) != e.Hash {
		return twoVoices(e.Index, hex.EncodeToString(hash[:]), e.Hash)
	}
	rows := make([]EventRow, 0, len(e.Events))
	bytes := 0
	for sub, raw := range e.Events {
		row, err := eventRow(e.Index, sub, int64(e.LogTime), raw)
		if err != nil {
			return err
		}
		rows, bytes = append(rows, row), bytes+len(raw)
	}
	if len(n.entries) == 0 {
		n.begunNs, n.before = nowNs, n.hash
	}
	n.hash, n.last, n.logNs, n.bytes = hash, e.Index, int64(e.LogTime), n.bytes+bytes
	n.entries, n.events = append(n.entries, entryRow(e)), append(n.events, rows...)
	return nil
}

func twoVoices(index uint64, ours, theirs string) error {
	return &problem.Error{Kind: problem.TwoVoices, Op: "follow the log", Subject: fmt.Sprintf("index %d", index),
		Detail: fmt.Sprintf("the history leads to the hash %s, the server says %s; keep the history and every server's data as evidence", ours, theirs)}
}

// Follows checks a server's hash after the newest index taken, before its entries are added.
func (x *Exporter) Follows(hash string) error {
	if ours := hex.EncodeToString(x.next.hash[:]); ours != hash {
		return twoVoices(x.next.last, ours, hash)
	}
	return nil
}

// Due says whether a segment is to be written now.
func (x *Exporter) Due(nowNs int64) bool {
	n, l := &x.next, &x.options.Limits
	return len(n.entries) > 0 && (len(n.entries) >= l.Entries || len(n.events) >= l.Events || n.bytes >= l.Bytes || nowNs-n.begunNs >= l.AgeNs)
}

// Seal writes what has been taken as a segment: its files, then its manifest, then the position. It gives none where there is nothing.
func (x *Exporter) Seal(nowNs int64) (*Manifest, error) {
	n := &x.next
	if len(n.entries) == 0 {
		return nil, nil
	}
	m := &Manifest{Kind: segmentKind, First: uint64(n.entries[0].Index), Last: n.last, HashBefore: hex.EncodeToString(n.before[:]), Hash: hex.EncodeToString(n.hash[:]),
		LogTime: api.Time(n.logNs), Entries: len(n.entries), Events: len(n.events)}
	for _, ending := range x.options.Endings {
		err := errors.Join(keep(x, m, entries, rangeName(entries, m.First, m.Last, ending), ending, n.entries),
			keep(x, m, events, rangeName(events, m.First, m.Last, ending), ending, n.events))
		if err != nil {
			return nil, err
		}
	}
	n.entries, n.events, n.bytes = nil, nil, 0
	return m, x.finish(m, nowNs)
}

// keep writes one file of a manifest.
func keep[R any](x *Exporter, m *Manifest, table, name, ending string, rows []R) error {
	b, err := encode(ending, rows)
	if err == nil {
		err = x.place.Put(name, b)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.Files = append(m.Files, File{Name: name, Table: table, Rows: len(rows), Bytes: len(b), SHA256: sumOf(b)})
	return nil
}

// finish writes a manifest whose files are written, and then the position after it.
func (x *Exporter) finish(m *Manifest, nowNs int64) error {
	m.Format, m.Cluster, m.Program, m.Written = Format, x.options.Cluster, x.options.Program, api.Time(nowNs)
	b, err := encodeJSON(m)
	if err != nil {
		return err
	}
	if err := x.place.Put(m.name(), b); err != nil {
		return fmt.Errorf("%s: %w", m.name(), err)
	}
	p := &x.position
	p.Last, p.Hash, p.Manifest, p.SHA256 = m.Last, m.Hash, m.name(), sumOf(b)
	if m.Gap != nil {
		p.Gaps++
	}
	return x.keepPosition(nowNs)
}

func (x *Exporter) keepPosition(nowNs int64) error {
	x.position.Written = api.Time(nowNs)
	b, err := encodeJSON(&x.position)
	if err == nil {
		x.tag, err = x.place.Swap(positionName, b, x.tag)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", positionName, err)
	}
	return nil
}
