package airspace

import (
	"cmp"
	"math/bits"
	"strings"

	"github.com/tidwall/btree"

	"onevoice/codec"
	"onevoice/geo"
)

// Conflict is a pair of flights whose plans come too close. Plans decide, not how uncertain they are, and a plan of volumes is in none: see
// DESIGN.md.
type Conflict struct {
	// A and B are the flights, A before B.
	A, B string
	geo.Approach
	// Sectors are those that either flight may be in while they are too close, sorted, at most MaxConflictSectors: the first by name.
	Sectors []string
	// Since is the command, or the entry, since when it is as it is.
	Since Version
}

// Name names a conflict by its flights: "A+B". No two have the same.
func (c *Conflict) Name() string { return c.A + "+" + c.B }

// FromNs and ToNs hold all of its spans.
func (c *Conflict) FromNs() int64 { return c.Spans[0].FromNs }

// ToNs is when the flights are apart again for good.
func (c *Conflict) ToNs() int64 { return c.Spans[len(c.Spans)-1].ToNs }

// meets reports whether spans have an instant in [fromNs, toNs).
func meets(spans []geo.Span, fromNs, toNs int64) bool {
	for _, s := range spans {
		if s.FromNs < toNs && s.ToNs > fromNs {
			return true
		}
	}
	return false
}

// conflictTable holds the conflicts, and which flights' are not all there. It is copied as State is.
type conflictTable struct {
	// pairs holds each conflict twice, under either of its flights.
	pairs *btree.BTreeG[pairing]
	// times holds each by its time, in classes of length as visits are.
	times *btree.BTreeG[timedConflict]
	// counts says how many each flight has.
	counts *btree.Map[string, int]
	// pending are the flights whose conflicts are being worked out, and how far that is.
	pending *btree.Map[string, progress]
	// crowded are the flights that have more conflicts than are kept.
	crowded *btree.Map[string, struct{}]
	// sweep says that all flights above sweptTo are to be worked out.
	sweep   bool
	sweptTo string
}

// pairing is a conflict as one of its flights has it.
type pairing struct {
	flight, other string
	*Conflict
}

func (p pairing) before(o pairing) bool {
	return p.flight < o.flight || p.flight == o.flight && p.other < o.other
}

type timedConflict struct {
	class  int
	fromNs int64
	*Conflict
}

func (t timedConflict) before(o timedConflict) bool {
	if c := cmp.Or(cmp.Compare(t.class, o.class), cmp.Compare(t.fromNs, o.fromNs)); c != 0 {
		return c < 0
	}
	return t.A < o.A || t.A == o.A && t.B < o.B
}

func timeOf(c *Conflict) timedConflict {
	length := uint64(c.ToNs() - c.FromNs())
	return timedConflict{bits.Len64(length >> shortestClassBits), c.FromNs(), c}
}

func newConflictTable() conflictTable {
	unlocked := btree.Options{NoLocks: true, Degree: 8}
	return conflictTable{
		pairs: btree.NewBTreeGOptions(pairing.before, unlocked), times: btree.NewBTreeGOptions(timedConflict.before, unlocked),
		counts: btree.NewMap[string, int](0), pending: btree.NewMap[string, progress](0), crowded: btree.NewMap[string, struct{}](0),
	}
}

func (t *conflictTable) copy() conflictTable {
	c := *t
	c.pairs, c.times, c.counts, c.pending, c.crowded = t.pairs.Copy(), t.times.Copy(), t.counts.Copy(), t.pending.Copy(), t.crowded.Copy()
	return c
}

// get gives the conflict of two flights, nil where there is none.
func (t *conflictTable) get(a, b string) *Conflict {
	p, _ := t.pairs.Get(pairing{flight: a, other: b})
	return p.Conflict
}

// set puts a conflict in the place of old, which is nil for a new one; c is nil for one that is over.
func (t *conflictTable) set(old, c *Conflict) {
	if old != nil {
		t.times.Delete(timeOf(old))
	}
	switch {
	case c != nil:
		if old == nil {
			t.count(c, 1)
		}
		t.pairs.Set(pairing{c.A, c.B, c})
		t.pairs.Set(pairing{c.B, c.A, c})
		t.times.Set(timeOf(c))
	case old != nil:
		t.count(old, -1)
		t.pairs.Delete(pairing{flight: old.A, other: old.B})
		t.pairs.Delete(pairing{flight: old.B, other: old.A})
	}
}

// count counts a conflict that comes or goes.
func (t *conflictTable) count(c *Conflict, by int) {
	for _, flight := range [...]string{c.A, c.B} {
		if n, _ := t.counts.Get(flight); n+by > 0 {
			t.counts.Set(flight, n+by)
		} else {
			t.counts.Delete(flight)
		}
	}
}

// of lists the conflicts of a flight by the other's name, from the first above after.
func (t *conflictTable) of(flight, after string) []*Conflict {
	var list []*Conflict
	t.pairs.Ascend(pairing{flight: flight, other: after}, func(p pairing) bool {
		if p.flight == flight && p.other != after {
			list = append(list, p.Conflict)
		}
		return p.flight == flight
	})
	return list
}

// len is how many conflicts there are.
func (t *conflictTable) len() int { return t.times.Len() }

// computing reports whether any conflict may be missing or out of date.
func (t *conflictTable) computing() bool { return t.sweep || t.pending.Len() > 0 }

// other is the one of a conflict's flights that is not flight.
func (c *Conflict) other(flight string) string {
	if c.A == flight {
		return c.B
	}
	return c.A
}

func appendConflict(w *codec.Writer, c *Conflict) {
	w.String(c.A)
	w.String(c.B)
	appendVersion(w, c.Since)
	w.I64(c.AtNs)
	w.I32(c.Pos.LatE7)
	w.I32(c.Pos.LonE7)
	w.I32(c.LateralCm)
	w.I32(c.VerticalCm)
	w.Uvarint(uint64(len(c.Spans)))
	for _, s := range c.Spans {
		w.I64(s.FromNs)
		w.I64(s.ToNs)
	}
	w.Uvarint(uint64(len(c.Sectors)))
	for _, id := range c.Sectors {
		w.String(id)
	}
}

func readConflict(r *codec.Reader) *Conflict {
	c := &Conflict{A: r.String(maxText), B: r.String(maxText), Since: readVersion(r)}
	c.AtNs, c.Pos = r.I64(), geo.LatLon{LatE7: r.I32(), LonE7: r.I32()}
	c.LateralCm, c.VerticalCm = r.I32(), r.I32()
	c.Spans = make([]geo.Span, r.Count(geo.MaxApproachSpans, 16))
	for i := range c.Spans {
		c.Spans[i] = geo.Span{FromNs: r.I64(), ToNs: r.I64()}
	}
	for range r.Count(MaxConflictSectors, 1) {
		c.Sectors = append(c.Sectors, r.String(maxText))
	}
	if len(c.Spans) == 0 || strings.Compare(c.A, c.B) >= 0 {
		r.Fail()
	}
	return c
}

// appendTo makes a Conflict the detail of its events.
func (c *Conflict) appendTo(w *codec.Writer) { appendConflict(w, c) }
