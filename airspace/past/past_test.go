package past

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/tidwall/btree"
	"pgregory.net/rapid"
)

// bitemporal is a table as one would write it without caring for speed: what was there, whole, at each index.
type bitemporal struct {
	at  map[uint64]map[string]int
	now map[string]int
}

func (b *bitemporal) get(name string, known uint64) (int, bool) {
	all := b.at[known]
	if known == Now {
		all = b.now
	}
	record, ok := all[name]
	return record, ok
}

// TestTable changes a table and holds it, and the copies made of it on the way, against the naive one, at every index.
func TestTable(t *testing.T) { rapid.Check(t, againstNaive) }

// copied is a table as it was, and the indices it can be asked for.
type copied struct {
	table      Table[int]
	from, upTo uint64
	now        map[string]int
}

func againstNaive(t *rapid.T) {
	table := NewTable[int]()
	naive := &bitemporal{at: map[uint64]map[string]int{}, now: map[string]int{}}
	var copies []copied
	horizon, index := uint64(1), uint64(0)
	for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
		index++
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			change(t, &table, naive, index, step)
		}
		naive.at[index] = maps.Clone(naive.now)
		if rapid.IntRange(0, 4).Draw(t, "forget") == 0 {
			horizon = rapid.Uint64Range(horizon, index).Draw(t, "horizon")
			for _, name := range names {
				table.Forget(name, horizon)
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "copy") == 0 {
			copies = append(copies, copied{table.Copy(), horizon, index, maps.Clone(naive.now)})
		}
	}
	copies = append(copies, copied{table, horizon, index, naive.now})
	for i := range copies {
		copies[i].compare(t, naive)
	}
}

var names = []string{"a", "b", "c", "d"}

func change(t *rapid.T, table *Table[int], naive *bitemporal, index uint64, record int) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	was, known := naive.get(name, index-1)
	var over Version[int]
	var is bool
	if rapid.Bool().Draw(t, "delete") {
		delete(naive.now, name)
		over, is = table.Delete(name, index)
	} else {
		naive.now[name] = record
		over, is = table.Put(name, record, index)
	}
	if is && (over.Until != index || over.Since >= index || over.Record != was || !known) {
		t.Fatalf("at %d %s: over %v, %v; it was %d, %v", index, name, over, is, was, known)
	}
}

func (c *copied) compare(t *rapid.T, naive *bitemporal) {
	naive.now = c.now
	for known := c.from; known <= c.upTo+1; known++ {
		if known > c.upTo {
			known = Now
		}
		listed := map[string]int{}
		c.table.Ascend("", known, func(name string, v Version[int]) bool {
			if !v.Holds(known) && v.Until != Now {
				t.Fatalf("at %d: %+v is listed", known, v)
			}
			listed[name] = v.Record
			return true
		})
		for _, name := range names {
			got, ok := c.table.Get(name, known)
			want, there := naive.get(name, known)
			record, inList := listed[name]
			if got != want || ok != there || inList != there || record != want {
				t.Fatalf("%s at %d: %d, %v, in the list %d, %v; want %d, %v", name, known, got, ok, record, inList, want, there)
			}
		}
		if known == Now {
			break
		}
	}
	for _, name := range names {
		if all := c.table.Versions(name); !slices.IsSortedFunc(all, func(a, b Version[int]) int { return cmp.Compare(a.Until, b.Since+1) }) {
			t.Fatalf("versions of %s: %+v", name, all)
		}
	}
}

// TestForgottenIsLet keeps what is forgotten from being held in memory for ever.
func TestForgottenIsLet(t *testing.T) {
	var line Line[int]
	var queue Queue[int]
	for i := range 100_000 {
		line = line.Add(Version[int]{uint64(i), uint64(i + 1), i})
		line = line.Forget(uint64(i - min(i, 100)))
		queue.Push(i)
		queue.Drop(queue.Len() - min(queue.Len(), 100))
	}
	if line.Len() != 101 || cap(line.versions)+line.forgotten > 400 {
		t.Errorf("a line of %d has room for %d and holds %d forgotten", line.Len(), cap(line.versions), line.forgotten)
	}
	if queue.Len() != 100 || cap(queue.blocks)+queue.let > 8 {
		t.Errorf("a queue of %d has room for %d blocks and holds %d that are over", queue.Len(), cap(queue.blocks), queue.let)
	}
	if line = line.Forget(Now); line.Len() != 0 || cap(line.versions) != 0 {
		t.Errorf("a line that is forgotten has room for %d", cap(line.versions))
	}
}

func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair struct {
			queue Queue[int]
			naive []int
		}
		var now pair
		var all []pair
		next := 0
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			for range rapid.SampledFrom([]int{0, 1, 100, 255, 256, 600}).Draw(t, "push") {
				now.queue.Push(next)
				now.naive = append(now.naive, next)
				next++
			}
			n := min(rapid.SampledFrom([]int{0, 0, 1, 200, 256, 2000}).Draw(t, "drop"), len(now.naive))
			now.queue.Drop(n)
			now.naive = now.naive[n:]
			all = append(all, pair{now.queue.Copy(), slices.Clone(now.naive)})
		}
		for i := range all {
			p := &all[i]
			if p.queue.Len() != len(p.naive) {
				t.Fatalf("%d things, want %d", p.queue.Len(), len(p.naive))
			}
			for j, want := range p.naive {
				if p.queue.At(j) != want || j%100 == 0 && p.queue.Search(func(n int) bool { return n >= want }) != j {
					t.Fatalf("%d at %d, want %d", p.queue.At(j), j, want)
				}
			}
		}
	})
}

func TestUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := btree.NewMap[string, int](0), btree.NewMap[string, bool](0)
		all := map[string]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "names") {
			name := fmt.Sprint(rapid.IntRange(10, 60).Draw(t, "name"))
			all[name] = true
			if rapid.Bool().Draw(t, "left") {
				a.Set(name, 1)
			} else {
				b.Set(name, true)
			}
		}
		from := fmt.Sprint(rapid.IntRange(10, 60).Draw(t, "from"))
		var want, got []string
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if name >= from {
				want = append(want, name)
			}
		}
		Union(a, b, from, func(name string) bool {
			got = append(got, name)
			return true
		})
		if !slices.Equal(got, want) {
			t.Fatalf("from %s: %v, want %v", from, got, want)
		}
	})
}
