package geo

import "math/bits"

// shortWay gives the longitude difference from a to b the shorter way round, in -halfE7..halfE7 exclusive; ok is
// false when the two are exactly half a turn apart, for then neither way is the shorter.
func shortWay(a, b int32) (d int64, ok bool) {
	d = int64(b) - int64(a)
	switch {
	case d > halfE7:
		d -= turnE7
	case d < -halfE7:
		d += turnE7
	}
	return d, d != halfE7 && d != -halfE7
}

// cross gives the sign and magnitude of ax*by - ay*bx, exactly. Magnitudes of polygons and legs stay below 2^64: the
// differences of longitude met here are below 7.2e9 and 1.8e9, those of latitude below 1.8e9.
func cross(ax, ay, bx, by int64) (sign int, mag uint64) {
	const half = 1 << 31
	if (uint64(ax+half)|uint64(ay+half)|uint64(bx+half)|uint64(by+half))>>32 == 0 {
		v := ax*by - ay*bx
		switch {
		case v > 0:
			return 1, uint64(v)
		case v < 0:
			return -1, uint64(-v)
		}
		return 0, 0
	}
	h1, l1 := mul128(ax, by)
	h2, l2 := mul128(ay, bx)
	lo, borrow := bits.Sub64(l1, l2, 0)
	hi := h1 - h2 - int64(borrow)
	switch {
	case hi < 0:
		return -1, -lo
	case hi == 0 && lo == 0:
		return 0, 0
	}
	return 1, lo
}

// turn gives the side of point c seen along a to b: 1 left, -1 right, 0 on the line.
func turn(ax, ay, bx, by, cx, cy int64) int {
	sign, _ := cross(bx-ax, by-ay, cx-ax, cy-ay)
	return sign
}

// mul128 is the signed product in 128 bits.
func mul128(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	return int64(h) - (a>>63)&b - (b>>63)&a, l
}

// partUp gives dt*num/den rounded up; num <= den and den > 0.
func partUp(dt int64, num, den uint64) int64 {
	q, r := part(dt, num, den)
	if r != 0 {
		q++
	}
	return q
}

// partDown gives dt*num/den rounded down; num <= den and den > 0.
func partDown(dt int64, num, den uint64) int64 {
	q, _ := part(dt, num, den)
	return q
}

// part divides in 128 bits; the quotient fits because num <= den.
func part(dt int64, num, den uint64) (int64, uint64) {
	hi, lo := bits.Mul64(uint64(dt), num)
	q, r := bits.Div64(hi, lo, den)
	return int64(q), r
}

// rootDown gives the largest q with q*q <= v.
func rootDown(v uint64) int64 {
	q := rootUp(0, v)
	if hi, lo := bits.Mul64(q, q); hi > 0 || lo > v {
		q--
	}
	return int64(q)
}

// rootUp gives the least q with q*q >= hi:lo; hi is below 2^62.
func rootUp(hi, lo uint64) uint64 {
	if hi == 0 && lo == 0 {
		return 0
	}
	// Newton's steps from above go down to the floor of the root and stop there.
	n := bits.Len64(lo)
	if hi != 0 {
		n = 64 + bits.Len64(hi)
	}
	x := uint64(1) << ((n + 1) / 2)
	for {
		q, _ := bits.Div64(hi, lo, x)
		y := x&q + (x^q)>>1 // their mean, which their sum might be too large for
		if y >= x {
			break
		}
		x = y
	}
	if h, l := bits.Mul64(x, x); h < hi || h == hi && l < lo {
		x++
	}
	return x
}

// oneQ30 is 1 in the fixed point of cosDown.
const oneQ30 = 1 << 30

// cosDown gives the cosine of a latitude in units of 2^-30, never more than the true one and less than it by at most
// 64 units; at the poles and beyond it gives 0. It is the Taylor series to the 14th power.
func cosDown(latE7 int64) int64 {
	if latE7 < 0 {
		latE7 = -latE7
	}
	if latE7 >= quarterE7 {
		return 0
	}
	// 2^62 * pi / 1.8e9: latitude times this is radians in units of 2^-62.
	const radQ62 = 8_048_910_509
	x := latE7 * radQ62 >> 32
	y := x * x >> 30
	acc := int64(oneQ30)
	for _, k := range [...]int64{182, 132, 90, 56, 30, 12, 2} {
		acc = oneQ30 - ((y*acc)>>30)/k
	}
	return max(acc-32, 0)
}

// latUnitMicroCm is the length of 1e-7 degree of latitude where it is shortest, at the equator of WGS84, in
// micro-centimetres rounded down. Measuring with it makes every distance come out at or below its true length.
const latUnitMicroCm = 1_105_742

// reach turns a lateral distance into 1e-7 degree of latitude, rounded up.
func reach(cm int32) int64 {
	return (int64(cm)*1_000_000 + latUnitMicroCm - 1) / latUnitMicroCm
}

// reachLon turns a reach into 1e-7 degree of longitude for places up to the given latitude, rounded up. It is never
// more than half a turn, which is as far as two places can be apart; near a pole it is that.
func reachLon(r, latE7 int64) int64 {
	if r == 0 {
		return 0
	}
	c := cosDown(max(latE7, -latE7) + r)
	if c == 0 {
		return halfE7
	}
	return min(r*oneQ30/c+1, halfE7)
}
