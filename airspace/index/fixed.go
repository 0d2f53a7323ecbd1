package index

import (
	"cmp"
	"math/bits"
	"slices"
)

// Fixed finds things by place as Index does, of a set that does not change: a few sorted arrays, which cost a tenth to ask. A thing is
// named by its place in the list that the set was made of. One goroutine uses it.
type Fixed struct {
	// cells are those with things, sorted; the things in cells[i] are things[begin[i]:begin[i+1]].
	cells  []uint64
	begin  []int32
	things []int32
	levels []int    // those of the cells, from the largest
	found  []uint64 // a bit for each thing, all zero between two searches
}

// NewFixed makes the set whose i-th thing is in the cells of covers[i]. The cells must be valid, and each once in its list.
func NewFixed(covers [][]uint64) *Fixed {
	type entry struct {
		cell  uint64
		thing int32
	}
	var entries []entry
	var held [MaxLevel + 1]bool
	for i, cells := range covers {
		for _, c := range cells {
			entries = append(entries, entry{c, int32(i)})
			held[Level(c)] = true
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.thing, b.thing)) })
	x := &Fixed{things: make([]int32, len(entries)), found: make([]uint64, (len(covers)+63)/64)}
	for i, e := range entries {
		if i == 0 || e.cell != entries[i-1].cell {
			x.cells, x.begin = append(x.cells, e.cell), append(x.begin, int32(i))
		}
		x.things[i] = e.thing
	}
	x.begin = append(x.begin, int32(len(entries)))
	for level, is := range held {
		if is {
			x.levels = append(x.levels, level)
		}
	}
	return x
}

// Search appends to into, in order and each once, what is in a cell that holds one of the given cells or is held by one. The cells
// must be valid.
func (x *Fixed) Search(cells []uint64, into []int32) []int32 {
	for i, c := range cells {
		first, last := Range(c)
		x.mark(first, last)
		for _, level := range x.levels {
			if level >= Level(c) {
				break
			}
			// Neighbours mostly have the same cell above them.
			if above := Parent(c, level); i == 0 || level >= Level(cells[i-1]) || above != Parent(cells[i-1], level) {
				x.mark(above, above)
			}
		}
	}
	for word, b := range x.found {
		for ; b != 0; b &= b - 1 {
			into = append(into, int32(word*64+bits.TrailingZeros64(b)))
		}
		x.found[word] = 0
	}
	return into
}

// mark notes what is in the cells from first to last.
func (x *Fixed) mark(first, last uint64) {
	i, _ := slices.BinarySearch(x.cells, first)
	for ; i < len(x.cells) && x.cells[i] <= last; i++ {
		for _, thing := range x.things[x.begin[i]:x.begin[i+1]] {
			x.found[thing/64] |= 1 << (thing % 64)
		}
	}
}
