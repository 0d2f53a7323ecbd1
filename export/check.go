package export

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"onevoice/chain"
	"onevoice/web/api"
)

// MaxFindings bounds what a Report lists; a check ends there.
const MaxFindings = 100

// Report is what a check of a history came to.
type Report struct {
	Cluster string `json:"cluster"`
	// First to Last are the indices of the history, gaps included; FirstHash is the hash before First, which nothing in the history proves.
	First     uint64 `json:"first,string"`
	Last      uint64 `json:"last,string"`
	FirstHash string `json:"first_hash"`
	Hash      string `json:"hash"`
	Segments  int    `json:"segments"`
	Bases     int    `json:"bases"`
	Entries   int    `json:"entries"`
	Events    int    `json:"events"`
	Files     int    `json:"files"`
	Bytes     int    `json:"bytes"`
	// Gaps are what the history itself says that it lacks.
	Gaps []Gap `json:"gaps"`
	// Anchors are the ends of segments and bases, newest first, to be held against the cluster: at most MaxAnchors.
	Anchors []Anchor `json:"-"`
	// Findings are what is wrong; empty where all is as it should be.
	Findings []string `json:"findings"`
}

// Anchor is an index and the chain hash after it.
type Anchor struct {
	Index uint64
	Hash  string
}

// MaxAnchors bounds the anchors of a Report.
const MaxAnchors = 64

// checker goes through a history, manifest by manifest; one segment is in memory at a time.
type checker struct {
	place  Place
	report Report
	linker chain.Linker
	last   uint64     // of the manifest before
	hash   chain.Hash // after it
	named  map[string]bool
	build  string
}

// Check reads a whole history: whether every file is as its manifest says, every index is there once and in order, every event of every
// entry too, the columns say what the events say, and the chain hash leads over them from the beginning to the end. Build is the
// reader's own: an event's text is compared where the same build wrote it. The error is of the place; what is wrong stands in the Report.
func Check(p Place, build string) (Report, error) {
	c := &checker{place: p, named: map[string]bool{}, build: build}
	c.report.Gaps, c.report.Findings = []Gap{}, []string{}
	b, _, err := read(p, positionName)
	if err != nil || b == nil {
		return c.report, cmp.Or(err, fmt.Errorf("there is no %s: this is no history", positionName))
	}
	position, err := parse[Position](positionName, b)
	if err != nil {
		return c.report, err
	}
	c.report.Cluster = position.Cluster
	list, err := c.manifests(position)
	if err != nil {
		return c.report, err
	}
	for _, m := range list {
		if len(c.report.Findings) >= MaxFindings {
			break
		}
		if err := c.manifest(m); err != nil {
			return c.report, err
		}
	}
	c.report.Last, c.report.Hash = c.last, hex.EncodeToString(c.hash[:])
	if c.last != position.Last || c.last > 0 && c.report.Hash != position.Hash {
		c.findf("%s ends at %d with %s, the manifests at %d with %s", positionName, position.Last, position.Hash, c.last, c.report.Hash)
	}
	slices.Reverse(c.report.Anchors)
	return c.report, c.strays(position)
}

func (c *checker) findf(format string, args ...any) {
	if len(c.report.Findings) < MaxFindings {
		c.report.Findings = append(c.report.Findings, fmt.Sprintf(format, args...))
	}
}

// manifests reads all manifests up to the position, in the order of the log.
func (c *checker) manifests(position Position) (list []*Manifest, err error) {
	names, err := c.place.List(manifests)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if first, ours := firstOf(name); ours && first > position.Last {
			continue // not finished: a stray
		}
		b, _, err := c.place.Get(name)
		if err != nil {
			return nil, err
		}
		c.named[name] = true
		m, err := parse[*Manifest](name, b)
		if err != nil {
			c.findf("%v", err)
			continue
		}
		if m.name() != name || m.Cluster != position.Cluster {
			c.findf("%s is of %s, cluster %s", name, m.name(), m.Cluster)
			continue
		}
		if name == position.Manifest && sumOf(b) != position.SHA256 {
			c.findf("%s is not the one that %s names: its SHA-256 is another", name, positionName)
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b *Manifest) int { return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(b.Kind, a.Kind)) })
	return list, nil
}

func (c *checker) manifest(m *Manifest) error {
	defer func() {
		if c.report.Anchors = append(c.report.Anchors, Anchor{m.Last, m.Hash}); len(c.report.Anchors) > MaxAnchors {
			c.report.Anchors = c.report.Anchors[1:]
		}
	}()
	if m.Kind == baseKind {
		return c.base(m)
	}
	if m.Kind != segmentKind {
		c.findf("%s is of kind %q", m.name(), m.Kind)
		return nil
	}
	return c.segment(m)
}

// base takes up the chain at an index. That a base after a gap belongs to the log is the word of the server that gave it: nothing leads there.
func (c *checker) base(m *Manifest) error {
	hash, err := readHash[chain.Hash](m.Hash)
	if err != nil {
		c.findf("%s: %v", m.name(), err)
	}
	switch {
	case c.last == 0:
		c.report.First, c.report.FirstHash = m.Last+1, m.Hash
	case m.Gap != nil && m.Gap.First == c.last+1 && m.Gap.Last == m.Last:
		c.report.Gaps = append(c.report.Gaps, *m.Gap)
	case m.Last != c.last || hash != c.hash:
		c.findf("%s follows %d: entries are missing of which it says nothing", m.name(), c.last)
	}
	c.last, c.hash = m.Last, hash
	c.report.Bases++
	return c.rows(m)
}

// rows counts the rows of a base, in each format by itself.
func (c *checker) rows(m *Manifest) error {
	counts := map[string]map[string]int{} // by ending and kind
	for i := range m.Files {
		f := &m.Files[i]
		b, ending, err := c.file(m, f)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		rows, err := decode[StateRow](ending, b, f.Rows)
		if err != nil {
			c.findf("%s: %v", f.Name, err)
			continue
		}
		if counts[ending] == nil {
			counts[ending] = map[string]int{}
		}
		for k := range rows {
			if rows[k].Index != int64(m.Last) {
				c.findf("%s: row %d is of index %d", f.Name, k, rows[k].Index)
				break
			}
			counts[ending][rows[k].Kind]++
		}
	}
	for ending, count := range counts {
		if s, f := count["sector"], count["flight"]; s != m.Sectors || f != m.Flights {
			c.findf("%s has %d sectors and %d flights as %s, it says %d and %d", m.name(), s, f, ending, m.Sectors, m.Flights)
		}
	}
	return nil
}

// file reads a file of a manifest and holds it against that; nil where it is not as it should be.
func (c *checker) file(m *Manifest, f *File) (b []byte, ending string, err error) {
	c.named[f.Name] = true
	for _, one := range Endings() {
		if first, ours := firstOf(f.Name); ours && first == m.First && strings.HasSuffix(f.Name, "."+one) {
			ending = one
		}
	}
	if ending == "" {
		c.findf("%s names %s, which is no file of it", m.name(), f.Name)
		return nil, "", nil
	}
	b, _, err = c.place.Get(f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		c.findf("%s is missing", f.Name)
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if sumOf(b) != f.SHA256 || len(b) != f.Bytes {
		c.findf("%s has %d bytes with SHA-256 %.16s, its manifest says %d with %.16s", f.Name, len(b), sumOf(b), f.Bytes, f.SHA256)
		return nil, "", nil
	}
	c.report.Files++
	c.report.Bytes += len(b)
	return b, ending, nil
}

// strays finds files that no manifest names: an engine that reads a whole folder would read them too.
func (c *checker) strays(position Position) error {
	for _, folder := range folders() {
		names, err := c.place.List(folder)
		if err != nil {
			return err
		}
		for _, name := range names {
			first, ours := firstOf(name)
			switch {
			case c.named[name]:
			case ours && first > position.Last:
				c.findf("%s lies after the end of the history: an exporter is at work, or was stopped and will remove it when it goes on", name)
			default:
				c.findf("%s is named by no manifest", name)
			}
		}
	}
	return nil
}

// table is one segment in one format.
type table struct {
	entries []EntryRow
	events  []EventRow
}

// segment follows the chain hash over each format of a segment by itself.
func (c *checker) segment(m *Manifest) error {
	if before, err := readHash[chain.Hash](m.HashBefore); c.last == 0 && err == nil {
		c.last, c.hash = m.First-1, before
		c.report.First, c.report.FirstHash = m.First, m.HashBefore
	} else if err != nil || m.First != c.last+1 || before != c.hash {
		c.findf("%s begins at %d with %.16s, what is before it ends at %d with %x: entries are missing or are another log's", m.name(), m.First, m.HashBefore, c.last, c.hash[:8])
		c.last, c.hash = m.First-1, before
	}
	tables := map[string]*table{}
	for i := range m.Files {
		f := &m.Files[i]
		b, ending, err := c.file(m, f)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		t := tables[ending]
		if t == nil {
			t = &table{}
			tables[ending] = t
		}
		if f.Table == events {
			t.events, err = decode[EventRow](ending, b, f.Rows)
		} else {
			t.entries, err = decode[EntryRow](ending, b, f.Rows)
		}
		if err != nil {
			c.findf("%s: %v", f.Name, err)
		}
	}
	for ending, t := range tables {
		if found := c.follow(m, t); found != nil {
			c.findf("%s as %s: %v", m.name(), ending, found)
		}
	}
	if len(tables) == 0 {
		c.findf("%s names no file that can be read", m.name())
	}
	c.last = m.Last
	c.hash, _ = readHash[chain.Hash](m.Hash)
	c.report.Segments++
	c.report.Entries += m.Entries
	c.report.Events += m.Events
	return nil
}

// follow adds up one table from the hash before it. The first thing that is wrong ends it.
func (c *checker) follow(m *Manifest, t *table) error {
	if len(t.entries) != m.Entries || len(t.events) != m.Events || uint64(len(t.entries)) != m.Last-m.First+1 {
		return fmt.Errorf("%d entries with %d events, it says %d with %d from %d to %d", len(t.entries), len(t.events), m.Entries, m.Events, m.First, m.Last)
	}
	hash, rest := c.hash, t.events
	for i := range t.entries {
		e := &t.entries[i]
		index := m.First + uint64(i)
		if uint64(e.Index) != index || int(e.Events) > len(rest) || e.Events < 0 {
			return fmt.Errorf("index %d is %d, with %d of %d events", index, e.Index, e.Events, len(rest))
		}
		of := rest[:e.Events]
		rest = rest[e.Events:]
		var err error
		if hash, err = c.link(hash, e, of, m.Program == c.build); err != nil {
			return err
		}
	}
	if len(rest) > 0 || hex.EncodeToString(hash[:]) != m.Hash {
		return fmt.Errorf("it leads to %x with %d events left, it says %.16s", hash[:8], len(rest), m.Hash)
	}
	return nil
}

// link goes over one entry: its events are those of the log, in their order, and the columns say the same as they.
func (c *checker) link(before chain.Hash, e *EntryRow, of []EventRow, same bool) (chain.Hash, error) {
	link := chain.Entry{Index: uint64(e.Index), LogTimeNs: e.LogTimeNs}
	for sub := range of {
		want, err := eventRow(link.Index, sub, e.LogTimeNs, of[sub].Raw)
		if err != nil {
			return before, err
		}
		if !same {
			want.Event = of[sub].Event
		}
		if !sameEvent(of[sub], want) {
			return before, fmt.Errorf("event %d.%d has columns that its bytes do not say", e.Index, sub)
		}
		link.Events = append(link.Events, of[sub].Raw)
	}
	var err error
	if link.Digest, err = readHash[chain.Digest](e.Digest); err != nil {
		return before, fmt.Errorf("entry %d: %w", e.Index, err)
	}
	hash := c.linker.Next(before, &link)
	want := entryRow(&api.Entry{Index: link.Index, LogTime: api.Time(e.LogTimeNs), View: uint64(e.View), Term: uint64(e.Term), Digest: e.Digest, Hash: hex.EncodeToString(hash[:]), Events: link.Events})
	if *e != want {
		return before, fmt.Errorf("entry %d: the chain hash leads to %s, it says %s", e.Index, want.Hash, e.Hash)
	}
	return hash, nil
}

// sameEvent compares rows; no windows are no windows, whether a format tells an empty list from none or not.
func sameEvent(a, b EventRow) bool {
	if len(a.Windows)+len(b.Windows) == 0 {
		a.Windows, b.Windows = nil, nil
	}
	return reflect.DeepEqual(a, b)
}
