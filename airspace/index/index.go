package index

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/tidwall/btree"
)

// groupSize is how many things share an entry.
const groupSize = 64

// entry says which things of a group are in a cell at a time: thing number group*groupSize+i by bit i.
type entry struct {
	cell    uint64
	members uint64
	slot    slot
	group   uint32
}

func (e entry) before(o entry) bool {
	if e.slot != o.slot {
		return e.slot < o.slot
	}
	return e.cell < o.cell || e.cell == o.cell && e.group < o.group
}

// Index says which things are in which cells, and when. A thing is a number of the caller's. One goroutine may change an index; a Copy
// of it may be searched by any number.
type Index struct {
	tree *btree.BTreeG[entry]
	// levels counts the entries of each level of cells, slots those of each level of slots, so that a search asks only where there is
	// something.
	levels [MaxLevel + 1]int
	slots  [slotLevels]int
}

// New makes an empty index.
func New() *Index {
	return &Index{tree: btree.NewBTreeGOptions(entry.before, btree.Options{NoLocks: true, Degree: 16})}
}

// Copy gives an index of its own with the same entries, in constant time: the trees are shared until one of them changes.
// It belongs to the goroutine that changes x.
func (x *Index) Copy() *Index {
	c := *x
	c.tree = x.tree.Copy()
	return &c
}

// Len is how many entries there are: none where nothing is in any cell.
func (x *Index) Len() int { return x.tree.Len() }

// Insert puts a thing into cells, which must be valid, for a time.
func (x *Index) Insert(thing uint32, at Time, cells []uint64) {
	for s, last := at.slots(); s <= last; s++ {
		for _, c := range cells {
			x.insert(thing, s, c)
		}
	}
}

func (x *Index) insert(thing uint32, s slot, cell uint64) {
	e, there := x.tree.Get(entry{slot: s, cell: cell, group: thing / groupSize})
	if !there {
		e = entry{slot: s, cell: cell, group: thing / groupSize}
		x.levels[Level(cell)]++
		x.slots[s.level()]++
	}
	if bit := uint64(1) << (thing % groupSize); e.members&bit == 0 {
		e.members |= bit
		x.tree.Set(e)
	}
}

// Remove takes a thing out of cells where it was put for that time.
func (x *Index) Remove(thing uint32, at Time, cells []uint64) {
	for s, last := at.slots(); s <= last; s++ {
		for _, c := range cells {
			x.remove(thing, s, c)
		}
	}
}

func (x *Index) remove(thing uint32, s slot, cell uint64) {
	e, there := x.tree.Get(entry{slot: s, cell: cell, group: thing / groupSize})
	bit := uint64(1) << (thing % groupSize)
	switch {
	case !there || e.members&bit == 0:
	case e.members == bit:
		x.tree.Delete(e)
		x.levels[Level(cell)]--
		x.slots[s.level()]--
	default:
		e.members &^= bit
		x.tree.Set(e)
	}
}

// Move takes a thing from some cells and a time to others, the cells of both sorted and each once. What stays where it is costs nothing:
// mostly all of it, where a plan moves a little.
func (x *Index) Move(thing uint32, was Time, from []uint64, is Time, to []uint64) {
	first, last := was.slots()
	begin, end := is.slots()
	same := slices.Equal(from, to)
	if same && first == begin && last == end {
		return
	}
	for s := first; s <= last; s++ {
		for _, c := range from {
			if s < begin || s > end || !same && !holds(to, c) {
				x.remove(thing, s, c)
			}
		}
	}
	for s := begin; s <= end; s++ {
		for _, c := range to {
			if s < first || s > last || !same && !holds(from, c) {
				x.insert(thing, s, c)
			}
		}
	}
}

func holds(cells []uint64, c uint64) bool {
	_, there := slices.BinarySearch(cells, c)
	return there
}

// Search calls yield with what is in a cell that holds one of the given cells or is held by one, at a time that has an instant in common
// with at as far as slots can tell: each thing once, in no order that means anything, until yield wants no more. The cells must be valid,
// and sorted, and none may hold another.
//
// The cost is that of the entries found, and of one descent for each slot and stretch of cells, or for each entry where those are fewer.
func (x *Index) Search(cells []uint64, at Time, yield func(thing uint32) bool) {
	if len(cells) == 0 {
		return
	}
	var room [256]stretch
	w := walk{stretches: x.stretches(room[:0], cells)}
	for level, n := range x.slots {
		if n > 0 {
			w.first, w.last = at.slotsOf(level)
			w.run(x.tree)
		}
	}
	w.found.each(yield)
}

// stretch is a range of cells, both ends in it.
type stretch struct{ first, last uint64 }

// stretches gives the ranges to look through for cells: those below each, and the cells above at levels where there is anything.
func (x *Index) stretches(list []stretch, cells []uint64) []stretch {
	for i, c := range cells {
		first, last := Range(c)
		list = append(list, stretch{first, last})
		for level := Level(c) - 1; level >= 0; level-- {
			p := Parent(c, level)
			if i > 0 && Level(cells[i-1]) > level && Parent(cells[i-1], level) == p {
				break // as are all above it
			}
			if x.levels[level] > 0 {
				list = append(list, stretch{p, p})
			}
		}
	}
	slices.SortFunc(list, func(a, b stretch) int { return cmp.Compare(a.first, b.first) })
	out := list[:1]
	for _, s := range list[1:] {
		// Between the last cell below one and the first below its neighbour there is only one that holds both.
		if last := &out[len(out)-1]; s.first-last.last <= 2 {
			last.last = s.last
		} else {
			out = append(out, s)
		}
	}
	return out
}

// walk looks through stretches of cells in each of some slots, from entry to entry.
type walk struct {
	stretches   []stretch
	first, last slot
	found       found
	hint        btree.PathHint
}

func (w *walk) run(tree *btree.BTreeG[entry]) {
	next, more := entry{slot: w.first, cell: w.stretches[0].first}, true
	for more {
		more = false
		at, i := next.slot, 0
		tree.AscendHint(next, func(e entry) bool {
			if e.slot > w.last {
				return false
			}
			if e.slot != at || e.cell > w.stretches[i].last {
				at, i = e.slot, w.after(e.cell)
			}
			switch {
			case i == len(w.stretches):
				next, more = entry{slot: at + 1, cell: w.stretches[0].first}, at < w.last
				return false
			case e.cell < w.stretches[i].first:
				next, more = entry{slot: at, cell: w.stretches[i].first}, true
				return false
			}
			w.found.add(e.group, e.members)
			return true
		}, &w.hint)
	}
}

// after is the first stretch that does not end before a cell.
func (w *walk) after(cell uint64) int {
	i, _ := slices.BinarySearchFunc(w.stretches, cell, func(s stretch, c uint64) int {
		if s.last < c {
			return -1
		}
		return 1
	})
	return i
}

// found joins the members of groups as they are met: a table of open places, so that it costs by what is found and not by what is held.
type found struct {
	groups  []uint32 // and one, 0 for an open place
	members []uint64
	n       int
}

func (f *found) add(group uint32, members uint64) {
	if 4*f.n >= 3*len(f.groups) {
		f.grow()
	}
	i := f.place(group)
	if f.groups[i] == 0 {
		f.groups[i] = group + 1
		f.n++
	}
	f.members[i] |= members
}

// place is where a group is or would be.
func (f *found) place(group uint32) int {
	mask := len(f.groups) - 1
	i := int(group*2_654_435_769>>(32-bits.Len(uint(mask)))) & mask
	for f.groups[i] != 0 && f.groups[i] != group+1 {
		i = (i + 1) & mask
	}
	return i
}

func (f *found) grow() {
	old := *f
	size := max(64, 4*len(f.groups))
	f.groups, f.members = make([]uint32, size), make([]uint64, size)
	for i, g := range old.groups {
		if g != 0 {
			at := f.place(g - 1)
			f.groups[at], f.members[at] = g, old.members[i]
		}
	}
}

func (f *found) each(yield func(uint32) bool) {
	for i, g := range f.groups {
		for members := f.members[i]; members != 0; members &= members - 1 {
			if !yield((g-1)*groupSize + uint32(bits.TrailingZeros64(members))) {
				return
			}
		}
	}
}
