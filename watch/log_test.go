package watch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/view"
)

func hashOf(index uint64) (h [32]byte) {
	binary.BigEndian.PutUint64(h[:], index*0x9e3779b97f4a7c15)
	return h
}

func entry(index uint64, events ...string) Entry {
	e := Entry{Index: index, Hash: hashOf(index), LogTimeNs: int64(index) * 1000, Epoch: view.Epoch{View: 1, Term: index / 10}}
	for _, s := range events {
		e.Events = append(e.Events, []byte(s))
	}
	return e
}

func mustAppend(t interface{ Fatal(...any) }, l *Log, e Entry) {
	if err := l.Append(e); err != nil {
		t.Fatal(err)
	}
}

// model is the journal as one would write it without thinking of cost: all items for ever, and what trimming leaves.
type model struct {
	all   []Item
	start uint64 // nothing at or below this index was ever seen
	held  int    // items before all[held] are let go
	last  uint64
}

func (m *model) append(e Entry, lim Limits) {
	for i, b := range e.Events {
		m.all = append(m.all, Item{Position{e.Index, uint32(i)}, b, e.LogTimeNs})
	}
	m.last = e.Index
	for {
		size := 0
		for _, it := range m.all[m.held:] {
			size += len(it.Event)
		}
		if len(m.all)-m.held <= lim.Events && size <= lim.Bytes {
			return
		}
		for gone := m.all[m.held].Position.Index; m.held < len(m.all) && m.all[m.held].Position.Index == gone; {
			m.held++
		}
	}
}

// lost says whether a reader at pos has missed something for good.
func (m *model) lost(pos Position) bool {
	if pos.Compare(EndOf(m.start)) < 0 {
		return true
	}
	return m.held > 0 && m.all[m.held-1].Position.Compare(pos) > 0
}

func sameItems(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(x, y Item) bool {
		return x.Position == y.Position && x.LogTimeNs == y.LogTimeNs && bytes.Equal(x.Event, y.Event)
	})
}

// readAll pages from pos to the end and checks each page by itself.
func readAll(t *rapid.T, l *Log, m *model, pos Position, most int) []Item {
	var got []Item
	for {
		page, err := l.After(pos, most)
		if err != nil {
			t.Fatalf("after %v: %v", pos, err)
		}
		if len(page) == 0 {
			return got
		}
		if len(page) > most {
			t.Fatalf("after %v: %d items, asked for at most %d", pos, len(page), most)
		}
		if page[0].Position.Compare(pos) <= 0 {
			t.Fatalf("after %v: begins at %v", pos, page[0].Position)
		}
		pos = page[len(page)-1].Position
		next, found := slices.BinarySearchFunc(m.all, pos, func(i Item, p Position) int { return i.Position.Compare(p) })
		if !found {
			t.Fatalf("page ends at %v, which was never appended", pos)
		}
		if next+1 < len(m.all) && m.all[next+1].Position.Index == pos.Index && page[0].Position.Index != pos.Index {
			t.Fatalf("page stops inside index %d although it began before it", pos.Index)
		}
		got = append(got, page...)
	}
}

func TestReadersSeeEachEventOnceInOrderFromAnyPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lim := Limits{
			Marks:  rapid.IntRange(1, 20).Draw(t, "marks"),
			Events: rapid.IntRange(1, 30).Draw(t, "events"),
			Bytes:  rapid.IntRange(1, 200).Draw(t, "bytes"),
		}
		l, m := NewLog(lim), &model{start: uint64(rapid.IntRange(0, 3).Draw(t, "start"))}
		l.Restart(Mark{Index: m.start, Hash: hashOf(m.start)})
		m.last = m.start
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			e := entry(m.last + 1)
			for range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5, 12}).Draw(t, "count") {
				e.Events = append(e.Events, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "event"))
			}
			mustAppend(t, l, e)
			m.append(e, lim)
		}
		for range 8 {
			pos := Position{uint64(rapid.IntRange(0, int(m.last)+1).Draw(t, "index")), uint32(rapid.IntRange(0, 13).Draw(t, "sub"))}
			checkFrom(t, l, m, pos, rapid.IntRange(1, 40).Draw(t, "most"))
		}
		for i := range m.all {
			checkFrom(t, l, m, m.all[i].Position, 7)
		}
		checkFrom(t, l, m, EndOf(m.start), 5)
	})
}

func checkFrom(t *rapid.T, l *Log, m *model, pos Position, most int) {
	if m.lost(pos) {
		var c *Compacted
		if _, err := l.After(pos, most); !errors.As(err, &c) || c.Position != pos || c.First != firstHeld(m) {
			t.Fatalf("after %v: %v, want Compacted naming %v", pos, err, firstHeld(m))
		}
		return
	}
	from := 0
	for from < len(m.all) && m.all[from].Position.Compare(pos) <= 0 {
		from++
	}
	if got := readAll(t, l, m, pos, most); !sameItems(got, m.all[from:]) {
		t.Fatalf("after %v in pages of %d: got %d items, want %d", pos, most, len(got), len(m.all)-from)
	}
}

func firstHeld(m *model) Position {
	if m.held < len(m.all) {
		return m.all[m.held].Position
	}
	return Position{Index: m.last + 1}
}

func TestHashesOfTheNewestIndicesAreHeld(t *testing.T) {
	l := NewLog(DefaultLimits())
	if first, last := l.Range(); first != 0 || last != 0 {
		t.Fatalf("empty journal holds %d to %d", first, last)
	}
	const n = 1<<16 + 1000
	for i := range uint64(n) {
		mustAppend(t, l, entry(i+1))
	}
	first, last := l.Range()
	if last != n || first != n-1<<16+1 {
		t.Fatalf("holds %d to %d", first, last)
	}
	for i := first; i <= last; i++ {
		if h, ok := l.Hash(i); !ok || h != hashOf(i) {
			t.Fatalf("hash of %d: %x %v", i, h, ok)
		}
	}
	for _, i := range []uint64{0, first - 1, last + 1} {
		if _, ok := l.Hash(i); ok {
			t.Fatalf("a hash of %d outside the range", i)
		}
	}
	if m, _ := l.At(last); m.Index != last || m.LogTimeNs != int64(last)*1000 || m.Epoch.Term != last/10 {
		t.Fatalf("mark of %d: %+v", last, m)
	}
}

func TestAppendRefusesWhatDoesNotFollow(t *testing.T) {
	l := NewLog(DefaultLimits())
	mustAppend(t, l, entry(7, "a"))
	mustAppend(t, l, entry(8, "b"))
	for _, index := range []uint64{0, 7, 8, 10} {
		if err := l.Append(entry(index, "x")); err == nil {
			t.Fatalf("index %d was taken after 8", index)
		}
	}
	if items, err := l.After(EndOf(6), 10); err != nil || len(items) != 2 {
		t.Fatalf("a refused entry changed the journal: %v %v", items, err)
	}
	if err := NewLog(DefaultLimits()).Append(entry(0)); err == nil {
		t.Fatal("index 0 was taken")
	}
}

func TestRestartForgetsAndContinues(t *testing.T) {
	l := NewLog(DefaultLimits())
	mustAppend(t, l, entry(1, "a"))
	l.Restart(Mark{Index: 100, Hash: hashOf(100)})
	var c *Compacted
	if _, err := l.After(Position{Index: 1}, 10); !errors.As(err, &c) || c.First != (Position{Index: 101}) {
		t.Fatalf("a reader from before the snapshot got %v", err)
	}
	if h, ok := l.Hash(100); !ok || h != hashOf(100) {
		t.Fatal("the hash of the snapshot's index is not held")
	}
	mustAppend(t, l, entry(101, "b"))
	if items, err := l.After(EndOf(100), 10); err != nil || len(items) != 1 {
		t.Fatalf("after the snapshot: %v %v", items, err)
	}
	if items, err := l.After(Position{Index: 500}, 10); err != nil || items != nil {
		t.Fatalf("a reader ahead of this replica got %v %v", items, err)
	}
}

func TestOneIndexOverTheLimitIsNotHeld(t *testing.T) {
	l := NewLog(Limits{Marks: 10, Events: 3, Bytes: 100})
	mustAppend(t, l, entry(1, "a", "b", "c", "d"))
	var c *Compacted
	if _, err := l.After(EndOf(0), 10); !errors.As(err, &c) || c.First != (Position{Index: 2}) {
		t.Fatalf("got %v, want Compacted from 2.0", err)
	}
	if _, err := l.After(EndOf(1), 10); err != nil {
		t.Fatal(err)
	}
}

func TestAppendOfAnIndexWithoutEventsAllocatesNothing(t *testing.T) {
	l := NewLog(DefaultLimits())
	var index uint64
	for ; index < 1<<17; index++ {
		mustAppend(t, l, entry(index+1))
	}
	if n := testing.AllocsPerRun(1000, func() {
		index++
		mustAppend(t, l, Entry{Index: index})
	}); n != 0 {
		t.Fatalf("%v allocations an append", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	l := NewLog(DefaultLimits())
	events := [][]byte{make([]byte, 200), make([]byte, 200)}
	var index uint64
	b.ReportAllocs()
	for b.Loop() {
		index++
		mustAppend(b, l, Entry{Index: index, Events: events})
	}
}
