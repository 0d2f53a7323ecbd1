package index

import (
	"slices"

	"github.com/tidwall/btree"
)

// Entry says that something is in a cell during [FromNs, ToNs].
type Entry struct {
	Cell         uint64
	ID           string
	FromNs, ToNs int64
}

// Index holds entries sorted by (Cell, ID). One goroutine may change it; a Copy of it may be searched by any number.
type Index struct {
	tree *btree.BTreeG[Entry]
	// levels counts the entries of each level, so that a search asks only where there is something.
	levels [MaxLevel + 1]int
}

// New makes an empty index.
func New() *Index {
	return &Index{tree: btree.NewBTreeGOptions(before, btree.Options{NoLocks: true, Degree: 16})}
}

func before(a, b Entry) bool {
	if a.Cell != b.Cell {
		return a.Cell < b.Cell
	}
	return a.ID < b.ID
}

// Copy gives an index of its own with the same entries, in constant time: the trees are shared until one of them changes.
// It belongs to the goroutine that changes x.
func (x *Index) Copy() *Index {
	c := *x
	c.tree = x.tree.Copy()
	return &c
}

// Len is the number of entries.
func (x *Index) Len() int { return x.tree.Len() }

// Insert adds an entry of id for each cell, or replaces its times where it is there. The cells must be valid.
func (x *Index) Insert(id string, cells []uint64, fromNs, toNs int64) {
	for _, c := range cells {
		if _, replaced := x.tree.Set(Entry{c, id, fromNs, toNs}); !replaced {
			x.levels[Level(c)]++
		}
	}
}

// Remove takes the entries of id out of the cells.
func (x *Index) Remove(id string, cells []uint64) {
	for _, c := range cells {
		if _, found := x.tree.Delete(Entry{Cell: c, ID: id}); found {
			x.levels[Level(c)]--
		}
	}
}

// Place is where and when something is: sorted cells, each once, and the times of their entries.
type Place struct {
	Cells        []uint64
	FromNs, ToNs int64
}

// Move makes the entries of id those of to, where they were those of from. What stays as it is costs nothing.
func (x *Index) Move(id string, from, to Place) {
	for i, c := range from.Cells {
		if _, stays := slices.BinarySearch(to.Cells, c); !stays {
			x.Remove(id, from.Cells[i:i+1])
		}
	}
	same := from.FromNs == to.FromNs && from.ToNs == to.ToNs
	for i, c := range to.Cells {
		if _, was := slices.BinarySearch(from.Cells, c); !was || !same {
			x.Insert(id, to.Cells[i:i+1], to.FromNs, to.ToNs)
		}
	}
}

// Search gives the identifiers, sorted and each once, of what is in a cell that holds one of the given cells or is held by
// one, at some instant of [fromNs, toNs). The cells must be valid.
func (x *Index) Search(cells []uint64, fromNs, toNs int64) []string {
	var ids []string
	within := func(first, last uint64) {
		x.tree.Ascend(Entry{Cell: first}, func(e Entry) bool {
			if e.Cell > last {
				return false
			}
			if e.FromNs < toNs && e.ToNs >= fromNs {
				ids = append(ids, e.ID)
			}
			return true
		})
	}
	for _, c := range cells {
		within(Range(c))
	}
	for _, c := range x.above(cells) {
		within(c, c)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
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
