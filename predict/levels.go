package predict

import "math"

// change is the one change of level that a course has: level until beginS, even until endS, level after; in seconds from the
// aircraft on.
type change struct {
	fromM, toM, beginS, endS float64
}

const (
	usualM    = 304.8 // usual levels are the multiples of 1,000 ft
	usualOffM = 16.0  // how far from one an aircraft that flies it may be
	climbMps  = 5.0   // how fast is climbed where it is not seen
	sinkMps   = 6.0   // and descended
	climbLate = 60.0  // seconds after which a flight on a usual level begins to climb
	sinkEarly = 120.0 // seconds before its end at which a flight has come down to a usual level
	levelMps  = 1.5   // a slower change of altitude is level flight
	changeM   = 150.0 // a smaller change of level is none
)

// usual reports whether an altitude is a usual level. An aircraft on another one climbs or descends.
func usual(altM float64) bool {
	return math.Abs(altM-math.Round(altM/usualM)*usualM) <= usualOffM
}

// changeOf is the change of level that is left to an aircraft that flies for so many seconds. One that is on its way to its level goes
// on as it does. Else a climb is early and a descent late: high is cheap.
func changeOf(m *motion, end target, seconds float64) change {
	v := change{fromM: m.altM, toM: end.altM}
	all := end.altM - m.altM
	unheard := math.IsNaN(m.track)
	switch {
	case m.changing(end):
		v.endS = all / m.climb
	case all >= 0:
		if usual(m.altM) || !unheard {
			v.beginS = climbLate
		}
		v.endS = v.beginS + all/climbMps
	case unheard && !usual(m.altM):
		v.endS = -all / sinkMps
	default:
		v.endS = seconds
		if usual(end.altM) {
			v.endS = max(0, seconds-sinkEarly)
		}
		v.beginS = max(0, v.endS+all/sinkMps)
	}
	return v
}

// changing reports whether an aircraft is on its way to its level.
func (m *motion) changing(end target) bool {
	return math.Abs(m.climb) > levelMps && m.climb*(end.altM-m.altM) > 0
}

func (v *change) at(seconds float64) float64 {
	switch {
	case seconds >= v.endS:
		return v.toM
	case seconds <= v.beginS:
		return v.fromM
	}
	return v.fromM + (v.toM-v.fromM)*(seconds-v.beginS)/(v.endS-v.beginS)
}

// levelled gives a course the altitudes of a change, with points where it begins and ends.
func (c *course) levelled(v *change) {
	old := c.points
	c.points = make([]point, 0, len(old)+2)
	for i, q := range old {
		for _, s := range [2]float64{v.beginS, v.endS} {
			if i == 0 {
				break
			}
			if last := c.last(); last.seconds < s && s < q.seconds {
				part := (s - last.seconds) / (q.seconds - last.seconds)
				c.points = append(c.points, point{last.add(last.to(q.place).times(part)), v.at(s), last.along + part*(q.along-last.along), s})
			}
		}
		q.altM = v.at(q.seconds)
		c.points = append(c.points, q)
	}
}
