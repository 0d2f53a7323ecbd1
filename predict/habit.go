package predict

import (
	"math"
)

const (
	nearM        = 20_000           // how far from an aircraft a route that it may take passes
	nearTurn     = 50.0             // degrees, by how much the headings may differ
	nearEndM     = 60_000           // how far apart the ends may lie
	sigmaM       = 8_000.0          // how fast a route counts for less with its distance
	sigmaTurn    = 10.0             // and with the difference of headings
	sigmaEndM    = 6_000.0          // and with that of the ends
	sigmaChangeM = 500.0            // and for altitudes with that of the change of level
	priorWeight  = 0.2              // of the course of which nothing is learned
	planWeight   = 1.0              // and of that of a flight not heard yet: its plan is as good as one flight on the same way
	leastWeight  = 1e-6             // a route that counts for less is left out
	maxGapNs     = int64(10 * 60e9) // a longer pause ends a flight
	shortestM    = 10_000           // a shorter rest of a route says nothing
)

// learned gives the courses of earlier flights that passed near the aircraft on about its heading, and that ended, or are planned to
// end, near its destination.
func (p *Predictor) learned(self *track, m *motion, end target) []course {
	var list []course
	near := reachOf(m.at)
	for _, t := range p.tracks {
		if t == self || !near.box(t) {
			continue
		}
		at, far := near.nearest(t, m)
		if at < 0 {
			continue
		}
		its := p.endOf(t)
		weight := math.Exp(-far/2) * bell(its.distance(end.place)/sigmaEndM)
		if weight < leastWeight {
			continue
		}
		if c := t.from(at, m, end, its.altM); c.last().along >= shortestM {
			c.weight = weight
			list = append(list, c)
		}
	}
	return list
}

// reach is what lies near a place, in degrees.
type reach struct {
	place
	north, east float64
}

func reachOf(p place) reach {
	north := nearM / metresPerDegree
	return reach{p, north, north / math.Max(math.Cos(p.lat*radians), 0.05)}
}

// box reports whether any fix of a track may be near.
func (r *reach) box(t *track) bool {
	return len(t.fixes) >= 2 && r.lat >= t.south-r.north && r.lat <= t.north+r.north && r.lon >= t.west-r.east && r.lon <= t.east+r.east
}

// nearest is the fix at which a track passes nearest, in place and heading; -1 where it does not pass near.
func (r *reach) nearest(t *track, m *motion) (at int, far float64) {
	at, far = -1, math.Inf(1)
	for i := 0; i+1 < len(t.fixes); i++ {
		f, next := &t.fixes[i], &t.fixes[i+1]
		north, east := f.place.lat-r.lat, f.place.lon-r.lon
		if math.Abs(north) > r.north || math.Abs(east) > r.east || next.AtNs-f.AtNs > maxGapNs {
			continue
		}
		off := 0.0
		if !math.IsNaN(m.track) {
			if off = math.Abs(turn(m.track, f.place.to(next.place).bearing())); off > nearTurn {
				continue
			}
			off /= sigmaTurn
		}
		d := math.Hypot(north, east*r.north/r.east) * metresPerDegree / sigmaM
		if d = d*d + off*off; d < far {
			at, far = i, d
		}
	}
	return at, far
}

// from is the rest of a track as the course of another aircraft, to that one's destination. Its times are scaled by the speeds
// of the two.
func (t *track) from(at int, m *motion, end target, altM float64) course {
	var c course
	first := &t.fixes[at]
	scale := 1.0
	if own, ok := motionOf(t.fixes[:at+1]); ok {
		scale = max(0.7, min(1.4, own.speed/m.speed))
	}
	for i := at; i < len(t.fixes); i++ {
		f := &t.fixes[i]
		if i > at && f.AtNs-t.fixes[i-1].AtNs > maxGapNs {
			break
		}
		c.add(f.place, altitudeM(f), float64(f.AtNs-first.AtNs)/1e9*scale)
	}
	c.addAt(end.place, altM, m.speed)
	return c
}
