// Package index finds what lies near a place at a time: entities by the cells of a quadtree, each a plain uint64, and by slots of time.
// It is quiet and replicated: whole numbers only, and trees that copy in constant time.
//
// # Cells
//
// A cell is named as S2 names its cells: three bits of face, two bits for each level down to 30, a one, and zeros. So the
// cells below a cell are one range of numbers, and the one above is found by moving the one. The arithmetic here holds for
// S2's cells and for the tiles that this package lays over longitude and latitude.
//
// # Tiles
//
// Tiles covers boxes by cells of a quadtree over the plane of longitude and latitude, in integers, so that a replicated
// machine can compute the covering itself and need not trust one that came from outside. Level 0 is one square of 2^32
// units of 1e-7 degree; all tiles have face 0.
//
// # Slots
//
// Time is cut into slots of 2^42 ns (73 minutes), and of twice, four times, ... that length. A thing is put into the one or two slots of
// the shortest length that is longer than it lasts. A question looks into the slots of each length that it meets, so that it costs
// by what there is in its time, however many days are held.
package index
