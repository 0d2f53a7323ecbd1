package index

import (
	"slices"

	"onevoice/geo"
)

const (
	// MaxTiles bounds a covering. More would find a little less that is not there, and cost more at each change.
	MaxTiles = 64
	// maxFineTiles bounds that of a question, for which all that is found in vain is a look into far memory.
	maxFineTiles = 2 * 8 * 8

	turnE7    = 3_600_000_000
	halfE7    = turnE7 / 2
	quarterE7 = turnE7 / 4
)

// Grain says how closely boxes are covered. A level 10 tile is 0.42 degree, 47 km of latitude, some minutes of flight; one of level 13 is
// 5.9 km.
type Grain uint8

const (
	// Coarse is for paths and sectors, which are long and large and change together.
	Coarse Grain = iota
	// Small is for volumes of a flight: few tiles, so that they are cheap to hold.
	Small
	// Fine is for questions, which are not held: close, so that little is found in vain.
	Fine
)

// tiles gives the level of the smallest tiles, and how many of them a box is at most covered by in each direction.
func (g Grain) tiles() (finest int, across uint64) {
	switch g {
	case Small:
		return 13, 2
	case Fine:
		return 13, 8
	}
	return 10, 4
}

// Tiles covers boxes: every place that lies in one of them lies in one of the cells returned. These are sorted, none holds
// another, and there are at most MaxTiles, of Fine twice as many. Two boxes that have a place in common have cells of which one holds the other,
// whatever the grains that they were covered with.
func Tiles(boxes []geo.BBox, g Grain) []uint64 {
	cells := make([]uint64, 0, MaxTiles)
	last := box{side: -1}
	for _, b := range boxes {
		both, n := parts(b)
		for _, part := range both[:n] {
			// Neighbouring legs of a path mostly lie in the same tiles.
			if t := part.tiles(g); t != last {
				cells = t.appendCells(cells)
				last = t
			}
		}
	}
	cells = Normalize(cells)
	most := MaxTiles
	if g == Fine {
		most = maxFineTiles
	}
	finest, _ := g.tiles()
	for level := finest - 1; len(cells) > most; level-- {
		for i, c := range cells {
			cells[i] = Parent(c, min(level, Level(c)))
		}
		cells = Normalize(cells)
	}
	return slices.Clone(cells) // of its own length: it is kept as long as what it covers
}

// Normalize sorts cells, in place, and leaves out those that another one holds.
func Normalize(cells []uint64) []uint64 {
	slices.Sort(cells)
	out := cells[:0]
	for _, c := range cells {
		first, last := Range(c)
		if n := len(out); n > 0 && Holds(out[n-1], c) {
			continue
		}
		for n := len(out); n > 0 && out[n-1] >= first && out[n-1] <= last; n-- {
			out = out[:n-1]
		}
		out = append(out, c)
	}
	return out
}

// box is an area of the plane that does not go over its edges, or, with a side, the columns and rows of tiles that meet it;
// a side is the length of a tile's side as a power of two.
type box struct {
	x0, y0, x1, y1 uint64
	side           int
}

// parts lays a box out in the plane, in one or two pieces.
func parts(b geo.BBox) (pieces [2]box, n int) {
	y0 := uint64(min(max(b.MinLat+quarterE7, 0), 2*quarterE7))
	y1 := uint64(min(max(b.MaxLat+quarterE7, 0), 2*quarterE7))
	if b.MaxLon-b.MinLon >= turnE7 {
		return [2]box{{x0: 0, y0: y0, x1: turnE7 - 1, y1: y1}}, 1
	}
	x0, x1 := around(b.MinLon), around(b.MaxLon)
	if x0 > x1 {
		return [2]box{{x0: x0, y0: y0, x1: turnE7 - 1, y1: y1}, {x0: 0, y0: y0, x1: x1, y1: y1}}, 2
	}
	return [2]box{{x0: x0, y0: y0, x1: x1, y1: y1}}, 1
}

// around is the column of a longitude, counted from the antimeridian.
func around(lon int64) uint64 {
	x := (lon + halfE7) % turnE7
	if x < 0 {
		x += turnE7
	}
	return uint64(x)
}

// tiles gives the tiles of a grain that meet the box.
func (b box) tiles(g Grain) box {
	finest, across := g.tiles()
	side := 32 - finest
	for b.x1>>side-b.x0>>side >= across || b.y1>>side-b.y0>>side >= across {
		side++
	}
	return box{b.x0 >> side, b.y0 >> side, b.x1 >> side, b.y1 >> side, side}
}

func (b box) appendCells(cells []uint64) []uint64 {
	// A cell at level L is named by 2*L bits of position and a one. The side is 2^(32-L).
	shift := 2 * (b.side - 2)
	for y := b.y0; y <= b.y1; y++ {
		for x := b.x0; x <= b.x1; x++ {
			cells = append(cells, (spread(x)|spread(y)<<1)<<(shift+1)|1<<shift)
		}
	}
	return cells
}

// spread puts a zero above each of the low 30 bits.
func spread(v uint64) uint64 {
	v &= 1<<30 - 1
	v = (v | v<<16) & 0x0000_ffff_0000_ffff
	v = (v | v<<8) & 0x00ff_00ff_00ff_00ff
	v = (v | v<<4) & 0x0f0f_0f0f_0f0f_0f0f
	v = (v | v<<2) & 0x3333_3333_3333_3333
	v = (v | v<<1) & 0x5555_5555_5555_5555
	return v
}
