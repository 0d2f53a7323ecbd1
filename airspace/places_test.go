package airspace

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/airspace/index"
	"onevoice/geo"
)

// block is a thing that is all of a box, some altitudes and a time.
type block struct {
	tiles       []uint64
	box         geo.BBox
	low, high   int64
	begin, last int64
	ref         geo.Ref
	kind        kinds
}

func (b *block) covering() []uint64 { return b.tiles }

func (b *block) extent() extent {
	e := extent{kind: b.kind, beginNs: b.begin, endNs: b.last}
	e.setBox(b.box)
	e.setBand(b.low, b.high, b.ref)
	return e
}

// meets is what extents should say, in the words of geo and in wide numbers.
func (b *block) meets(o *block, crossRefCm int32) bool {
	slack := int64(crossRefCm)
	if b.ref == o.ref && b.ref != 0 {
		slack = 0
	}
	return b.kind&o.kind != 0 && b.box.Meets(o.box) && b.begin <= o.last && o.begin <= b.last && b.low <= o.high+slack && o.low <= b.high+slack
}

func drawBlock(t *rapid.T, grain index.Grain) *block {
	lat := rapid.SampledFrom([]int64{-900_000_000, 470_000_000, 900_000_000}).Draw(t, "lat") + rapid.Int64Range(-5, 5).Draw(t, "south")*1_000_000
	lon := rapid.SampledFrom([]int64{80_000_000, -1_800_000_000, 1_800_000_000, 5_400_000_000}).Draw(t, "lon") + rapid.Int64Range(-5, 5).Draw(t, "west")*1_000_000
	size := rapid.SampledFrom([]int64{0, 1, 1_000_000, 2_000_000, 40_000_000, 3_599_999_999, 3_600_000_000})
	b := &block{
		box:  geo.BBox{MinLat: lat, MinLon: lon, MaxLat: lat + size.Draw(t, "height"), MaxLon: lon + size.Draw(t, "width")},
		low:  rapid.Int64Range(-3, 3).Draw(t, "low") * 30_000,
		ref:  geo.Ref(rapid.IntRange(0, 2).Draw(t, "ref")),
		kind: kinds(rapid.IntRange(1, 3).Draw(t, "kind")),
	}
	b.box.MinLat, b.box.MaxLat = max(b.box.MinLat, -900_000_000), min(b.box.MaxLat, 900_000_000)
	b.box.MinLat, b.box.MaxLat = min(b.box.MinLat, 900_000_000), max(b.box.MaxLat, -900_000_000)
	b.high = rapid.SampledFrom([]int64{b.low, b.low + 30_000, geo.UnlimitedCm}).Draw(t, "high")
	b.begin = startNs + rapid.Int64Range(0, 10).Draw(t, "begin")*3600*second
	b.last = b.begin + rapid.SampledFrom([]int64{0, 1, 3600 * second, 30_000 * second}).Draw(t, "length")
	b.tiles = index.Tiles([]geo.BBox{b.box}, grain)
	return b
}

// TestPlaces files, moves and removes, and compares what is found with looking at everything, in the places and in a copy.
func TestPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlaces()
		held := map[uint32]*block{}
		check := func(p *places, held map[uint32]*block) {
			asked := drawBlock(t, index.Fine)
			e := asked.extent()
			got := map[uint32]*block{}
			p.find(asked.tiles, &e, DefaultCrossRefCm, func(n uint32, at *placed) bool {
				if got[n] != nil {
					t.Fatalf("%d was found twice", n)
				}
				got[n] = at.thing.(*block)
				return true
			})
			want := maps.Clone(held)
			maps.DeleteFunc(want, func(_ uint32, b *block) bool { return !b.meets(asked, DefaultCrossRefCm) })
			if !maps.Equal(got, want) {
				t.Fatalf("asked for %+v: found %v, want %v", asked, got, want)
			}
		}
		var old places
		var oldHeld map[uint32]*block
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			b := drawBlock(t, rapid.SampledFrom([]index.Grain{index.Coarse, index.Small}).Draw(t, "grain"))
			numbers := slices.Sorted(maps.Keys(held))
			switch what := rapid.IntRange(0, 3).Draw(t, "what"); {
			case what < 2 || len(numbers) == 0:
				n := p.file(b, b.extent())
				if held[n] != nil {
					t.Fatalf("number %d was given twice", n)
				}
				held[n] = b
			case what == 2:
				n := rapid.SampledFrom(numbers).Draw(t, "moved")
				p.move(n, b, b.extent())
				held[n] = b
			default:
				n := rapid.SampledFrom(numbers).Draw(t, "removed")
				p.remove(n)
				delete(held, n)
			}
			if i == 3 {
				old, oldHeld = p.copy(), maps.Clone(held)
			}
			check(&p, held)
		}
		if oldHeld != nil {
			check(&old, oldHeld)
		}
		for n := range held {
			p.remove(n)
		}
		if p.index.Len() != 0 {
			t.Fatalf("%d entries are left of nothing", p.index.Len())
		}
	})
}
