package index

import "math/bits"

const (
	// MaxLevel is the level of the smallest cells.
	MaxLevel = 30
	// faces is how many faces S2's cube has.
	faces = 6
	// faceShift is where the three bits of face begin.
	faceShift = 61
)

// Valid reports whether a number names a cell: a face below six and its lowest one bit at an even place.
func Valid(cell uint64) bool {
	return cell>>faceShift < faces && lowest(cell)&0x1555_5555_5555_5555 != 0
}

// Level is the level of a cell, 0 for a whole face to MaxLevel. The cell must be valid.
func Level(cell uint64) int { return MaxLevel - bits.TrailingZeros64(cell)/2 }

// Parent is the cell of a level, 0 to Level(cell), that holds the cell.
func Parent(cell uint64, level int) uint64 {
	one := uint64(1) << (2 * (MaxLevel - level))
	return cell&-one | one
}

// Range gives the lowest and highest cell that the cell holds, itself included.
func Range(cell uint64) (first, last uint64) {
	below := lowest(cell) - 1
	return cell - below, cell + below
}

// Holds reports whether a cell holds another one or is it.
func Holds(cell, other uint64) bool {
	first, last := Range(cell)
	return first <= other && other <= last
}

func lowest(cell uint64) uint64 { return cell & -cell }
