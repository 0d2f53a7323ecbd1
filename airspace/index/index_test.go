package index

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
)

// TestCellsAreS2s holds the arithmetic against cells of two places as the S2 library gives them.
func TestCellsAreS2s(t *testing.T) {
	for _, place := range [][]struct {
		cell        uint64
		level       int
		first, last uint64
	}{
		{
			{0x47907556b12fc249, 30, 0x47907556b12fc249, 0x47907556b12fc249},
			{0x4790755400000000, 13, 0x4790755000000001, 0x47907557ffffffff},
			{0x4794000000000000, 5, 0x4790000000000001, 0x4797ffffffffffff},
			{0x5000000000000000, 0, 0x4000000000000001, 0x5fffffffffffffff},
		},
		{
			{0x6b12b1c598ad7f87, 30, 0x6b12b1c598ad7f87, 0x6b12b1c598ad7f87},
			{0x6b12b1c400000000, 13, 0x6b12b1c000000001, 0x6b12b1c7ffffffff},
			{0x6b14000000000000, 5, 0x6b10000000000001, 0x6b17ffffffffffff},
			{0x7000000000000000, 0, 0x6000000000000001, 0x7fffffffffffffff},
		},
	} {
		leaf := place[0].cell
		for _, c := range place {
			first, last := Range(c.cell)
			if !Valid(c.cell) || Level(c.cell) != c.level || Parent(leaf, c.level) != c.cell || first != c.first || last != c.last {
				t.Errorf("%#x: valid %v, level %d, above the leaf %#x, range %#x..%#x", c.cell, Valid(c.cell), Level(c.cell), Parent(leaf, c.level), first, last)
			}
			if !Holds(c.cell, leaf) || c.level < 30 && Holds(leaf, c.cell) {
				t.Errorf("%#x holds its leaf: %v", c.cell, Holds(c.cell, leaf))
			}
		}
	}
	for _, bad := range []uint64{0, 2, 1 << 59, 6<<61 | 1, 7<<61 | 1<<60, 1 << 61} {
		if Valid(bad) {
			t.Errorf("%#x is valid", bad)
		}
	}
}

// drawBox makes boxes of all sizes, in and beyond the turn, often near the antimeridian and the poles.
func drawBox(t *rapid.T) geo.BBox {
	size := rapid.SampledFrom([]int64{0, 1, 1000, 4_194_304, 10_000_000, 900_000_000, 4_000_000_000})
	lat := rapid.SampledFrom([]int64{-900_000_000, 0, 470_000_000, 900_000_000}).Draw(t, "lat") + rapid.Int64Range(-5_000_000, 5_000_000).Draw(t, "south")
	lon := rapid.SampledFrom([]int64{-1_800_000_000, 0, 80_000_000, 1_800_000_000, 3_600_000_000}).Draw(t, "lon") + rapid.Int64Range(-5_000_000, 5_000_000).Draw(t, "west")
	return geo.BBox{MinLat: lat, MinLon: lon, MaxLat: lat + size.Draw(t, "height"), MaxLon: lon + size.Draw(t, "width")}
}

func clip(b geo.BBox) geo.BBox {
	b.MinLat, b.MaxLat = min(max(b.MinLat, -quarterE7), quarterE7), min(max(b.MaxLat, -quarterE7), quarterE7)
	return b
}

func TestTilesCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := [2][]geo.BBox{}
		for i := range lists {
			for range rapid.IntRange(1, 40).Draw(t, "boxes") {
				lists[i] = append(lists[i], drawBox(t))
			}
		}
		a, b := Tiles(lists[0]), Tiles(lists[1])
		for _, cells := range [][]uint64{a, b} {
			if len(cells) > MaxTiles || len(cells) == 0 {
				t.Fatalf("%d tiles", len(cells))
			}
			for i, c := range cells {
				if !Valid(c) || i > 0 && (cells[i-1] >= c || Holds(cells[i-1], c) || Holds(c, cells[i-1])) {
					t.Fatalf("tiles %#x: not sorted, apart and valid", cells)
				}
			}
		}
		meet := slices.ContainsFunc(lists[0], func(p geo.BBox) bool {
			return slices.ContainsFunc(lists[1], func(q geo.BBox) bool { return clip(p).Meets(clip(q)) })
		})
		for _, p := range lists[0] {
			if at := drawPoint(t, clip(p)); !share(Tiles([]geo.BBox{at}), a) {
				t.Fatalf("%+v lies in a box, but not in %#x", at, a)
			}
		}
		if meet && !share(a, b) {
			t.Fatalf("boxes meet, but no tile of one holds one of the other: %#x and %#x", a, b)
		}
	})
}

// drawPoint takes a point of a box, often a corner.
func drawPoint(t *rapid.T, b geo.BBox) geo.BBox {
	lat, lon := rapid.Int64Range(b.MinLat, b.MaxLat).Draw(t, "point lat"), rapid.Int64Range(b.MinLon, b.MaxLon).Draw(t, "point lon")
	return geo.BBox{MinLat: lat, MaxLat: lat, MinLon: lon, MaxLon: lon}
}

func share(a, b []uint64) bool {
	return slices.ContainsFunc(a, func(p uint64) bool {
		return slices.ContainsFunc(b, func(q uint64) bool { return Holds(p, q) || Holds(q, p) })
	})
}

// TestManyBoxes has more boxes than there may be tiles.
func TestManyBoxes(t *testing.T) {
	var boxes []geo.BBox
	for i := range int64(300) {
		lat, lon := i*7_919_777%1_700_000_000-850_000_000, i*104_729_333%3_600_000_000-1_800_000_000
		boxes = append(boxes, geo.BBox{MinLat: lat, MinLon: lon, MaxLat: lat + 1_000_000, MaxLon: lon + 1_000_000})
	}
	tiles := Tiles(boxes)
	if len(tiles) > MaxTiles || len(tiles) < MaxTiles/8 {
		t.Errorf("%d tiles", len(tiles))
	}
	for _, b := range boxes {
		if !share(tiles, Tiles([]geo.BBox{b})) {
			t.Errorf("%+v is not covered", b)
		}
	}
}

// TestTilesAreSmall keeps a covering from being right by being the whole world.
func TestTilesAreSmall(t *testing.T) {
	zurich := geo.BBox{MinLat: 474_000_000, MinLon: 85_000_000, MaxLat: 475_000_000, MaxLon: 86_000_000}
	tiles := Tiles([]geo.BBox{zurich})
	if len(tiles) > 4 || Level(tiles[0]) != finestTile {
		t.Errorf("a box of 0.1 degree has %d tiles of level %d", len(tiles), Level(tiles[0]))
	}
	geneva := geo.BBox{MinLat: 462_000_000, MinLon: 61_000_000, MaxLat: 462_500_000, MaxLon: 61_500_000}
	if share(tiles, Tiles([]geo.BBox{geneva})) {
		t.Errorf("Zurich and Geneva share a tile")
	}
}

func drawCells(t *rapid.T) []uint64 {
	cells := map[uint64]bool{}
	for range rapid.IntRange(1, 6).Draw(t, "cells") {
		leaf := 2<<61 | rapid.Uint64Range(0, 63).Draw(t, "place")<<49 | 1
		cells[Parent(leaf, rapid.SampledFrom([]int{0, 3, 4, 5, 30}).Draw(t, "level"))] = true
	}
	return slices.Sorted(maps.Keys(cells))
}

// TestSearch compares with looking at every entry, while copies stay as they were.
func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, naive := New(), map[string][]uint64{}
		var old *Index
		var oldAnswer []string
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "id"))
			x.Remove(id, naive[id])
			delete(naive, id)
			if rapid.Bool().Draw(t, "insert") {
				naive[id] = drawCells(t)
				x.Insert(id, naive[id], 10, 20)
			}
			asked := drawCells(t)
			want := []string{}
			for _, id := range slices.Sorted(maps.Keys(naive)) {
				if share(naive[id], asked) {
					want = append(want, id)
				}
			}
			if got := x.Search(asked, 0, 100); !slices.Equal(got, want) {
				t.Fatalf("found %v, want %v", got, want)
			}
			if i == 0 {
				old, oldAnswer = x.Copy(), x.Search([]uint64{5 << 60}, 0, 100)
			}
		}
		if got := old.Search([]uint64{5 << 60}, 0, 100); !slices.Equal(got, oldAnswer) {
			t.Fatalf("a copy changed from %v to %v", oldAnswer, got)
		}
	})
}

func TestSearchByTime(t *testing.T) {
	x := New()
	x.Insert("a", []uint64{5 << 60}, 10, 20)
	for _, c := range []struct {
		from, to int64
		found    bool
	}{{0, 10, false}, {0, 11, true}, {20, 21, true}, {21, 22, false}} {
		if got := len(x.Search([]uint64{5 << 60}, c.from, c.to)) == 1; got != c.found {
			t.Errorf("%d to %d found: %v, want %v", c.from, c.to, got, c.found)
		}
	}
	if x.Len() != 1 {
		t.Errorf("%d entries", x.Len())
	}
}

// TestFixedFindsAsIndex asks a fixed set and a tree of the same things, the fixed one twice: a search leaves nothing behind.
func TestFixedFindsAsIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := New()
		covers := make([][]uint64, rapid.SampledFrom([]int{0, 1, 5, 64, 130}).Draw(t, "things"))
		for i := range covers {
			covers[i] = drawCells(t)
			tree.Insert(fmt.Sprintf("%03d", i), covers[i], 0, 1)
		}
		fixed := NewFixed(covers)
		for range 2 {
			asked := drawCells(t)
			got := []string{}
			for _, i := range fixed.Search(asked, nil) {
				got = append(got, fmt.Sprintf("%03d", i))
			}
			if want := tree.Search(asked, 0, 1); !slices.Equal(got, want) {
				t.Fatalf("found %v, want %v", got, want)
			}
		}
	})
}

// TestMove compares with taking out and putting in.
func TestMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := New()
		var at Place
		for range rapid.IntRange(1, 8).Draw(t, "moves") {
			to := Place{Cells: drawCells(t), FromNs: rapid.Int64Range(0, 1).Draw(t, "from"), ToNs: rapid.Int64Range(2, 3).Draw(t, "to")}
			if rapid.Bool().Draw(t, "stay") && at.Cells != nil {
				to.Cells = at.Cells
			}
			x.Move("a", at, to)
			at = to
			want := New()
			want.Insert("a", to.Cells, to.FromNs, to.ToNs)
			if got := slices.Collect(entries(x)); !slices.Equal(got, slices.Collect(entries(want))) || x.levels != want.levels {
				t.Fatalf("%v after moving to %v", got, to)
			}
		}
	})
}

func entries(x *Index) iter.Seq[Entry] {
	return func(yield func(Entry) bool) { x.tree.Scan(yield) }
}
