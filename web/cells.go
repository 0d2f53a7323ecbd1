package web

import (
	"cmp"
	"slices"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/geo"
)

// sectorCells covers all volumes of a sector, in cells as a command holds them: sorted, none inside another, and few enough.
// Volumes that do not pass their checks have no covering; the command is refused for them anyway.
func sectorCells(volumes []geo.Polygon) []uint64 {
	var cells []uint64
	for i := range volumes {
		more, err := cover.Polygon(volumes[i])
		if err != nil {
			return nil
		}
		cells = union(append(cells, more...), airspace.MaxCells)
	}
	return cells
}

// lowest is the lowest set bit of an S2 cell's number, which says how large the cell is.
func lowest(cell uint64) uint64 { return cell & -cell }

// union sorts cells and leaves out those inside others. While there are more than most, the smallest give way to the cells
// that hold them, so that it still covers the same.
func union(cells []uint64, most int) []uint64 {
	cells = outermost(cells)
	for len(cells) > most {
		smallest := lowest(slices.MinFunc(cells, func(a, b uint64) int { return cmp.Compare(lowest(a), lowest(b)) }))
		for i, c := range cells {
			if parent := smallest << 2; lowest(c) == smallest {
				cells[i] = c&-parent | parent
			}
		}
		cells = outermost(cells)
	}
	return cells
}

// outermost sorts cells and leaves out those inside others. A cell holds the numbers around its own up to its lowest bit.
func outermost(cells []uint64) []uint64 {
	first := func(c uint64) uint64 { return c - (lowest(c) - 1) }
	slices.SortFunc(cells, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(lowest(b), lowest(a)))
	})
	kept := cells[:0]
	for _, c := range cells {
		if n := len(kept); n > 0 && c <= kept[n-1]+(lowest(kept[n-1])-1) {
			continue
		}
		kept = append(kept, c)
	}
	return kept
}
