package geo_test

import "pgregory.net/rapid"

var digits = func() []int64 {
	d := make([]int64, 1024)
	for i := range d {
		d[i] = int64(i)
	}
	return d
}()

// even draws from lo to hi with the same chance for each: rapid's own ranges prefer small numbers, which makes flat
// triangles in a corner of the map.
func even(t *rapid.T, name string, lo, hi int32) int32 {
	v := int64(0)
	for n := int64(1); n <= 8*(int64(hi)-int64(lo)+1); n *= 1024 {
		v = v*1024 + rapid.SampledFrom(digits).Draw(t, name)
	}
	return int32(int64(lo) + v%(int64(hi)-int64(lo)+1))
}

func abs(v int64) int64 { return max(v, -v) }
