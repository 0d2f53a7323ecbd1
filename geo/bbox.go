package geo

// BBox is a closed box of longitudes and latitudes in 1e-7 degree. Longitudes are unwrapped: they may lie outside
// -180..180 degrees, so that MinLon <= MaxLon even across the antimeridian, and a box a whole turn wide or wider is
// all the way round.
type BBox struct{ MinLat, MinLon, MaxLat, MaxLon int64 }

// Meets reports whether two boxes have a point in common, whole turns of longitude aside.
func (b BBox) Meets(o BBox) bool {
	if b.MaxLat < o.MinLat || o.MaxLat < b.MinLat {
		return false
	}
	first, last := b.turns(o)
	return first <= last
}

// turns gives the first and last number of whole turns to add to o's longitudes so that they meet those of b; there
// are none when first > last.
func (b BBox) turns(o BBox) (first, last int64) {
	if d := b.MinLon - o.MaxLon; d <= 0 && b.MaxLon-o.MinLon >= 0 && d > -turnE7 && b.MaxLon-o.MinLon < turnE7 {
		return 0, 0
	}
	return -floorTurns(o.MaxLon - b.MinLon), floorTurns(b.MaxLon - o.MinLon)
}

// Grow gives a box that holds every place within lateralCm of this one: it may be a little larger than needed, never
// smaller. lateralCm must not be negative.
func (b BBox) Grow(lateralCm int32) BBox {
	r := reach(lateralCm)
	return b.grow(r, reachLon(r, max(-b.MinLat, b.MaxLat)))
}

func (b BBox) grow(lat, lon int64) BBox {
	return BBox{b.MinLat - lat, b.MinLon - lon, b.MaxLat + lat, b.MaxLon + lon}
}

// Union gives the smallest box that holds both as they are laid out, longitudes unwrapped.
func (b BBox) Union(o BBox) BBox {
	return BBox{min(b.MinLat, o.MinLat), min(b.MinLon, o.MinLon), max(b.MaxLat, o.MaxLat), max(b.MaxLon, o.MaxLon)}
}

// add makes the box hold a point too.
func (b *BBox) add(lon, lat int64) {
	b.MinLat, b.MaxLat = min(b.MinLat, lat), max(b.MaxLat, lat)
	b.MinLon, b.MaxLon = min(b.MinLon, lon), max(b.MaxLon, lon)
}

// shift moves the box by whole turns.
func (b BBox) shift(turns int64) BBox {
	b.MinLon += turns * turnE7
	b.MaxLon += turns * turnE7
	return b
}

// overlaps is Meets without turning.
func (b *BBox) overlaps(o *BBox) bool {
	return b.MinLon <= o.MaxLon && o.MinLon <= b.MaxLon && b.MinLat <= o.MaxLat && o.MinLat <= b.MaxLat
}

// emptyBox holds nothing until a point is added.
func emptyBox() BBox {
	const far = 1 << 60
	return BBox{far, far, -far, -far}
}

// PathBBox gives the box of a path of at least one point. A path all the way round, or further, gives a box a whole
// turn wide.
func PathBBox(path []Point4D) BBox {
	b := emptyBox()
	lon := int64(path[0].Pos.LonE7)
	b.add(lon, int64(path[0].Pos.LatE7))
	for i := 1; i < len(path); i++ {
		d, _ := shortWay(path[i-1].Pos.LonE7, path[i].Pos.LonE7)
		lon += d
		b.add(lon, int64(path[i].Pos.LatE7))
	}
	if b.MaxLon-b.MinLon >= turnE7 {
		b.MinLon, b.MaxLon = -halfE7, halfE7
	}
	return b
}

// floorTurns is how many whole turns a holds, rounded down.
func floorTurns(a int64) int64 {
	q := a / turnE7
	if a%turnE7 < 0 {
		q--
	}
	return q
}
