package utm

import (
	"math"
	"slices"
)

// maxNs is the end of all time.
const maxNs = math.MaxInt64

// covers says whether all of another extent lies in this one.
func (x *Extent) covers(o *Extent) bool {
	if x.FloorCm > o.FloorCm || x.CeilingCm < o.CeilingCm || x.BeginNs > o.BeginNs || x.EndNs < o.EndNs || len(o.Cells) > len(x.Cells) {
		return false
	}
	rest := x.Cells
	for _, c := range o.Cells {
		i, there := slices.BinarySearch(rest, c)
		if !there {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

// union is the least extent that covers both.
func (x *Extent) union(o *Extent) Extent {
	cells := slices.Concat(x.Cells, o.Cells)
	slices.Sort(cells)
	return Extent{
		Cells: slices.Clip(slices.Compact(cells)), FloorCm: min(x.FloorCm, o.FloorCm), CeilingCm: max(x.CeilingCm, o.CeilingCm),
		BeginNs: min(x.BeginNs, o.BeginNs), EndNs: max(x.EndNs, o.EndNs),
	}
}
