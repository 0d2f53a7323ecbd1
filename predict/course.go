package predict

import (
	"cmp"
	"math"
	"slices"
)

// course is a way on: places with altitude, distance over ground and seconds from the first.
type course struct {
	points []point
	weight float64
}

type point struct {
	place
	altM, along, seconds float64
}

// target is where a flight ends as planned.
type target struct {
	place
	altM float64
}

func (c *course) add(p place, altM, seconds float64) {
	along := 0.0
	if n := len(c.points); n > 0 {
		last := &c.points[n-1]
		along = last.along + last.distance(p)
	}
	c.points = append(c.points, point{p, altM, along, seconds})
}

// addAt adds a place that is reached at a speed.
func (c *course) addAt(p place, altM, speed float64) {
	last := &c.points[len(c.points)-1]
	c.add(p, altM, last.seconds+last.distance(p)/speed)
}

func (c *course) last() *point { return &c.points[len(c.points)-1] }

// at is where the course is after a distance; i is where a search may begin, and the leg that was found comes back.
func (c *course) at(metres float64, i int) (point, int) {
	last := len(c.points) - 1
	for i+1 < last && c.points[i+1].along < metres {
		i++
	}
	if i+1 > last || metres >= c.points[last].along {
		return c.points[last], i
	}
	a, b := &c.points[i], &c.points[i+1]
	if b.along <= a.along {
		return *b, i
	}
	part := (metres - a.along) / (b.along - a.along)
	return point{a.add(a.to(b.place).times(part)), a.altM + part*(b.altM-a.altM), metres, a.seconds + part*(b.seconds-a.seconds)}, i
}

// keepShare is which share of the way left an aircraft keeps to its heading.
const keepShare = 0.5

// ahead is the course of which nothing is learned: some of the way on as the aircraft is heading, then to the destination.
func ahead(m *motion, end target) course {
	var c course
	c.add(m.at, m.altM, 0)
	left := m.at.to(end.place)
	length := left.length()
	if length > 1 && !math.IsNaN(m.track) {
		// An aircraft that flies away from its destination will turn, and does so within a short way.
		along := heading(m.track, 1)
		if keep := max(0, along.dot(left)/length) * length * keepShare; keep > 1 {
			c.addAt(m.at.add(along.times(keep)), m.altM, m.speed)
		}
	}
	c.addAt(end.place, m.altM, m.speed)
	v := changeOf(m, end, c.last().seconds)
	c.levelled(&v)
	return c
}

const (
	stepM    = 4_000   // between two places of a mixed course
	detailM  = 400_000 // beyond which it goes straight to the destination
	maxSteps = detailM / stepM
	fadeM    = 60_000 // over which the way from the aircraft to a course fades
)

// mix gives the middle of courses by their weights. Each is laid so that it begins where the aircraft is, and comes back to where it
// is over fadeM.
func mix(m *motion, end target, list []course) course {
	var out course
	out.add(m.at, m.altM, 0)
	x := newMixer(m, end, list)
	length := x.middle(func(c *course) float64 { return c.last().along })
	for k := 1; k <= maxSteps && float64(k)*stepM < length; k++ {
		out.points = append(out.points, x.at(float64(k)*stepM))
	}
	last := *out.last()
	seconds := x.middle(func(c *course) float64 { return c.last().seconds })
	straight := last.distance(end.place)
	out.points = append(out.points, point{end.place, end.altM, max(length, last.along+straight), max(seconds, last.seconds+straight/m.speed/2)})
	for i := 1; i < len(out.points); i++ {
		out.points[i].seconds = max(out.points[i].seconds, out.points[i-1].seconds)
	}
	if m.changing(end) {
		v := changeOf(m, end, out.last().seconds)
		out.levelled(&v)
	}
	return out
}

// mixer holds courses against one another at one distance after the other.
type mixer struct {
	m                                 *motion
	list                              []course
	legs                              []int
	change                            float64
	axis                              vector // to the destination, one metre
	alongs, sides, seconds, parts, of []weighed
}

func newMixer(m *motion, end target, list []course) *mixer {
	x := &mixer{m: m, list: list, legs: make([]int, len(list)), change: end.altM - m.altM}
	x.axis = m.at.to(end.place)
	if l := x.axis.length(); l > 0 {
		x.axis = x.axis.times(1 / l)
	}
	return x
}

func (x *mixer) middle(of func(*course) float64) float64 {
	x.of = x.of[:0]
	for i := range x.list {
		x.of = append(x.of, weighed{of(&x.list[i]), x.list[i].weight})
	}
	return median(x.of)
}

// at is the middle after a distance.
func (x *mixer) at(metres float64) point {
	x.alongs, x.sides, x.seconds, x.parts = x.alongs[:0], x.sides[:0], x.seconds[:0], x.parts[:0]
	for i := range x.list {
		c := &x.list[i]
		var p point
		p, x.legs[i] = c.at(metres, x.legs[i])
		way := x.m.at.to(p.place)
		if fade := 1 - metres/fadeM; fade > 0 {
			way = way.plus(c.points[0].to(x.m.at).times(fade))
		}
		x.alongs = append(x.alongs, weighed{way.dot(x.axis), c.weight})
		x.sides = append(x.sides, weighed{x.axis.cross(way), c.weight})
		x.seconds = append(x.seconds, weighed{p.seconds, c.weight})
		if all := c.last().altM - c.points[0].altM; math.Abs(all) > changeM && all*x.change > 0 {
			x.parts = append(x.parts, weighed{(p.altM - c.points[0].altM) / all, c.weight * bell((all-x.change)/sigmaChangeM)})
		}
	}
	a, b := median(x.alongs), median(x.sides)
	out := point{x.m.at.add(vector{a*x.axis.east - b*x.axis.north, a*x.axis.north + b*x.axis.east}), x.m.altM, metres, median(x.seconds)}
	if len(x.parts) > 0 {
		out.altM += x.change * median(x.parts)
	}
	return out
}

// weighed is a number with a weight.
type weighed struct{ v, w float64 }

// median gives the weighted median of at least one number; it sorts list.
func median(list []weighed) float64 {
	slices.SortFunc(list, func(a, b weighed) int { return cmp.Or(cmp.Compare(a.v, b.v), cmp.Compare(a.w, b.w)) })
	total, sum := 0.0, 0.0
	for _, x := range list {
		total += x.w
	}
	for i, x := range list {
		sum += x.w
		if i+1 < len(list) && sum == total/2 {
			return (x.v + list[i+1].v) / 2
		}
		if sum >= total/2 {
			return x.v
		}
	}
	return list[len(list)-1].v
}

func bell(x float64) float64 { return math.Exp(-x * x / 2) }
