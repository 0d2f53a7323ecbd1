package index

import (
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
		grain := rapid.SampledFrom([]Grain{Coarse, Small, Fine})
		a, b := Tiles(lists[0], grain.Draw(t, "grain")), Tiles(lists[1], grain.Draw(t, "grain"))
		for _, cells := range [][]uint64{a, b} {
			if len(cells) > maxFineTiles || len(cells) == 0 {
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
			if at := drawPoint(t, clip(p)); !share(Tiles([]geo.BBox{at}, Fine), a) {
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
	tiles := Tiles(boxes, Coarse)
	if len(tiles) > MaxTiles || len(tiles) < MaxTiles/8 {
		t.Errorf("%d tiles", len(tiles))
	}
	for _, b := range boxes {
		if !share(tiles, Tiles([]geo.BBox{b}, Fine)) {
			t.Errorf("%+v is not covered", b)
		}
	}
}

// TestTilesAreSmall keeps a covering from being right by being the whole world.
func TestTilesAreSmall(t *testing.T) {
	zurich := geo.BBox{MinLat: 474_000_000, MinLon: 85_000_000, MaxLat: 475_000_000, MaxLon: 86_000_000}
	geneva := geo.BBox{MinLat: 462_000_000, MinLon: 61_000_000, MaxLat: 462_500_000, MaxLon: 61_500_000}
	for _, g := range []struct {
		grain       Grain
		most, level int
	}{{Coarse, 4, 10}, {Small, 4, 12}, {Fine, 25, 13}} {
		tiles := Tiles([]geo.BBox{zurich}, g.grain)
		if len(tiles) > g.most || Level(tiles[0]) != g.level {
			t.Errorf("a box of 0.1 degree has %d tiles of level %d", len(tiles), Level(tiles[0]))
		}
		if share(tiles, Tiles([]geo.BBox{geneva}, g.grain)) {
			t.Errorf("Zurich and Geneva share a tile")
		}
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

const hour = int64(3_600_000_000_000)

// drawTime makes times of all lengths, mostly of one day, often with ends at those of slots.
func drawTime(t *rapid.T) Time {
	const slot = 1 << shortestSlot
	if rapid.IntRange(0, 9).Draw(t, "always") == 0 {
		return Always()
	}
	begin := rapid.SampledFrom([]int64{-hour, 0, 300_000 * slot, 400_000*hour + 1, 1 << 62}).Draw(t, "day") + rapid.Int64Range(0, 24).Draw(t, "slot")*slot/2
	length := rapid.SampledFrom([]int64{0, 1, hour / 2, slot - 1, slot, 2*slot - 1, 5 * hour, 1000 * hour}).Draw(t, "length")
	return Time{begin - rapid.Int64Range(0, 1).Draw(t, "early"), begin + length}
}

func (t Time) meets(o Time) bool { return t.FirstNs <= o.LastNs && o.FirstNs <= t.LastNs }

// filed is where a thing is, for one who looks at everything.
type filed struct {
	at    Time
	cells []uint64
}

// mayMeet says in another way than the index what slots can tell of times.
func (f filed) mayMeet(at Time) bool {
	first, last := f.at.slots()
	for s := first; s <= last; s++ {
		length := int64(1) << (shortestSlot + s.level())
		begin := int64(s&(1<<slotShift-1)) * length
		if begin <= max(at.LastNs, 0) && begin+length-1 >= max(at.FirstNs, 0) {
			return true
		}
	}
	return false
}

func search(x *Index, cells []uint64, at Time) []uint32 {
	list := []uint32{}
	x.Search(cells, at, func(n uint32) bool {
		list = append(list, n)
		return true
	})
	slices.Sort(list)
	return list
}

func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawTime(t), drawTime(t)
		first, last := a.slots()
		if last-first > 1 || first.level() != last.level() || first.level() >= slotLevels {
			t.Fatalf("%v is in slots %#x to %#x", a, first, last)
		}
		if a.meets(b) && !(filed{at: a}).mayMeet(b) {
			t.Fatalf("%v meets %v, but not its slots %#x to %#x", b, a, first, last)
		}
	})
}

// TestSearch moves things about and compares with looking at every one, while a copy stays as it was.
func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, naive := New(), map[uint32]filed{}
		var old *Index
		var oldAnswer []uint32
		world := []uint64{5 << 60}
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			thing := rapid.SampledFrom([]uint32{0, 1, 2, 62, 63, 64, 127, 128, 1000, 4_000_000}).Draw(t, "thing")
			was := naive[thing]
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				x.Remove(thing, was.at, was.cells)
				delete(naive, thing)
			case 1:
				is := filed{drawTime(t), drawCells(t)}
				if rapid.Bool().Draw(t, "stays") && was.cells != nil {
					is.cells = was.cells
				}
				x.Move(thing, was.at, was.cells, is.at, is.cells)
				naive[thing] = is
			case 2:
				is := filed{was.at, drawCells(t)}
				x.Insert(thing, is.at, is.cells)
				is.cells = slices.Compact(slices.Sorted(slices.Values(slices.Concat(was.cells, is.cells))))
				naive[thing] = is
			}
			asked, at := Normalize(drawCells(t)), drawTime(t)
			want := []uint32{}
			for _, thing := range slices.Sorted(maps.Keys(naive)) {
				if f := naive[thing]; share(f.cells, asked) && f.mayMeet(at) {
					want = append(want, thing)
				}
			}
			if got := search(x, asked, at); !slices.Equal(got, want) {
				t.Fatalf("found %v, want %v", got, want)
			}
			if i == 0 {
				old, oldAnswer = x.Copy(), search(x, world, Always())
			}
		}
		if got := search(old, world, Always()); !slices.Equal(got, oldAnswer) {
			t.Fatalf("a copy changed from %v to %v", oldAnswer, got)
		}
		for thing, f := range naive {
			x.Remove(thing, f.at, f.cells)
		}
		if x.Len() != 0 || x.levels != New().levels || x.slots != New().slots {
			t.Fatalf("%d entries, levels %v and slots %v are left of nothing", x.Len(), x.levels, x.slots)
		}
	})
}

// TestSearchMany has more groups than a table of found ones begins with.
func TestSearchMany(t *testing.T) {
	x := New()
	for n := range uint32(1000) {
		x.Insert(n*100, Time{int64(n) * hour, int64(n)*hour + 1}, []uint64{5 << 60})
	}
	for _, n := range []int{0, 1, 100, 1000} {
		if got := search(x, []uint64{5 << 60}, Time{0, int64(n)*hour - 1}); len(got) < n || len(got) > n+3 || !slices.IsSorted(got) {
			t.Errorf("%d found of %d", len(got), n)
		}
	}
	found := 0
	x.Search([]uint64{5 << 60}, Always(), func(uint32) bool { found++; return found < 10 })
	if found != 10 {
		t.Errorf("%d found by one who wants 10", found)
	}
}

// TestMoveLeavesNoTrace holds the entries after a move against those of an index made in one go.
func TestMoveLeavesNoTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := New()
		x.Insert(2, Time{1, hour}, []uint64{5 << 60})
		var at filed
		for range rapid.IntRange(1, 8).Draw(t, "moves") {
			to := filed{drawTime(t), drawCells(t)}
			x.Move(1, at.at, at.cells, to.at, to.cells)
			at = to
			want := New()
			want.Insert(2, Time{1, hour}, []uint64{5 << 60})
			want.Insert(1, to.at, to.cells)
			if !slices.Equal(x.tree.Items(), want.tree.Items()) || x.levels != want.levels || x.slots != want.slots {
				t.Fatalf("%v after moving to %v", x.tree.Items(), to)
			}
		}
	})
}

// TestFixedFindsAsIndex asks a fixed set and a tree of the same things, the fixed one twice: a search leaves nothing behind.
func TestFixedFindsAsIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := New()
		covers := make([][]uint64, rapid.SampledFrom([]int{0, 1, 5, 64, 130}).Draw(t, "things"))
		for i := range covers {
			covers[i] = drawCells(t)
			tree.Insert(uint32(i), Always(), covers[i])
		}
		fixed := NewFixed(covers)
		for range 2 {
			asked := Normalize(drawCells(t))
			got := []uint32{}
			for _, i := range fixed.Search(asked, nil) {
				got = append(got, uint32(i))
			}
			if want := search(tree, asked, Always()); !slices.Equal(got, want) {
				t.Fatalf("found %v, want %v", got, want)
			}
		}
	})
}

// TestTable changes a table and copies of it, and copies of those, each next to a plain map.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair struct {
			table Table[int]
			naive map[uint32]int
		}
		pairs := []pair{{naive: map[uint32]int{}}}
		number := rapid.SampledFrom([]uint32{0, 1, 15, 16, 1023, 1024, 65_535, 65_536, 99_999, Numbers - 1})
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			p := &pairs[rapid.IntRange(0, len(pairs)-1).Draw(t, "which")]
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				pairs = append(pairs, pair{p.table.Copy(), maps.Clone(p.naive)})
				continue
			}
			n := number.Draw(t, "number")
			p.table.Set(n, i+1)
			p.naive[n] = i + 1
		}
		for i := range pairs {
			for _, n := range []uint32{0, 1, 2, 15, 16, 17, 1023, 1024, 65_535, 65_536, 99_999, 500_000, Numbers - 1} {
				if got := pairs[i].table.Get(n); got != pairs[i].naive[n] {
					t.Fatalf("table %d of %d has %d at %d, want %d", i, len(pairs), got, n, pairs[i].naive[n])
				}
			}
		}
	})
}
