package watch

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestEntriesAreWhole reads a journal by entries, from everywhere and in pages of any size: each index once, in order, with all
// its events and its mark; where the mark before it or an event of it is gone, Compacted.
func TestEntriesAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lim := Limits{Marks: rapid.IntRange(1, 20).Draw(t, "marks"), Events: rapid.IntRange(1, 30).Draw(t, "events"), Bytes: rapid.IntRange(1, 200).Draw(t, "bytes")}
		start := uint64(rapid.IntRange(1, 4).Draw(t, "start"))
		l, m := NewLog(lim), &model{start: start, last: start}
		l.Restart(Mark{Index: start, Hash: hashOf(start)})
		all := map[uint64]Entry{}
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			e := entry(m.last + 1)
			for range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5, 12}).Draw(t, "count") {
				e.Events = append(e.Events, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "event"))
			}
			e.Digest = hashOf(e.Index + 1000)
			all[e.Index] = e
			mustAppend(t, l, e)
			m.append(e, lim)
		}
		for after := range m.last + 3 {
			first, last := l.Range()
			if after <= last && (after < first || m.lost(EndOf(after))) {
				var c *Compacted
				if _, list, err := l.Entries(after, 5, 100); !errors.As(err, &c) || list != nil || c.Position != EndOf(after) {
					t.Fatalf("after %d of %d to %d: %v %v", after, first, last, list, err)
				}
				if _, _, err := l.Entries(c.First.Index-1, 5, 100); err != nil {
					t.Fatalf("after %d it is said to go on at %v: %v", after, c.First, err)
				}
				continue
			}
			readEntries(t, l, all, after, rapid.IntRange(0, 9).Draw(t, "most"), rapid.IntRange(0, 60).Draw(t, "size"))
		}
	})
}

func readEntries(t *rapid.T, l *Log, all map[uint64]Entry, after uint64, most, size int) {
	for {
		before, list, err := l.Entries(after, most, size)
		if err != nil || len(list) > max(1, most) {
			t.Fatalf("after %d: %d entries, %v", after, len(list), err)
		}
		if len(list) == 0 {
			if after < l.last {
				t.Fatalf("nothing after %d, and the last is %d", after, l.last)
			}
			return
		}
		if before.Hash != hashOf(after) {
			t.Fatalf("after %d begins with the mark of %d", after, before.Index)
		}
		for _, r := range list {
			after++
			want := all[after]
			if r.Index != after || r.Hash != want.Hash || r.Digest != want.Digest || r.LogTimeNs != want.LogTimeNs || r.Epoch != want.Epoch ||
				!bytes.Equal(bytes.Join(r.Events, []byte{0}), bytes.Join(want.Events, []byte{0})) || len(r.Events) != len(want.Events) {
				t.Fatalf("%+v, want %+v", r, want)
			}
		}
	}
}
