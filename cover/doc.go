// Package cover makes, at the rim, what needs the round earth: coverings by S2 cells, and shapes whose edges follow great
// circles or circles turned into edges that are straight in longitude and latitude.
// It is quiet: plain functions, with floats; nothing replicated is computed here.
//
// Why a covering contains its shape: shapes are straight in longitude and latitude, the edges of S2 cells are not, so the
// two are never compared. A cell is left out only if the box of longitudes and latitudes that holds it (s2.Cell.RectBound,
// which allows for rounding) has no point in common with the shape, and that test is exact, in integers. Cells are found
// by dividing the six faces of the cube, so no point of a shape is without a cell.
//
// Great circles and circles are meant on the WGS84 ellipsoid, as positions from satellites are: the shortest ways, and the
// places within a distance by the shortest way. On a sphere a circle of 10 km would be up to 30 m wrong.
package cover

import (
	"fmt"
	"math"
	"slices"

	"github.com/golang/geo/s2"

	"onevoice/geo"
)

// MaxCells is the most cells of a covering; the six faces at least are always allowed.
const MaxCells = 64

// maxLevel is how fine cells become: 14 is about 600 m across.
const maxLevel = 14

// Polygon covers an area. The cells are sorted and none holds another. The error is a *geo.FieldError.
func Polygon(p geo.Polygon) ([]uint64, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return shape{geo.Prepare(p)}.cover(), nil
}

// shape is what a covering is of.
type shape struct{ *geo.Prepared }

// candidate is a cell that meets the shape.
type candidate struct {
	cell s2.Cell
	done bool // it may not be divided
}

func (s shape) cover() []uint64 {
	var cells []candidate
	for face := range 6 {
		cells = s.take(cells, s2.CellFromCellID(s2.CellIDFromFace(face)))
	}
	// The largest cell is divided as long as its parts have room: equal levels first, so that the covering is even.
	for level := 0; level < maxLevel; level++ {
		for i := 0; i < len(cells); {
			c := cells[i]
			if c.done || c.cell.Level() != level {
				i++
				continue
			}
			parts := s.divide(c.cell)
			if len(cells)-1+len(parts) > MaxCells {
				cells[i].done = true
				i++
				continue
			}
			cells = slices.Replace(cells, i, i+1, parts...)
			i += len(parts)
		}
	}
	union := make(s2.CellUnion, len(cells))
	for i, c := range cells {
		union[i] = c.cell.ID()
	}
	union.Normalize()
	out := make([]uint64, len(union))
	for i, id := range union {
		out[i] = uint64(id)
	}
	return out
}

func (s shape) divide(c s2.Cell) []candidate {
	var parts []candidate
	children, ok := c.Children()
	if !ok {
		return []candidate{{cell: c, done: true}}
	}
	for _, child := range children {
		parts = s.take(parts, child)
	}
	return parts
}

// take adds a cell if it meets the shape.
func (s shape) take(cells []candidate, c s2.Cell) []candidate {
	box := boxOf(c.RectBound())
	if !s.IntersectsBox(box) {
		return cells
	}
	return append(cells, candidate{cell: c, done: s.ContainsBox(box)})
}

// boxOf is a box in 1e-7 degrees that holds all of a rectangle: rounded outward, one unit further for the conversion.
func boxOf(r s2.Rect) geo.BBox {
	const turnE7 = 360e7
	down := func(rad float64) int64 { return int64(math.Floor(rad*180/math.Pi*1e7)) - 1 }
	up := func(rad float64) int64 { return int64(math.Ceil(rad*180/math.Pi*1e7)) + 1 }
	b := geo.BBox{MinLat: down(r.Lat.Lo), MaxLat: up(r.Lat.Hi), MinLon: down(r.Lng.Lo), MaxLon: up(r.Lng.Hi)}
	switch {
	case r.Lng.IsFull():
		b.MinLon, b.MaxLon = -turnE7/2, turnE7/2
	case r.Lng.IsInverted():
		b.MaxLon += turnE7
	}
	return b
}

func wrong(field, value, allowed string) error {
	return &geo.FieldError{Field: field, Value: value, Allowed: allowed}
}

func metres(cm int64) string { return fmt.Sprintf("%.2f m", float64(cm)/100) }
