package index

import (
	"iter"
	"math/bits"
	"slices"

	"github.com/tidwall/btree"
)

// groupSize is how many things share an entry.
const groupSize = 64

// entry says which things of a group are in a cell: thing number group*groupSize+i by bit i.
type entry struct {
	cell    uint64
	members uint64
	group   uint32
}

func (e entry) before(o entry) bool {
	return e.cell < o.cell || e.cell == o.cell && e.group < o.group
}

// Index says which things are in which cells. A thing is a number of the caller's, best a small one, since a search takes a bit for
// each number up to the highest ever given. One goroutine may change an index; a Copy of it may be searched by any number.
type Index struct {
	tree *btree.BTreeG[entry]
	// levels counts the entries of each level, so that a search asks only where there is something.
	levels [MaxLevel + 1]int
	// groups is above all that there ever were.
	groups uint32
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

// Insert puts a thing into cells, which must be valid.
func (x *Index) Insert(thing uint32, cells []uint64) {
	group, bit := thing/groupSize, uint64(1)<<(thing%groupSize)
	x.groups = max(x.groups, group+1)
	for _, c := range cells {
		e, there := x.tree.Get(entry{cell: c, group: group})
		if !there {
			e = entry{cell: c, group: group}
			x.levels[Level(c)]++
		}
		if e.members&bit == 0 {
			e.members |= bit
			x.tree.Set(e)
		}
	}
}

// Remove takes a thing out of cells.
func (x *Index) Remove(thing uint32, cells []uint64) {
	group, bit := thing/groupSize, uint64(1)<<(thing%groupSize)
	for _, c := range cells {
		e, there := x.tree.Get(entry{cell: c, group: group})
		switch {
		case !there || e.members&bit == 0:
		case e.members == bit:
			x.tree.Delete(e)
			x.levels[Level(c)]--
		default:
			e.members &^= bit
			x.tree.Set(e)
		}
	}
}

// Move takes a thing from some cells to others, both sorted and each once. What stays where it is costs nothing.
func (x *Index) Move(thing uint32, from, to []uint64) {
	if slices.Equal(from, to) {
		return
	}
	for i, c := range from {
		if _, stays := slices.BinarySearch(to, c); !stays {
			x.Remove(thing, from[i:i+1])
		}
	}
	for i, c := range to {
		if _, was := slices.BinarySearch(from, c); !was {
			x.Insert(thing, to[i:i+1])
		}
	}
}

// Search gives, in order and each once, what is in a cell that holds one of the given cells or is held by one. The cells must be
// valid.
func (x *Index) Search(cells []uint64) iter.Seq[uint32] {
	found := make([]uint64, x.groups)
	within := func(first, last uint64) {
		x.tree.Ascend(entry{cell: first}, func(e entry) bool {
			if e.cell > last {
				return false
			}
			found[e.group] |= e.members
			return true
		})
	}
	for _, c := range cells {
		within(Range(c))
	}
	for _, c := range x.above(cells) {
		within(c, c)
	}
	return func(yield func(uint32) bool) {
		for group, members := range found {
			for ; members != 0; members &= members - 1 {
				if !yield(uint32(group*groupSize + bits.TrailingZeros64(members))) {
					return
				}
			}
		}
	}
}

// above gives the cells above the given ones at levels where the index holds anything.
func (x *Index) above(cells []uint64) []uint64 {
	var above []uint64
	for level, n := range x.levels {
		if n == 0 {
			continue
		}
		begin := len(above)
		for _, c := range cells {
			if level >= Level(c) {
				continue
			}
			// The cells are sorted in all coverings made here, so that equal ones above follow one another.
			if p := Parent(c, level); len(above) == begin || above[len(above)-1] != p {
				above = append(above, p)
			}
		}
	}
	return above
}
